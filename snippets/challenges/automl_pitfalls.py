# --8<-- [start:cost]
import time

def milliseconds(task):
    """task() 用去的毫秒数。"""
    start = time.perf_counter()
    task()
    return (time.perf_counter() - start) * 1e3

print(f"训练一次 {milliseconds(lambda: list(train(split))):.1f} ms；提一组建议并记账：")
journal = optuna.storages.JournalStorage(
    optuna.storages.journal.JournalFileBackend("cost.log"))
for name, storage in (("内存", None), ("日志文件", journal), ("sqlite", "sqlite:///cost.db")):
    empty = optuna.create_study(storage=storage, sampler=TPESampler(seed=SEED))
    spent = milliseconds(lambda: empty.optimize(lambda t: suggest(t)["damping"], n_trials=20))
    print(f"  {name} {spent / 20:.1f} ms")
# --8<-- [end:cost]

# --8<-- [start:slow-starter]
marks = (3, 9, 27, 81)

def long_run(trial):
    """训 81 遍，只调学习率。"""
    rate = trial.suggest_float("learning_rate", 0.05, 2, log=True)
    for epoch, flat in enumerate(train(split, rate, epochs=marks[-1]), 1):
        if epoch in marks:
            trial.report(value := mean_loss(flat, split["val"]), epoch)
            if epoch < marks[-1] and trial.should_prune():
                raise optuna.TrialPruned
    return value

for name, pruner in (("剪枝", halving), ("不剪", NopPruner())):
    study = optuna.create_study(pruner=pruner)
    for rate in (0.6, 0.8, 1.0, 0.1):
        study.enqueue_trial({"learning_rate": rate})
    study.optimize(long_run, n_trials=4)
    chosen, stopped = study.best_params["learning_rate"], study.trials[3].last_step
    print(f"{name}：选中学习率 {chosen}；0.1 训到第 {stopped} 遍")
for trial in study.trials:
    losses = "，".join(f"{trial.intermediate_values[mark]:.2f}" for mark in marks)
    print(f"学习率 {trial.params['learning_rate']}，第 3、9、27、81 遍的验证损失：{losses}")
assert chosen == 0.1 and stopped == 81
# --8<-- [end:slow-starter]

# --8<-- [start:wrong-scale]
decays = np.geomspace(1e-6, 1e-1, 31)
losses = np.array([mean_loss(list(train(split, weight_decay=decay))[-1], split["val"])
                   for decay in decays])
limit = decays[losses > 1.1 * losses.min()].min()  # 从这里起，损失比最好的差一成以上
print(f"权重衰减不到 {limit:.4f} 才好")
hits = {}
for log in (True, False):
    study = optuna.create_study(sampler=RandomSampler(seed=SEED))
    study.optimize(lambda t: t.suggest_float("decay", 1e-6, 1e-1, log=log), n_trials=1000)
    hits[log] = np.mean([trial.value < limit for trial in study.trials])
    print(f"log={log}：{hits[log]:.2f} 的试验落在好的一段")
assert hits[False] < 0.15 < 0.5 < hits[True]
# --8<-- [end:wrong-scale]

# --8<-- [start:importance]
names = ("learning_rate", "weight_decay", "init_scale")
space = {name: optuna.distributions.FloatDistribution(1e-7, 100, log=True) for name in names}
for low, high in ((1e-4, 10), (0.05, 0.5)):
    study = optuna.create_study()
    for setting, value in zip(settings, table.ravel()):
        if low <= setting[0] <= high:
            study.add_trial(optuna.create_trial(
                params=dict(zip(names, map(float, setting))), distributions=space,
                value=float(np.log(value))))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=SEED)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    line = "，".join(f"{name} {shares[name]:.2f}" for name in names)
    print(f"学习率在 {low}–{high}：{line}")
assert shares["weight_decay"] > 0.9
# --8<-- [end:importance]

# --8<-- [start:same-name]
trial = optuna.create_study(sampler=RandomSampler(seed=SEED)).ask()
first = trial.suggest_int("hidden_size", 4, 64)
second = trial.suggest_int("hidden_size", 128, 512)  # 想要第二层的宽度
print(f"第二层落在 128–512 里：{128 <= second <= 512}；与第一层相同：{second == first}")
# --8<-- [end:same-name]

# --8<-- [start:same-seed]
storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("again.log"))

def session(seed):
    """模拟一个进程：打开库，随机试 8 次；返回库里不同的学习率有几个。"""
    study = optuna.create_study(storage=storage, study_name="again", load_if_exists=True,
                                sampler=RandomSampler(seed=seed))
    study.optimize(lambda trial: suggest(trial)["damping"], n_trials=8)
    return len({trial.params["learning_rate"] for trial in study.trials})

print(f"第一次 {session(SEED)} 组，重启后共 {session(SEED)} 组，换个种子重启后共 {session(SEED + 1)} 组")
# --8<-- [end:same-seed]

# --8<-- [start:changed-choices]
study = optuna.create_study()
study.ask().suggest_categorical("activation", ["tanh", "relu"])
study.ask().suggest_categorical("activation", ["tanh", "relu", "gelu"])  # 后来想加一个
# --8<-- [end:changed-choices]

# --8<-- [start:nothing-completed]
def always_pruned(trial):
    """阈值设得太严：没有一次训到最后。"""
    raise optuna.TrialPruned

study = optuna.create_study()
study.optimize(always_pruned, n_trials=3)
study.best_params
# --8<-- [end:nothing-completed]
