# --8<-- [start:setup]
"""全连接分类器：每处缺陷的修正各成一段，缺陷本身在 errata_keras_pitfalls.py。"""

import warnings

import keras
import numpy as np

SEED = 42

points_per_class = 80  # 每一类的样本数，三类共 240 个
noise = 0.6  # 各点离类中心的标准差；类中心之间相距约 2.8

keras.utils.set_random_seed(SEED)
# --8<-- [end:setup]

# --8<-- [start:make-data]
rng = np.random.default_rng(SEED)
centers = 2.0 * np.eye(4, dtype="float32")[:3]  # (3, 4)：三个类中心，四个特征
y = np.repeat(np.arange(3), points_per_class)  # (240,) int64，整数标签
x = (centers[y] + noise * rng.normal(size=(len(y), 4))).astype("float32")  # (240, 4)

order = rng.permutation(len(y))
train, val, test = np.split(order, [120, 180])  # 训练、验证、测试：互不相交
x_train, y_train = x[train], y[train]
x_val, y_val = x[val], y[val]
x_test, y_test = x[test], y[test]

input_shape = x_train.shape[1:]  # 元组 (4,)，从数据读出
num_classes = int(y_train.max()) + 1  # 3，标签从 0 编起

assert set(train).isdisjoint(val) and set(val).isdisjoint(test) and set(train).isdisjoint(test)
assert set(y_train) == set(range(num_classes)), "训练集里每一类都要有样本"
print("输入形状", input_shape, "类数", num_classes)
print("训练、验证、测试样本数", len(x_train), len(x_val), len(x_test))
# --8<-- [end:make-data]

# --8<-- [start:build-model]
def init(offset):
    """返回由 SEED 定的 Glorot 初始化器；offset (int) 让各层取不同的数。"""
    return keras.initializers.GlorotUniform(seed=SEED + offset)


def build_classifier(width, loss):
    """返回编译好的 softmax 分类器。

    参数：width 是输出的宽度 (int)；loss 是 Keras 的损失名 (str)。
    输入 (B, 4) float32，输出 (B, width) float32，每行和为 1。
    异常：标签的形状与损失不合时，由 fit 抛出 ValueError。
    """
    model = keras.Sequential(
        [
            keras.Input(shape=input_shape),  # 形状就是元组，外面不再套一层
            keras.layers.Dense(16, activation="relu", kernel_initializer=init(0)),
            keras.layers.Dense(width, activation="softmax", kernel_initializer=init(1)),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.02),
        loss=loss,
        metrics=["accuracy"],
        jit_compile=False,  # 网络这么小，编译比训练还久
    )
    return model
# --8<-- [end:build-model]

# --8<-- [start:sparse-labels]
sparse_model = build_classifier(num_classes, "sparse_categorical_crossentropy")
sparse_history = sparse_model.fit(
    x_train, y_train, epochs=15, batch_size=16, shuffle=False,
    validation_data=(x_val, y_val), verbose=0,
)
_, sparse_accuracy = sparse_model.evaluate(x_test, y_test, verbose=0)

assert sparse_accuracy > 0.8  # 三类均匀，瞎猜是 1/3
print(f"整数标签：测试准确率 {sparse_accuracy:.2f}")
# --8<-- [end:sparse-labels]

# --8<-- [start:one-hot-labels]
one_hot_train = keras.utils.to_categorical(y_train, num_classes)  # (120,) -> (120, 3)
one_hot_model = build_classifier(num_classes, "categorical_crossentropy")
one_hot_history = one_hot_model.fit(
    x_train, one_hot_train, epochs=15, batch_size=16, shuffle=False, verbose=0
)

gap = np.abs(np.subtract(one_hot_history.history["loss"], sparse_history.history["loss"])).max()
assert one_hot_train.shape == (120, num_classes) and (one_hot_train.sum(axis=1) == 1).all()
assert gap < 1e-3, "两种写法是同一个损失"
print("独热标签的形状", one_hot_train.shape)
print("两条损失曲线最大相差小于 0.001：", bool(gap < 1e-3))
# --8<-- [end:one-hot-labels]

# --8<-- [start:check-width]
for model in (sparse_model, one_hot_model):
    assert model.output_shape == (None, num_classes), "输出宽度要等于类数"
assert y.min() >= 0 and y.max() < num_classes, "标签要落在 0 … 类数 − 1"
print("输出形状", one_hot_model.output_shape)
# --8<-- [end:check-width]

# --8<-- [start:two-classes]
two = y_train < 2  # 只留前两类
is_second = y_train[two].reshape(-1, 1).astype("float32")  # (N, 1)，0 或 1
binary_model = keras.Sequential(
    [keras.Input(shape=input_shape), keras.layers.Dense(1, activation="sigmoid")]
)
binary_model.compile(
    optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy", jit_compile=False
)
binary_losses = binary_model.fit(x_train[two], is_second, epochs=15, verbose=0).history["loss"]

assert binary_losses[-1] < 0.7 * binary_losses[0]  # 损失真的在降
print("sigmoid 配 binary_crossentropy，损失在降：", binary_losses[-1] < 0.7 * binary_losses[0])
# --8<-- [end:two-classes]

# --8<-- [start:input-layer]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    clean_model = build_classifier(num_classes, "sparse_categorical_crossentropy")

assert clean_model.input_shape == (None, 4)
assert len(caught) == 0
print("模型的输入形状", clean_model.input_shape, "警告数", len(caught))
# --8<-- [end:input-layer]
