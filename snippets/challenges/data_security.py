# --8<-- [start:setup]
import math
import re

import numpy as np
import torch
from scipy.special import gammaln, logsumexp, xlog1py, xlogy
from scipy.stats import binomtest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
DELTA = 1e-4  # (ε, δ) 里的 δ，应小于 1 / 样本数
BATCH_SIZE, STEPS = 512, 100  # 每步期望抽到多少条；走多少步
LEARNING_RATE, MOMENTUM, CLIP = 0.25, 0.9, 1.0  # CLIP：单条梯度的范数上限
HIDDEN_SIZE = 64  # 0 表示没有隐藏层，即逻辑回归
rng = np.random.default_rng(SEED)
# --8<-- [end:setup]
# --8<-- [start:rdp-accountant]
ORDERS = np.arange(2, 129)  # 只用整数阶 α

def rdp(sigma, q):
    """一步「以概率 q 抽样，再加 σ·CLIP 的噪声」在各阶的 Rényi 散度，(K,)；Mironov 等（2019）。"""
    divergence = []
    for a in ORDERS:
        k = np.arange(a + 1)
        log_binomial = gammaln(a + 1) - gammaln(k + 1) - gammaln(a - k + 1)
        log_terms = log_binomial + xlogy(k, q) + xlog1py(a - k, -q) + k * (k - 1) / (2 * sigma**2)
        divergence.append(logsumexp(log_terms) / (a - 1))
    return np.array(divergence)

def epsilon(total_rdp, delta=DELTA):
    """各阶累计的 RDP (K,) 换算成 ε，取最小的一阶；Canonne、Kamath、Steinke（2020）的换算。"""
    return np.min(total_rdp + np.log1p(-1 / ORDERS) - np.log(delta * ORDERS) / (ORDERS - 1))
# --8<-- [end:rdp-accountant]
# --8<-- [start:find-sigma]
def find_sigma(target, q, steps):
    """二分：走 steps 步之后 ε 不超过 target 的最小噪声倍数，误差 1e-3。"""
    low, high = 0.3, 100.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        enough = epsilon(steps * rdp(middle, q)) <= target
        low, high = (low, middle) if enough else (middle, high)
    return high

digits = load_digits()
train_idx, test_idx = train_test_split(
    np.arange(1797), test_size=360, random_state=SEED, stratify=digits.target)
q = BATCH_SIZE / len(train_idx)
sigmas = {target: find_sigma(target, q, STEPS) for target in (1, 3, 8)}
for target, sigma in sigmas.items():
    total = STEPS * rdp(sigma, q)
    classic = np.min(total + math.log(1 / DELTA) / (ORDERS - 1))  # Mironov（2017）的换算
    print(f"ε = {target}：σ = {sigma:.2f}；同样的噪声，旧换算得 {classic:.2f}")
    assert target - 0.02 < epsilon(total) <= target < classic
# --8<-- [end:find-sigma]
# --8<-- [start:per-sample-gradients]
x = torch.tensor(digits.data / 16, dtype=torch.float32, device=device)  # (1797, 64)
y = torch.tensor(digits.target, device=device)  # (1797,)
def build(hidden_size, seed):
    """64 → hidden_size → 10 的网络；hidden_size 为 0 是线性模型。"""
    torch.manual_seed(seed)
    hidden = [nn.Linear(64, hidden_size), nn.Tanh()] if hidden_size else []
    return nn.Sequential(*hidden, nn.Linear(hidden_size or 64, 10)).to(device)
def sample_loss(params, model, x_i, y_i):
    """一条样本的损失：x_i (64,)，y_i 标量。params 是名字到张量的字典。"""
    return F.cross_entropy(functional_call(model, params, x_i[None]), y_i[None])
per_sample_gradients = vmap(grad(sample_loss), in_dims=(None, None, 0, 0))
model = build(HIDDEN_SIZE, SEED)
params = {name: p.detach() for name, p in model.named_parameters()}
grads = per_sample_gradients(params, model, x[:5], y[:5])  # 每个参数 (5, *参数形状)
whole = torch.autograd.grad(F.cross_entropy(model(x[:5]), y[:5]), model.parameters())
for each, average in zip(grads.values(), whole):  # 单条梯度的平均就是整批的梯度
    torch.testing.assert_close(each.mean(0), average, atol=1e-6, rtol=1e-4)
print("单条梯度的形状：", [tuple(g.shape) for g in grads.values()])
# --8<-- [end:per-sample-gradients]
# --8<-- [start:dp-sgd]
def train_private(x, y, sigma, q, steps, batch_size, seed, hidden_size=HIDDEN_SIZE, clip=CLIP):
    """DP-SGD（Abadi 等，2016，算法 1）加动量；batch_size 是事先公布的期望批大小，不随数据变。"""
    model = build(hidden_size, seed)
    source = torch.Generator().manual_seed(seed)  # 在 CPU 上抽，换到 GPU 也是同样的数
    params = {name: p.detach() for name, p in model.named_parameters()}
    velocity = {name: torch.zeros_like(p) for name, p in params.items()}
    for _ in range(steps):
        chosen = (torch.rand(len(x), generator=source) < q).to(device)  # 泊松抽样
        grads = per_sample_gradients(params, model, x[chosen], y[chosen])
        norms = sum(g.flatten(1).square().sum(1) for g in grads.values()).sqrt()  # (B,)
        shrink = (clip / norms).clamp(max=1)  # (B,)，裁剪后每条的范数不超过 clip
        for name, p in params.items():
            total = torch.einsum("b,b...->...", shrink, grads[name])
            total = total + sigma * clip * torch.randn(p.shape, generator=source).to(device)
            velocity[name] = MOMENTUM * velocity[name] + total / batch_size
            params[name] = p - LEARNING_RATE * velocity[name]
    model.load_state_dict(params)
    return model

def train_plain(x, y, q, steps, seed, hidden_size=HIDDEN_SIZE):
    """基线：同样的初始化、抽样、步长和动量，不裁剪，不加噪声。"""
    model = build(hidden_size, seed)
    source = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM)
    for _ in range(steps):
        chosen = (torch.rand(len(x), generator=source) < q).to(device)
        optimizer.zero_grad()
        F.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
    return model
# --8<-- [end:dp-sgd]
# --8<-- [start:private-accuracy]
def accuracy(model, idx):
    """在 idx 这些样本上的准确率，0 到 1。"""
    return (model(x[idx]).argmax(1) == y[idx]).float().mean().item()
x_train, y_train = x[train_idx], y[train_idx]
print(f"永远猜最多的一类：{np.bincount(digits.target[test_idx]).max() / len(test_idx):.3f}")
score = {}  # (hidden_size, 目标 ε) → 测试准确率；ε 为 None 是不保护
for hidden_size in (HIDDEN_SIZE, 0):
    plain = train_plain(x_train, y_train, q, STEPS, SEED, hidden_size)
    score[hidden_size, None] = accuracy(plain, test_idx)
    for target, sigma in sigmas.items():
        private = train_private(x_train, y_train, sigma, q, STEPS, BATCH_SIZE, SEED, hidden_size)
        score[hidden_size, target] = accuracy(private, test_idx)
    row = "，".join(f"ε = {target} {score[hidden_size, target]:.3f}" for target in sigmas)
    size = sum(p.numel() for p in plain.parameters())
    print(f"{size:4d} 个参数：不保护 {score[hidden_size, None]:.3f}，{row}")
assert score[HIDDEN_SIZE, 3] > 0.89 and score[HIDDEN_SIZE, 8] > 0.91
assert score[0, 1] > score[HIDDEN_SIZE, 1] and score[HIDDEN_SIZE, None] > score[HIDDEN_SIZE, 3]
# --8<-- [end:private-accuracy]
# --8<-- [start:membership-attack]
candidates = rng.permutation(len(y))[:600]
others = np.setdiff1d(np.arange(len(y)), candidates)  # 量准确率用，标签没有动过
y_noisy = y.clone()
wrong = candidates[rng.random(600) < 0.2]  # 两成标签改成别的类
y_noisy[wrong] = (y[wrong] + torch.tensor(rng.integers(1, 10, len(wrong)), device=device)) % 10
sigma_small = find_sigma(3, 0.5, 50)
membership, outcome = [], {"过拟合 1000 步": [], "早停 50 步": [], "DP ε = 3": []}
for draw in range(4):
    member = rng.random(600) < 0.5  # 每条抛一次硬币，决定进不进训练集
    data = x[candidates[member]], y_noisy[candidates[member]]
    trained = (train_plain(*data, 0.5, 1000, SEED + draw), train_plain(*data, 0.5, 50, SEED + draw),
               train_private(*data, sigma_small, 0.5, 50, 150, SEED + draw))
    membership.append(member)
    for results, model in zip(outcome.values(), trained):
        loss = F.cross_entropy(model(x[candidates]), y_noisy[candidates], reduction="none")
        results.append((-loss.detach().cpu().numpy(), accuracy(model, others)))
membership, curves, auc = np.concatenate(membership), {}, {}
for name, results in outcome.items():
    guess = np.concatenate([s for s, _ in results])  # (2400,)，越大越像成员
    auc[name], curves[name] = roc_auc_score(membership, guess), roc_curve(membership, guess)[:2]
    low_fpr = curves[name][1][curves[name][0] <= 0.01].max()
    print(f"{name}：AUC {auc[name]:.3f}，FPR 1% 时 TPR {low_fpr:.3f}，"
          f"准确率 {np.mean([a for _, a in results]):.2f}")
overfit, early, protected = auc.values()
assert overfit > 0.68 and protected < 0.64 and overfit - protected > 0.08 and early < 0.64
print(f"结论｜保护隐私的训练｜DP-SGD（ε = 3）准确率 {score[HIDDEN_SIZE, 3]:.3f}，猜成员 AUC "
      f"{protected:.3f}｜不保护 {score[HIDDEN_SIZE, None]:.3f}；过拟合时 AUC {overfit:.3f}")
# --8<-- [end:membership-attack]
# --8<-- [start:check-digits]
def id_check(body):
    """公民身份号码前 17 位的校验码（GB 11643-1999）：第 i 位的权是 2^(17-i)，和模 11 后查表。"""
    return "10X98765432"[sum(int(d) * 2 ** (17 - i) for i, d in enumerate(body)) % 11]

def luhn_ok(number):
    """银行卡号的 Luhn 校验：从右数的偶数位乘 2，超过 9 就减 9，总和应被 10 整除。"""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0

assert id_check("11010519491231002") == "X"  # 标准附录里的例子
assert luhn_ok("4111111111111111") and not luhn_ok("4111111111111112")  # 支付行业的测试卡号
# --8<-- [end:check-digits]
# --8<-- [start:make-documents]
def pick(options):
    """随机取一个选项。"""
    return options[rng.integers(len(options))]
def number(n):
    """n 位随机数字，字符串。"""
    return "".join(map(str, rng.integers(10, size=n)))
def fake_id(wrong=0):
    """地址码以 99 开头，没有这样的省，所以不会是任何人的号码；wrong 把校验码往后错几位。"""
    day = f"{rng.integers(1950, 2010)}{rng.integers(1, 13):02}{rng.integers(1, 29):02}"
    body = f"99{number(4)}{day}{number(3)}"
    return body + "0123456789X"[("0123456789X".index(id_check(body)) + wrong) % 11]
def fake_card():
    """0 开头的号段不发银行卡；共 16 或 19 位，校验位正确。"""
    body = "0" + number(pick((14, 17)))
    return next(body + d for d in "0123456789" if luhn_ok(body + d))

PERSONAL = {
    "手机": lambda: "1" + pick("3456789") + number(9), "证件": fake_id, "银行卡": fake_card,
    "邮箱": lambda: f"{pick(('li', 'zhao', 'm.wu'))}{number(3)}@example.com",
    "车牌": lambda: pick("京沪粤川") + pick("ABCDE") + number(5),
    "姓名": lambda: pick("王李张刘陈") + pick("晓建文思子") + pick(("", "宁", "轩", "琳")),
    "地址": lambda: pick(("长乐路{}号", "和平街{}号", "老菜场东门{}楼", "三中后院")).format(rng.integers(2, 90))}
DISTRACTORS = {
    "订单号": lambda: "2026" + number(pick((12, 14, 15))), "流水号": lambda: number(24),
    "工单号": lambda: "1" + number(10), "像证件的编号": lambda: fake_id(rng.integers(11))}
CONTEXTS = {"姓名": (("联系人：", "，请回电"), ("昨天", "没有来上班"))}
documents, truth = [], set()  # truth：(文档, 起, 止, 类)
for kind, make in (PERSONAL | DISTRACTORS).items():
    for _ in range(200):
        (before, after), value = pick(CONTEXTS.get(kind, (("请核对", "，谢谢"), ("已登记：", "。")))), make()
        if kind in PERSONAL:
            truth.add((len(documents), len(before), len(before + value), kind))
        documents.append(before + value + after)
# --8<-- [end:make-documents]
# --8<-- [start:find-personal]
PLAIN = {"证件": r"(?<!\d)\d{17}[\dX](?!\d)", "银行卡": r"(?<!\d)\d{16,19}(?!\d)",
         "手机": r"(?<!\d)1\d{10}(?!\d)"}  # 基线：位数对就算
RULES = {
    "邮箱": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    "车牌": r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][A-HJ-NP-Z0-9]{5,6}",
    "证件": r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx](?![0-9])",
    "银行卡": r"(?<![0-9])[0-9]{16,19}(?![0-9])",
    "手机": r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])",
    "姓名": r"(?<=联系人：)[一-龥]{2,3}", "地址": r"[一-龥]{2}[路街][0-9]+号"}
CHECKS = {"证件": lambda text: id_check(text[:17]) == text[17].upper(), "银行卡": luhn_ok}

def find_personal(text, patterns=RULES, checks=CHECKS):
    """文本里的 (起, 止, 类)；按 patterns 的次序先到先得，互不重叠。"""
    taken, found = set(), []
    for kind, pattern in patterns.items():
        for match in re.finditer(pattern, text):
            where = range(*match.span())
            if taken.isdisjoint(where) and checks.get(kind, bool)(match[0]):
                taken.update(where)
                found.append((*match.span(), kind))
    return found
# --8<-- [end:find-personal]
# --8<-- [start:precision-recall]
def measure(kind, patterns, checks):
    """一类的 (精确率, 召回率)，各是 (估计, 95% Wilson 下限, 上限)；起止与类都要全对。"""
    found = {(i, *span) for i, text in enumerate(documents)
             for span in find_personal(text, patterns, checks) if span[2] == kind}
    wanted = {span for span in truth if span[3] == kind}
    tests = [binomtest(len(found & wanted), len(part)) for part in (found, wanted)]
    return [(test.statistic, *test.proportion_ci(method="wilson")) for test in tests]

quality = {kind: measure(kind, RULES, CHECKS) for kind in PERSONAL}
for kind, ((p, p_low, p_high), (r, r_low, r_high)) in quality.items():
    print(f"{kind}：精确率 {p:.2f} [{p_low:.2f}, {p_high:.2f}]，召回率 {r:.2f} [{r_low:.2f}, {r_high:.2f}]")
for kind in PLAIN:
    (p, *_), (r, *_) = measure(kind, PLAIN, {})
    print(f"基线，{kind}：精确率 {p:.2f}，召回率 {r:.2f}")
    assert quality[kind][0][0] > p + (0 if kind == "手机" else 0.15) and quality[kind][1][0] > 0.95
assert quality["姓名"][1][2] < 0.7 and quality["地址"][1][2] < 0.7  # 规则漏掉近半
# --8<-- [end:precision-recall]
