# --8<-- [start:setup]
import math
import time

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
BATCH_SIZE, STEPS, LEARNING_RATE = 32, 100, 3e-3  # 批大小、每次短训练的步数、Adam 的步长
WIDTH, NUM_CLASSES = 32, 10  # 网络的宽度、类数
digits = load_digits()
x_train, x_test, y_train, y_test = (torch.as_tensor(part, device=device) for part in
    train_test_split(np.float32(digits.images), digits.target, test_size=0.3,
                     stratify=digits.target, random_state=SEED))  # 图 (N, 8, 8)，灰度 0–16
BUGS = ("标签错位", "测试图混进训练集", "训练时随机镜像", "漏了 zero_grad", "softmax 做两次",
        "注意力的 softmax 沿批", "注意力的 softmax 沿查询", "注意力漏了缩放", "位置向量没有加",
        "主干被 detach", "优化器拿着旧的输出层", "输出层按 N(0, 1) 初始化", "学习率大 100 倍",
        "预测时忘了 eval", "预测时没有除以 16")
# --8<-- [end:setup]
# --8<-- [start:network]
class Network(nn.Module):
    """把图的 8 行当作 8 个词元，做一层注意力：(B, 8, 8) float32 → logits (B, 10)。"""
    def __init__(self, bug):
        super().__init__()
        self.bug = bug
        self.embed = nn.Linear(8, WIDTH)
        self.position = nn.Parameter(0.02 * torch.randn(8, WIDTH))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.ReLU(), nn.Dropout(0.1),
                                 nn.Linear(4 * WIDTH, WIDTH))
        self.head = nn.Linear(8 * WIDTH, NUM_CLASSES)
        if bug == "输出层按 N(0, 1) 初始化":
            nn.init.normal_(self.head.weight)
    def forward(self, images):
        """images (B, 8, 8) → logits (B, 10)。"""
        h = self.embed(images)  # (B, T, C)，T = 8
        if self.bug != "位置向量没有加":
            h = h + self.position
        q, k, v = self.qkv(h).chunk(3, dim=-1)
        scores = q @ k.mT  # (B, T, T)，依次是图、查询、键
        if self.bug != "注意力漏了缩放":
            scores = scores / math.sqrt(WIDTH)
        dim = {"注意力的 softmax 沿批": 0, "注意力的 softmax 沿查询": 1}.get(self.bug, 2)
        h = h + scores.softmax(dim) @ v
        h = (h + self.mlp(h)).flatten(1)  # (B, T·C)
        return self.head(h.detach() if self.bug == "主干被 detach" else h)
# --8<-- [end:network]
# --8<-- [start:program]
class Program:
    """被检查的训练程序。bug 是 BUGS 中的一个，即一处改动；None 是正确的程序。"""
    def __init__(self, bug=None):
        torch.manual_seed(SEED)
        self.bug, self.model = bug, Network(bug).to(device)
        rate = LEARNING_RATE * (100 if bug == "学习率大 100 倍" else 1)
        self.optimizer = torch.optim.Adam(self.model.parameters(), rate)
        if bug == "优化器拿着旧的输出层":
            self.model.head = nn.Linear(8 * WIDTH, NUM_CLASSES).to(device)

    def data(self):
        """训练用的图 (N, 8, 8) 与标签 (N,)，带着植入的错。"""
        x, y = x_train, y_train
        if self.bug == "测试图混进训练集":
            x, y = torch.cat([x, x_test]), torch.cat([y, y_test])
        return x, y[torch.randperm(len(y))] if self.bug == "标签错位" else y
    def step(self, x, y):
        """x (B, 8, 8) float32，y (B,) int64；训练一步，返回更新前的损失。"""
        self.model.train()
        if self.bug == "训练时随机镜像" and torch.rand(()) < 0.5:
            x = x.flip(-1)
        logits = self.model(x / 16)
        loss = F.cross_entropy(logits.softmax(-1) if self.bug == "softmax 做两次" else logits, y)
        if self.bug != "漏了 zero_grad":
            self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def predict(self, x):
        """x (B, 8, 8) float32 → logits (B, 10)。"""
        self.model.train(self.bug == "预测时忘了 eval")
        return self.model(x if self.bug == "预测时没有除以 16" else x / 16)
# --8<-- [end:program]
# --8<-- [start:checks]
def cheap_checks(bug):
    """A–F：只用一批图，只调用程序的公开方法；返回没通过的字母。"""
    program = Program(bug)
    x, y = (part[:BATCH_SIZE] for part in program.data())
    before = [p.detach().clone() for p in program.model.parameters()]
    first = program.step(x, y)
    failed = {"A": abs(first / math.log(NUM_CLASSES) - 1) > 0.1}
    failed["B"] = any(map(torch.equal, before, program.model.parameters()))
    program, grads = Program(bug), []
    program.optimizer.param_groups[0]["lr"] = 0.0  # 权重不动，同一批的梯度就应当不变
    for _ in range(2):
        torch.manual_seed(SEED)  # dropout 也要相同
        program.step(x, y)
        grads.append([p.grad.clone() for p in program.model.parameters() if p.grad is not None])
    failed["C"] = not all(map(torch.allclose, *grads))
    program = Program(bug)
    failed["D"] = not [program.step(x, y) for _ in range(STEPS)][-1] < 0.1
    together = Program(bug).predict(x)
    failed["E"] = abs(F.cross_entropy(together, y).item() / first - 1) > 0.1
    alone = torch.cat([Program(bug).predict(one) for one in x.split(1)])
    failed["F"] = not torch.allclose(together, alone, rtol=1e-3, atol=1e-3)
    return "".join(letter for letter, bad in failed.items() if bad)

def short_training(bug):
    """返回基线与 G 要看的数：(末 10 步的训练损失, 留出集准确率)。"""
    program = Program(bug)
    x, y = program.data()
    batches = torch.randint(len(y), (STEPS, BATCH_SIZE))
    losses = [program.step(x[batch], y[batch]) for batch in batches]
    accuracy = (program.predict(x_test).argmax(-1) == y_test).float().mean().item()
    return np.mean(losses[-10:]), accuracy
# --8<-- [end:checks]
# --8<-- [start:bug-matrix]
def diagnose(bug):
    """返回 (没通过的检查, 基线是否报警)；A–F 有一项没过，就不值得做 G。"""
    loss, accuracy = short_training(bug)
    return cheap_checks(bug) or "G" * (accuracy < 0.5), not loss < math.log(NUM_CLASSES) / 2

start, table = time.perf_counter(), {bug: diagnose(bug) for bug in (None, *BUGS)}
seconds = (time.perf_counter() - start) / len(table)
for bug, (failed, alarm) in table.items():
    marks = "".join(letter if letter in failed else "·" for letter in "ABCDEFG")
    print(f"{marks}  {'损失' if alarm else '····'}  {bug or '正确的程序'}")
caught = sum(bool(table[bug][0]) for bug in BUGS)
by_loss = sum(table[bug][1] for bug in BUGS)
print(f"结论｜找出 {len(BUGS)} 处植入的错误｜七项检查找出 {caught} 处｜只看训练损失找出 {by_loss} 处")
print(f"每个程序查一遍 {seconds:.1f} 秒")
assert table[None] == ("", False)  # 正确的程序不能误报
assert caught >= 11 and by_loss <= 4
# --8<-- [end:bug-matrix]
# --8<-- [start:fit]
class Apply(nn.Module):
    """把一个函数当作一层，好让它有名字、能挂钩子。"""
    def __init__(self, function):
        super().__init__()
        self.function = function
    def forward(self, x):
        """x → function(x)，形状由 function 决定。"""
        return self.function(x)

def fit(model, method, rates):
    """就地训练，每步用 rates 中的一个学习率；返回 (每步的训练损失, 留出集损失, 留出集准确率)。"""
    optimizer, losses = method(model.parameters(), lr=1.0), []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        batch = torch.randint(len(y_train), (BATCH_SIZE,))
        loss = F.cross_entropy(model(x_train[batch] / 16), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        logits = model(x_test / 16)
    accuracy = (logits.argmax(-1) == y_test).float().mean().item()
    return losses, F.cross_entropy(logits, y_test).item(), accuracy
# --8<-- [end:fit]
# --8<-- [start:hand-written-gradient]
class RMSNorm(torch.autograd.Function):
    """y = x / rms(x)，rms 沿最后一维；x (…, C)。whole=False 是植入的错：把 rms 当成常数。"""
    @staticmethod
    def forward(ctx, x, whole):
        """x (…, C) → (…, C)。"""
        scale = (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
        y = x * scale
        ctx.save_for_backward(y, scale)
        ctx.whole = whole
        return y
    @staticmethod
    def backward(ctx, grad):
        """grad (…, C) → 对 x 的梯度；whole 没有梯度。"""
        y, scale = ctx.saved_tensors
        if ctx.whole:
            grad = grad - y * (grad * y).mean(-1, keepdim=True)
        return grad * scale, None

for whole in (True, False):
    torch.manual_seed(SEED)
    norm = Apply(lambda h, whole=whole: RMSNorm.apply(h, whole))
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), norm,
                          nn.ReLU(), nn.Linear(64, NUM_CLASSES)).to(device)
    losses, _, accuracy = fit(model, torch.optim.Adam, [LEARNING_RATE] * 3 * STEPS)
    print(f"{'正确' if whole else '写错'}的反向：训练损失 {losses[0]:.1f} → {np.mean(losses[-10:]):.1f}，"
          f"留出集准确率 {accuracy:.2f}")
    assert accuracy > 0.88
# --8<-- [end:hand-written-gradient]
# --8<-- [start:gradient-check]
def central_difference(f, x, step):
    """f 把 x 变成标量；返回 f 在 x 处的中心差分梯度，形状与 x 相同。"""
    grad = torch.zeros_like(x)
    for i in range(x.numel()):
        shift = torch.zeros_like(x)
        shift.view(-1)[i] = step
        grad.view(-1)[i] = (f(x + shift) - f(x - shift)) / (2 * step)
    return grad

torch.manual_seed(SEED)
point, weight = torch.randn(2, 4, 8, dtype=torch.float64)  # 在 CPU 上：检查的是公式
x = point.clone().requires_grad_()
exact, false = (torch.autograd.grad((RMSNorm.apply(x, whole) * weight).sum(), x)[0]
                for whole in (True, False))
relative_error = lambda grad: ((grad - exact).norm() / exact.norm()).item()
steps, errors = np.logspace(-13, -1, 25), {}
for dtype in (torch.float64, torch.float32):
    f = lambda x: (RMSNorm.apply(x, True) * weight.to(dtype)).sum()
    errors[dtype] = [relative_error(central_difference(f, point.to(dtype), h)) for h in steps]
    error, step = min(zip(np.log10(errors[dtype]), np.log10(steps)))
    print(f"{dtype}：步长 10^{step:.1f} 最准，误差 10^{error:.1f}")
print(f"写错的反向：误差 {relative_error(false):.2f}")
for dtype, whole in ((torch.float64, True), (torch.float64, False), (torch.float32, True)):
    inputs = point.to(dtype).requires_grad_(), whole
    passed = torch.autograd.gradcheck(RMSNorm.apply, inputs, raise_exception=False)
    print(f"gradcheck {dtype}，{'正确' if whole else '写错'}的反向：{'通过' if passed else '不通过'}")
    assert passed == (whole and dtype == torch.float64)
assert min(errors[torch.float64]) < 1e-8 < 1e-6 < min(errors[torch.float32])
assert relative_error(false) > 0.05
# --8<-- [end:gradient-check]
# --8<-- [start:step-size-figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "path.simplify": False}):
    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    ax = fig.subplots()
    for dtype, marker in ((torch.float64, "o-"), (torch.float32, "s--")):
        ax.loglog(steps, np.clip(errors[dtype], 1e-12, 1e4), marker, markersize=4, label=str(dtype))
    ax.axhline(relative_error(false), color="tab:red", linestyle=":", label="wrong backward")
    ax.set(xlim=(5e-14, 0.2), ylim=(1e-12, 1e5), xlabel="step size h", ylabel="relative error")
    ax.legend()
    fig.savefig("debugging-step-size.svg", metadata={"Date": None})
# --8<-- [end:step-size-figure]
# --8<-- [start:escaped-bugs]
known = {image.tobytes() for image in x_test.cpu().numpy()}
for bug in (None, *(bug for bug in BUGS if not table[bug][0])):
    copies = sum(image.tobytes() in known for image in Program(bug).data()[0].cpu().numpy())
    accuracy = short_training(bug)[1]
    print(f"留出集准确率 {accuracy:.2f}，训练集里有 {copies} 张测试图：{bug or '正确的程序'}")
    assert accuracy > 0.8 and (copies > 0) == (bug == "测试图混进训练集")
# --8<-- [end:escaped-bugs]
