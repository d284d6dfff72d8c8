# %% [markdown]
# # 从损失曲线看微调
#
# ## 问题
#
# 微调时盯着的，往往只有一条损失曲线。它的起点、坡度各说明什么？有什么要紧的事，是它说不出来的？
#
# ## 回答
#
# 起点说明预训练的权重帮不帮得上：低于乱猜的水平，从头领先到尾；远高于它，头几十步都用来拆掉旧的把握，还不如从零开始。坡度说明学习率，但是训练损失压得最低的那条，测试反而最差。旧任务忘了多少，新任务的哪一条曲线都不说，只能另量。
#
# 实验的规模是几十个标注、一个小网络，每次微调不到一秒，所以同一件事可以换着条件做许多次。[文本分类](../nlp/text-classification.md)讲怎样微调真实的 BERT，这里只讲怎样读曲线。

# %%
import copy
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
NUM_LABELS, BATCH_SIZE = 40, 20  # 新任务的标注，每步取几张
STEPS, EVERY = 200, 4  # 微调的步数，每几步量一次
RATES = {"cold": 1e-6, "warm": 1e-3, "hot": 3e-2}  # 学习率：太小、合适、太大
plt.rcParams.update({"figure.dpi": 140, "font.size": 9})

# %% [markdown]
# ## 旧任务，两个新任务
#
# 旧任务是认 scikit-learn 自带的手写数字，有 900 张标注。新任务也是认这十个数字，只有 40 张标注，图变了样：一个离得近，笔画加粗；一个离得远，沿对角线翻转。三份图互不重叠。

# %% alt="九个手写数字，每三个一组：第一组是原样；第二组笔画更粗，还认得出；第三组沿对角线翻转，不像数字了"
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)  # (1797, 8, 8)，[0, 1]
labels = torch.tensor(digits.target)
old, held, few, test = np.split(np.random.default_rng(SEED).permutation(len(images)),
                                [900, 1200, 1200 + NUM_LABELS])

def thick(x):
    """笔画加粗：(N, 8, 8) → (N, 8, 8)，原图与「自己、左、上、左上的最大值」各占一半。"""
    return (x + F.max_pool2d(F.pad(x[:, None], (1, 0, 1, 0)), 2, stride=1)[:, 0]) / 2

def part(rows, change=lambda x: x):
    """一份数据：图 (N, 64) 与标签 (N,)。"""
    return change(images[rows]).flatten(1).to(device), labels[rows].to(device)

domains = {"near": thick, "far": lambda x: x.transpose(1, 2)}
looks = [change(images[few[:3]]) for change in (lambda x: x, *domains.values())]
fig, axes = plt.subplots(1, 9, figsize=(7, 1.1), layout="constrained")
for ax, picture in zip(axes, torch.cat(looks)):
    ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=(), yticks=())

# %% [markdown]
# 每条曲线都量三样东西：新任务那 40 张训练图，新任务的测试图，还有**旧任务**留出的图。

# %%
def network():
    """三层的 MLP：(N, 64) → logits (N, 10)；每次的初值相同。"""
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
                         nn.Linear(64, 10)).to(device)

@torch.no_grad()
def measure(model, data):
    """(损失, 准确率)。"""
    logits = model(data[0])
    right = logits.argmax(dim=1) == data[1]
    return F.cross_entropy(logits, data[1]).item(), right.float().mean().item()

def fit(model, data, learning_rate, steps, watched, replay=None):
    """就地训练；watched 里的每份数据每 EVERY 步量一次，返回 {名字: (次数, 2)}。"""
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, fused=True)
    generator, rows = torch.Generator().manual_seed(SEED), {name: [] for name in watched}
    for step in range(steps + 1):
        if step % EVERY == 0:
            for name, watched_data in watched.items():
                rows[name].append(measure(model, watched_data))
        loss = 0.0
        for source in [data] if replay is None else [data, replay]:  # 回放：每步也练一批旧的
            batch = torch.randint(len(source[0]), (BATCH_SIZE,), generator=generator).to(device)
            loss = loss + F.cross_entropy(model(source[0][batch]), source[1][batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: np.array(values) for name, values in rows.items()}

pretrained = network()
_ = fit(pretrained, part(old), 3e-3, 800, {})

# %% tolerance="0.1"
old_loss, old_accuracy = measure(pretrained, part(held))
print(f"旧任务，留出的图：损失 {old_loss:.2f}，准确率 {old_accuracy:.2f}")
assert old_accuracy > 0.93

def tune(domain, learning_rate, start=pretrained, **options):
    """在一个新任务上微调 start 的副本；返回训练、测试、旧任务三份曲线。"""
    change = domains[domain]
    watched = {"train": part(few, change), "test": part(test, change), "old": part(held)}
    return fit(copy.deepcopy(start), watched["train"], learning_rate, STEPS, watched, **options)

# %% [markdown]
# ## 起点：先与乱猜比
#
# 什么也不会的分类器，十类各给 0.1，损失是 $\ln 10\approx 2.30$。从零训练的曲线总从这里出发，它是基线。预训练过的模型从哪里出发？

# %% tolerance="0.6"
starts = {(domain, name): tune(domain, RATES["warm"], start)["test"]
          for domain in domains for name, start in (("pretrained", pretrained), ("scratch", network()))}
early = 40 // EVERY  # 第 40 步
for (domain, name), curve in starts.items():
    print(f"{domain:4} {name:10} 损失：起点 {curve[0, 0]:.2f}，40 步 {curve[early, 0]:.2f}，"
          f"末尾 {curve[-1, 0]:.2f}；末尾准确率 {curve[-1, 1]:.2f}")

# %% alt="两幅折线图，横轴是步数，纵轴是测试损失，对数刻度，点线是 ln 10。左图是近的任务：预训练的从点线以下出发，头几十步远低于从零训练的。右图是远的任务：预训练的从十几开始，一路下降，到末尾仍在从零训练的之上"
fig, axes = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained", sharey=True)
for ax, domain in zip(axes, domains):
    for name in ("pretrained", "scratch"):
        curve = starts[domain, name]
        ax.semilogy(np.arange(len(curve)) * EVERY, curve[:, 0], label=name)
    ax.axhline(math.log(10), color="C7", linestyle=":", label="ln 10")
    ax.set(title=domain, xlabel="step")
axes[0].set_ylabel("test loss")
axes[1].legend()
assert starts["near", "pretrained"][0, 0] < math.log(10) < starts["far", "pretrained"][0, 0] / 3
assert starts["near", "pretrained"][early, 0] < starts["near", "scratch"][early, 0] - 0.5  # 起步快
assert starts["near", "pretrained"][-1, 1] > starts["near", "scratch"][-1, 1] + 0.05  # 没有追上
assert starts["far", "pretrained"][early, 0] > starts["far", "scratch"][early, 0] + 0.3  # 还不如从零

# %% [markdown]
# 近的任务从 $\ln 10$ 以下出发：旧的知识大半直接能用，同样 40 张标注，到末尾从零训练的也没有追上。
#
# 远的任务从十几出发，比乱猜差得多：模型**很有把握地答错**。这样的起点要先花步子把旧的把握拆掉，到第 40 步仍不如从零训练；这一次到末尾也没有追上，换别的种子，有追上的时候。微调的第一个数就值得看一眼：它若远高于 $\ln K$（$K$ 是类数），不是标签错位、预处理不同，就是这份预训练帮不上。
#
# ## 坡度：训练损失最低的不是最好的
#
# 在近的任务上换三个学习率：$10^{-6}$、$10^{-3}$、$3\times10^{-2}$。

# %% tolerance="1.0" alt="两幅折线图，横轴是步数，纵轴是损失，对数刻度，各有三个学习率。左图是训练损失：太小的几乎是平的，合适的平稳下降，太大的先跳起来、随后降得最低。右图是测试损失：太小的仍是平的，合适的降下来，太大的末尾最高"
sweep = {name: tune("near", rate) for name, rate in RATES.items()}
fig, axes = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
for ax, what in zip(axes, ("train", "test")):
    for name, curves in sweep.items():
        ax.semilogy(np.arange(len(curves[what])) * EVERY, curves[what][:, 0], label=f"{RATES[name]:.0e}")
    ax.set(title=what, xlabel="step")
axes[0].set_ylabel("loss")
axes[1].legend(title="learning rate")
for name, curves in sweep.items():
    print(f"{name:4} 末尾：训练损失 {curves['train'][-1, 0]:.3f}，测试损失 {curves['test'][-1, 0]:.2f}")
cold, warm, hot = sweep.values()
assert cold["train"][-1, 0] > 0.8 * cold["train"][0, 0]  # 平的
assert hot["train"][-1, 0] < warm["train"][-1, 0]  # 训练上赢
assert hot["test"][-1, 0] > max(cold["test"][-1, 0], warm["test"][-1, 0]) + 0.1  # 测试上输给两个

# %% [markdown]
# 几乎是平的，是学习率太小，或者参数被冻住了。最大的学习率把 40 张训练图记得最牢，训练损失最低，测试却最差，还不如几乎没动的那个。**只看训练损失挑学习率，挑中的是最差的。**
#
# ## 看不见的：旧任务
#
# 到这里为止，图上没有一条曲线提到旧任务。把它画出来，再加一种做法：回放，每一步也练一批旧任务的图，别的不变。

# %% tolerance="0.2" alt="折线图，横轴是步数，纵轴是旧任务的准确率：学习率合适的几乎不降，太大的掉下去一截；同样大的学习率加上回放，也先掉一下，末尾又回到 0.9 上下"
replayed = tune("near", RATES["hot"], replay=part(old))
kept = {"warm": warm, "hot": hot, "hot + replay": replayed}
fig, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
for name, curves in kept.items():
    ax.plot(np.arange(len(curves["old"])) * EVERY, curves["old"][:, 1], label=name)
    print(f"{name:12} 旧任务的准确率 {curves['old'][-1, 1]:.2f}，新任务 {curves['test'][-1, 1]:.2f}")
ax.set(xlabel="step", ylabel="accuracy on the old task", ylim=(0, 1.02))
_ = ax.legend()
assert warm["old"][-1, 1] > old_accuracy - 0.05  # 没忘
assert hot["old"][-1, 1] < old_accuracy - 0.06  # 忘了
assert replayed["old"][-1, 1] > hot["old"][-1, 1] + 0.03  # 回放挡得住

# %% [markdown]
# 学习率合适时，旧任务几乎没掉；太大时掉了一截。新任务的曲线对此一字不提：同样「训练损失接近 0」的两次微调，一次忘了，一次没忘。回放不改学习率，也守住了大半。要在乎旧任务，就得留一份旧任务的测试集，与新任务的曲线画在一起。
#
# ## 没有说明的
#
# - 网络小、图小、标注 40 张。大模型的微调从好得多的表示出发，本实验的步数、学习率、掉多少分都不能照搬；能照搬的是该看哪几条曲线。
# - 「远的起步不如从零」说的是这一种远、这一个网络、这些步数。换成卷积网络，或者先冻结再放开，结论可能不同，这里没有量。
# - 回放要有旧数据。拿不到旧数据时的办法（参数高效微调、往预训练权重拉回）没有比较。
#
# ## 动手
#
# 先写下你猜的结果，再改、再运行：
#
# 1. `NUM_LABELS = 200`：近的任务上，从零训练多少步能追上？远的呢？
# 2. 把「远」换成把墨色反过来（`lambda x: 1 - x`）：起点比翻转高还是低？
# 3. 只更新最后一层：在 `fit` 里把优化器的参数换成 `model[4].parameters()`。旧任务守得住吗？
# 4. 给最大的学习率加 20 步预热：训练损失开头的那一跳还在不在，旧任务少掉多少？
