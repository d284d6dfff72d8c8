# --8<-- [start:setup]
import copy
import math
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from safetensors.torch import load_file, save_file
from scipy.stats import binomtest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
BATCH_SIZE = 64  # 每一步看多少张图
EPOCHS = 30  # 最多把训练集过多少遍
PATIENCE = 5  # 验证损失连续多少遍不创新低就停
LEARNING_RATE = 3e-3  # Adam 的步长
HIDDEN_SIZES = (32, 128, 512)  # 候选的隐藏层宽度，由验证集挑选
NUM_CLASSES = 10
torch.manual_seed(SEED)
# --8<-- [end:setup]

# --8<-- [start:step-1-preprocess]
digits = load_digits()
features = (digits.data / 16).astype(np.float32)  # (N, 64)，像素 0–16 缩到 0–1
labels = digits.target  # (N,)，整数 0–9
split = partial(train_test_split, test_size=360, random_state=SEED)  # 每次切出 360 张
pool, test_idx = split(np.arange(len(labels)), stratify=labels)
train_idx, val_idx = split(pool, stratify=labels[pool])
assert len({*train_idx, *val_idx, *test_idx}) == len(labels)  # 三份不相交，合起来是全部
x = torch.from_numpy(features).to(device)  # (N, 64) float32
y = torch.from_numpy(labels).to(device)  # (N,) int64
print(f"训练 {len(train_idx)}，验证 {len(val_idx)}，测试 {len(test_idx)}")
# --8<-- [end:step-1-preprocess]

# --8<-- [start:step-2-initialise]
def build_model(hidden_size, seed=SEED):
    """两层感知机：输入 (B, 64) float32，输出 (B, 10) float32 的 logits，没有 softmax。

    权重按 He 等人（2015）：均值 0，方差 2 / fan_in；偏置为 0。
    """
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, hidden_size), nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden_size, NUM_CLASSES)
    )
    for layer in (model[0], model[3]):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return model.to(device)

model = build_model(HIDDEN_SIZES[-1])
print("参数个数：", sum(p.numel() for p in model.parameters()))
# --8<-- [end:step-2-initialise]

# --8<-- [start:step-3-forward]
x_batch, y_batch = x[train_idx[:BATCH_SIZE]], y[train_idx[:BATCH_SIZE]]
model.eval()  # 先关掉 dropout，好让下面的数能手算
logits = model(x_batch)  # (B, 10)
loss = F.cross_entropy(logits, y_batch)  # 标量
log_probs = logits - logits.logsumexp(dim=1, keepdim=True)
by_hand = -log_probs[torch.arange(BATCH_SIZE), y_batch].mean()
torch.testing.assert_close(loss, by_hand)
print(f"损失 {loss.item():.2f}；均匀乱猜是 ln 10 = {math.log(10):.2f}")
# --8<-- [end:step-3-forward]

# --8<-- [start:step-4-backward]
loss.backward()
with torch.no_grad():
    hidden = model[1](model[0](x_batch))  # (B, H)
    d_logits = logits.softmax(dim=1) - F.one_hot(y_batch, NUM_CLASSES)  # (B, 10)
    d_logits /= BATCH_SIZE
    d_hidden = d_logits @ model[3].weight * (hidden > 0)  # (B, H)，ReLU 只放行正的
    by_hand = {"输出层": d_logits.T @ hidden, "隐藏层": d_hidden.T @ x_batch}
for name, layer in (("输出层", model[3]), ("隐藏层", model[0])):
    torch.testing.assert_close(layer.weight.grad, by_hand[name], atol=1e-5, rtol=1e-4)
    gap = (layer.weight.grad - by_hand[name]).abs().max().item()
    print(f"{name}：手算与 autograd 最多差 {gap:.5f}")
squared_norm = sum(p.grad.square().sum().item() for p in model.parameters())
torch.optim.SGD(model.parameters(), lr=1e-3).step()  # w ← w − 0.001 · 梯度
drop = loss.item() - F.cross_entropy(model(x_batch), y_batch).item()
print(f"走一步，损失少了 {drop:.4f}；一阶估计 0.001·‖g‖² = {1e-3 * squared_norm:.4f}")
assert abs(drop / (1e-3 * squared_norm) - 1) < 0.1
# --8<-- [end:step-4-backward]

# --8<-- [start:train-loop]
def evaluate(model, idx):
    """在下标 idx 上求 (平均损失, 准确率)，两个 float；关掉 dropout，不记梯度。"""
    model.eval()
    with torch.no_grad():
        logits = model(x[idx])  # (len(idx), 10)
    accuracy = (logits.argmax(dim=1) == y[idx]).float().mean().item()
    return F.cross_entropy(logits, y[idx]).item(), accuracy

def train(model, train_idx, val_idx, learning_rate=LEARNING_RATE, epochs=EPOCHS, patience=PATIENCE):
    """就地训练 model，停后换回验证损失最低时的权重，留在评估模式。

    train_idx、val_idx 是 (N,) 的整数下标；返回列表，每遍一个 (训练损失, 验证损失)。
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    shuffler, history, best_loss = np.random.default_rng(SEED), [], math.inf
    for epoch in range(epochs):
        model.train()
        order = shuffler.permutation(train_idx)
        for start in range(0, len(order), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            loss = F.cross_entropy(model(x[batch]), y[batch])  # 第 3 步
            optimizer.zero_grad()
            loss.backward()  # 第 4 步：求梯度
            optimizer.step()  # 第 4 步：更新参数
        history.append((evaluate(model, train_idx)[0], evaluate(model, val_idx)[0]))
        if history[-1][1] < best_loss:
            best_loss, best_epoch = history[-1][1], epoch
            best_state = copy.deepcopy(model.state_dict())
        elif epoch - best_epoch >= patience:
            break
    model.load_state_dict(best_state)
    return history
# --8<-- [end:train-loop]

# --8<-- [start:choose-on-validation]
candidates = {}
for hidden_size in HIDDEN_SIZES:
    candidate = build_model(hidden_size)
    candidates[hidden_size] = (candidate, train(candidate, train_idx, val_idx))
    val_loss, val_accuracy = evaluate(candidate, val_idx)
    print(f"宽 {hidden_size:3d}：验证损失 {val_loss:.3f}，验证准确率 {val_accuracy:.3f}")
best_size = min(candidates, key=lambda size: min(val for _, val in candidates[size][1]))
model = candidates[best_size][0]
# --8<-- [end:choose-on-validation]

# --8<-- [start:learning-curves]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(6.4, 3.6), layout="constrained")
    ax = fig.subplots()
    for color, (hidden_size, (_, history)) in zip(("C0", "C1", "C2"), candidates.items()):
        train_curve, val_curve = np.array(history).T  # 各 (epochs,)
        ax.plot(train_curve, "--", color=color, linewidth=1)
        ax.plot(val_curve, color=color, label=f"hidden_size={hidden_size}")
        ax.plot(val_curve.argmin(), val_curve.min(), "o", color=color)  # 换回的就是这一遍
    ax.set(xlabel="epoch", ylabel="cross-entropy (dashed: train)", yscale="log")
    ax.legend()
    fig.savefig("training-curves-torch.svg", metadata={"Date": None})
# --8<-- [end:learning-curves]

# --8<-- [start:step-5-evaluate]
linears = [LogisticRegression(C=c, max_iter=2000) for c in (0.1, 1, 10)]
for linear in linears:
    linear.fit(features[train_idx], labels[train_idx])
baseline = max(linears, key=lambda fitted: fitted.score(features[val_idx], labels[val_idx]))
n, test_accuracy = len(test_idx), evaluate(model, test_idx)[1]  # 到这里才第一次看测试集
baseline_accuracy = baseline.score(features[test_idx], labels[test_idx])
for name, accuracy in (("神经网络", test_accuracy), ("逻辑回归", baseline_accuracy)):
    low, high = binomtest(round(accuracy * n), n).proportion_ci(method="wilson")
    print(f"{name}：测试准确率 {accuracy:.3f}，95% Wilson 区间 [{low:.3f}, {high:.3f}]")
print(f"结论｜手写数字识别｜两层网络测试准确率 {test_accuracy:.3f}｜逻辑回归 {baseline_accuracy:.3f}")
assert test_accuracy >= 0.95
# --8<-- [end:step-5-evaluate]

# --8<-- [start:cross-validation]
wins = []  # 每张图一个数：+1 只有网络答对，−1 只有基线答对，0 同对同错
folds = StratifiedKFold(5, shuffle=True, random_state=SEED).split(features, labels)
for pool, fold in folds:
    fit, tune = split(pool, stratify=labels[pool])
    network = build_model(best_size)
    train(network, fit, tune)
    linear = LogisticRegression(C=baseline.C, max_iter=2000).fit(features[fit], labels[fit])
    right = network(x[fold]).argmax(dim=1).cpu().numpy() == labels[fold]
    wins.append(right.astype(int) - (linear.predict(features[fold]) == labels[fold]))
wins = np.concatenate(wins)  # (1797,)，每张图恰好当过一次测试
resampled = np.random.default_rng(SEED).choice(wins, (2000, len(wins))).mean(axis=1)
low, high = np.quantile(resampled, (0.025, 0.975))
print(f"网络减逻辑回归：{wins.mean():+.3f}，95% 自助区间 [{low:+.3f}, {high:+.3f}]")
assert low > 0
# --8<-- [end:cross-validation]

# --8<-- [start:save-load]
again = build_model(best_size)
train(again, train_idx, val_idx)  # 同一个种子再训一次
print(f"重训一次，logits 最多差 {(again(x) - model(x)).abs().max().item():.4f}")
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.safetensors"
    save_file(model.state_dict(), path, metadata={"hidden_size": str(best_size), "scale": "1/16"})
    restored = build_model(best_size, seed=SEED + 1)  # 权重随后全部被覆盖
    restored.load_state_dict(load_file(path, device=device))
    print(f"文件 {path.stat().st_size / 1024:.1f} KiB")
restored.eval()
torch.testing.assert_close(restored(x), model(x))
# --8<-- [end:save-load]

# --8<-- [start:cost]
for batch_size in (1, 32, 1024):
    seconds = []
    for _ in range(50):
        start = time.perf_counter()
        with torch.inference_mode():
            restored(x[:batch_size]).argmax(dim=1).tolist()  # 取回结果，GPU 上等于同步
        seconds.append(time.perf_counter() - start)
    per_image = np.median(seconds) / batch_size * 1e6
    print(f"批 {batch_size:4d}：每批 {np.median(seconds) * 1e3:.2f} ms，每张 {per_image:.1f} µs")
optimizer = torch.optim.Adam(again.parameters())
F.cross_entropy(again(x_batch), y_batch).backward()
optimizer.step()
sizes = {
    "权重": sum(p.nbytes for p in again.parameters()),
    "梯度": sum(p.grad.nbytes for p in again.parameters()),
    "Adam 状态": sum(t.nbytes for state in optimizer.state.values() for t in state.values()),
}
print("，".join(f"{name} {size / 1024:.1f} KiB" for name, size in sizes.items()))
# --8<-- [end:cost]

# --8<-- [start:bad-initialisation]
reached = {}
for gain in (0.1, 1.0, 4.0):  # 乘在 He 初始化的标准差上
    torch.manual_seed(SEED)
    widths, layers = [64] + [128] * 10, []
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        nn.init.normal_(layers[-2].weight, std=gain * math.sqrt(2 / fan_in))
        nn.init.zeros_(layers[-2].bias)
    deep = nn.Sequential(*layers, nn.Linear(128, NUM_CLASSES)).to(device)
    spread = math.log10(deep[:-1](x_batch).std().item())  # 第 10 层激活的标准差
    F.cross_entropy(deep(x_batch), y_batch).backward()
    slope = math.log10(deep[0].weight.grad.norm().item())  # 第 1 层梯度的范数
    train(deep, train_idx, val_idx, epochs=10)
    reached[gain] = evaluate(deep, val_idx)[1]
    print(f"{gain:.1f} 倍：激活 10^{spread:.1f}，梯度 10^{slope:.1f}，准确率 {reached[gain]:.2f}")
assert reached[0.1] < 0.2 < reached[4.0] < reached[1.0]
# --8<-- [end:bad-initialisation]

# --8<-- [start:bad-learning-rate]
for learning_rate in (1e-5, LEARNING_RATE, 1.0):
    network = build_model(best_size)
    lowest = min(train(network, train_idx, val_idx, learning_rate, epochs=15))[0]
    accuracy = evaluate(network, val_idx)[1]
    print(f"{learning_rate:.5f}：训练损失最低 {lowest:.2f}，验证准确率 {accuracy:.2f}")
assert accuracy < 0.5
# --8<-- [end:bad-learning-rate]
