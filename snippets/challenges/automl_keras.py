# --8<-- [start:keras-setup]
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 42
keras.utils.set_random_seed(SEED)  # 调参器的种子只管抽样，不管权重
devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
device = devices[0].name  # Keras 自己也会选它，写出来是为了看得见
MAX_EPOCHS = 3  # 一次完整训练的遍数
digits = load_digits()
features, labels = (digits.data / 16).astype(np.float32), digits.target  # (1797, 64)、(1797,)
x_pool, x_test, y_pool, y_test = train_test_split(
    features, labels, test_size=360, random_state=SEED, stratify=labels)
x_train, x_val, y_train, y_val = train_test_split(
    x_pool, y_pool, test_size=360, random_state=SEED, stratify=y_pool)
# --8<-- [end:keras-setup]

# --8<-- [start:keras-tuner]
def build_model(hp):
    """按一组超参数建模型：输入 (B, 64) float32，输出 (B, 10) 的 logits。"""
    model = keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(hp.Int("hidden_size", 8, 64, step=2, sampling="log"), "tanh"),
        keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model

class DigitsTuner(keras_tuner.Hyperband):
    """Hyperband 决定训哪一组、从第几遍训到第几遍；训练自己写，花费才看得见。"""
    def run_trial(self, trial, **_):
        """训一次，返回验证损失；权重存下来，晋级后接着训。"""
        hp = trial.hyperparameters
        start, stop = hp.values["tuner/initial_epoch"], hp.values["tuner/epochs"]
        model = build_model(hp)
        if start:
            model.load_weights(self.weights_path(hp.values["tuner/trial_id"]))
        history = model.fit(x_train, y_train, validation_data=(x_val, y_val), batch_size=32,
                            initial_epoch=start, epochs=stop, verbose=0)
        model.save_weights(self.weights_path(trial.trial_id))
        ledger.append((trial.trial_id, start, stop))
        return history.history["val_loss"][-1]

    def weights_path(self, trial_id):
        """这次试验的权重放在哪里。"""
        return Path(self.get_trial_dir(trial_id)) / "trained.weights.h5"
# --8<-- [end:keras-tuner]

# --8<-- [start:keras-search]
ledger = []  # 每次训练记一笔：(试验, 从第几遍, 到第几遍)
tuner = DigitsTuner(
    build_model, objective=keras_tuner.Objective("val_loss", "min"), max_epochs=MAX_EPOCHS,
    factor=3, seed=SEED, directory="tuning", project_name="digits")
tuner.search(verbose=0)
for trial_id, start, stop in ledger:
    trial = tuner.oracle.get_trial(trial_id)
    print(f"试验 {trial_id}：第 {start}–{stop} 遍，验证损失 {trial.score:.2f}")
print("总遍数", sum(stop - start for _, start, stop in ledger))
best = tuner.oracle.get_best_trials()[0]
model = build_model(best.hyperparameters)
model.load_weights(tuner.weights_path(best.trial_id))
val_accuracy, accuracy = (model.evaluate(*data, verbose=0)[1]
                          for data in ((x_val, y_val), (x_test, y_test)))
print(f"选中者：验证准确率 {val_accuracy:.2f}，测试准确率 {accuracy:.2f}")
assert accuracy > 0.8
# --8<-- [end:keras-search]
