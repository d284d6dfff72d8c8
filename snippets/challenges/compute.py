# --8<-- [start:setup]
import copy
import json
import timeit
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from matplotlib import figure, rcParams
from safetensors.torch import save
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
num_heads, num_steps, batch_size, learning_rate = 4, 240, 32, 1e-2  # 训练的小模型：2 层，宽 32
DEEP, BIG_BATCH = dict(num_layers=6, hidden_size=64), 64  # 只量内存的深模型，不训练
images, digits = load_digits(return_X_y=True)
split = train_test_split((images / 16).reshape(-1, 8, 8).astype("float32"), digits, test_size=0.3,
                         stratify=digits, random_state=SEED)  # 一张图是 8 个词元，每行一个
x, x_test, y, y_test = (torch.tensor(part, device=device) for part in split)  # (N, 8, 8)，(N,)
# --8<-- [end:setup]
# --8<-- [start:model]
class Block(nn.Module):
    """前置归一化的编码层，x (B, T, C) → (B, T, C)；没有 dropout，激活用 ReLU。"""
    def __init__(self, hidden_size):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.proj = nn.Linear(hidden_size, hidden_size)
        self.up = nn.Linear(hidden_size, 4 * hidden_size)
        self.down = nn.Linear(4 * hidden_size, hidden_size)

    def forward(self, x):
        """x (B, T, C) → (B, T, C)。"""
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)  # (B, num_heads, T, T)
        x = x + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return x + self.down(self.up(self.norm2(x)).relu())

class Encoder(nn.Module):
    """图 (B, 8, 8) → logits (B, 10)；segment 是检查点一段的层数，0 表示不用检查点。"""
    def __init__(self, num_layers=2, hidden_size=32, segment=0):
        super().__init__()
        torch.manual_seed(SEED)  # 同样的尺寸得到同样的初始权重
        self.embed = nn.Linear(8, hidden_size)
        self.position = nn.Parameter(0.1 * torch.randn(8, hidden_size))
        self.blocks = nn.Sequential(*(Block(hidden_size) for _ in range(num_layers)))
        self.norm, self.head = nn.LayerNorm(hidden_size), nn.Linear(hidden_size, 10)
        self.segment = segment

    def forward(self, x):
        """x (B, 8, 8) → logits (B, 10)。"""
        x = self.embed(x) + self.position
        size = self.segment or len(self.blocks)
        for part in (self.blocks[i : i + size] for i in range(0, len(self.blocks), size)):
            x = checkpoint(part, x, use_reentrant=False) if self.segment else part(x)
        return self.head(self.norm(x).mean(1))
# --8<-- [end:model]
# --8<-- [start:accumulate]
def accumulate(model, inputs, labels, sizes, dtype=torch.float32, scale=1.0):
    """分几份求梯度，累加在 .grad 里：整批平均损失 × scale 的梯度。sizes 是各份条数，可不等。"""
    model.zero_grad()
    for part, target in zip(inputs.split(sizes), labels.split(sizes), strict=True):
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            loss = F.cross_entropy(model(part), target, reduction="sum") / len(inputs)
        (loss * scale).backward()  # 在 autocast 之外；算完这一份，它的激活就释放

def flat_gradient(model):
    """所有参数的梯度，接成一个向量 (参数个数,)。"""
    return torch.cat([p.grad.flatten() for p in model.parameters()])

def distance(a, b):
    """相对误差，2-范数。"""
    return ((a - b).norm() / b.norm()).item()

model = Encoder().to(device).double()
big_x, big_y = x[:BIG_BATCH], y[:BIG_BATCH]
accumulate(model, big_x.double(), big_y, [BIG_BATCH])
whole = flat_gradient(model)
accumulate(model, big_x.double(), big_y, [32, 20, 10, 2])
assert distance(flat_gradient(model), whole) < 1e-12  # float64：只剩加法次序的差别
print("不等长的四份，累积的梯度与整批的相对误差小于 1e-12")
# --8<-- [end:accumulate]
# --8<-- [start:train-three-precisions]
def fit(dtype):
    """训练 num_steps 步；dtype 是 autocast 的类型，float32 即不用 autocast。"""
    model = Encoder().to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, num_steps)
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)  # 其余类型不缩放
    for _ in range(num_steps):
        batch = torch.randint(len(x), (batch_size,))  # 下标在 CPU 上抽，各设备相同
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            loss = F.cross_entropy(model(x[batch]), y[batch])  # 只包前向和损失
        optimizer.zero_grad()
        scaler.scale(loss).backward()  # 在 autocast 之外
        scaler.unscale_(optimizer)  # 先还原，再裁剪
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)  # 梯度里有 inf 就跳过这一步
        scaler.update()
        schedule.step()
    return model.eval()

@torch.no_grad()
def accuracy(model):
    """测试集上的准确率，0 到 1。"""
    return (model(x_test).argmax(-1) == y_test).float().mean().item()

trained = {dtype: fit(dtype) for dtype in (torch.float32, torch.bfloat16, torch.float16)}
scores = {dtype: accuracy(model) for dtype, model in trained.items()}
for dtype, score in scores.items():
    print(f"{str(dtype)[6:]:8} 测试准确率 {score:.3f}，参数仍是 {trained[dtype].head.weight.dtype}")
    assert score > 0.9 and abs(score - scores[torch.float32]) < 0.05
# --8<-- [end:train-three-precisions]
# --8<-- [start:underflow]
model = trained[torch.float32]
logits = model(x)
d_logits = torch.autograd.grad(F.cross_entropy(logits, y), logits)[0]  # (N, 10) float32
g = torch.tensor(2e-8)  # fp16 的最小正数是 2^-24，约 6e-8
print(f"2e-8 存成 bf16 {g.bfloat16().item():.0e}，fp16 {g.half().item():.0e}，"
      f"乘 2^16 再存 fp16 {(g * 2**16).half().item():.0e}")
accumulate(model, x, y, len(x))
exact, errors, lost = flat_gradient(model), {}, {}
for key, dtype, scale in (("bf16", torch.bfloat16, 1), ("fp16", torch.float16, 1),
                          ("fp16 缩放", torch.float16, 2**16)):
    lost[key] = ((d_logits * scale).to(dtype) == 0)[d_logits != 0].float().mean().item()
    accumulate(model, x, y, len(x), dtype, scale)
    errors[key] = distance(flat_gradient(model) / scale, exact)
    print(f"{key}：logits 的梯度有 {lost[key]:.2f} 变成 0，参数梯度的误差 {errors[key]:.3f}")
assert lost["fp16"] > 0.05 and max(lost["bf16"], lost["fp16 缩放"]) < 0.001
assert errors["fp16 缩放"] < 0.7 * min(errors["fp16"], errors["bf16"])
# --8<-- [end:underflow]
# --8<-- [start:peak-memory]
def peak_bytes(step):
    """跑一步，返回占用的最高点比开始时多出的字节：把每次申请（正）、释放（负）依次累加。"""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step()
    recorded.export_chrome_trace("trace.json")  # 这个文件也能拖进 Perfetto 里看
    events = json.loads(Path("trace.json").read_text())["traceEvents"]
    events = sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"])
    return torch.tensor([e["args"]["Bytes"] for e in events]).cumsum(0).max().item()

plans = {  # 检查点一段的层数、autocast 的类型、每份的条数
    "float32": (0, torch.float32, BIG_BATCH), "bf16 autocast": (0, torch.bfloat16, BIG_BATCH),
    "accumulate 8": (0, torch.float32, BIG_BATCH // 8), "checkpoint": (1, torch.float32, BIG_BATCH),
    "all three": (1, torch.bfloat16, BIG_BATCH // 8)}
peaks, work, gaps, steps = {}, {}, {}, {}
for name, (segment, dtype, micro) in plans.items():
    deep = Encoder(**DEEP, segment=segment).to(device)
    steps[name] = partial(accumulate, deep, big_x, big_y, micro, dtype)
    with FlopCounterMode(display=False) as counter:
        steps[name]()  # 也是预热
    gradient = flat_gradient(deep)
    reference = gradient if name == "float32" else reference
    deep.zero_grad()  # 让梯度也算进峰值
    peaks[name], work[name] = peak_bytes(steps[name]), counter.get_total_flops()
    gaps[name] = distance(gradient, reference)
    print(f"{name:14} 峰值 {peaks[name] / 1e6:5.1f} MB，其中梯度 {gradient.nbytes / 1e6:.1f} MB")
assert max(gaps["accumulate 8"], gaps["checkpoint"]) < 1e-5 and gaps["bf16 autocast"] < 0.1
for name, limit in (("bf16 autocast", 0.75), ("accumulate 8", 0.3), ("checkpoint", 0.4)):
    assert peaks[name] < limit * peaks["float32"]
# --8<-- [end:peak-memory]
# --8<-- [start:int8]
def quantize(w, dim=None):
    """对称量化：w ≈ q · scale，q 是 −127…127 的整数；dim=None 时整块共用一个 scale。"""
    scale = w.abs().amax(dim, keepdim=dim is not None) / 127 + 1e-12  # absmax；1e-12 防除以 0
    return (w / scale).round(), scale

class Int8Linear(nn.Module):
    """只量化权重：存 int8，用时还原。dim=1 是每个输出通道一个 scale，(out, 1)。"""
    def __init__(self, linear, dim=1):
        super().__init__()
        q, scale = quantize(linear.weight.detach(), dim)
        self.register_buffer("q", q.to(torch.int8))  # (out, in)
        self.register_buffer("scale", scale)
        self.bias = linear.bias

    def forward(self, x):
        """x (…, in) → (…, out)；权重用时才换成 x 的类型。"""
        return F.linear(x, self.q.to(x.dtype) * self.scale, self.bias)

def to_int8(model, replace=Int8Linear):
    """返回副本，其中每个 nn.Linear 换成 replace(该层)。"""
    model = copy.deepcopy(model)
    for name, child in list(model.named_modules()):
        if isinstance(child, nn.Linear):
            model.set_submodule(name, replace(child))
    return model

@torch.no_grad()
def compare(candidate, model):
    """(logits 的相对误差, 测试准确率, 文件字节数)。"""
    file = save(candidate.state_dict())  # safetensors 文件的全部字节
    return distance(candidate(x_test), model(x_test)), accuracy(candidate), len(file)

model = trained[torch.float32]
(_, before, full), (drift, after, small) = compare(model, model), compare(to_int8(model), model)
print(f"float32 {full / 1e3:.1f} KB；int8 {small / 1e3:.1f} KB，logits 的误差 {drift:.4f}")
print(f"结论｜int8 推理（手写数字）｜{small / full:.2f} 倍的文件，准确率 {after:.3f}"
      f"｜float32 准确率 {before:.3f}")
assert small < 0.4 * full and abs(after - before) <= 0.01 and drift < 0.02
# --8<-- [end:int8]
# --8<-- [start:trade]
base, flops = peaks["float32"], work["float32"]
rows = {name: (peaks[name] / base, work[name] / flops, gaps[name]) for name in plans}
rows["int8 weights"] = (small / full, 1.0, drift)  # 推理：文件字节，logits 的误差
for name, (kept, more, error) in rows.items():
    print(f"{name:14} 字节 {kept:.2f} 倍，运算 {more:.2f} 倍，误差 {error:.3f}")
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
ax = (fig := figure.Figure(figsize=(7, 2.6), layout="constrained")).subplots()
resident = 12 * sum(p.numel() for p in deep.parameters()) / 1e6  # 权重 4 字节，Adam 8 字节
ax.barh(list(peaks), resident, label="weights + Adam")
bars = ax.barh(list(peaks), [n / 1e6 for n in peaks.values()], left=resident,
               label="peak of one step: activations + gradients")
ax.bar_label(bars, [f"{resident + n / 1e6:.1f}" for n in peaks.values()], padding=3)
ax.set(xlim=(0, 18), xlabel="MB (6 layers, width 64, batch 64)")
ax.invert_yaxis()
ax.legend()
fig.savefig("compute-memory.svg", metadata={"Date": None})
assert rows["checkpoint"][1] < 1.34 and rows["all three"][0] < 0.25
# --8<-- [end:trade]
# --8<-- [start:accelerate]
AcceleratorState._reset_state(reset_partial_state=True)  # 设置在一个进程里只能定一次
accelerator = Accelerator(mixed_precision="bf16", gradient_accumulation_steps=4)
ready = Encoder()
ready, optimizer = accelerator.prepare(ready, torch.optim.AdamW(ready.parameters(), lr=1e-3))
norms = []
for part, target in zip(big_x.split(8), big_y.split(8), strict=True):  # 8 份
    with accelerator.accumulate(ready):
        accelerator.backward(F.cross_entropy(ready(part), target))  # 它来除以 4
        if accelerator.sync_gradients:  # 只有真要更新时才裁剪
            norms.append(accelerator.clip_grad_norm_(ready.parameters(), 1.0).item())
        optimizer.step()  # 不该更新时，step 和 zero_grad 都被它拦下
        optimizer.zero_grad()
AcceleratorState._reset_state(reset_partial_state=True)
accumulate(fresh := Encoder().to(device), big_x[:32], big_y[:32], 32)
whole = flat_gradient(fresh).norm().item()
print(f"8 份更新 {len(norms)} 次；首次的梯度范数 {norms[0]:.2f}，float32 整批 {whole:.2f}")
assert len(norms) == 2 and abs(norms[0] / whole - 1) < 0.05
# --8<-- [end:accelerate]
