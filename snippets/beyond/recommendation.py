# --8<-- [start:setup]
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
NUM_SERIES, LENGTH = 20, 15  # 20 个系列，各 15 集
NUM_ITEMS = NUM_SERIES * LENGTH  # 物品编号 1–300，0 是补位
SESSIONS, TEST_SESSIONS, MAX_CLICKS = 6000, 1000, 16  # 最晚的 1000 段会话用来测试
HIDDEN, NUM_LAYERS, NUM_HEADS, STEPS, BATCH_SIZE = 64, 2, 2, 750, 64
torch.manual_seed(SEED)
print(f"device = {device}")
# --8<-- [end:setup]
# --8<-- [start:rule]
P_POPULAR, P_REPEAT, STRIDES = 0.15, 0.10, (1, 3, 5, 7)  # 其余 0.75 是顺着系列往下走

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
    """rows (N, 16) → 各段历史的倒数第 k 次点击 (N,)，不够长时为 0。"""
    at = (rows > 0).sum(axis=1) - k
    return np.where(at >= 0, rows[np.arange(len(rows)), np.maximum(at, 0)], 0)

def ranks_of(scores, targets):
    """scores (N, 301)，越大越好，第 0 列是补位；返回正确答案的名次 (N,)，从 0 起，并列算输。"""
    scores = np.array(scores, dtype=np.float64)
    scores[:, 0] = -np.inf
    return (scores >= scores[np.arange(len(targets)), targets][:, None]).sum(axis=1) - 1

def evaluate(scores, targets, k=10):
    """scores (N, 301)，targets (N,) → HR@k、NDCG@k、覆盖率（至少进过一次前 k 名的物品占多少）。"""
    ranks = ranks_of(scores, targets)
    gains = np.where(ranks < k, 1 / np.log2(ranks + 2), 0)  # 只有一个正确答案，理想值是 1
    shown = np.argsort(-np.asarray(scores)[:, 1:], axis=1)[:, :k]
    return (ranks < k).mean(), gains.mean(), len(np.unique(shown)) / NUM_ITEMS
# --8<-- [end:split]
# --8<-- [start:counting]
def bag(rows):
    """rows (N, 16) → 各段点过哪些 (N, 301)，float64 的 0/1。"""
    seen = np.zeros((len(rows), NUM_ITEMS + 1))
    np.put_along_axis(seen, rows, 1, axis=1)
    seen[:, 0] = 0
    return seen

def fit_chain(rows, lags=3):
    """rows (N, 16) → (lags, 301, 301)，[k, a, b] 是 a 之后第 k + 1 次点击 b 的条件频率。"""
    counts = np.zeros((lags, NUM_ITEMS + 1, NUM_ITEMS + 1))
    for k in range(lags):
        np.add.at(counts[k], (rows[:, : -k - 1], rows[:, k + 1 :]), 1)
    counts[:, 0], counts[:, :, 0] = 0, 0
    return counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)

def chain_scores(chain, rows):
    """rows (N, 16) → (N, 301)：最近三次点击各投一票。"""
    return sum(table[recent(rows, k)] for k, table in enumerate(chain, 1))

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
for name, scores in every.items():
    line = "HR@10 {:.2f}，NDCG@10 {:.2f}，覆盖率 {:.2f}".format(*evaluate(scores, targets))
    print(f"{name:21s}{line}")
# --8<-- [end:counting]
# --8<-- [start:sasrec]
class Block(nn.Module):
    """先归一化的 Transformer 块：(B, T, C) → (B, T, C)。"""
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(HIDDEN), nn.LayerNorm(HIDDEN)
        self.qkv, self.out = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.mlp = nn.Sequential(nn.Linear(HIDDEN, 2 * HIDDEN), nn.ReLU(),
                                 nn.Linear(2 * HIDDEN, HIDDEN))
    def forward(self, h, causal):
        """h (B, T, C) → 同样的形状；其间 q、k、v 各 (B, 头, T, C/头)。"""
        q, k, v = self.qkv(self.norm1(h)).unflatten(-1, (3, NUM_HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        h = h + self.out(mixed.transpose(1, 2).flatten(2))
        return h + self.mlp(self.norm2(h))

class SASRec(nn.Module):
    """(B, T) int64 → logits (B, T, 301)：第 t 位只看前 t 次点击，猜下一次。"""
    def __init__(self, causal=True):
        super().__init__()
        self.causal = causal
        self.item = nn.Embedding(NUM_ITEMS + 1, HIDDEN, padding_idx=0)
        self.position = nn.Parameter(0.05 * torch.randn(MAX_CLICKS, HIDDEN))
        nn.init.normal_(self.item.weight[1:], std=0.05)
        self.drop, self.norm = nn.Dropout(0.1), nn.LayerNorm(HIDDEN)
        self.blocks = nn.ModuleList(Block() for _ in range(NUM_LAYERS))
    def forward(self, rows):
        """rows (B, T) int64，右边补 0 → logits (B, T, 301)。"""
        h = self.drop(self.item(rows) + self.position[: rows.shape[1]])
        for block in self.blocks:
            h = block(h, self.causal)
        return self.norm(h) @ self.item.weight.T  # 输入与输出共用物品向量
# --8<-- [end:sasrec]
# --8<-- [start:train-sasrec]
def train_sasrec(causal=True, steps=STEPS):
    """在训练会话的每一位上预测下一次点击，返回模型与末 20 步的平均损失。"""
    torch.manual_seed(SEED)
    model, rows, losses = SASRec(causal).to(device), torch.as_tensor(train, device=device), []
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        batch = rows[torch.randint(len(rows), (BATCH_SIZE,)).to(device)]
        logits = model(batch[:, :-1])  # (B, 15, 301)
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return model.eval(), torch.stack(losses[-20:]).mean().item()

@torch.no_grad()
def sasrec_scores(model, rows):
    """rows (N, 16)，右边补 0 → 最后一次点击处的打分 (N, 301)。"""
    logits = model(torch.as_tensor(rows, device=device)).cpu().numpy()
    return logits[np.arange(len(rows)), (rows > 0).sum(axis=1) - 1]

sasrec, train_loss = train_sasrec()
every["SASRec"] = sasrec_scores(sasrec, histories)
results = {name: evaluate(scores, targets) for name, scores in every.items()}
best, runner_up = results["SASRec"], results["skip Markov chain"]
print(f"参数 {sum(p.numel() for p in sasrec.parameters())} 个")
print("SASRec HR@10 {:.2f}，NDCG@10 {:.2f}，覆盖率 {:.2f}".format(*best))
print("比跳跃马尔可夫链：HR@10 {:+.2f}，NDCG@10 {:+.2f}".format(*np.subtract(best, runner_up)[:2]))
print(f"结论｜预测下一次点击｜SASRec NDCG@10 {best[1]:.2f}｜跳跃马尔可夫链 {runner_up[1]:.2f}")
others = [ndcg for name, (_, ndcg, _) in results.items() if name != "SASRec"]
assert best[1] >= max(others) + 0.05 and best[1] >= 0.55 and best[0] >= runner_up[0] + 0.01
# --8<-- [end:train-sasrec]
# --8<-- [start:two-tower]
series = torch.arange(-1, NUM_ITEMS) // LENGTH + 1  # (301,)，补位是 0，系列 1–20
episode = torch.arange(-1, NUM_ITEMS) % LENGTH + 1  # 集 1–15
episode[0] = 0

class UserTower(nn.Module):
    """点击历史 (B, 16) int64 → 用户向量 (B, C)：最近 k 次按次序拼接，再拼上全部的平均。"""
    def __init__(self, k=1):
        super().__init__()
        self.k = k
        self.item = nn.Embedding(NUM_ITEMS + 1, HIDDEN, padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear((k + 1) * HIDDEN, 2 * HIDDEN), nn.ReLU(),
                                 nn.Linear(2 * HIDDEN, HIDDEN))
    def forward(self, rows):
        """rows (B, 16) int64 → (B, C)。"""
        count = (rows > 0).sum(dim=1, keepdim=True)
        h = self.item(rows)  # (B, 16, C)
        at = (count - torch.arange(1, self.k + 1, device=rows.device)).clamp(min=0)  # (B, k)
        latest = h.gather(1, at[:, :, None].expand(-1, -1, HIDDEN)).flatten(1)
        return self.mlp(torch.cat([latest, h.sum(dim=1) / count.clamp(min=1)], dim=1))

class ItemTower(nn.Module):
    """编号 (N,) → 物品向量 (N, C)：编号向量，加上系列与集数这两种内容特征。"""
    def __init__(self, use_features=True):
        super().__init__()
        self.use_features = use_features
        self.item = nn.Embedding(NUM_ITEMS + 1, HIDDEN)
        self.series, self.episode = nn.Embedding(21, HIDDEN), nn.Embedding(16, HIDDEN)
        nn.init.normal_(self.item.weight, std=0.05)
    def forward(self, ids):
        """ids (N,) int64 → (N, C)。"""
        features = self.series(series.to(ids.device)[ids]) + self.episode(episode.to(ids.device)[ids])
        return self.item(ids) + 0.3 * features * self.use_features
# --8<-- [end:two-tower]
# --8<-- [start:train-two-tower]
def all_pairs(rows):
    """每段会话从第二次起，每次点击都当一次目标：返回历史 (M, 16) 和目标 (M,)，都是 int64。"""
    session, t = np.nonzero(rows[:, 1:])
    return np.where(np.arange(MAX_CLICKS) <= t[:, None], rows[session], 0), rows[session, t + 1]

def train_two_tower(pairs, correct=True, use_features=True, k=1, seed=SEED, steps=350):
    """批内负样本：同一批里别人的目标就是我的负样本。correct 决定是否减去 log q。"""
    torch.manual_seed(seed)
    rows, goals = (torch.as_tensor(part, device=device) for part in pairs)
    user, item = UserTower(k).to(device), ItemTower(use_features).to(device)
    q = torch.bincount(goals, minlength=NUM_ITEMS + 1) / len(goals)  # 物品被抽进一批的频率
    optimizer = torch.optim.Adam([*user.parameters(), *item.parameters()], 4e-3, fused=True)
    for _ in range(steps):
        pick = torch.randint(len(goals), (512,)).to(device)
        goal = goals[pick]
        logits = user(rows[pick]) @ item(goal).T - correct * q[goal].log()  # (B, B)，对角线是正样本
        same = (goal[:, None] == goal) & ~torch.eye(len(goal), dtype=torch.bool, device=device)
        logits = logits.masked_fill(same, -torch.inf)  # 与正样本相同的不算负样本
        loss = F.cross_entropy(logits, torch.arange(len(goal), device=device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return user.eval(), item.eval()
# --8<-- [end:train-two-tower]
# --8<-- [start:log-q]
@torch.no_grad()
def encode(user, item, rows):
    """返回用户向量 (N, C) 与全部物品向量 (301, C)，float32 的 numpy 数组。"""
    everything = torch.arange(NUM_ITEMS + 1, device=device)
    return user(torch.as_tensor(rows, device=device)).cpu().numpy(), item(everything).cpu().numpy()

pairs, shown = all_pairs(train), {}
for correct in (False, True):
    towers = train_two_tower(pairs, correct)
    user_vectors, item_vectors = encode(*towers, histories)
    scores = user_vectors @ item_vectors.T  # (1000, 301)
    hr, ndcg, coverage = evaluate(scores, targets)
    top = np.argsort(-scores[:, 1:], axis=1)[:, :10] + 1
    shown[correct] = 1e2 * frequency[top].mean()  # 被推荐物品的平均流行度，%
    print(f"减 log q：{correct}，HR@10 {hr:.2f}，NDCG@10 {ndcg:.2f}，"
          f"HR@50 {evaluate(scores, targets, 50)[0]:.2f}，推荐的流行度 {shown[correct]:.2f}%")
assert shown[True] > 1.15 * shown[False]
# --8<-- [end:log-q]
