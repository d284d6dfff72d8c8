# --8<-- [start:setup]
import copy
import time

import faiss
import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
NUM_SERIES, LENGTH = 20, 15  # 20 个系列，各 15 集
NUM_ITEMS = NUM_SERIES * LENGTH  # 物品编号 1–300，0 是补位
SESSIONS, TEST_SESSIONS, MAX_CLICKS = 6000, 1000, 16  # 最晚的 1000 段会话用来测试
HIDDEN, NUM_LAYERS, NUM_HEADS, STEPS, BATCH_SIZE = 64, 2, 2, 500, 128
torch.manual_seed(SEED)
print(f"device = {device}")
# --8<-- [end:setup]

# --8<-- [start:rule]
P_POPULAR, P_REPEAT, STRIDES = 0.15, 0.15, (1, 2, 4, 7)  # 其余 0.70 是顺着系列往下走

def make_sessions(rng):
    """返回 clicks (SESSIONS, MAX_CLICKS) int64，右边补 0；lengths (SESSIONS,)，每段 6–16 次点击；
    hidden (SESSIONS, 2)：最后一次点击之前，规则停在哪一集、步长是几，模型看不到。"""
    weights = 1 / np.arange(1, NUM_ITEMS + 1) ** 0.8  # 流行度：Zipf
    popularity = rng.permutation(weights / weights.sum())
    clicks = np.zeros((SESSIONS, MAX_CLICKS), dtype=np.int64)
    lengths = rng.integers(6, MAX_CLICKS + 1, size=SESSIONS)
    hidden = np.zeros((SESSIONS, 2), dtype=np.int64)
    for session, length in enumerate(lengths):
        current, stride = 1 + rng.choice(NUM_ITEMS, p=popularity), rng.choice(STRIDES)
        clicks[session, 0] = current
        for t, kind in enumerate(rng.random(length - 1), 1):
            hidden[session] = current, stride
            if kind < P_POPULAR:  # 被热门打断，系列停在原处
                clicks[session, t] = 1 + rng.choice(NUM_ITEMS, p=popularity)
            elif kind < P_POPULAR + P_REPEAT:  # 回看前三次之一
                clicks[session, t] = clicks[session, rng.integers(max(0, t - 3), t)]
            else:  # 同一系列里前进 stride 集，到末尾绕回
                start = (current - 1) // LENGTH * LENGTH
                current = 1 + start + (current - 1 - start + stride) % LENGTH
                clicks[session, t] = current
    return clicks, lengths, hidden, popularity

clicks, lengths, hidden, popularity = make_sessions(np.random.default_rng(SEED))
# --8<-- [end:rule]

# --8<-- [start:split]
train, test = clicks[:-TEST_SESSIONS], clicks[-TEST_SESSIONS:]  # 会话按开始时间排列
last = lengths[-TEST_SESSIONS:] - 1
targets = test[np.arange(TEST_SESSIONS), last]  # (1000,)，每段的最后一次点击
histories = np.where(np.arange(MAX_CLICKS) < last[:, None], test, 0)  # (1000, 16)，它之前的点击
users = np.arange(TEST_SESSIONS)

def recent(rows, k):
    """各段历史的倒数第 k 次点击 (N,)，不够长时为 0。"""
    at = (rows > 0).sum(axis=1) - k
    return np.where(at >= 0, rows[np.arange(len(rows)), np.maximum(at, 0)], 0)

def ranks_of(scores, targets):
    """scores (N, 301)，越大越好，第 0 列是补位；返回正确答案的名次 (N,)，从 0 起，并列算输。"""
    scores = np.array(scores, dtype=np.float64)
    scores[:, 0] = -np.inf
    return (scores >= scores[np.arange(len(targets)), targets][:, None]).sum(axis=1) - 1

def evaluate(scores, targets, k=10):
    """返回 HR@k、NDCG@k 与覆盖率：至少进过一次前 k 名的物品占多少。"""
    ranks = ranks_of(scores, targets)
    gains = np.where(ranks < k, 1 / np.log2(ranks + 2), 0)  # 只有一个正确答案，理想值是 1
    shown = np.argsort(-np.asarray(scores)[:, 1:], axis=1)[:, :k]
    return (ranks < k).mean(), gains.mean(), len(np.unique(shown)) / NUM_ITEMS
# --8<-- [end:split]

# --8<-- [start:counting]
def bag(rows):
    """各段点过哪些：(N, 301)，0/1。"""
    seen = np.zeros((len(rows), NUM_ITEMS + 1))
    np.put_along_axis(seen, rows, 1, axis=1)
    seen[:, 0] = 0
    return seen

def fit_chain(rows, lags=3):
    """跳跃马尔可夫链：counts[k][a, b] 是 a 之后第 k + 1 次点击 b 的条件频率。"""
    counts = np.zeros((lags, NUM_ITEMS + 1, NUM_ITEMS + 1))
    for k in range(lags):
        np.add.at(counts[k], (rows[:, : -k - 1], rows[:, k + 1 :]), 1)
    counts[:, 0], counts[:, :, 0] = 0, 0
    return counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)

def chain_scores(chain, rows, weights=(1.0, 0.6, 0.4)):
    return sum(w * chain[k][recent(rows, k + 1)] for k, w in enumerate(weights))

seen = bag(train)
frequency = np.bincount(train[train > 0], minlength=NUM_ITEMS + 1) / (train > 0).sum()  # (301,)
cooccur = seen.T @ seen
norms = np.sqrt(np.maximum(np.diag(cooccur), 1))
similar = cooccur / np.outer(norms, norms)  # 余弦；自己与自己也算，因为会回看
factors = np.linalg.svd(seen, full_matrices=False)[2][:40].T  # (301, 40)，矩阵分解的物品向量
chain = fit_chain(train)
every = {"popularity": np.tile(frequency, (TEST_SESSIONS, 1)),
         "item-kNN": bag(histories) @ similar,
         "matrix factorisation": bag(histories) @ factors @ factors.T,
         "skip Markov chain": chain_scores(chain, histories)}
# --8<-- [end:counting]

# --8<-- [start:oracle]
def oracle():
    scores = np.zeros((TEST_SESSIONS, NUM_ITEMS + 1))
    scores[:, 1:] = P_POPULAR * popularity
    for k in (1, 2, 3):
        scores[users, recent(histories, k)] += P_REPEAT / np.minimum(3, last)
    current, stride = hidden[-TEST_SESSIONS:].T
    start = (current - 1) // LENGTH * LENGTH
    scores[users, 1 + start + (current - 1 - start + stride) % LENGTH] += 0.7
    return scores
# --8<-- [end:oracle]
