# --8<-- [start:smallest-training]
import random

SEED = 42
rng = random.Random(SEED)
xs = [rng.uniform(-1, 1) for _ in range(64)]
# 斜率 3，加噪声
data = [(x, 3 * x + rng.gauss(0, 0.1)) for x in xs]

w, learning_rate = 0.0, 0.5
for step in range(100):  # 最小的一次训练：只有一个参数
    grads = [2 * (w * x - y) * x for x, y in data]
    w -= learning_rate * sum(grads) / 64

best = sum(x * y for x, y in data)
best /= sum(x * x for x, _ in data)
assert abs(w - best) < 1e-6  # 基线：最小二乘的闭式解
print(f"学到 {w:.2f}，最小二乘 {best:.2f}，真实 3")
# --8<-- [end:smallest-training]
