# --8<-- [start:setup]
import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import nn

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
WHEELBASE, SPEED, DT = 2.7, 8.0, 0.05  # 轴距 m，车速 m/s，控制周期 s
STEER_MAX, HALF_WIDTH, LOST = 0.5, 2.0, 4.0  # 前轮转角上限 rad，半幅路宽 m，误差封顶 m
LOOKAHEAD = 5.0  # 纯追踪的预瞄距离 m
TRAIN_CARS, TRAIN_STEPS = 12, 100  # 一轮采集：12 辆车各 5 秒，共 1200 对
TEST_CARS, TEST_STEPS = 12, 500  # 没见过的 12 条赛道，各 25 秒、200 米
ROUNDS, BIAS = 5, 0.02  # DAgger 轮数；只在测试时出现的转向偏差 rad
# --8<-- [end:setup]

# --8<-- [start:tracks]
class Tracks:
    """n 条闭合中心线：xy (n, P, 2) 米，等弧长；heading (n, P) rad；curvature (n, P) 1/m。

    极坐标半径是几个谐波之和，急弯（半径不到 15 米）的不要；一半翻成顺时针。
    """
    def __init__(self, n, rng, points=1000):
        angle, xy = np.linspace(0, 2 * np.pi, 4000), []
        while len(xy) < n:
            k = np.arange(2, 6)[:, None]
            size, phase = rng.uniform(0, 0.9, (4, 1)), rng.uniform(0, 7, (4, 1))
            wave = size / k**1.5 * np.cos(k * angle + phase)
            line = 40 * (1 + wave.sum(0)) * np.exp(1j * angle)  # 复平面上的闭合曲线
            arc = np.r_[0, np.abs(np.diff(line)).cumsum()]
            line = np.interp(np.arange(points) / points * arc[-1], arc, line)
            bend = np.angle(np.roll(line, -1) - line) - np.angle(line - np.roll(line, 1))
            if np.abs((bend + np.pi) % (2 * np.pi) - np.pi).max() / (arc[-1] / points) < 1 / 15:
                line = line if len(xy) % 2 else line.conj()
                xy.append(np.stack([line.real, line.imag], -1))
        self.xy = np.array(xy)
        ahead, back = (np.roll(self.xy, -s, axis=1) for s in (1, -1))
        self.heading = np.arctan2(*(ahead - back).transpose(2, 0, 1)[::-1])
        self.spacing = np.linalg.norm(ahead - self.xy, axis=-1).mean(1)  # (n,)，相邻两点 m
        turn = wrap(np.roll(self.heading, -1, 1) - np.roll(self.heading, 1, 1))
        self.curvature = turn / (2 * self.spacing[:, None])

def wrap(angle):
    """把角度绕回 [−π, π)，rad。"""
    return (angle + np.pi) % (2 * np.pi) - np.pi

train_tracks = Tracks(TRAIN_CARS, np.random.default_rng([SEED, 0]))
test_tracks = Tracks(TEST_CARS, np.random.default_rng([SEED, 1]))
laps = test_tracks.spacing * 1000
print(f"测试赛道：一圈 {laps.min():.0f}.0–{laps.max():.0f}.0 m，"
      f"最急的弯半径 {1 / np.abs(test_tracks.curvature).max():.1f} m")
# --8<-- [end:tracks]

# --8<-- [start:bicycle]
def step(pose, steer, speed=SPEED):
    """运动学自行车模型走一个周期：pose (B, 3) 是后轴 x、y、航向；steer (B,) rad。"""
    steer = np.clip(steer, -STEER_MAX, STEER_MAX)
    middle = pose[:, 2] + speed * np.tan(steer) / WHEELBASE * DT / 2  # 中点法
    move = np.stack([speed * np.cos(middle), speed * np.sin(middle)], -1)
    return np.concatenate([pose[:, :2] + move * DT, 2 * middle[:, None] - pose[:, 2:]], 1)

def locate(pose, index, tracks):
    """在上一次下标附近找最近的中心点 → 下标、横向误差 m（左为正）、航向误差 rad，都是 (B,)。"""
    rows = np.arange(len(pose))
    near = (index[:, None] + np.arange(-8, 25)) % 1000
    offset = pose[:, None, :2] - tracks.xy[rows[:, None], near]  # (B, 33, 2)
    best = (offset**2).sum(-1).argmin(1)
    index, offset = near[rows, best], offset[rows, best]
    heading = tracks.heading[rows, index]
    lateral = offset[:, 1] * np.cos(heading) - offset[:, 0] * np.sin(heading)
    return index, lateral, wrap(pose[:, 2] - heading)

def ahead_of(pose, index, tracks, metres):
    """中心线上前方 metres (M,) 处的点，转到车身坐标：(B, M, 2)，x 向前，y 向左。"""
    rows = np.arange(len(pose))[:, None]
    at = (index[:, None] + np.rint(metres / tracks.spacing[:, None]).astype(int)) % 1000
    dx, dy = (tracks.xy[rows, at] - pose[:, None, :2]).transpose(2, 0, 1)
    cos, sin = np.cos(pose[:, 2:]), np.sin(pose[:, 2:])
    return np.stack([cos * dx + sin * dy, cos * dy - sin * dx], -1)

def expert(pose, index, tracks):
    """纯追踪（Coulter，1992）：驶向预瞄点的圆弧，转角 (B,) rad。"""
    x, y = ahead_of(pose, index, tracks, np.array([LOOKAHEAD]))[:, 0].T
    return np.arctan2(2 * WHEELBASE * y, x**2 + y**2)
# --8<-- [end:bicycle]

# --8<-- [start:observe]
PREVIEW = np.array([0.0, 3.0, 6.0, 9.0, 12.0])  # m

def state(pose, index, tracks):
    """状态 (B, 7) float32：横向误差、航向误差、前方五处的曲率。"""
    _, lateral, yaw = locate(pose, index, tracks)
    rows = np.arange(len(pose))[:, None]
    at = (index[:, None] + np.rint(PREVIEW / tracks.spacing[:, None]).astype(int)) % 1000
    return np.c_[lateral, yaw, tracks.curvature[rows, at]].astype(np.float32)

GRID_X, GRID_Y = np.arange(-3, 18, 0.75), np.arange(-9, 9, 0.75)  # 28 × 24 格，每格 0.75 m

def raster(pose, index, tracks):
    """鸟瞰栅格 (B, 1, 28, 24) float32：车身坐标里的两条路边线，各点是高斯斑，可分离成矩阵乘。"""
    centre = ahead_of(pose, index, tracks, np.arange(-6, 24, 0.75))  # (B, 40, 2)
    tangent = np.gradient(centre, axis=1)
    normal = tangent[..., ::-1] * (-1, 1) / np.linalg.norm(tangent, axis=-1, keepdims=True)
    edges = np.concatenate([centre - HALF_WIDTH * normal, centre + HALF_WIDTH * normal], 1)
    along = np.exp(-((edges[..., :1] - GRID_X) / 0.75) ** 2)  # (B, 80, 28)
    across = np.exp(-((edges[..., 1:] - GRID_Y) / 0.75) ** 2)  # (B, 80, 24)
    return np.minimum(along.transpose(0, 2, 1) @ across, 1)[:, None].astype(np.float32)
# --8<-- [end:observe]

# --8<-- [start:rollout]
def rollout(control, tracks, steps, rng, bias=0.0, observe=None):
    """所有车一起闭环行驶；control(pose, index, tracks) → 转角 (B,)，执行器再加上 bias rad。

    返回字典：lateral (steps, B)，封顶 LOST，驶离之后一直记 LOST；poses (steps, B, 3)；
    给了 observe 时，另有 seen (steps·B, …) 与专家在这些位置上的转角 labels (steps·B,)。
    """
    index = rng.integers(1000, size=len(tracks.xy))
    rows = np.arange(len(index))
    pose = np.c_[tracks.xy[rows, index], tracks.heading[rows, index]]
    lost, log = np.zeros(len(index), bool), {"lateral": [], "poses": [], "seen": [], "labels": []}
    for _ in range(steps):
        index, lateral, _ = locate(pose, index, tracks)
        lost |= np.abs(lateral) >= LOST
        log["lateral"].append(np.where(lost, LOST, lateral))
        log["poses"].append(pose)
        if observe:
            log["seen"].append(observe(pose, index, tracks)[~lost])
            log["labels"].append(expert(pose, index, tracks)[~lost].astype(np.float32))
        steer = control(pose, index, tracks) + bias
        pose = np.where(lost[:, None], pose, step(pose, steer))
    joined = {k: np.concatenate(log[k]) for k in ("seen", "labels") if observe}
    return {"lateral": np.array(log["lateral"]), "poses": np.array(log["poses"])} | joined
# --8<-- [end:rollout]

# --8<-- [start:policies]
class Policy(nn.Module):
    """观测 → 转角 (B,) rad；状态走三层感知机，栅格走两层卷积。归一化的常数存在模型里。"""
    def __init__(self, seen):
        super().__init__()
        self.register_buffer("mean", torch.tensor(seen.mean(0)))
        self.register_buffer("std", torch.tensor(seen.std(0) + 1e-3))
        if seen.ndim == 2:
            body = [nn.Linear(7, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()]
        else:
            self.mean, self.std = torch.tensor(0.0), torch.tensor(1.0)
            body = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(),
                    nn.Flatten(), nn.Linear(16 * 7 * 6, 64), nn.ReLU()]
        self.net = nn.Sequential(*body, nn.Linear(64, 1))

    def forward(self, seen):
        """状态 (B, 7) 或栅格 (B, 1, H, W) → 转角 (B,)，单位弧度，绝对值不超过 STEER_MAX。"""
        return STEER_MAX * torch.tanh(self.net((seen - self.mean) / self.std)).squeeze(-1)

def clone(seen, labels, steps=300, batch_size=128):
    """行为克隆：对 (观测, 专家转角) 做回归，返回训练好的 Policy；学习率线性降到 0。"""
    torch.manual_seed(SEED)
    policy = Policy(seen).to(device)
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, steps)
    x, y = torch.tensor(seen, device=device), torch.tensor(labels, device=device)
    for rows in torch.randint(len(x), (steps, batch_size)):
        loss = (policy(x[rows]) - y[rows]).square().mean() * 100  # 0.1 rad 的平方当 1
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return policy.eval()

def driver(policy, observe):
    """把策略包成 rollout 要的 control。"""
    @torch.no_grad()
    def control(pose, index, tracks):
        return policy(torch.tensor(observe(pose, index, tracks), device=device)).cpu().numpy()
    return control
# --8<-- [end:policies]

# --8<-- [start:dagger]
def collect(control, observe, round_number, steps=TRAIN_STEPS):
    """在训练赛道上行驶一轮，标签总是专家的：(观测, 转角)。"""
    log = rollout(control, train_tracks, steps, np.random.default_rng([SEED, 2, round_number]),
                  observe=observe)
    return log["seen"], log["labels"]

def dagger(observe, rounds=ROUNDS, steps=300):
    """Ross 等（2011）：让当前策略开车，专家只打标签，数据累加后重训。返回克隆与最后的策略、数据。"""
    seen, labels = collect(expert, observe, 0)
    first = policy = clone(seen, labels, steps)
    for number in range(1, rounds + 1):
        more = collect(driver(policy, observe), observe, number)
        seen, labels = np.concatenate([seen, more[0]]), np.concatenate([labels, more[1]])
        policy = clone(seen, labels, steps)
    return first, policy, len(labels)

def error(control, bias=0.0):
    """12 条没见过的赛道上的平均 |横向误差|，m；以及驶出路面的车的占比。"""
    rng = np.random.default_rng([SEED, 3])
    lateral = np.abs(rollout(control, test_tracks, TEST_STEPS, rng, bias)["lateral"])
    return lateral.mean(), (lateral.max(0) > HALF_WIDTH).mean()
# --8<-- [end:dagger]

# --8<-- [start:clone-closed-loop]
cloned, corrected, pairs = dagger(state)
more_demos = clone(*collect(expert, state, 0, TRAIN_STEPS * (ROUNDS + 1)))  # 标签与 DAgger 一样多
results = {}
for name, policy in (("克隆，1200 对", cloned), ("克隆，7200 对", more_demos)):
    results[name] = [error(driver(policy, state), bias) for bias in (0, BIAS)]
    (plain, out), (biased, _) = results[name]
    print(f"{name}：横向误差 {plain:.1f} m，出界 {out:.1f}；带偏差 {biased:.1f} m")
# --8<-- [end:clone-closed-loop]

# --8<-- [start:dagger-closed-loop]
average = collect(expert, state, 0)[1].mean()  # 恒定转角：演示的平均
for name, control in (("专家", expert), ("恒定", lambda *_: np.full(TEST_CARS, average)),
                      ("DAgger", driver(corrected, state))):
    results[name] = [error(control, bias) for bias in (0, BIAS)]
    (plain, out), (biased, _) = results[name]
    print(f"{name}：横向误差 {plain:.3f} m，出界 {out:.2f}；带偏差 {biased:.3f} m")
got, fixed = results["DAgger"][0][0], results["恒定"][0][0]
print(f"结论｜没见过的赛道上循迹｜DAgger 横向误差 {got:.3f} m｜恒定转角 {fixed:.3f} m")
assert got <= 0.06 and got <= 0.9 * min(results[f"克隆，{n} 对"][0][0] for n in (1200, 7200))
assert results["DAgger"][1][0] <= 0.3 < results["克隆，1200 对"][1][0]
assert results["DAgger"][1][1] == 0
# --8<-- [end:dagger-closed-loop]
