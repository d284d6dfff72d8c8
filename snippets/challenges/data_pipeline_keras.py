# --8<-- [start:setup]
import time
import zlib

import numpy as np
import tensorflow as tf

SEED = 42
tf.random.set_seed(SEED)
VOCAB_SIZE, EOS = 2000, 1  # 词元 0 是填充，1 是文档结束
NUM_DOCS, NUM_SHARDS = 4000, 8  # 篇数；分片数，每片一个来源
BATCH_SIZE = 32  # 一批的行数
numbers = np.random.default_rng(SEED)
lengths = np.clip(numbers.lognormal(4.4, 0.8, NUM_DOCS).astype(int), 8, 1000)  # 含结束词元
documents = [np.append(numbers.integers(2, VOCAB_SIZE, n - 1), EOS) for n in lengths]  # 各 (n,)
print(f"{NUM_DOCS} 篇，{lengths.sum()} 个词元，最短 {lengths.min()}，最长 {lengths.max()}")
# --8<-- [end:setup]

# --8<-- [start:shuffle-buffer]
def displacement(dataset):
    """每一篇离原位多远的平均值；全洗时期望是 N / 3。"""
    order = np.fromiter(dataset.as_numpy_iterator(), int)
    return np.mean(np.abs(order - np.arange(len(order))))

moved = {size: displacement(tf.data.Dataset.range(NUM_DOCS).shuffle(size, seed=SEED))
         for size in (10, 30, 100, 300, 1000, NUM_DOCS)}
for size, distance in moved.items():
    rule = f"，2B/e = {2 * size / np.e:.1f}" if size <= 300 else ""
    print(f"缓冲 {size:4}：平均位移 {distance:.1f}{rule}")
    assert not rule or abs(distance / (2 * size / np.e) - 1) < 0.15
assert abs(moved[NUM_DOCS] / (NUM_DOCS / 3) - 1) < 0.1
# --8<-- [end:shuffle-buffer]

# --8<-- [start:source-mix]
each = NUM_DOCS // NUM_SHARDS  # 一片几篇
shard = lambda k: tf.data.Dataset.range(k * each, (k + 1) * each)  # 第 k 片的篇号

def sources_in_batch(dataset):
    """一批里平均有几个来源。"""
    batches = dataset.batch(BATCH_SIZE).as_numpy_iterator()
    return np.mean([len(set(batch // each)) for batch in batches])

names = tf.data.Dataset.range(NUM_SHARDS)
one_by_one = names.shuffle(NUM_SHARDS, seed=SEED).flat_map(shard).shuffle(100, seed=SEED)
interleaved = names.interleave(shard, cycle_length=NUM_SHARDS).shuffle(100, seed=SEED)
for name, dataset in (("洗片的次序，逐片读", one_by_one), ("各片轮流读", interleaved)):
    print(f"{name}：一批有 {sources_in_batch(dataset):.1f} 个来源")
assert sources_in_batch(one_by_one) < 3 < 7 < sources_in_batch(interleaved)
# --8<-- [end:source-mix]

# --8<-- [start:padded-batches]
source = tf.data.Dataset.from_generator(
    lambda: documents, output_signature=tf.TensorSpec((None,), tf.int64))

def describe(name, batches):
    """打印批数、填充的比例与 CRC-32 校验和；返回填充的比例。"""
    batches = list(batches.as_numpy_iterator())  # 各 (B, 批内最长) int64
    share = sum((batch == 0).sum() for batch in batches) / sum(batch.size for batch in batches)
    checksum = zlib.crc32(b"".join(batch.tobytes() for batch in batches))
    print(f"{name}：{len(batches)} 批，填充占 {share:.3f}，校验和 {checksum}")
    return share

in_order = describe("按到达次序", source.padded_batch(BATCH_SIZE))
# --8<-- [end:padded-batches]

# --8<-- [start:bucketed-batches]
BOUNDARIES = [64, 128, 256]  # 四个桶：<64、64–127、128–255、≥256

by_bucket = source.bucket_by_sequence_length(
    element_length_func=tf.size,
    bucket_boundaries=BOUNDARIES,
    bucket_batch_sizes=[BATCH_SIZE] * (len(BOUNDARIES) + 1))
bucketed = describe("按长度分桶", by_bucket)
assert bucketed < 0.6 * in_order
# --8<-- [end:bucketed-batches]

# --8<-- [start:prefetch]
def milliseconds(dataset):
    """一步的平均时间，三遍取最短（别的进程只会使它变长）；训练也用睡 10 毫秒代替，第一批不计。"""
    times = []
    for _ in range(3):
        batches = iter(dataset)
        next(batches)
        start = time.perf_counter()
        steps = sum(time.sleep(0.01) is None for _ in batches)
        times.append(1000 * (time.perf_counter() - start) / steps)
    return min(times)

slow = tf.data.Dataset.from_generator(
    lambda: (time.sleep(0.01) or step for step in range(20)),  # 每批等 10 毫秒，像在等磁盘或网络
    output_signature=tf.TensorSpec((), tf.int64))
options = tf.data.Options()
options.experimental_optimization.inject_prefetch = False  # 默认会在末尾自动加一个 prefetch
serial = milliseconds(slow.with_options(options))
overlapped = milliseconds(slow.prefetch(4).with_options(options))
print(f"不预取：一步 {serial:.1f} 毫秒；prefetch(4)：一步 {overlapped:.1f} 毫秒")
assert overlapped < 0.85 * serial
# --8<-- [end:prefetch]
