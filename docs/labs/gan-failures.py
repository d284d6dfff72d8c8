# %% [markdown]
# # GAN 为什么失败，怎么看出来
#
# ## 问题
#
# GAN 训练坏了，损失曲线往往看不出来。它坏在哪里，能不能算出来？又该看什么，才不会漏掉？
#
# ## 回答
#
# 坏有三种来路。两个网络互相追，绕着平衡点转，越转越远，两个数的例子就能算出每步放大多少。判别器太强时，饱和的损失没有梯度。生成器可以少几类、发糊、照抄，却各自骗过某一把尺子。没有一把尺子样样看得见，所以至少要两把。
#
# [图像生成](../vision/image-generation.md)训练了真的 GAN，量过塌缩与照抄。这里反过来，把每种坏法单独造出来，小到能与公式对数，再问：哪一种量法看得见它。

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
RATE, STEPS = 0.2, 500  # 第一部分：步长和步数
NUM_SAMPLES, NUM_PEAKS, SPREAD = 800, 8, 0.08  # 第三部分：点数、峰数、峰的宽度
rng = np.random.default_rng(SEED)
plt.rcParams.update({"figure.dpi": 140, "font.size": 9})

# %% [markdown]
# ## 一、互相追：两个数的 GAN
#
# 最小的 GAN 只有两个参数（Mescheder 等，2018，[arXiv:1801.04406](https://arxiv.org/abs/1801.04406)）。真数据只有一个点，在 0；生成器只会输出一个数 $\theta$；判别器是 $D(x)=\sigma(\psi x)$。唯一的平衡是 $\theta=\psi=0$：图对了，判别器也分不出来。
#
# $$\mathcal{L}_D = \log 2 + \log(1+e^{\psi\theta})$$
#
# $$\mathcal{L}_G = \log(1+e^{-\psi\theta})$$
#
# 在平衡点附近，两个梯度是 $\theta/2$ 和 $-\psi/2$：一个的方向由另一个决定，步子总是与指向平衡点的方向垂直。同时更新一步，距离就乘上 $\sqrt{1+h^2/4}$，$h$ 是步长。这是推出来的，下面用自动求导走 500 步，拿开头 100 步来核对。R1 惩罚给判别器的损失加上 $\frac{\gamma}{2}\psi^2$。

# %% tolerance="0.01"
def chase(gamma):
    """从 (θ, ψ) = (0.1, 0) 起同时更新；返回轨迹 (STEPS + 1, 2) 和每步的判别器损失。"""
    point, path, losses = torch.tensor([0.1, 0.0], device=device), [], []
    for _ in range(STEPS + 1):
        path.append(point.tolist())
        theta, psi = (value.clone().requires_grad_() for value in point)
        loss_d = math.log(2) + F.softplus(psi * theta)
        loss_g = F.softplus(-psi * theta)
        losses.append(loss_d.item())
        (up,) = torch.autograd.grad(loss_g, theta)
        (down,) = torch.autograd.grad(loss_d + gamma / 2 * psi**2, psi)
        point = point - RATE * torch.stack([up, down])
    return np.array(path), np.array(losses)

plain, plain_loss = chase(gamma=0.0)
penalised, penalised_loss = chase(gamma=1.0)
radius, tamed = (np.linalg.norm(path, axis=1) for path in (plain, penalised))
growth = (radius[100] / radius[0]) ** (1 / 100)  # 开头还在平衡点附近
swing = [losses.std() for losses in (plain_loss[:60], plain_loss[-60:], penalised_loss[-60:])]
print(f"每步放大：公式 {math.sqrt(1 + RATE**2 / 4):.4f}，实测 {growth:.4f}")
print(f"与平衡点的距离：起点 {radius[0]:.2f}，不加惩罚 {radius[-1]:.2f}，加 R1 {tamed[-1]:.2f}")
print(f"判别器损失的平均：不加惩罚 {plain_loss.mean():.3f}，加 R1 {penalised_loss.mean():.3f}，"
      f"平衡时 ln 4 = {math.log(4):.3f}")
print(f"判别器损失的摆幅（标准差）：不加惩罚，开头 {swing[0]:.3f}，末尾 {swing[1]:.3f}；"
      f"加 R1，末尾 {swing[2]:.3f}")
assert abs(growth - math.sqrt(1 + RATE**2 / 4)) < 1e-3
assert radius[-1] > 5 * radius[0] and tamed[-1] < 0.05 * radius[0]
assert abs(plain_loss.mean() - penalised_loss.mean()) < 0.05  # 损失的平均分不出谁在发散
assert swing[1] > 10 * swing[0] > 10 * swing[2]  # 摆幅分得出

# %% alt="左图是参数平面上的两条轨迹：不加惩罚的一圈圈向外旋出，加 R1 的几步之内旋进原点。右图是判别器的损失随步数的变化：一条贴着 ln 4 不动，另一条围着 ln 4 上下摆动，幅度越来越大"
fig, (left, right) = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
for path, losses, name in ((plain, plain_loss, "no penalty"), (penalised, penalised_loss, "R1")):
    left.plot(*path.T, linewidth=1, label=name)
    right.plot(losses, linewidth=1, label=name)
left.plot(0, 0, "k+")
left.set(xlabel="generator", ylabel="discriminator", aspect="equal")
right.axhline(math.log(4), color="C7", linestyle=":", label="ln 4")
right.set(xlabel="step", ylabel="discriminator loss")
_ = right.legend(fontsize="small")  # 单元格的最后一行若是表达式，笔记本会把它显示出来

# %% [markdown]
# 放大率与公式一致。一条轨迹在远离平衡，一条在走进平衡，损失的平均却几乎相同，都在 $\ln 4$ 附近。**看得见差别的不是损失的高低，是它摆动的幅度**：摆幅越来越大，就是在转圈。R1 多给了一个指向平衡点的分量，于是螺旋向内。
#
# ## 二、判别器太强：没有梯度
#
# 真数据是 $\mathcal{N}(0,1)$，生成的是 $\mathcal{N}(d,1)$，相距 $d$。这时最优的判别器有公式：打分 $s(x)=\log p(x)-\log q(x)=d^2/2-dx$。假定判别器已经练到最优，生成器能从它那里得到多少梯度？两种损失分别是 $\log(1-D)$（饱和的，Goodfellow 等最初的写法）和 $-\log D$（不饱和的）。

# %% tolerance="0.3"
distances = np.linspace(0.5, 8, 16)
gradients = {"saturating": [], "non-saturating": []}
noise = torch.randn(20000, generator=torch.Generator().manual_seed(SEED)).to(device)
for d in distances:
    shift = torch.tensor(float(d), device=device, requires_grad=True)
    score = d**2 / 2 - float(d) * (noise + shift)  # 判别器固定在最优处，只对生成器求导
    losses = {"saturating": -F.softplus(score).mean(), "non-saturating": F.softplus(-score).mean()}
    for name, loss in losses.items():
        (slope,) = torch.autograd.grad(loss, shift, retain_graph=True)
        gradients[name].append(slope.item())
for index in (1, 5, 15):
    print(f"相距 {distances[index]:.1f}：饱和 {gradients['saturating'][index]:.5f}，"
          f"不饱和 {gradients['non-saturating'][index]:.2f}")
assert gradients["saturating"][-1] < 0.01 < 5 < gradients["non-saturating"][-1]
assert min(gradients["saturating"] + gradients["non-saturating"]) > 0  # 方向都对：往真数据走

# %% alt="折线图，横轴是两个分布的距离，从 0.5 到 8，纵轴是梯度的大小，对数刻度：饱和损失的梯度先升后降，到 8 时降到千分之一上下；不饱和损失的梯度一直上升"
fig, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
for (name, values), mark in zip(gradients.items(), "os"):
    ax.semilogy(distances, values, mark + "-", markersize=4, label=name)
ax.set(xlabel="distance between real and generated", ylabel="gradient for the generator")
_ = ax.legend()

# %% [markdown]
# 离得越远，生成器越需要指点，饱和的损失给得却越少：判别器越有把握，$\log(1-D)$ 越平。换成 $-\log D$，梯度随距离增大。训练里看见判别器的损失贴着 0、生成器的损失却不动，先量一下生成器的**梯度范数**，不要只看损失。
#
# 不饱和的损失也不是没有代价：距离越大梯度越大，步子会过头；它也管不了第一部分的转圈。
#
# ## 三、四种生成器，四把尺子
#
# 真数据是圆周上的 8 个峰。下面不训练，直接造出四个「生成器」，一个好的，三个各有一种已知的毛病，再用四把尺子去量。先造好，才知道尺子该说什么。

# %%
def draw(n, peaks=NUM_PEAKS, spread=SPREAD):
    """n 个点 (n, 2)：圆周上前 peaks 个峰，每个峰的标准差是 spread。"""
    angle = 2 * np.pi * rng.integers(peaks, size=n) / NUM_PEAKS
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) + spread * rng.normal(size=(n, 2))

train_set, held_out = draw(NUM_SAMPLES), draw(NUM_SAMPLES)
generators = {
    "good": draw(NUM_SAMPLES),
    "3 of 8 peaks": draw(NUM_SAMPLES, peaks=3),
    "blurred": draw(NUM_SAMPLES, spread=3 * SPREAD),
    "copies": rng.permutation(train_set) + 0.002 * rng.normal(size=train_set.shape),
}

# %% alt="四幅散点图，灰点是留出的真数据，蓝点是生成的：好的盖住 8 个峰；少峰的只有 3 个峰；发糊的每个峰散开成一团；照抄的与好的看上去一样"
fig, axes = plt.subplots(1, 4, figsize=(8, 2.2), layout="constrained", sharey=True)
for ax, (name, points) in zip(axes, generators.items()):
    ax.scatter(*held_out[:300].T, s=4, color="0.75")
    ax.scatter(*points[:300].T, s=4, color="C0", alpha=0.5)
    ax.set(title=name, aspect="equal", xticks=(), yticks=())

# %% [markdown]
# 四把尺子，每把给一个数，并写明好的生成器该得多少：
#
# | 尺子 | 怎样量 | 好的应得 |
# |---|---|---|
# | 在峰上 | 离最近的峰不超过三个标准差的占比 | 约 0.99 |
# | 覆盖 | 有多少个峰分到了均分的四分之一以上 | 1（8 个都有） |
# | 两样本 | 随机森林分生成的与留出的，交叉验证的准确率 | 约 0.5 |
# | 偏训练集 | 离训练点比离留出点更近的占比 | 约 0.5 |

# %% tolerance="0.06"
corners = np.stack([f(2 * np.pi * np.arange(NUM_PEAKS) / NUM_PEAKS) for f in (np.cos, np.sin)], axis=1)

def gaps(points, others):
    """points 的每个点到 others 的距离 (N, M)。"""
    return np.linalg.norm(points[:, None] - others, axis=-1)

def rulers(points):
    """四把尺子的读数。"""
    to_peak = gaps(points, corners)
    shares = np.bincount(to_peak.argmin(axis=1), minlength=NUM_PEAKS) / len(points)
    forest = RandomForestClassifier(60, min_samples_leaf=5, random_state=SEED)
    both, which = np.concatenate([points, held_out]), np.repeat([0, 1], len(points))
    nearer = gaps(points, train_set).min(axis=1) < gaps(points, held_out).min(axis=1)
    return {"on a peak": (to_peak.min(axis=1) < 3 * SPREAD).mean(),
            "coverage": (shares > 0.25 / NUM_PEAKS).mean(),
            "two-sample": cross_val_score(forest, both, which, cv=4).mean(),
            "nearer to train": nearer.mean()}

readings = {name: rulers(points) for name, points in generators.items()}
for name, values in readings.items():
    print(f"{name:13}", "  ".join(f"{ruler} {value:.2f}" for ruler, value in values.items()))

# %% [markdown]
# 「看出来」也要有标准：读数离好的生成器超过 0.1，算看出来。0.1 比好的生成器换一批样本的波动大得多，下面先核对这一点，再画表。

# %% alt="四行四列的表，行是生成器，列是尺子，格子里写着读数，深色表示看出了毛病。少峰的被覆盖与两样本看出；发糊的被在峰上与两样本看出；照抄的只被偏训练集看出；好的一格也没有"
again = rulers(draw(NUM_SAMPLES))  # 另一批好的样本：尺子自己的波动
assert all(abs(again[ruler] - value) < 0.1 for ruler, value in readings["good"].items())
table = np.array([list(values.values()) for values in readings.values()])  # (生成器, 尺子)
seen = abs(table - table[0]) > 0.1
fig, ax = plt.subplots(figsize=(5.5, 2.4), layout="constrained")
ax.imshow(seen, cmap="Oranges", vmin=0, vmax=1.6, aspect="auto")
for row, column in np.ndindex(*table.shape):
    ax.text(column, row, f"{table[row, column]:.2f}", ha="center", va="center")
ax.set_xticks(range(4), list(readings["good"]))
ax.set_yticks(range(4), list(readings))
assert seen[1:].any(axis=1).all()  # 每种毛病都有尺子看见
assert not seen[1:].all(axis=0).any()  # 没有一把尺子看见所有的毛病

# %% [markdown]
# 每种毛病都有尺子看见，没有一把尺子样样看见。两样本检验最灵，却对照抄毫无办法：抄来的点本来就与真数据同分布。只有拿训练集当对照的那一把看得见。反过来，「在峰上」这类只问像不像的尺子，对少峰和照抄都给满分。
#
# 所以报告生成模型，至少要一把量分布的尺子加一把量照抄的尺子，并且像这里一样，先拿已知的毛病验过尺子。
#
# ## 没有说明的
#
# - 第一部分只算了平衡点附近、两个参数；真的网络有许多方向，可以一些方向转圈，一些方向收敛。交替更新的放大率也与同时更新不同。
# - 第二部分假定判别器已经最优。训练中的判别器往往没有到那一步，梯度会大一些。
# - 第三部分的毛病是摆明了造出来的，而且只有二维。图像上的距离要换成特征空间的距离，尺子的灵敏度也要重新验。
#
# ## 动手
#
# 先写下你猜的结果，再改、再运行：
#
# 1. `RATE = 0.02`：放大率还是大于 1 吗？能不能只靠减小步长治好它？
# 2. 把 `chase` 改成交替更新：先动判别器，再用新的 $\psi$ 动生成器。轨迹变成什么？
# 3. `peaks=7`：只少一个峰，哪把尺子先看不见？
# 4. 给照抄的点加更大的噪声：加到多大，「偏训练集」就看不见了？
