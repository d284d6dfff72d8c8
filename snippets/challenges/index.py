# --8<-- [start:setup]
import io
import math
import os
import timeit

import numpy as np
import safetensors.torch
import torch
from matplotlib import figure, rcParams
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances, roc_auc_score
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn
from torch.nn import functional as F

SEED = 42
rng = np.random.default_rng(SEED)
device = "cuda" if torch.cuda.is_available() else "cpu"
DAYS, INTERRUPTIONS = 54, 419  # Llama 3 405B 的一段预训练：天数、意外中断次数
SAVE, RESTART = 1.0, 5.0  # 假设：存一次检查点停 1 分钟，重启停 5 分钟
hidden_size, num_steps, learning_rate = 256, 100, 1e-2  # 调试一节的小网络
images, digits = load_digits(return_X_y=True)  # (1797, 64)，灰度 0–16；(1797,)
# --8<-- [end:setup]

# --8<-- [start:throughput]
gpt3_flops = 6 * 174_604_259_328 * 300e9  # 6ND；N、D 见 Brown 等（2020）
a = torch.randn(1024, 1024, device=device)
seconds = min(timeit.repeat(lambda: (a @ a)[0, 0].item(), number=1, repeat=10))
flops = 2 * 1024**3 / seconds  # 每个输出元素 1024 次乘、1024 次加
years = gpt3_flops / flops / 86400 / 365
print(f"实测 {flops / 1e12:.2f} TFLOP/s；{gpt3_flops:.2e} 次运算要 {years:.1e} 年")
assert years > 10  # 满负荷、不中断，一台机器也等不到
# --8<-- [end:throughput]

# --8<-- [start:checkpoint-interval]
def lost_share(interval, mtbf, save=SAVE, restart=RESTART):
    """中断服从泊松过程时，白费的时间占比的期望；单位都是分钟。"""
    return 1 - interval / ((mtbf + restart) * math.expm1((interval + save) / mtbf))

def simulate(interval, mtbf, runs=40):
    """同一个量的模拟：逐次抽取中断时刻，没存下的工作作废。"""
    shares = []
    for _ in range(runs):
        useful = wall = 0.0
        while useful < DAYS * 1440:
            uptime = rng.exponential(mtbf)
            useful += uptime // (interval + SAVE) * interval
            wall += uptime + RESTART
        shares.append(1 - useful / wall)
    return np.mean(shares)

mtbf = DAYS * 1440 / INTERRUPTIONS
young = math.sqrt(2 * SAVE * mtbf)  # Young（1974）
intervals = [5, 10, young, 30, 60, 120]
simulated = {interval: simulate(interval, mtbf) for interval in intervals}
print(f"平均 {mtbf / 60:.1f} 小时断一次，Young 间隔 {young:.1f} 分钟")
for interval, share in simulated.items():
    print(f"每 {interval:5.1f} 分钟存一次: 模拟白费 {share:.1%}，公式 {lost_share(interval, mtbf):.1%}")
    assert abs(share - lost_share(interval, mtbf)) < 0.01
print(f"从不存: {DAYS} 天不断的概率 1e{-INTERRUPTIONS / math.log(10):.0f}")
print(f"结论｜训练中断时的检查点间隔｜Young 公式（{young:.0f} 分钟）白费 {simulated[young]:.1%}"
      f"｜每小时一次白费 {simulated[60]:.1%}，每 5 分钟一次 {simulated[5]:.1%}")
assert simulated[young] < min(simulated[5], simulated[60]) - 0.05
# --8<-- [end:checkpoint-interval]

# --8<-- [start:checkpoint-figure]
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
fig = figure.Figure(figsize=(7, 3), layout="constrained")
ax = fig.subplots()
curve = np.geomspace(4, 150, 60)
ax.plot(curve, [100 * lost_share(t, mtbf) for t in curve], label="expected")
ax.plot(intervals, [100 * simulated[t] for t in intervals], "o", label="simulated")
ax.axvline(young, color="tab:red", linestyle="--", label="Young 1974")
ax.set(xscale="log", xticks=[5, 10, 20, 60, 120], xticklabels=[5, 10, 20, 60, 120],
       xlabel="minutes between checkpoints", ylabel="time lost (%)", ylim=(0, None))
ax.legend()
fig.savefig("index-checkpoints.svg", metadata={"Date": None})
# --8<-- [end:checkpoint-figure]

# --8<-- [start:leaked-copies]
def recite(known, known_labels):
    """只会背诵的模型（1 近邻）在测试集上的准确率。"""
    return KNeighborsClassifier(1).fit(known, known_labels).score(test_images, test_labels)

for name, labels in (("真标签", digits), ("随机标签", rng.integers(10, size=len(digits)))):
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=0.3, random_state=SEED)
    leaked = len(test_images) // 5  # 两成测试图另存一份混进训练集，约一成像素差 1 级灰度
    noise = rng.choice([-1, 0, 1], p=[0.05, 0.9, 0.05], size=(leaked, 64))
    mixed = np.vstack([train_images, np.clip(test_images[:leaked] + noise, 0, 16)])
    mixed_labels = np.append(train_labels, test_labels[:leaked])
    keep = pairwise_distances(mixed, test_images).min(1) > 5  # 离每张测试图都超过 5 才留下
    clean, dirty = recite(train_images, train_labels), recite(mixed, mixed_labels)
    cured = recite(mixed[keep], mixed_labels[keep])
    print(f"{name}: 无泄漏 {clean:.3f}，泄漏 {dirty:.3f}，近似去重后 {cured:.3f}")
    assert cured == clean
assert dirty - clean > 0.12 and clean < 0.15  # 没有规律可学，分数却翻倍
# --8<-- [end:leaked-copies]

# --8<-- [start:silent-bugs]
def double_softmax(logits, y):
    """植入的错：cross_entropy 自己已含一次 softmax。"""
    return F.cross_entropy(logits.softmax(-1), y)

def fit(x, y, loss_function):
    """x (B, 64) float32，y (B,) int64；整批训练 num_steps 步，返回模型和首、末步的损失。"""
    torch.manual_seed(SEED)
    model = nn.Sequential(nn.Linear(64, hidden_size), nn.ReLU(),
                          nn.Linear(hidden_size, 10)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    losses = []
    for _ in range(num_steps):
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses[0], losses[-1]

x_train, x_test, y_train, y_test = (torch.as_tensor(part, device=device) for part in
    train_test_split(np.float32(images / 16), digits, test_size=0.3, random_state=SEED))
y_joined = y_train[rng.permutation(len(y_train))]  # 连接键错位：图和标签各排各的序
models, table = {}, {}
for name, y, loss_function in (("正常", y_train, F.cross_entropy),
                               ("标签错位", y_joined, F.cross_entropy),
                               ("两次 softmax", y_train, double_softmax)):
    models[name], first, last = fit(x_train, y, loss_function)
    batch = fit(x_train[:32], y[:32], loss_function)[-1]
    accuracy = (models[name](x_test).argmax(-1) == y_test).float().mean().item()
    table[name] = last, batch, accuracy
    print(f"{name}: 训练损失 {first:.2f} → {last:.2f}，单批损失 {batch:.2f}，测试准确率 {accuracy:.2f}")
assert table["标签错位"][0] < table["两次 softmax"][0] - 0.3  # 损失更低的反而没有用
assert table["标签错位"][1] < 0.05 and table["标签错位"][2] < 0.2
assert table["两次 softmax"][1] > math.log(1 + 9 / math.e) and table["两次 softmax"][2] > 0.7
assert table["正常"][1] < 0.05 and table["正常"][2] > 0.93
# --8<-- [end:silent-bugs]

# --8<-- [start:membership]
y_unseen = y_test[rng.permutation(len(y_test))]  # 与错位的训练标签同分布，但没参加训练
is_member = [1] * len(y_train) + [0] * len(y_test)
attack = {}
for name, seen, unseen in (("正常", y_train, y_test), ("标签错位", y_joined, y_unseen)):
    losses = [F.cross_entropy(models[name](x), y, reduction="none").detach().cpu()
              for x, y in ((x_train, seen), (x_test, unseen))]
    attack[name] = roc_auc_score(is_member, -torch.cat(losses))
    print(f"{name}: 凭损失猜成员，AUC {attack[name]:.2f}（乱猜 0.50）")
assert abs(attack["正常"] - 0.5) < 0.08 and attack["标签错位"] > 0.8
# --8<-- [end:membership]

# --8<-- [start:gradient-average]
def gradient(x, y):
    """交叉熵（批内平均）对全部参数的梯度，拉平成一个向量。"""
    model = models["标签错位"]
    grads = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
    return torch.cat([grad.flatten() for grad in grads])

full = gradient(x_train[:1024], y_train[:1024])
shards = [gradient(*shard) for shard in zip(x_train[:1024].chunk(8), y_train[:1024].chunk(8))]
error = ((sum(shards) / 8 - full).norm() / full.norm()).item()
alone = ((shards[0] - full).norm() / full.norm()).item()  # 基线：只用自己那一份
print(f"与整批的梯度相差: 8 份平均 {error:.4f}，只用一份 {alone:.2f}")
for n in (8, 1024):
    print(f"{n:4} 个进程: 环形每个发出 {2 * (n - 1) / n:.2f} 倍梯度，汇总再发回则有一处收发 {2 * (n - 1)} 倍")
assert error < 1e-4 < 0.2 < alone
# --8<-- [end:gradient-average]

# --8<-- [start:auto-ml]
space = {"max_depth": range(2, 20), "max_features": range(1, 65),
         "min_samples_leaf": range(1, 20), "random_state": range(10**6)}
for name, labels in (("真标签", digits), ("随机标签", rng.integers(10, size=len(digits)))):
    scores = []
    for split in range(5 * SEED, 5 * SEED + 5):  # 500 张用于选，其中 100 张验证；其余都是测试集
        x_pick, x_rest, y_pick, y_rest = train_test_split(
            images, labels, train_size=500, random_state=split)
        search = RandomizedSearchCV(
            DecisionTreeClassifier(), space, n_iter=40, random_state=split,
            cv=[(range(400), range(400, 500))]).fit(x_pick, y_pick)
        default = DecisionTreeClassifier(random_state=split).fit(x_pick, y_pick)
        scores.append((search.best_score_, search.score(x_rest, y_rest),
                       default.score(x_rest, y_rest)))
    validation, test, baseline = np.mean(scores, axis=0)
    print(f"{name}: 选中的树验证 {validation:.3f}，测试 {test:.3f}；默认的树测试 {baseline:.3f}")
    assert validation > test and test < baseline + 0.02  # 搜索没有胜过默认设置
assert validation > 0.14 and test < 0.12  # 随机标签：验证分数全是挑出来的
# --8<-- [end:auto-ml]

# --8<-- [start:poisoned-checkpoint]
class Poisoned:
    """反序列化时会调用 os.mkdir("executed")；真正的攻击不会这么客气。"""
    def __reduce__(self):
        return os.mkdir, ("executed",)

state = models["正常"].state_dict()
torch.save({**state, "extra": Poisoned()}, checkpoint := io.BytesIO())
checkpoint.seek(0)
torch.load(checkpoint, weights_only=False)
safe = safetensors.torch.load(safetensors.torch.save(state))  # 只有张量，没有可执行的东西
print("pickle 执行了代码:", os.path.isdir("executed"))
print("safetensors 原样取回:", all(torch.equal(safe[key], state[key].cpu()) for key in state))
assert os.path.isdir("executed") and safe.keys() == state.keys()
# --8<-- [end:poisoned-checkpoint]
