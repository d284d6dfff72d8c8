# --8<-- [start:strip-figure]
runs = {}
for name, control in (("expert", expert), ("cloning", driver(cloned, state)),
                      ("DAgger", driver(corrected, state))):
    runs[name] = rollout(control, test_tracks, TEST_STEPS, np.random.default_rng([SEED, 3]), BIAS)
car = np.abs(runs["cloning"]["lateral"]).mean(0).argmax()  # 克隆开得最差的那辆
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(7, 5.6), layout="constrained")
    grid = fig.add_gridspec(3, 8, height_ratios=(3, 1, 1))
    road, drift = fig.add_subplot(grid[0, :3]), fig.add_subplot(grid[0, 3:])
    road.plot(*test_tracks.xy[car, ::20].T, color="0.6", linewidth=6, alpha=0.4)
    for (name, run), style in zip(runs.items(), ("k:", "C3-", "C0-")):
        road.plot(*run["poses"][::10, car, :2].T, style, linewidth=1.2)
        drift.plot(np.arange(0, TEST_STEPS, 10) * DT, np.abs(run["lateral"][::10]).mean(1) + 1e-3,
                   style, label=name)
    road.set(xticks=[], yticks=[], aspect="equal", xlim=(-75, 75), ylim=(-75, 75))
    drift.set(xlabel="time, s", ylabel="mean |lateral error|, m", yscale="log", xlim=(0, 25))
    drift.set_ylim(1e-3, 10)
    drift.legend(loc="lower right")
    for row, name in ((1, "cloning"), (2, "DAgger")):
        for column, at in enumerate((0, 20, 60, 160)):
            ax = fig.add_subplot(grid[row, 2 * column:2 * column + 2])
            where = runs[name]["poses"][at]
            index = ((test_tracks.xy - where[:, None, :2])**2).sum(-1).argmin(1)
            ax.imshow(raster(where, index, test_tracks)[car, 0, :, ::-1], origin="lower",
                      cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[], title=f"{name}, {at * DT:.0f} s")
    fig.savefig("autonomous-driving-strip.svg", metadata={"Date": None})
# --8<-- [end:strip-figure]

# --8<-- [start:from-raster]
first, last, count = dagger(raster, rounds=2, steps=150)
for name, policy in (("克隆", first), ("DAgger", last)):
    plain, out = error(driver(policy, raster))
    print(f"栅格，{name}：横向误差 {plain:.2f} m，出界 {out:.2f}")
assert plain < 0.5 * results["恒定"][0][0]
# --8<-- [end:from-raster]

# --8<-- [start:safety-envelope]
class Envelope:
    """包在策略外面：照当前转角再走 1 秒会偏离 1.2 m 以上，就由纯追踪接管，不再交还。"""
    def __init__(self, inner, limit=1.2, horizon=20):
        self.inner, self.limit, self.horizon, self.tripped = inner, limit, horizon, False

    def __call__(self, pose, index, tracks):
        steer, ghost, at = self.inner(pose, index, tracks), pose, index
        for period in range(1, self.horizon + 1):  # 用同一个车辆模型往前推
            ghost = step(ghost, steer)
            if period % 10 == 0:  # 10 步走 4 m，还在 locate 的搜索范围之内
                at, lateral, _ = locate(ghost, at, tracks)
        self.tripped |= ~(np.abs(lateral) < self.limit)  # 写成「不小于」取反，NaN 也会触发
        return np.where(self.tripped, expert(pose, index, tracks), steer)

class Frozen:
    """行驶 5 秒以后，观测停在最后一帧：常见的传感器故障。"""
    def __init__(self, policy, at=100):
        self.control, self.at, self.calls, self.steer = driver(policy, state), at, 0, 0.0

    def __call__(self, pose, index, tracks):
        self.calls += 1
        if self.calls <= self.at:
            self.steer = self.control(pose, index, tracks)
        return self.steer

share = {}
for name, control in (("正常，有包络", Envelope(driver(corrected, state))),
                      ("冻结，无包络", Frozen(corrected)),
                      ("冻结，有包络", Envelope(Frozen(corrected))),
                      ("克隆，有包络", Envelope(driver(cloned, state)))):
    lateral, share[name] = error(control)
    taken = np.mean(getattr(control, "tripped", 0.0))
    print(f"{name}：接管 {taken:.2f}，出界 {share[name]:.2f}，横向误差 {lateral:.1f} m")
    assert name != "正常，有包络" or taken == 0
assert share["冻结，无包络"] > 0.5 and share["冻结，有包络"] == share["克隆，有包络"] == 0
# --8<-- [end:safety-envelope]

# --8<-- [start:deploy]
import time

import onnxruntime as ort

images, angles = collect(expert, raster, 0)
pilot = clone(images, angles, steps=100).cpu()
program = torch.onnx.export(pilot, (torch.tensor(images[:1]),), dynamo=True, verbose=False,
                            input_names=["seen"], output_names=["steer"])
exported = program.model_proto.SerializeToString()
options = ort.SessionOptions()
options.intra_op_num_threads = 1  # 批 1 的小网络，多线程只添抖动
session = ort.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
with torch.no_grad():
    wanted = pilot(torch.tensor(images[:200])).numpy()
found, seconds, drawing = [], [], []
pose, index = np.c_[train_tracks.xy[:1, 0], train_tracks.heading[:1, 0]], np.zeros(1, int)
for i in range(500):
    start = time.perf_counter()
    raster(pose, index, train_tracks)
    middle = time.perf_counter()
    found.append(session.run(None, {"seen": images[i % 200][None]})[0].item())
    seconds.append(time.perf_counter() - middle)
    drawing.append(middle - start)
print(f"导出后转角最多差 {np.abs(np.array(found[:200]) - wanted).max():.4f} rad")
for name, times in (("栅格", drawing), ("推理", seconds)):
    p50, p99, worst = np.quantile(times, (0.5, 0.99, 1)) * 1e3
    print(f"{name}：中位 {p50:.2f} ms，P99 {p99:.2f} ms，最坏 {worst:.2f} ms，周期 {DT * 1e3:.1f} ms")
print(f"模型 {len(exported) / 1024:.1f} KiB")
assert np.abs(np.array(found[:200]) - wanted).max() < 1e-4
assert np.quantile(np.add(drawing, seconds), 0.99) < DT
# --8<-- [end:deploy]

# --8<-- [start:compounding]
gaps = {}
for name, policy in (("克隆", cloned), ("DAgger", corrected)):
    control = driver(policy, state)
    for where, who in (("专家", expert), ("自己", control)):
        log = rollout(who, test_tracks, TEST_STEPS, np.random.default_rng([SEED, 3]), observe=state)
        with torch.no_grad():
            guess = policy(torch.tensor(log["seen"], device=device)).cpu().numpy()
        gaps[name, where] = np.sqrt(np.square(guess - log["labels"]).mean())
    print(f"{name}：转角误差，专家走到的状态 {gaps[name, '专家']:.4f} rad，"
          f"自己走到的状态 {gaps[name, '自己']:.4f} rad")
assert gaps["克隆", "自己"] > 5 * gaps["克隆", "专家"]
assert gaps["DAgger", "自己"] < 2 * gaps["DAgger", "专家"]
# --8<-- [end:compounding]

# --8<-- [start:delay]
from collections import deque

class Delayed:
    """转角晚 periods 个控制周期才到执行器。"""
    def __init__(self, control, periods):
        self.control, self.queue = control, deque([0.0] * periods)

    def __call__(self, pose, index, tracks):
        self.queue.append(self.control(pose, index, tracks))
        return self.queue.popleft()

late = {}
for periods in (0, 2, 4, 8, 12):
    late[periods] = [error(Delayed(control, periods))[0]
                     for control in (driver(corrected, state), expert)]
    print(f"晚 {periods * DT:.2f} s：DAgger {late[periods][0]:.2f} m，专家 {late[periods][1]:.2f} m")
assert late[2][0] < 0.3 and late[12][0] > 5 * late[0][0]
# --8<-- [end:delay]

# --8<-- [start:unwrapped-angle]
def careless(pose, index, tracks):
    """与 state 相同的观测，只是航向误差不绕回 (−π, π]。"""
    seen = state(pose, index, tracks)
    seen[:, 1] = pose[:, 2] - tracks.heading[np.arange(len(pose)), index]  # 没有绕回
    return seen

unwrapped, out = error(driver(corrected, careless))
print(f"航向误差没有绕回：横向误差 {unwrapped:.1f} m，出界 {out:.1f}")
assert out > 0.5
# --8<-- [end:unwrapped-angle]

# --8<-- [start:degrees]
wrong, out = error(lambda *where: np.rad2deg(expert(*where)))  # 车要弧度，给了度
print(f"专家的转角写成度：横向误差 {wrong:.1f} m，专家 {error(expert)[0]:.1f} m")
assert wrong > 3 * error(expert)[0]
# --8<-- [end:degrees]

# --8<-- [start:float64]
sensors = np.zeros((1, 7))  # numpy 缺省是 float64
corrected(torch.from_numpy(sensors).to(device))
# --8<-- [end:float64]
