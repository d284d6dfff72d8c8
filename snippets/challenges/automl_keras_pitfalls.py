# --8<-- [start:keras-reused-project]
before = len(ledger)
wider = DigitsTuner(
    lambda hp: build_model(hp), objective=keras_tuner.Objective("val_loss", "min"),
    max_epochs=30, factor=3, seed=SEED + 1, directory="tuning", project_name="digits")
wider.search(verbose=0)
same = wider.oracle.get_best_trials()[0].score == tuner.oracle.get_best_trials()[0].score
print(f"新训练 {len(ledger) - before} 次；最好的分数与上次相同：{same}")
# --8<-- [end:keras-reused-project]
