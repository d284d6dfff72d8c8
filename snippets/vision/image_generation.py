# --8<-- [start:setup]
import copy
import math

import numpy as np
import torch
from matplotlib import rcParams
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
BATCH_SIZE = 64
STEPS = 3000  # GAN 与扩散模型看同样多的批
NOISE_SIZE, HIDDEN_SIZE = 32, 256
NUM_TIMESTEPS = 250  # 扩散模型加噪的级数，采样时默认逐级走完
rng = np.random.default_rng(SEED)
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
# --8<-- [end:setup]

# --8<-- [start:load-data]
images, labels = load_digits(return_X_y=True)  # (1797, 64) 的整数 0–16，标签 0–9
train_images, held_images, train_labels, held_labels = train_test_split(
    images, labels, train_size=1078, stratify=labels, random_state=SEED)
x = torch.tensor(train_images / 8 - 1, dtype=torch.float32, device=device)  # (1078, 64)，[−1, 1]
conditions = F.one_hot(torch.tensor(train_labels, device=device)).float()  # (1078, 10)
wanted = F.one_hot(torch.tensor(held_labels, device=device)).float()  # 生成时要的 719 个标签
print(f"训练 {len(x)} 张，留出 {len(held_images)} 张；生成器见不到留出的图")
# --8<-- [end:load-data]

# --8<-- [start:judge]
def make_rejects(n):
    """(4n, 64)：各 n 张噪声、打乱的像素、两图叠加、上下拼接，都不是数字。"""
    pairs = rng.integers(len(train_images), size=(3 * n, 2))
    pairs = pairs[train_labels[pairs[:, 0]] != train_labels[pairs[:, 1]]][:n]  # 两图不同类
    first, second = train_images[pairs[:, 0]], train_images[pairs[:, 1]]
    return np.concatenate([rng.uniform(0, 16, (n, 64)), rng.permuted(first, axis=1),
                           (first + second) / 2, np.where(np.arange(64) < 32, first, second)])

rejects = make_rejects(270)  # 第 11 类，与真图一样多
judge = MLPClassifier((256,), alpha=1e-3, learning_rate_init=2e-3, random_state=SEED)
answers = np.concatenate([train_labels, np.full(len(rejects), 10)])
for _ in range(100):  # 一次 partial_fit 是一遍
    judge.partial_fit(np.concatenate([train_images, rejects]) / 16, answers, classes=range(11))
noise = rng.uniform(0, 16, (1000, 64)) / 16  # 没见过的噪声
fooled = (judge.predict_proba(noise)[:, :10].max(axis=1) > 0.9).mean()
print(f"纯噪声里被评委认作数字（p > 0.9）的占 {fooled:.2f}")
assert fooled <= 0.02
# --8<-- [end:judge]

# --8<-- [start:measures]
gaps = cdist(held_images, train_images).min(axis=1)  # 留出的真图离训练图有多近
copy_limit = np.quantile(gaps, 0.01)  # 比 99% 的真图都近，才算照抄
folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
siblings = np.empty_like(held_images)  # 719 张训练图，标签与留出集逐张相同
for c in range(10):
    rows = held_labels == c
    siblings[rows] = rng.permutation(train_images[train_labels == c])[: rows.sum()]

def recognise(images):
    """(719, 64) → 认对的占比、最少一类的占比；第 i 张要的是 held_labels[i]，p > 0.9 才算。"""
    p = judge.predict_proba(images / 16)[:, :10]
    sure, guess = p.max(axis=1) > 0.9, p.argmax(axis=1)
    rarest = np.bincount(guess[sure], minlength=10).min() / len(images)
    return (sure & (guess == held_labels)).mean(), rarest

def measure(name, images):
    """五项指标并打印。images (719, 64)，值 0–16，先取整：真图只有 17 级灰度。"""
    images = np.rint(images).clip(0, 16)
    right, rarest = recognise(images)
    copied = (cdist(images, train_images).min(axis=1) < copy_limit).mean()
    leaning = (cdist(images, siblings).min(axis=1) < cdist(images, held_images).min(axis=1)).mean()
    both = np.concatenate([held_images, images]) / 16
    told = cross_val_score(SVC(C=10), both, np.repeat([0, 1], len(images)), cv=folds).mean()
    print(f"{name}：认对 {right:.2f}，最少一类 {rarest:.2f}，照抄 {copied:.3f}，"
          f"偏训练集 {leaning:.2f}，两样本 {told:.2f}")
    return {"right": right, "rarest": rarest, "copied": copied, "leaning": leaning, "told": told}
# --8<-- [end:measures]

# --8<-- [start:baselines]
real_right, real_rarest = recognise(held_images)
print(f"留出的真图：认对 {real_right:.2f}，最少一类 {real_rarest:.2f}")
copier = measure("照抄训练图", siblings)
assert copier["copied"] == 1 and copier["right"] > real_right and 0.42 < copier["told"] < 0.58
gaussian_images = np.empty_like(held_images)
for c in range(10):
    group, rows = train_images[train_labels == c], held_labels == c
    gaussian_images[rows] = rng.multivariate_normal(group.mean(0), np.cov(group.T), rows.sum())
gaussian = measure("每类一个高斯", gaussian_images)
# --8<-- [end:baselines]

# --8<-- [start:gan-networks]
def mlp(*sizes, dropout=0.0):
    """(B, sizes[0]) → (B, sizes[-1])；隐藏层后接 LeakyReLU 与 dropout，最后一层是 logits。"""
    layers = []
    for fan_in, fan_out in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1])).to(device)

torch.manual_seed(SEED)
generator = nn.Sequential(mlp(NOISE_SIZE + 10, HIDDEN_SIZE, HIDDEN_SIZE, 64), nn.Tanh())
discriminator = mlp(64 + 10, HIDDEN_SIZE, HIDDEN_SIZE, 1, dropout=0.4)  # 图与标签一起看
average = copy.deepcopy(generator)  # 权重的滑动平均，采样用它
g_optimizer, d_optimizer = (
    torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)
    for net in (generator, discriminator))
print("参数：", *(sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)))
# --8<-- [end:gan-networks]

# --8<-- [start:gan-train]
def follow(average, net, decay=0.995):
    """average ← decay·average + (1 − decay)·net，就地。"""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 1 - decay)

bce, losses, snapshots = F.binary_cross_entropy_with_logits, [], {}
ones = torch.ones(BATCH_SIZE, 1, device=device)
two_each = F.one_hot(torch.arange(20, device=device) // 2).float()  # 画图用：每类两张，噪声固定
ruler = torch.cat([torch.randn(20, NOISE_SIZE, device=device), two_each], dim=1)
for step in range(1, STEPS + 1):
    idx = torch.randint(len(x), (BATCH_SIZE,), device=device)
    label, z = conditions[idx], torch.randn(BATCH_SIZE, NOISE_SIZE, device=device)  # 每步重取
    fake = generator(torch.cat([z, label], dim=1))  # (B, 64)
    d_loss = bce(discriminator(torch.cat([x[idx], label], dim=1)), ones)
    d_loss = d_loss + bce(discriminator(torch.cat([fake.detach(), label], dim=1)), 1 - ones)
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = bce(discriminator(torch.cat([fake, label], dim=1)), ones)  # 这里不能 detach
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    follow(average, generator)
    losses.append(torch.stack([d_loss, g_loss]).detach())
    if step in (100, 500, 1000, STEPS):
        snapshots[step] = average(ruler).detach().cpu().numpy()
assert all(p.grad is not None and p.grad.norm() > 0 for p in generator.parameters())
losses = torch.stack(losses).cpu().numpy()  # (STEPS, 2)
# --8<-- [end:gan-train]

# --8<-- [start:gan-figure]
def tile(images, columns):
    """(N, 64) → 一张大图；每张 8×8 四周留一圈黑边。"""
    cells = np.pad(images.reshape(-1, columns, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)),
                   constant_values=images.min())
    return cells.transpose(0, 2, 1, 3).reshape(-1, columns * 10)

smooth = losses.reshape(-1, 100, 2).mean(axis=1)  # 每 100 步平均成一点
fig = Figure(figsize=(7, 3.6), layout="constrained")
top, bottom = fig.subplots(2, height_ratios=(1.2, 1))
top.plot(np.arange(50, STEPS, 100), smooth, label=["discriminator", "generator"])
top.hlines([math.log(4), math.log(2)], 0, STEPS, ["C0", "C1"], "dotted")  # 分不出真假时的损失
top.set(xlabel="step", ylabel="loss", ylim=(0, 3), yticks=range(4), xlim=(0, STEPS))
top.legend(loc="upper right", ncols=2)
grid = np.rint(np.concatenate(list(snapshots.values())) * 8 + 8)  # 取整到 0–16，图小一些
bottom.imshow(tile(grid, 20), cmap="gray", interpolation="none")
bottom.set(xticks=[], yticks=range(5, 45, 10), yticklabels=[f"step {k}" for k in snapshots])
fig.savefig("image-generation-gan.svg", metadata={"Date": None})
# --8<-- [end:gan-figure]

# --8<-- [start:gan-measure]
@torch.no_grad()
def draw_gan(wanted):
    """(N, 10) 独热 → (N, 64) 的 NumPy 图，值 0–16。"""
    z = torch.randn(len(wanted), NOISE_SIZE, device=device)
    return (average(torch.cat([z, wanted], dim=1)).cpu().numpy() + 1) * 8

gan_images = draw_gan(wanted)
gan = measure("GAN", gan_images)
# --8<-- [end:gan-measure]

# --8<-- [start:ddpm-network]
# 余弦日程：ᾱ_t 从接近 1 降到接近 0；signal[t] = ᾱ_t，t = 0 … T，signal[0] = 1
angle = (torch.arange(NUM_TIMESTEPS + 1) / NUM_TIMESTEPS + 0.008) / 1.008 * math.pi / 2
signal = (angle.cos() ** 2 / angle[0].cos() ** 2).clamp(min=1e-4).to(device)

class Denoiser(nn.Module):
    """带噪的图 (B, 64)、时刻 (B,)、标签 (B, 10) → 对干净图的估计 (B, 64)。"""
    def __init__(self, width=HIDDEN_SIZE, depth=3):
        super().__init__()
        self.enter = nn.Linear(64 + 42, width)
        self.cond = nn.Linear(42, width * (depth - 1))  # 每层各加一份时刻与标签
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 64))

    def forward(self, noisy, t, label):
        waves = t[:, None] / NUM_TIMESTEPS * 1000 ** torch.linspace(0, 1, 16, device=t.device)
        cond = torch.cat([waves.sin(), waves.cos(), label], dim=1)  # (B, 42)
        h = F.silu(self.enter(torch.cat([noisy, cond], dim=1)))
        for layer, extra in zip(self.hidden, self.cond(cond).chunk(len(self.hidden), dim=1)):
            h = h + F.silu(layer(h) + extra)
        return self.leave(h)
# --8<-- [end:ddpm-network]

# --8<-- [start:ddpm-train]
torch.manual_seed(SEED)
denoiser = Denoiser().to(device)
steady = copy.deepcopy(denoiser)
print("参数：", sum(p.numel() for p in denoiser.parameters()))
optimizer = torch.optim.Adam(denoiser.parameters(), lr=2e-3, fused=True)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, 2 - 2 * k / STEPS))
for step in range(STEPS):
    idx = torch.randint(len(x), (BATCH_SIZE,), device=device)
    t = torch.randint(1, NUM_TIMESTEPS + 1, (BATCH_SIZE,), device=device)
    kept = signal[t][:, None]  # (B, 1)，还剩多少信号
    noisy = kept.sqrt() * x[idx] + (1 - kept).sqrt() * torch.randn(BATCH_SIZE, 64, device=device)
    error = (denoiser(noisy, t, conditions[idx]) - x[idx]).square()
    loss = ((kept / (1 - kept)).clamp(max=5) * error).mean()  # 按信噪比加权，封顶 5
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    follow(steady, denoiser, 0.998)
# --8<-- [end:ddpm-train]

# --8<-- [start:ddpm-sample]
@torch.no_grad()
def draw_ddpm(wanted, steps=NUM_TIMESTEPS):
    """(N, 10) 独热 → (N, 64)，值 0–16；从纯噪声走 steps 级到 0（Ho 等，2020，算法 2）。"""
    noisy = torch.randn(len(wanted), 64, device=device)
    levels = torch.linspace(NUM_TIMESTEPS, 0, steps + 1).round().long().tolist()
    for now, after in zip(levels, levels[1:]):
        clean = steady(noisy, torch.full((len(wanted),), now, device=device), wanted).clamp(-1, 1)
        a, b = signal[now], signal[after]
        step_kept, left = a / b, 1 - a  # 这一步保留的信号；现在的噪声方差
        mean = (b.sqrt() * (1 - step_kept) * clean + step_kept.sqrt() * (1 - b) * noisy) / left
        noisy = mean + ((1 - step_kept) * (1 - b) / left).sqrt() * torch.randn_like(noisy)
    return (noisy.cpu().numpy() + 1) * 8

ddpm_images = draw_ddpm(wanted)
ddpm = measure("扩散", ddpm_images)
# --8<-- [end:ddpm-sample]

# --8<-- [start:compare]
print(f"结论｜生成 8×8 手写数字｜GAN 认对 {gan['right']:.2f}，扩散 {ddpm['right']:.2f}"
      f"｜每类一个高斯 {gaussian['right']:.2f}，留出真图 {real_right:.2f}")
assert gan["right"] > gaussian["right"] + 0.05 and ddpm["right"] > gaussian["right"] + 0.05
assert min(gan["rarest"], ddpm["rarest"]) >= 0.02 and gan["copied"] <= 0.02
assert ddpm["copied"] > gan["copied"] + 0.02  # GAN 占先：少照抄
assert ddpm["told"] < gan["told"] - 0.01 < gaussian["told"]  # 扩散占先：难与真图分开
# --8<-- [end:compare]
