# --8<-- [start:setup]
import math
import tempfile
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.stats import binomtest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

SEED = 42
keras.utils.set_random_seed(SEED)  # Python、NumPy、TensorFlow 三个种子一起设
devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
device = devices[0].name  # Keras 自己也会选它，写出来是为了看得见
BATCH_SIZE = 64  # 每一步看多少张图
EPOCHS = 30  # 最多把训练集过多少遍
PATIENCE = 5  # 验证损失连续多少遍不创新低就停
LEARNING_RATE = 3e-3  # Adam 的步长
HIDDEN_SIZES = (32, 128, 512)  # 候选的隐藏层宽度，由验证集挑选
NUM_CLASSES = 10
# --8<-- [end:setup]

# --8<-- [start:step-1-preprocess]
digits = load_digits()
features = (digits.data / 16).astype(np.float32)  # (N, 64)，像素 0–16 缩到 0–1
labels = digits.target  # (N,)，整数 0–9
split = partial(train_test_split, test_size=360, random_state=SEED)  # 每次切出 360 张
pool, test_idx = split(np.arange(len(labels)), stratify=labels)
train_idx, val_idx = split(pool, stratify=labels[pool])
assert len({*train_idx, *val_idx, *test_idx}) == len(labels)  # 三份不相交，合起来是全部
x_train, y_train = features[train_idx], labels[train_idx]
x_val, y_val = features[val_idx], labels[val_idx]
x_test, y_test = features[test_idx], labels[test_idx]
print(f"训练 {len(x_train)}，验证 {len(x_val)}，测试 {len(x_test)}")
# --8<-- [end:step-1-preprocess]

# --8<-- [start:step-2-initialise]
def build_model(hidden_size, learning_rate=LEARNING_RATE, dropout=0.5):
    """两层感知机：输入 (B, 64) float32，输出 (B, 10) float32 的 logits，没有 softmax。

    权重按 He 等人（2015）；损失收整数标签，自己做 softmax（from_logits=True）。
    """
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(hidden_size, activation="relu", kernel_initializer="he_normal"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(NUM_CLASSES, kernel_initializer="he_normal"),
        ],
        name="digits",
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model

model = build_model(HIDDEN_SIZES[-1])
print("参数个数：", model.count_params())
# --8<-- [end:step-2-initialise]

# --8<-- [start:step-3-forward]
with tf.device(device):
    x_batch, y_batch = tf.constant(x_train[:BATCH_SIZE]), tf.constant(y_train[:BATCH_SIZE])
    with tf.GradientTape() as tape:  # 从这里起，对参数做的运算都记在带子上
        logits = model(x_batch, training=False)  # (B, 10)；先不用 dropout，好让下面能手算
        loss = model.loss(y_batch, logits)  # 标量
log_probs = tf.nn.log_softmax(logits)  # (B, 10)
by_hand = -tf.reduce_mean(tf.gather(log_probs, y_batch, axis=1, batch_dims=1))
np.testing.assert_allclose(loss, by_hand, rtol=1e-4)
print(f"损失 {float(loss):.2f}；均匀乱猜是 ln 10 = {math.log(10):.2f}")
# --8<-- [end:step-3-forward]

# --8<-- [start:step-4-backward]
gradients = tape.gradient(loss, model.trainable_variables)  # [W1, b1, W2, b2]
dense, output = model.layers[0], model.layers[-1]
hidden = dense(x_batch)  # (B, H)
d_logits = (tf.nn.softmax(logits) - tf.one_hot(y_batch, NUM_CLASSES)) / BATCH_SIZE  # (B, 10)
d_hidden = d_logits @ tf.transpose(output.kernel) * tf.cast(hidden > 0, tf.float32)  # (B, H)
for name, inputs, delta, gradient in (
    ("输出层", hidden, d_logits, gradients[2]),
    ("隐藏层", x_batch, d_hidden, gradients[0]),
):
    by_hand = tf.transpose(inputs) @ delta  # Keras 的权重是 (输入, 输出)，与 PyTorch 相反
    np.testing.assert_allclose(gradient, by_hand, atol=1e-5, rtol=1e-4)
    print(f"{name}：手算与 GradientTape 最多差 {np.abs(gradient - by_hand).max():.5f}")
squared_norm = sum(float(tf.reduce_sum(g**2)) for g in gradients)
for variable, gradient in zip(model.trainable_variables, gradients):
    variable.assign_sub(1e-3 * gradient)  # w ← w − 0.001 · 梯度
drop = float(loss - model.loss(y_batch, model(x_batch, training=False)))
print(f"走一步，损失少了 {drop:.4f}；一阶估计 0.001·‖g‖² = {1e-3 * squared_norm:.4f}")
assert abs(drop / (1e-3 * squared_norm) - 1) < 0.1
# --8<-- [end:step-4-backward]

# --8<-- [start:train-loop]
def train(model, x, y, epochs=EPOCHS, patience=PATIENCE):
    """就地训练，停后换回验证损失最低时的权重；x (N, 64) float32，y (N,) 整数。

    返回字典，键为 loss、accuracy、val_loss、val_accuracy，值是每遍一个数的列表。
    """
    stopper = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    return model.fit(
        x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[stopper],
        validation_data=(x_val, y_val), validation_batch_size=len(y_val),
    ).history
# --8<-- [end:train-loop]

# --8<-- [start:choose-on-validation]
candidates = {}
for hidden_size in HIDDEN_SIZES:
    candidate = build_model(hidden_size)
    candidates[hidden_size] = (candidate, train(candidate, x_train, y_train))
    val_loss, val_accuracy = candidate.evaluate(x_val, y_val, verbose=0)
    print(f"宽 {hidden_size:3d}：验证损失 {val_loss:.3f}，验证准确率 {val_accuracy:.3f}")
best_size = min(candidates, key=lambda size: min(candidates[size][1]["val_loss"]))
model = candidates[best_size][0]
# --8<-- [end:choose-on-validation]

# --8<-- [start:learning-curves]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(6.4, 3.6), layout="constrained")
    ax = fig.subplots()
    for color, (hidden_size, (_, history)) in zip(("C0", "C1", "C2"), candidates.items()):
        val_curve = np.array(history["val_loss"])  # (epochs,)
        ax.plot(history["loss"], "--", color=color, linewidth=1)
        ax.plot(val_curve, color=color, label=f"hidden_size={hidden_size}")
        ax.plot(val_curve.argmin(), val_curve.min(), "o", color=color)  # 换回的就是这一遍
    ax.set(xlabel="epoch", ylabel="cross-entropy (dashed: train)", yscale="log")
    ax.legend()
    fig.savefig("training-curves-keras.svg", metadata={"Date": None})
# --8<-- [end:learning-curves]

# --8<-- [start:step-5-evaluate]
linears = [LogisticRegression(C=c, max_iter=2000).fit(x_train, y_train) for c in (0.1, 1, 10)]
baseline = max(linears, key=lambda fitted: fitted.score(x_val, y_val))
n, test_accuracy = len(y_test), model.evaluate(x_test, y_test, verbose=0)[1]  # 第一次看测试集
baseline_accuracy = baseline.score(x_test, y_test)
for name, accuracy in (("神经网络", test_accuracy), ("逻辑回归", baseline_accuracy)):
    low, high = binomtest(round(accuracy * n), n).proportion_ci(method="wilson")
    print(f"{name}：测试准确率 {accuracy:.3f}，95% Wilson 区间 [{low:.3f}, {high:.3f}]")
assert test_accuracy >= 0.95
# --8<-- [end:step-5-evaluate]

# --8<-- [start:save-load]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.keras"
    model.save(path)  # 结构、权重、优化器状态都在这一个文件里
    restored = keras.saving.load_model(path)
    print(f"文件 {path.stat().st_size / 1024:.1f} KiB")
np.testing.assert_allclose(restored(features), model(features), atol=1e-5)
again = train(build_model(best_size), x_train, y_train, epochs=2)["val_loss"]
gap = np.abs(np.subtract(again, candidates[best_size][1]["val_loss"][:2])).max()
print(f"同一个种子重训，头两遍的验证损失最多差 {gap:.4f}")
# --8<-- [end:save-load]

# --8<-- [start:cost]
ways = {"predict": partial(restored.predict, verbose=0), "直接调用": restored}
ways["tf.function"] = tf.function(restored)
for name, call in ways.items():
    for batch_size in (1, 1024):
        images = features[:batch_size]
        call(images)  # 头一次要建图，不计时
        seconds = []
        for _ in range(10):
            start = time.perf_counter()
            np.argmax(call(images), axis=1)  # 取回结果，GPU 上等于同步
            seconds.append(time.perf_counter() - start)
        print(f"{name}，批 {batch_size}：{np.median(seconds) * 1e3:.2f} ms")
weights = sum(variable.numpy().nbytes for variable in model.trainable_variables)
moments = sum(variable.numpy().nbytes for variable in model.optimizer.variables)
print(f"权重 {weights / 1024:.1f} KiB，Adam 状态 {moments / 1024:.1f} KiB")
# --8<-- [end:cost]

# --8<-- [start:overfit-few]
few = 50  # 只给 50 张图，不用 dropout，也不提前停
small = build_model(best_size, learning_rate=1e-2, dropout=0.0)
history = train(small, x_train[:few], y_train[:few], epochs=60, patience=60)
lowest, last = min(history["val_loss"]), history["val_loss"][-1]
linear = LogisticRegression(C=baseline.C, max_iter=2000).fit(x_train[:few], y_train[:few])
print(f"训练损失降到 {history['loss'][-1]:.4f}，验证损失先降到 {lowest:.2f}，再升到 {last:.2f}")
print(f"验证准确率：网络 {history['val_accuracy'][-1]:.2f}，逻辑回归 {linear.score(x_val, y_val):.2f}")
assert history["loss"][-1] < 0.01 and last > 1.05 * lowest
# --8<-- [end:overfit-few]
