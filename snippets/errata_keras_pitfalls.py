# --8<-- [start:undefined-input-shape]
keras.Input(shape=(input_shape,))
# --8<-- [end:undefined-input-shape]

# --8<-- [start:undefined-num-classes]
keras.layers.Dense(num_classes, activation="softmax")
# --8<-- [end:undefined-num-classes]

# --8<-- [start:undefined-x-train]
keras.Sequential([keras.layers.Dense(3)]).fit(x_train, None)
# --8<-- [end:undefined-x-train]

# --8<-- [start:undefined-y-train]
x_train = np.zeros((8, 4), dtype="float32")
keras.Sequential([keras.layers.Dense(3)]).fit(x_train, y_train)
# --8<-- [end:undefined-y-train]

# --8<-- [start:undefined-x-val]
x_train, y_train = np.zeros((8, 4), dtype="float32"), np.zeros(8)
keras.Sequential([keras.layers.Dense(3)]).fit(x_train, y_train, validation_data=(x_val, None))
# --8<-- [end:undefined-x-val]

# --8<-- [start:undefined-y-val]
x_train, y_train, x_val = np.zeros((8, 4)), np.zeros(8), np.zeros((4, 4))
keras.Sequential([keras.layers.Dense(3)]).fit(x_train, y_train, validation_data=(x_val, y_val))
# --8<-- [end:undefined-y-val]

# --8<-- [start:integer-labels]
model = build_classifier(num_classes, "categorical_crossentropy")
model.fit(x_train, y_train, epochs=1, verbose=0)  # 标签 (120,)，输出 (B, 3)
# --8<-- [end:integer-labels]

# --8<-- [start:narrow-output]
model = build_classifier(num_classes - 1, "categorical_crossentropy")
model.fit(x_train, one_hot_train, epochs=1, verbose=0)  # 标签 (120, 3)，输出 (B, 2)
# --8<-- [end:narrow-output]

# --8<-- [start:width-one]
two = y_train < 2  # 两类的任务
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = build_classifier(1, "categorical_crossentropy")
    before = [weight.copy() for weight in model.get_weights()]
    history = model.fit(x_train[two], y_train[two].reshape(-1, 1), epochs=5, verbose=0)
    outputs = model.predict(x_train[two], verbose=0)  # (B, 1)

moved = any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
largest_loss = max(history.history["loss"])
all_ones = np.allclose(outputs, 1, rtol=0, atol=1e-6)  # 有的 CPU 上 softmax 差一个 float32 的末位
assert largest_loss < 1e-6 and all_ones
assert moved and len(caught) > 0
print(f"五遍里最大的损失 {largest_loss:.4f}")
print("输出全是 1：", all_ones, "权重却在动：", moved)
# --8<-- [end:width-one]

# --8<-- [start:nested-shape]
keras.Sequential([keras.layers.Dense(16, input_shape=(input_shape,))])  # ((4,),)
# --8<-- [end:nested-shape]

# --8<-- [start:shape-warning]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    keras.layers.Dense(16, input_shape=input_shape)

assert len(caught) == 1 and caught[0].category is UserWarning
print(str(caught[0].message).split(". ")[0])
# --8<-- [end:shape-warning]
