# --8<-- [start:setup]
import json
import random
import time
import tracemalloc
import zlib
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from matplotlib import figure, rcParams
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
VOCAB_SIZE, EOS = 2000, 1  # 词元 0 是填充，1 是文档结束
NUM_DOCS, NUM_SHARDS = 4000, 8  # 篇数；分片数，每片一个来源
ROW, BATCH_SIZE = 256, 32  # 一行的词元数；一批的行数
numbers = np.random.default_rng(SEED)
lengths = np.clip(numbers.lognormal(4.4, 0.8, NUM_DOCS).astype(int), 8, 1000)  # 含结束词元
documents = [np.append(numbers.integers(2, VOCAB_SIZE, n - 1), EOS) for n in lengths]  # 各 (n,)
print(f"{NUM_DOCS} 篇，{lengths.sum()} 个词元，最短 {lengths.min()}，最长 {lengths.max()}")
# --8<-- [end:setup]
# --8<-- [start:stream]
class TokenStream(IterableDataset):
    """逐行读分片，产出 (篇号, 词元列)；任何时刻只拿着一行。"""
    def __init__(self, paths):
        self.paths = paths

    def __iter__(self):
        info = get_worker_info()  # 主进程里是 None
        mine = self.paths if info is None else self.paths[info.id :: info.num_workers]
        for path in mine:
            with path.open() as lines:
                for line in lines:
                    yield tuple(json.loads(line))

paths = [Path(f"shard-{k}.jsonl") for k in range(NUM_SHARDS)]
for k, path in enumerate(paths):
    part = range(k * NUM_DOCS // NUM_SHARDS, (k + 1) * NUM_DOCS // NUM_SHARDS)
    path.write_text("".join(json.dumps([i, documents[i].tolist()]) + "\n" for i in part))
stream = TokenStream(paths)
peak = {}
for name, consume in (("整个读进来", list), ("逐篇流过", lambda items: sum(1 for _ in items))):
    tracemalloc.start()
    consume(stream)
    peak[name] = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"{name}：Python 内存峰值 {peak[name]:.2f} MB")
assert peak["逐篇流过"] < 0.1 * peak["整个读进来"]
# --8<-- [end:stream]
# --8<-- [start:workers]
def read_ids(dataset, num_workers):
    """经 DataLoader 读一遍，返回篇号的列表；batch_size=None：不组批，原样交出。"""
    loader = DataLoader(dataset, batch_size=None, num_workers=num_workers,
                        multiprocessing_context="fork" if num_workers else None)
    return [i for i, _ in loader]

for num_workers in (0, 2):
    ids = read_ids(stream, num_workers)
    print(f"{num_workers} 个读取进程：得到 {len(ids)} 篇，不同的 {len(set(ids))} 篇，前 6 篇 {ids[:6]}")
    assert sorted(ids) == list(range(NUM_DOCS))
# --8<-- [end:workers]
# --8<-- [start:shuffle-buffer]
def shuffle_buffer(items, size, rng):
    """缓冲区装满后，每来一个就随机放走一个，空位给新来的；内存里最多 size 个。"""
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        k = rng.randrange(size)
        buffer[k], item = item, buffer[k]
        yield item
    rng.shuffle(buffer)
    yield from buffer

def displacement(order):
    """每一篇离原位多远的平均值；全洗时期望是 N / 3。"""
    return np.mean(np.abs(np.array(order) - np.arange(len(order))))

rng = random.Random(SEED)
moved = {size: displacement(list(shuffle_buffer(range(NUM_DOCS), size, rng)))
         for size in (10, 30, 100, 300, 1000, NUM_DOCS)}
for size, distance in moved.items():
    rule = f"，2B/e = {2 * size / np.e:.1f}" if size <= 300 else ""
    print(f"缓冲 {size:4}：平均位移 {distance:.1f}{rule}")
    assert not rule or abs(distance / (2 * size / np.e) - 1) < 0.15
assert abs(moved[NUM_DOCS] / (NUM_DOCS / 3) - 1) < 0.1
# --8<-- [end:shuffle-buffer]
# --8<-- [start:source-mix]
source = np.arange(NUM_DOCS) // (NUM_DOCS // NUM_SHARDS)  # 每篇来自哪一片
shards = [list(np.flatnonzero(source == k)) for k in range(NUM_SHARDS)]
orders = {
    "buffer 100": list(shuffle_buffer(range(NUM_DOCS), 100, rng)),
    "shards shuffled, buffer 100": list(
        shuffle_buffer(sum(rng.sample(shards, NUM_SHARDS), []), 100, rng)),
    "shards interleaved, buffer 100": list(shuffle_buffer(np.ravel(shards, order="F"), 100, rng)),
    "full shuffle": rng.sample(range(NUM_DOCS), NUM_DOCS)}
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
fig = figure.Figure(figsize=(7, 3.4), layout="constrained")
axes, mixed = fig.subplots(2, 2, sharex=True, sharey=True).ravel(), {}
for ax, (name, order) in zip(axes, orders.items()):
    batches = source[order].reshape(-1, BATCH_SIZE)  # (125, 32)
    sources = np.mean([len(set(batch)) for batch in batches])
    mixed[name] = sources
    print(f"{name}：位移是全洗的 {displacement(order) / (NUM_DOCS / 3):.2f}，一批有 {sources:.1f} 个来源")
    ax.plot(np.arange(NUM_DOCS)[::60], np.array(order)[::60], ".", markersize=3)  # 每 60 篇画一点
    ax.set_title(name, fontsize=9)
fig.supxlabel("position in the stream")
fig.supylabel("document")
fig.savefig("data-pipeline-shuffle.svg", metadata={"Date": None})
assert mixed["shards shuffled, buffer 100"] < 3 < 7 < mixed["shards interleaved, buffer 100"]
# --8<-- [end:source-mix]
# --8<-- [start:packing]
def concatenate(documents, size):
    """首尾相接，满 size 就切一行；最后不满的一截丢掉。逐篇处理，可以接在流上。"""
    buffer = []
    for ids in documents:
        buffer.extend(ids)
        while len(buffer) >= size:
            yield buffer[:size]
            buffer = buffer[size:]

def best_fit(pieces, size):
    """从长到短，每段放进放得下的、剩余最少的那一行；返回行数。要先知道全部长度。"""
    rows = np.zeros(size + 1, int)  # rows[s]：还剩 s 个空位的行数
    for n in sorted(pieces, reverse=True):
        fitting = np.flatnonzero(rows[n:])
        left = n + fitting[0] if len(fitting) else size  # 没有就开新行
        rows[left] -= bool(len(fitting))
        rows[left - n] += 1
    return rows.sum()

pieces = np.array([min(ROW, n - at) for n in lengths for at in range(0, n, ROW)])  # 长的先切开
groups = [pieces[at : at + BATCH_SIZE] for at in range(0, len(pieces), BATCH_SIZE)]
packed = np.array(list(concatenate(documents, ROW)))  # (行数, ROW)
spent = {"补到整行": len(pieces) * ROW, "补到批内最长": sum(len(g) * g.max() for g in groups),
         "最佳适配": best_fit(pieces, ROW) * ROW, "首尾相接": packed.size}  # 一共要算的词元
ends = np.cumsum(lengths)
cut = dict.fromkeys(spent, np.mean(lengths > ROW))
cut["首尾相接"] = np.mean((ends - lengths) // ROW != (ends - 1) // ROW)
padding = {name: max(1 - pieces.sum() / total, 0.0) for name, total in spent.items()}
for name in spent:
    print(f"{name}：填充占 {padding[name]:.3f}，被切开的篇占 {cut[name]:.3f}")
print(f"结论｜一行 {ROW} 个词元的批｜最佳适配打包，填充占 {padding['最佳适配']:.3f}"
      f"｜补到批内最长，填充占 {padding['补到批内最长']:.3f}")
assert padding["最佳适配"] < 0.02 and padding["补到批内最长"] > 0.4
# --8<-- [end:packing]
# --8<-- [start:document-mask]
ids = torch.tensor(packed[:8], device=device)  # (B, T)
is_end = (ids == EOS).long()
document = is_end.cumsum(1) - is_end  # (B, T)，每个词元属于本行第几篇；结束词元算在自己那篇里
index = torch.arange(ROW, device=device)
begins = torch.where(F.pad(is_end[:, :-1], (1, 0), value=1) == 1, index, 0).cummax(1).values
position = index - begins  # (B, T)，每篇从 0 数起
causal = torch.ones(ROW, ROW, dtype=torch.bool, device=device).tril()
own = causal & (document[:, :, None] == document[:, None, :])  # (B, T, T)，True 处可见

torch.manual_seed(SEED)
token, place = (nn.Embedding(n, 64).to(device) for n in (VOCAB_SIZE, ROW))
project = nn.Linear(64, 192).to(device)

def attend(ids, position, visible):
    """一层单头注意力：(B, T) → (B, T, 64)。"""
    q, k, v = project(token(ids) + place(position)).chunk(3, dim=-1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=visible)

gap, alone = {}, torch.zeros(*ids.shape, 64, device=device)
with torch.no_grad():
    for b, k in {(b, k) for b, row in enumerate(document.tolist()) for k in row}:
        at = document[b] == k  # 第 b 行第 k 篇的位置
        n = int(at.sum())
        alone[b, at] = attend(ids[b, at][None], index[:n][None], causal[:n, :n])[0]
    for name, places, visible in (("只用因果掩码", index.expand_as(ids), causal),
                                  ("按篇掩码，位置不重置", index.expand_as(ids), own),
                                  ("按篇掩码，位置重置", position, own)):
        gap[name] = (attend(ids, places, visible) - alone).abs().max().item()
        print(f"{name}：与逐篇单独计算最多差 {gap[name]:.3f}")
crossing = (document[:, 1:] != document[:, :-1]).float().mean().item()
print(f"目标是下一篇第一个词元的位置占 {crossing:.3f}")
assert gap["按篇掩码，位置重置"] < 1e-4 and min(gap["只用因果掩码"], gap["按篇掩码，位置不重置"]) > 0.1
# --8<-- [end:document-mask]
# --8<-- [start:padded-batches]
def pad(batch):
    """一批长短不一的 (n,) → (B, 批内最长) int64，右侧补 0。"""
    return nn.utils.rnn.pad_sequence([torch.as_tensor(ids) for ids in batch], batch_first=True)

def describe(name, batches):
    """打印批数、填充的比例与 CRC-32 校验和；返回填充的比例。"""
    batches = [np.asarray(batch) for batch in batches]
    share = sum((batch == 0).sum() for batch in batches) / sum(batch.size for batch in batches)
    checksum = zlib.crc32(b"".join(batch.tobytes() for batch in batches))
    print(f"{name}：{len(batches)} 批，填充占 {share:.3f}，校验和 {checksum}")
    return share

loader = DataLoader(documents, batch_size=BATCH_SIZE, collate_fn=pad)
in_order = describe("按到达次序", loader)
# --8<-- [end:padded-batches]
# --8<-- [start:bucketed-batches]
BOUNDARIES = [64, 128, 256]  # 四个桶：<64、64–127、128–255、≥256

def bucket_batches(lengths):
    """产出下标的列表：哪个桶先凑满 BATCH_SIZE 就先出；最后按桶号清空。"""
    waiting = defaultdict(list)
    for i, n in enumerate(lengths):
        bucket = bisect_right(BOUNDARIES, n)
        waiting[bucket].append(i)
        if len(waiting[bucket]) == BATCH_SIZE:
            yield waiting.pop(bucket)
    yield from (waiting[bucket] for bucket in sorted(waiting))

by_bucket = DataLoader(documents, batch_sampler=list(bucket_batches(lengths)), collate_fn=pad)
bucketed = describe("按长度分桶", by_bucket)
assert bucketed < 0.6 * in_order
# --8<-- [end:bucketed-batches]
# --8<-- [start:prefetch]
class SlowSource(IterableDataset):
    """每批要等 10 毫秒，像在等磁盘或网络。"""
    def __iter__(self):
        for step in range(30):
            time.sleep(0.01)
            yield step

def milliseconds(loader):
    """一步的平均时间；训练也用睡 10 毫秒代替，第一批不计。"""
    batches = iter(loader)
    next(batches)
    start = time.perf_counter()
    steps = sum(time.sleep(0.01) is None for _ in batches)
    return 1000 * (time.perf_counter() - start) / steps

serial = milliseconds(DataLoader(SlowSource(), batch_size=None))
ahead = dict(num_workers=1, prefetch_factor=4, multiprocessing_context="fork")
overlapped = milliseconds(DataLoader(SlowSource(), batch_size=None, **ahead))
print(f"不预取：一步 {serial:.1f} 毫秒；一个读取进程：一步 {overlapped:.1f} 毫秒")
assert overlapped < 0.85 * serial
# --8<-- [end:prefetch]
