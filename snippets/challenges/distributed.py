# --8<-- [start:setup]
import contextlib
import math

import torch
from matplotlib import figure, rcParams
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DistributedSampler

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
GB = 1e9  # 十进制：10⁹ 字节
BUDGET = 40 * GB  # 80 GB 的卡，留一半给激活、通信缓冲和碎片
NUM_ELEMENTS = 1 << 14  # 环形一节里每个进程的梯度有多少个 float32
torch.manual_seed(SEED)
# --8<-- [end:setup]

# --8<-- [start:ring-all-reduce]
def ring_all_reduce(tensors):
    """环形 all-reduce（Patarasuk 与 Yuan，2009）：每个进程手里的张量都就地变成总和。

    tensors 是 n 个 (P,) float32，第 r 个归 r 号进程；每轮各进程同时向右邻发一块。
    返回 (各进程发出的字节数 list[int]，轮数)。
    """
    n = len(tensors)
    chunks = [tensor.tensor_split(n) for tensor in tensors]  # 视图：改块就是改原张量
    sent = [0] * n
    for step in range(2 * (n - 1)):
        moving = [(rank, (rank - step) % n) for rank in range(n)]  # 谁发哪一块
        messages = [chunks[rank][k].clone() for rank, k in moving]  # 同时发出，先拍下快照
        for (rank, k), message in zip(moving, messages):
            target = chunks[(rank + 1) % n][k]
            # 前 n−1 轮边传边加（reduce-scatter），后 n−1 轮只传已经加完的块（all-gather）
            target.copy_(target + message if step < n - 1 else message)
            sent[rank] += message.nbytes
    return sent, 2 * (n - 1)

def gather_broadcast(tensors):
    """对照：都发给 0 号，由它相加再逐个发回；参数与返回值同上。"""
    total = torch.stack(tensors).sum(dim=0)
    for tensor in tensors:
        tensor.copy_(total)
    size, others = total.nbytes, len(tensors) - 1
    return [size * others] + [size] * others, 2 * others  # 0 号的网口一次只收发一份
# --8<-- [end:ring-all-reduce]

# --8<-- [start:count-bytes]
busiest = {}
for n in (2, 4, 8, 16, 64):
    gradients = [torch.randn(NUM_ELEMENTS, device=device) for _ in range(n)]
    expected, size = torch.stack(gradients).sum(dim=0), gradients[0].nbytes
    counts = {}
    for scheme in (ring_all_reduce, gather_broadcast):
        mine = [gradient.clone() for gradient in gradients]
        counts[scheme], rounds = scheme(mine)
        for result in mine:
            torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-5)
    ring, naive = counts.values()
    assert set(ring) == {2 * (n - 1) * size // n}  # 每个进程都恰好 2(n−1)/n 倍
    busiest[n] = max(ring) / size, max(naive) / size
    print(f"n={n:3}: 环形每个进程发 {busiest[n][0]:.2f} 份；中转的 0 号发 {busiest[n][1]:.2f} 份；{rounds} 轮")
# --8<-- [end:count-bytes]

# --8<-- [start:ring-figure]
def ring_seconds(n, size, latency, bandwidth):
    """α–β 模型：2(n−1) 轮，每轮一次延迟加 size/n 字节的传输。"""
    return 2 * (n - 1) * (latency + size / n / bandwidth)

def tree_seconds(n, size, latency, bandwidth):
    """二叉树：先逐层相加到根，再逐层发回，共 2⌈log₂n⌉ 轮，每轮传整份。"""
    return 2 * math.ceil(math.log2(n)) * (latency + size / bandwidth)

rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
LINK = 10e-6, 10 * GB  # 假设：每条消息延迟 10 µs，带宽 10 GB/s；换成你量到的
fig = figure.Figure(figsize=(7, 3), layout="constrained")
left, right = fig.subplots(1, 2)
for column, label, style in ((0, "ring", "o-"), (1, "via rank 0", "s--")):
    left.plot(list(busiest), [pair[column] for pair in busiest.values()], style, label=label)
left.set(xscale="log", yscale="log", xlabel="workers", ylabel="copies sent by busiest worker",
         xticks=list(busiest), xticklabels=list(busiest))
left.minorticks_off()
workers = [2**k for k in range(1, 11)]
for size, color, label in ((1e5, "C0", "0.1 MB"), (1e8, "C1", "100 MB")):
    for model, style in ((ring_seconds, "-"), (tree_seconds, "--")):
        seconds = [1e3 * model(n, size, *LINK) for n in workers]
        right.plot(workers, seconds, style, color=color, label=f"{label} {model.__name__[:4]}")
right.set(xscale="log", yscale="log", xlabel="workers", ylabel="milliseconds (model)")
for ax in (left, right):
    ax.legend(fontsize=8)
fig.savefig("distributed-ring.svg", metadata={"Date": None})
# --8<-- [end:ring-figure]

# --8<-- [start:set-epoch]
def epoch_orders(remember, epochs=2, size=1797):
    """两个进程、若干遍里各自取到的下标；remember 表示每遍都调用 set_epoch。"""
    samplers = [DistributedSampler(range(size), 2, rank, seed=SEED) for rank in range(2)]
    orders = []
    for epoch in range(epochs):
        for sampler in samplers:
            sampler.set_epoch(epoch if remember else 0)
        orders.append([list(sampler) for sampler in samplers])
    return orders

first, second = epoch_orders(remember=True)
assert set(first[0]) | set(first[1]) == set(range(1797))  # 合起来一张不漏
repeated = sum(map(len, first)) - 1797
print(f"每个进程 {len(first[0])} 张，合计 {sum(map(len, first))}：有 {repeated} 张取了两次")
print("两遍的次序相同：调用 set_epoch", first == second, end="，")
forgotten = epoch_orders(remember=False)
print("忘了调用", forgotten[0] == forgotten[1])
assert first != second and forgotten[0] == forgotten[1] and repeated == 1
# --8<-- [end:set-epoch]

# --8<-- [start:zero-memory]
def zero_bytes(params, n, stage):
    """混合精度 Adam 每个进程的训练状态（字节），不含激活（Rajbhandari 等，2019）。

    每参数 2（权重）+ 2（梯度）+ 12（fp32 主副本与 Adam 的两个矩）；
    stage 1 把 12 均分给 n 个进程，stage 2 再分梯度，stage 3 再分权重。
    """
    weights, gradients, state = 2, 2, 12
    return params * (weights / (n if stage >= 3 else 1) + gradients / (n if stage >= 2 else 1)
                     + state / (n if stage >= 1 else 1))

paper = [round(zero_bytes(7.5e9, 64, stage) / GB, 1) for stage in range(4)]
assert paper == [120.0, 31.4, 16.6, 1.9]  # 论文图 1 的四个数
L, WIDTH, KV, FFN, VOCAB = 28, 3584, 4 * 128, 18944, 152064  # Qwen/Qwen2.5-7B 的 config.json
qwen = 2 * VOCAB * WIDTH + WIDTH + L * (  # 两份嵌入、末尾的归一化，再加 L 层：
    2 * WIDTH**2 + 2 * WIDTH * KV + WIDTH + 2 * KV  # Q、O，K、V，前三者的偏置
    + 3 * WIDTH * FFN + 2 * WIDTH)  # MLP 的三个矩阵，两个归一化
assert qwen == 7_615_616_512
for n in (1, 8, 64):
    sizes = (zero_bytes(qwen, n, stage) / GB for stage in range(4))
    print(f"{n:2} 张卡：" + "，".join(f"阶段 {stage} {size:.1f} GB" for stage, size in enumerate(sizes)))
fits = [next((n for n in range(1, 1025) if zero_bytes(qwen, n, stage) < BUDGET), None)
        for stage in range(4)]
print("每张卡只给 40 GB 放状态，阶段 0、1、2、3 至少要几张卡：", *fits)
assert fits[0] is None and fits[1] > fits[2] > fits[3]
# --8<-- [end:zero-memory]

# --8<-- [start:zero-figure]
fig = figure.Figure(figsize=(7, 3), layout="constrained")
ax = fig.subplots()
cards = [2**k for k in range(11)]
for stage in range(4):
    sizes = [zero_bytes(qwen, n, stage) / GB for n in cards]
    ax.plot(cards, sizes, marker=".", label=f"stage {stage}")
ax.axhline(BUDGET / GB, color="tab:red", linestyle="--")
ax.set(xscale="log", yscale="log", xlabel="cards", ylabel="GB per card (dashed: 40)")
ax.legend()
fig.savefig("distributed-zero.svg", metadata={"Date": None})
# --8<-- [end:zero-figure]

# --8<-- [start:small-messages]
for n in (8, 64, 1024):
    sizes = (2**k for k in range(10, 40))  # 从 1 KiB 起逐次翻倍
    crossing = next(s for s in sizes if ring_seconds(n, s, *LINK) < tree_seconds(n, s, *LINK))
    print(f"{n:4} 个进程：梯度达到 {crossing // 1024} KiB，环形才比树快")
assert ring_seconds(1024, 1e5, *LINK) > 10 * tree_seconds(1024, 1e5, *LINK)
assert ring_seconds(1024, 1e9, *LINK) < 0.2 * tree_seconds(1024, 1e9, *LINK)
# --8<-- [end:small-messages]

# --8<-- [start:one-process-group]
@contextlib.contextmanager
def one_process_group():
    """只有一个进程的进程组：下面的错误一个进程就能重现；离开时拆掉，不留给后面的代码。"""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()

with one_process_group():
    wrapped = DistributedDataParallel(nn.Linear(4, 2))
print(list(wrapped.state_dict()))
# --8<-- [end:one-process-group]
