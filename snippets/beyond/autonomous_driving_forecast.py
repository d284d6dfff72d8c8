# --8<-- [start:forecast-setup]
import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import nn

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
PAST, FUTURE, EVERY = 10, 15, 0.2  # 看 2 s，预测 3 s，每 0.2 s 一点
LANE = np.arange(0, 36, 3.0)  # 车道点在前方多远 m
# --8<-- [end:forecast-setup]

# --8<-- [start:traffic]
def traffic(n, rng):
    """n 段别的车的行驶，入弯减速（侧向加速度至多 1.5 m/s²），观测有 5 cm 噪声。

    返回 (n, 37, 2) float32，m：过去 10 点、车道 12 点、未来 15 点；
    原点是最后一次观测，x 轴是最近 0.6 s 的位移方向。
    """
    s = np.arange(0, 140, 0.5)  # 路的弧长 m
    wave = 2 * np.pi * (s / rng.uniform(50, 120, (n, 2, 1)) + rng.uniform(0, 1, (n, 2, 1)))
    bend = (rng.uniform(0, 0.04, (n, 2, 1)) * np.sin(wave)).sum(1)  # 曲率 1/m
    road = (np.exp(1j * bend.cumsum(1) * 0.5) * 0.5).cumsum(1)  # 复平面上的中心线 (n, 280)
    limit = np.sqrt(1.5 / (np.abs(bend) + 1e-3))
    wish, rows, driven = rng.uniform(6, 12, n), np.arange(n), np.full(n, 20.0)
    speed, at = wish * rng.uniform(0.7, 1, n), []
    for _ in range(PAST + FUTURE):
        at.append(driven)
        soon = (driven[:, None] * 2 + np.arange(0, 20, 4)).astype(int)  # 看前方 10 m
        target = np.minimum(wish, limit[rows[:, None], soon].min(1))
        speed = speed + np.clip(target - speed, -0.6, 0.4)  # 每 0.2 s 最多减 0.6、加 0.4 m/s
        driven = driven + speed * EVERY
    now = at[PAST - 1][:, None]
    want = np.concatenate([np.array(at[:PAST]).T, now + LANE, np.array(at[PAST:]).T], 1)
    points = np.array([np.interp(w, s, line) for w, line in zip(want, road)])  # (n, 37)
    points[:, :PAST] += rng.normal(0, 0.05, (n, PAST, 2)) @ (1, 1j)
    move = points[:, PAST - 1] - points[:, PAST - 4]
    points = (points - points[:, [PAST - 1]]) * (np.abs(move) / move)[:, None]
    return np.stack([points.real, points.imag], -1).astype(np.float32)

train, test = (traffic(n, np.random.default_rng([SEED, n])) for n in (4000, 1000))
# --8<-- [end:traffic]

# --8<-- [start:simple-forecasts]
def straight(past):
    """匀速：按最近 0.6 s 的平均速度走直线；past (N, 10, 2) → (N, 15, 2)。"""
    velocity = (past[:, -1] - past[:, -4]) / 3
    return velocity[:, None] * np.arange(1, FUTURE + 1)[:, None]

def turning(past):
    """匀速匀转：前后两段位移的夹角给出转速，速率不变。"""
    late, early = (past[:, b] - past[:, a] for a, b in ((-4, -1), (-8, -5)))
    late, early = late @ (1, 1j), early @ (1, 1j)
    spin = np.angle(late / early)[:, None] / 4  # 每 0.2 s 转多少 rad
    path = (late[:, None] / 3 * np.exp(1j * spin * np.arange(2, FUTURE + 2))).cumsum(1)
    return np.stack([path.real, path.imag], -1)

def score(guess, future):
    """ADE：各时刻误差的平均；FDE：3 秒末的误差；m。"""
    gap = np.linalg.norm(guess - future, axis=-1)  # (N, 15)
    return gap.mean(), gap[:, -1].mean()
# --8<-- [end:simple-forecasts]

# --8<-- [start:forecaster]
class Forecaster(nn.Module):
    """历史点与车道点作词元 (B, T, 2) m → 匀速外推的修正 (B, 15, 2) m。"""
    def __init__(self, tokens, width=32):
        super().__init__()
        self.embed, self.place = nn.Linear(2, width), nn.Parameter(torch.randn(tokens, width) / 10)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True,
                                           norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2 * FUTURE)

    def forward(self, tokens):
        """tokens (B, T, 2)，单位米 → 对匀速外推的修正 (B, FUTURE, 2)，单位米。"""
        hidden = self.body(self.embed(tokens / 10) + self.place)  # (B, T, width)
        return self.head(hidden.mean(1)).unflatten(-1, (FUTURE, 2)) * 5

def learn(tokens, steps=250, batch_size=64):
    """用前 tokens 个点训练；10 是只看历史，22 是加上车道。"""
    torch.manual_seed(SEED)
    model = Forecaster(tokens).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, steps)
    x = torch.tensor(train[:, :tokens], device=device)
    y = torch.tensor(train[:, 22:] - straight(train[:, :PAST]), device=device).float()
    for rows in torch.randint(len(x), (steps, batch_size)):
        loss = (model(x[rows]) - y[rows]).norm(dim=-1).mean()  # 就是 ADE
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()
# --8<-- [end:forecaster]

# --8<-- [start:forecast-compare]
past, future = test[:, :PAST], test[:, 22:]
guesses = {"匀速": straight(past), "匀速匀转": turning(past)}
for name, tokens in (("Transformer，无车道", 10), ("Transformer，有车道", 22)):
    fix = learn(tokens)(torch.tensor(test[:, :tokens], device=device))
    guesses[name] = straight(past) + fix.detach().cpu().numpy()
scores = {name: score(guess, future) for name, guess in guesses.items()}
for name, (ade, fde) in scores.items():
    print(f"{name}：ADE {ade:.2f} m，FDE {fde:.2f} m")
best = scores["Transformer，有车道"]
print(f"结论｜3 秒轨迹预测｜Transformer ADE {best[0]:.2f} m｜匀速外推 {scores['匀速'][0]:.2f} m")
assert all(ours < 0.6 * min(scores[name][i] for name in ("匀速", "匀速匀转"))
           for i, ours in enumerate(best))
assert best[0] < 0.8 * scores["Transformer，无车道"][0]
# --8<-- [end:forecast-compare]

# --8<-- [start:forecast-figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(7, 2.8), layout="constrained")
    sharp = np.abs(future[:, -1, 1]).argsort()[[-400, -200, -50]]  # 横向走得较远的三例
    for ax, row in zip(fig.subplots(1, 3, sharey=True), sharp):
        ax.plot(*test[row, PAST:22].T, color="0.7", linewidth=6, alpha=0.4, label="lane")
        ax.plot(*past[row].T, "k.", markersize=3, label="observed")
        ax.plot(*future[row].T, "k-", linewidth=1, label="future")
        for (name, label), style in zip((("匀速", "constant velocity"),
                                         ("Transformer，有车道", "transformer")), ("C3--", "C0-")):
            ax.plot(*guesses[name][row].T, style, label=label)
        ax.set(xlim=(-22, 36), ylim=(-22, 22), xlabel="x, m", xticks=(-20, 0, 20))
    ax.legend(fontsize=7, loc="lower left")
    fig.savefig("autonomous-driving-forecast.svg", metadata={"Date": None})
# --8<-- [end:forecast-figure]
