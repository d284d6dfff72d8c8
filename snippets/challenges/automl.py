# --8<-- [start:setup]
import itertools

import numpy as np
import optuna
from matplotlib import rc_context
from matplotlib.figure import Figure
from optuna.pruners import NopPruner, SuccessiveHalvingPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import TrialState
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 42
device = "cpu"  # 网络最多几千个参数，NumPy 足够；贵的是要训练成百上千次
MAX_EPOCHS = 27  # 一次完整训练的遍数，取 3 的幂，好分轮
BUDGET = 15 * MAX_EPOCHS  # 一次搜索的预算，单位是遍：够 15 次完整训练
REPEATS = 16  # 每种搜索重复的次数，每次换一种划分
BATCH_SIZE = 100
optuna.logging.set_verbosity(optuna.logging.WARNING)  # 默认每次试验打印一行
# --8<-- [end:setup]

# --8<-- [start:load-data]
digits = load_digits()
features = (digits.data / 16).astype(np.float32)  # (1797, 64)，像素缩到 0–1
labels = digits.target  # (1797,)，整数 0–9

def make_split(seed):
    """分层切成三份，返回 {名字: (x, y)}：训练 300、验证 300、测试 1197 张。"""
    every = np.arange(len(labels))
    used, test = train_test_split(every, train_size=600, random_state=seed, stratify=labels)
    parts = train_test_split(used, train_size=300, random_state=seed, stratify=labels[used])
    return {name: (features[idx], labels[idx])
            for name, idx in zip(("train", "val", "test"), (*parts, test))}
# --8<-- [end:load-data]

# --8<-- [start:network]
def unpack(flat):
    """把一条长 75H + 10 的向量看成两层的权重与偏置（视图，不复制）。"""
    h = (len(flat) - 10) // 75
    w1, b1, w2, b2 = flat[: 64 * h], flat[64 * h : 65 * h], flat[65 * h : 75 * h], flat[75 * h :]
    return w1.reshape(64, h), b1, w2.reshape(h, 10), b2

def predict(flat, x):
    """x (B, 64) → 隐藏层 (B, H) 和对数概率 (B, 10)。"""
    w1, b1, w2, b2 = unpack(flat)
    hidden = np.tanh(x @ w1 + b1)
    logits = hidden @ w2 + b2
    logits -= logits.max(axis=1, keepdims=True)
    return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

def mean_loss(flat, data):
    """平均交叉熵，float；data 是 (x, y)。"""
    log_probs = predict(flat, data[0])[1]
    return -float(np.take_along_axis(log_probs, data[1][:, None], axis=1).mean())
# --8<-- [end:network]

# --8<-- [start:train]
def train(split, learning_rate=0.1, damping=0.1, hidden_size=32, weight_decay=1e-4,
          init_scale=1.0, epochs=MAX_EPOCHS):
    """生成器：带动量的 SGD，每过一遍训练集交出一次参数（就地更新的那条向量）。

    damping 是 1 − 动量；init_scale 乘在标准差 1/√fan_in 上。不再取下一个，训练就停在那里。
    """
    rng = np.random.default_rng(SEED)
    x, y = split["train"]
    flat = rng.normal(size=75 * hidden_size + 10).astype(np.float32)
    w1, b1, w2, b2 = unpack(flat)
    w1 *= init_scale / 8
    w2 *= init_scale / hidden_size**0.5
    b1[:], b2[:] = 0, 0
    grad, velocity = np.zeros_like(flat), np.zeros_like(flat)
    g1, gb1, g2, gb2 = unpack(grad)
    onehot = np.eye(10, dtype=np.float32)[y]
    for _ in range(epochs):
        for batch in rng.permutation(len(y)).reshape(-1, BATCH_SIZE):
            x_batch = x[batch]  # (B, 64)
            hidden, log_probs = predict(flat, x_batch)
            d_logits = (np.exp(log_probs) - onehot[batch]) / BATCH_SIZE  # (B, 10)
            d_hidden = d_logits @ w2.T * (1 - hidden * hidden)  # (B, H)
            g1[:], gb1[:] = x_batch.T @ d_hidden, d_hidden.sum(axis=0)
            g2[:], gb2[:] = hidden.T @ d_logits, d_logits.sum(axis=0)
            velocity *= 1 - damping
            velocity += grad + weight_decay * flat
            flat -= learning_rate * velocity
        yield flat
# --8<-- [end:train]

# --8<-- [start:grid-or-random]
split = make_split(SEED)
held = [np.concatenate(pair) for pair in zip(split["val"], split["test"])]  # 不参与训练的 1497 张
learning_rates, weight_decays = np.geomspace(1e-4, 10, 24), np.geomspace(1e-6, 1e-1, 3)
settings = list(itertools.product(learning_rates, weight_decays, (0.3, 1, 3)))  # 最后是初始尺度
table, correct = [], []
for learning_rate, weight_decay, init_scale in settings:
    *_, flat = train(split, learning_rate, weight_decay=weight_decay, init_scale=init_scale)
    table.append(mean_loss(flat, split["val"]))
    correct.append(predict(flat, held[0])[1].argmax(axis=1) == held[1])
table, correct = np.reshape(table, (24, 3, 3)), np.array(correct)  # correct (216, 1497)
grids = np.array([table[offset::8].min() for offset in range(8)])  # 3×3×3，学习率换 8 种起点
draws = np.random.default_rng(SEED).integers((24, 3, 3), size=(2000, 27, 3))
randoms = table[draws[..., 0], draws[..., 1], draws[..., 2]].min(axis=1)  # (2000,)
for name, found in (("网格", grids), ("随机", randoms)):
    print(f"{name} 27 组：平均 {found.mean():.2f}，九成不超过 {np.quantile(found, 0.9):.2f}")
assert randoms.mean() < 0.95 * grids.mean()
# --8<-- [end:grid-or-random]

# --8<-- [start:successive-halving]
SPACE = {"learning_rate": (1e-4, 10), "damping": (0.01, 1), "hidden_size": (4, 64),
         "weight_decay": (1e-6, 1e-1), "init_scale": (0.01, 10)}  # 五维，都按对数均匀抽

def suggest(trial):
    """向 Optuna 的 trial 要一组超参数，名字与 train 的参数相同。"""
    kinds = {"hidden_size": trial.suggest_int}  # 其余都是实数
    return {name: kinds.get(name, trial.suggest_float)(name, *bounds, log=True)
            for name, bounds in SPACE.items()}

def successive_halving(split, configs):
    """大家先训 1 遍，留下三分之一，接着训到 3 遍，再留……返回 (胜者的参数, 总遍数)。"""
    runs, trained, spent = [train(split, **config) for config in configs], 0, 0
    for rung in (1, 3, 9, 27):
        losses = []
        for run in runs:  # 生成器记得停在哪里，接着训不必重来
            *_, flat = itertools.islice(run, rung - trained)
            losses.append(mean_loss(flat, split["val"]))
        spent, trained = spent + len(runs) * (rung - trained), rung
        runs = [runs[i] for i in np.argsort(losses)[: max(1, len(runs) // 3)]]
    return flat, spent

source, pairs = optuna.create_study(sampler=RandomSampler(seed=SEED)), []
for seed in range(SEED * 100, SEED * 100 + REPEATS):
    split_r, configs = make_split(seed), [suggest(source.ask()) for _ in range(27)]
    winner, spent = successive_halving(split_r, configs)
    full = [list(train(split_r, **config))[-1] for config in configs[:3]]  # 基线：3 组训满
    best = min(full, key=lambda flat: mean_loss(flat, split_r["val"]))
    pairs.append([mean_loss(flat, split_r["test"]) for flat in (winner, best)])
halved, plain = np.exp(np.log(pairs).mean(axis=0))  # 几何平均：个别坏的搜索不至于左右全局
print(f"各花 {spent} 遍：27 组逐轮减半，测试损失 {halved:.2f}；3 组各训满，{plain:.2f}")
assert spent == 3 * MAX_EPOCHS and halved < 0.8 * plain
# --8<-- [end:successive-halving]

# --8<-- [start:search]
def make_objective(split):
    """返回 Optuna 要的函数：trial → 训满后的验证损失。"""
    def objective(trial):
        for epoch, flat in enumerate(train(split, **suggest(trial)), 1):
            if epoch in (3, 9):  # 与剪枝器的分轮对齐，其余各遍不必报告
                trial.report(mean_loss(flat, split["val"]), epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned
        return mean_loss(flat, split["val"])
    return objective

def search(split, sampler, pruner, first=None):
    """花完 BUDGET 遍就停，返回 (试了几组, [(累计遍数, 训满的试验), …])；first 是首先要试的。"""
    study, spent, finished = optuna.create_study(sampler=sampler, pruner=pruner), 0, []
    if first:
        study.enqueue_trial(first)
    while spent < BUDGET:
        study.optimize(make_objective(split), n_trials=1)
        trial = study.get_trials(deepcopy=False)[-1]
        complete = trial.state == TrialState.COMPLETE
        spent += MAX_EPOCHS if complete else trial.last_step  # 剪掉的也花了钱
        if complete and spent <= BUDGET:
            finished.append((spent, trial))
    return len(study.trials), finished
# --8<-- [end:search]

# --8<-- [start:compare]
DEFAULT = dict(learning_rate=0.1, damping=0.1, hidden_size=32, weight_decay=1e-4, init_scale=1.0)
halving = SuccessiveHalvingPruner(min_resource=3, reduction_factor=3)  # 在第 3、9 遍剪
methods = {"random": (RandomSampler, NopPruner()), "random + pruning": (RandomSampler, halving),
           "TPE + pruning": (TPESampler, halving),
           "TPE + pruning, default first": (TPESampler, halving, DEFAULT), "default": None}
scores, counts = np.zeros((5, REPEATS, 2)), np.ones((5, REPEATS))
curves = np.full((4, REPEATS, BUDGET + 1), np.inf)  # 花到第几遍时训满了一次，损失是多少
for r, (m, method) in itertools.product(range(REPEATS), enumerate(methods.values())):
    split_r, params = make_split(SEED * 100 + r), DEFAULT
    if method:
        sampler, *rest = method
        counts[m, r], finished = search(split_r, sampler(seed=SEED * 100 + r), *rest)
        for spent, trial in finished:
            curves[m, r, spent] = trial.value
        params = min(finished, key=lambda pair: pair[1].value)[1].params
    *_, flat = train(split_r, **params)  # 用选中的设置重训一次，到这时才看测试集
    scores[m, r] = [mean_loss(flat, split_r[part]) for part in ("val", "test")]
# --8<-- [end:compare]

# --8<-- [start:paired]
def ratio(a, b):
    """方法 a 与 b 的测试损失之比：逐个划分配对，几何平均和 95% 自助区间。"""
    logs = np.log(scores[a, :, 1] / scores[b, :, 1])  # (REPEATS,)
    resampled = np.random.default_rng(SEED).choice(logs, (4000, REPEATS)).mean(axis=1)
    return np.exp([logs.mean(), *np.quantile(resampled, (0.025, 0.975))])

names, means = list(methods), np.exp(np.log(scores).mean(axis=1))  # (5, 2)
for name, count, (val, test) in zip(names, counts.mean(axis=1), means):
    print(f"{name:29s} 试 {count:4.1f} 组，验证 {val:.2f}，测试 {test:.2f}")
for a, b in ((1, 0), (2, 0), (2, 1), (2, 4), (3, 4)):
    print("{} / {}：{:.2f} [{:.2f}, {:.2f}]".format(names[a], names[b], *ratio(a, b)))
print(f"结论｜同样预算搜索超参数｜TPE 加剪枝测试损失 {means[2, 1]:.2f}｜随机搜索 {means[0, 1]:.2f}")
assert ratio(2, 0)[2] < 1 and ratio(3, 4)[0] < 1
# --8<-- [end:paired]

# --8<-- [start:figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(6.4, 3.8), layout="constrained")
    ax = fig.subplots()
    epochs = np.arange(MAX_EPOCHS, BUDGET + 1, 6)
    best = np.minimum.accumulate(curves, axis=2)[:, :, epochs]  # (4, REPEATS, 点数)
    for m in range(4):
        low, middle, high = np.quantile(best[m], (0.25, 0.5, 0.75), axis=0)
        ax.plot(epochs, middle, color=f"C{m}", label=names[m])
        ax.fill_between(epochs, low, high, color=f"C{m}", alpha=0.15, linewidth=0)
    ax.axhline(np.median(scores[4, :, 0]), color="C7", linestyle="--", label="default, one run")
    ax.set(xlabel="training epochs spent", ylabel="best validation loss", yscale="log")
    ax.legend(fontsize="small")
    fig.savefig("automl-budget.svg", metadata={"Date": None})
# --8<-- [end:figure]

# --8<-- [start:resume]
def open_study(seed):
    """打开（没有就新建）库里的同一个 study。"""
    return optuna.create_study(
        storage="sqlite:///search.db", study_name="digits-mlp", load_if_exists=True,
        sampler=TPESampler(seed=seed), pruner=halving)

study = open_study(seed=SEED)
study.set_user_attr("numpy", np.__version__)  # 复现要用的信息随库保存
study.enqueue_trial(DEFAULT)
study.optimize(make_objective(split), n_trials=6)
study = open_study(seed=SEED + 1)  # 换一个进程接着做；种子要换，理由见「常见错误」
print(f"接手时已有 {len(study.trials)} 次，第 0 次是默认设置：{study.trials[0].params == DEFAULT}")
study.optimize(make_objective(split), n_trials=6)
print(f"现有 {len(study.trials)} 次，最好的不差于默认：{study.best_value <= study.trials[0].value}")
# --8<-- [end:resume]

# --8<-- [start:winners-curse]
rng, gaps = np.random.default_rng(SEED), []
for count in (1, 10, 30, 100, 216):
    seen = []
    for _ in range(1000):  # 每次另抽 100 张当验证集，其余 1397 张当测试集
        order, tried = rng.permutation(len(held[1])), rng.permutation(216)[:count]
        val = correct[tried][:, order[:100]].mean(axis=1)  # (count,)
        seen.append((val.max(), correct[tried[val.argmax()], order[100:]].mean()))
    val, test = np.mean(seen, axis=0)
    gaps.append(val - test)
    print(f"试 {count:3d} 组：选中者验证 {val:.3f}，测试 {test:.3f}，虚高 {val - test:+.3f}")
assert abs(gaps[0]) < 0.006 < gaps[2] < gaps[4] and gaps[4] > 0.012
# --8<-- [end:winners-curse]
