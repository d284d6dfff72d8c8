# --8<-- [start:mirrored-setup]
import keras
import numpy as np
import tensorflow as tf

SEED = 42
BATCH_SIZE, STEPS, LEARNING_RATE = 64, 5, 0.1
# 把一个 CPU 拆成两个逻辑设备；必须在 TensorFlow 第一次用到设备之前
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])  # 单机多卡时不写参数，用上全部的卡
rng = np.random.default_rng(SEED)
x = rng.normal(size=(STEPS * BATCH_SIZE, 64)).astype(np.float32)  # 数据随机，只比参数
y = rng.integers(10, size=STEPS * BATCH_SIZE)

def build():
    """未编译的小网络，初始参数由种子决定。"""
    keras.utils.set_random_seed(SEED)
    return keras.Sequential([keras.Input((64,)), keras.layers.Dense(128, activation="relu"),
                             keras.layers.Dense(10)])

def gap(left, right):
    """两组参数（list[np.ndarray]）之间的最大差。"""
    return max(np.abs(a - b).max() for a, b in zip(left, right, strict=True))
# --8<-- [end:mirrored-setup]

# --8<-- [start:mirrored-fit]
def fit(model, examples=STEPS * BATCH_SIZE):
    """用前 examples 个样本训练一遍，返回训练后的参数。"""
    model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), jit_compile=False,  # 只有几步，不值得编译
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[:examples], y[:examples], batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    return model.get_weights()

start, alone = build().get_weights(), fit(build())
with strategy.scope():  # 在这里建的变量，每个副本一份，同步更新
    mirrored = fit(build())
print(f"{strategy.num_replicas_in_sync} 个副本，{STEPS} 步后与一个副本的参数最多差 {gap(mirrored, alone):.7f}，"
      f"参数本身动了 {gap(alone, start):.2f}")
assert gap(mirrored, alone) < 1e-6 and gap(alone, start) > 0.01
# --8<-- [end:mirrored-fit]

# --8<-- [start:mirrored-loop]
def custom_step(average):
    """自己写的一步训练；average 把逐个样本的损失 (B/2,) 变成一个副本的损失。返回更新后的参数。"""
    with strategy.scope():
        model, optimizer = build(), keras.optimizers.SGD(LEARNING_RATE)
        optimizer.build(model.trainable_variables)
        each = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)

    def replica_step(images, labels):
        with tf.GradientTape() as tape:
            loss = average(each(labels, model(images, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))  # 跨副本相加，不是平均

    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH_SIZE).take(1)
    for images, labels in strategy.experimental_distribute_dataset(batches):
        strategy.run(replica_step, args=(images, labels))  # 正式训练时再套一层 tf.function
    return model.get_weights()

right = custom_step(lambda loss: tf.nn.compute_average_loss(loss, global_batch_size=BATCH_SIZE))
wrong = custom_step(tf.reduce_mean)  # 副本内平均，再跨副本相加：大了「副本数」倍
reference = fit(build(), BATCH_SIZE)
moved = [np.linalg.norm(w[0] - start[0]) / np.linalg.norm(reference[0] - start[0])
         for w in (right, wrong)]
print(f"一步的位移是一个副本的几倍：除以全局批 {moved[0]:.4f}，副本内求平均 {moved[1]:.4f}")
assert gap(right, reference) < 1e-6 and abs(moved[1] - 2) < 1e-3
# --8<-- [end:mirrored-loop]

# --8<-- [start:mirrored-first-batch]
try:
    with strategy.scope():
        fit(build(), BATCH_SIZE - 1)  # 63 个，两个副本分不匀
except tf.errors.InvalidArgumentError as error:
    print(str(error).split("}} ")[-1].split(" [Op")[0])
examples = 2 * BATCH_SIZE - 1  # 第一批分得匀，最后一批 63 个：32 与 31
with strategy.scope():
    uneven = fit(build(), examples)
error = gap(uneven, fit(build(), examples))
print(f"只有最后一批分不匀：照常训练，参数与一个副本最多差 {error:.5f}")
assert error > 1e-5  # 副本平等地平均，31 个的那份分量偏重
# --8<-- [end:mirrored-first-batch]
