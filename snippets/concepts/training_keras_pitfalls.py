# --8<-- [start:integer-labels]
wrong = build_model(32)
wrong.compile(optimizer="adam", loss="categorical_crossentropy")
wrong.fit(x_train, y_train, verbose=0)
# --8<-- [end:integer-labels]
