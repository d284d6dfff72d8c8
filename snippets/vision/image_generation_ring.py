# --8<-- [start:ring-setup]
import math

import numpy as np
import torch
from matplotlib import rcParams
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
RUNS, STEPS, BATCH_SIZE, HIDDEN_SIZE = 8, 400, 64, 64  # 8 个互不相干的 GAN 一起训练
NOISE_SIZE, SPREAD = 8, 0.02  # 噪声的维数、每个峰的标准差
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
angles = torch.arange(8, device=device) * math.pi / 4
centers = torch.stack([angles.cos(), angles.sin()], dim=1)  # (8, 2)：单位圆上的 8 个峰
# --8<-- [end:ring-setup]

# --8<-- [start:ring-networks]
class Bank(nn.Module):
    """RUNS 个各自独立的三层 MLP：(RUNS, B, fan_in) → (RUNS, B, fan_out)。"""
    def __init__(self, fan_in, fan_out, activation):
        super().__init__()
        sizes, self.activation = (fan_in, HIDDEN_SIZE, HIDDEN_SIZE, fan_out), activation
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for a, b in zip(sizes[:-1], sizes[1:]):  # 与 nn.Linear 一样的初始化
            self.weights.append(torch.empty(RUNS, a, b).uniform_(-(a**-0.5), a**-0.5))
            self.biases.append(torch.empty(RUNS, 1, b).uniform_(-(a**-0.5), a**-0.5))

    def forward(self, h):
        for weight, bias in zip(self.weights[:-1], self.biases[:-1]):
            h = self.activation(torch.baddbmm(bias, h, weight))
        return torch.baddbmm(self.biases[-1], h, self.weights[-1])
# --8<-- [end:ring-networks]

# --8<-- [start:ring-train]
def train(activation, penalty):
    """penalty 是 R1 的系数。返回 RUNS 个生成器各画的 1000 个点，(RUNS, 1000, 2)。"""
    torch.manual_seed(SEED)
    g = Bank(NOISE_SIZE, 2, activation).to(device)
    d = Bank(2, 1, activation).to(device)
    g_optimizer, d_optimizer = (
        torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.999), fused=True)
        for net in (g, d))
    for _ in range(STEPS):
        peaks = centers[torch.randint(8, (RUNS, BATCH_SIZE), device=device)]
        real = (peaks + SPREAD * torch.randn_like(peaks)).requires_grad_()
        fake = g(torch.randn(RUNS, BATCH_SIZE, NOISE_SIZE, device=device))
        scores = d(real)  # (RUNS, B, 1)；softplus(−s) 就是「判真」的交叉熵
        d_loss = F.softplus(-scores).mean(1) + F.softplus(d(fake.detach())).mean(1)
        if penalty:
            slope, = torch.autograd.grad(scores.sum(), real, create_graph=True)  # 只罚真样本处
            d_loss = d_loss + penalty / 2 * slope.square().sum(2).mean(1, keepdim=True)
        d_optimizer.zero_grad()
        d_loss.sum().backward()  # 各个 GAN 互不相干，求和不会串
        d_optimizer.step()
        g_optimizer.zero_grad()
        F.softplus(-d(fake)).mean(1).sum().backward()
        g_optimizer.step()
    return g(torch.randn(RUNS, 1000, NOISE_SIZE, device=device)).detach()
# --8<-- [end:ring-train]

# --8<-- [start:ring-compare]
recipes = {"ReLU": (F.relu, 0), "ReLU + R1": (F.relu, 1),
           "LeakyReLU": (lambda h: F.leaky_relu(h, 0.2), 0)}
drawn, kept = {}, {}
for name, recipe in recipes.items():
    drawn[name] = train(*recipe)
    gap, nearest = torch.cdist(drawn[name], centers.expand(RUNS, 8, 2)).min(dim=2)  # (RUNS, 1000)
    hits = F.one_hot(nearest, 8) * (gap < 0.25)[..., None]
    kept[name] = (hits.sum(dim=1) >= 10).sum(dim=1).float().mean().item()  # 每个 GAN 覆盖几个峰
    print(f"{name}：8 个峰平均覆盖 {kept[name]:.1f} 个")
assert kept["ReLU"] < 6 and kept["LeakyReLU"] > 7 and kept["ReLU + R1"] > 7
# --8<-- [end:ring-compare]

# --8<-- [start:ring-figure]
fig = Figure(figsize=(7, 2.7), layout="constrained")
for ax, (name, points) in zip(fig.subplots(1, 3), drawn.items()):
    density, *_ = np.histogram2d(*points[0].cpu().numpy().T, bins=48, range=[(-1.5, 1.5)] * 2)
    ax.imshow(density.T.clip(max=8), origin="lower", extent=(-1.5, 1.5, -1.5, 1.5), cmap="Blues",
              interpolation="none")
    ax.plot(*centers.cpu().numpy().T, "x", color="C1", markersize=4)
    ax.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1), title=name)
fig.savefig("image-generation-ring.svg", metadata={"Date": None})
# --8<-- [end:ring-figure]
