# --8<-- [start:setup]
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
HIDDEN_SIZE, NUM_HEADS, NUM_LAYERS = 64, 4, 2
CONTEXT, STRIDE = 32, 16  # 真实文本：一个窗口多少字，评估时每隔多少字开一个窗口
# --8<-- [end:setup]
# --8<-- [start:load-corpus]
DATA = Path(__file__).resolve().parents[1] / "data" / "handbook-zh.txt"
paragraphs = DATA.read_text(encoding="utf-8").splitlines()
random.Random(SEED).shuffle(paragraphs)  # 按段切分：同一段不会分在两边
cuts = [int(len(paragraphs) * share) for share in (0, 0.8, 0.9, 1)]
texts = ["\n".join(paragraphs[a:b]) + "\n" for a, b in zip(cuts, cuts[1:])]
vocab = {c: i for i, c in enumerate(sorted(set("".join(texts))))}  # 封闭词表：三份的字全算上
train_ids, val_ids, test_ids = ([vocab[c] for c in text] for text in texts)
val_ids, test_ids = (x[:len(x) // STRIDE * STRIDE] for x in (val_ids, test_ids))  # 凑成整窗
seen = np.isin(test_ids, train_ids)
print(f"训练 {len(train_ids)} 字，验证 {len(val_ids)} 字，测试 {len(test_ids)} 字")
print(f"词表 {len(vocab)} 个字；测试里有 {(~seen).sum()} 个字训练时没见过")
# --8<-- [end:load-corpus]
# --8<-- [start:kneser-ney]
class KneserNey:
    """插值 Kneser–Ney（Chen 与 Goodman，1999）；ids 是 int 列表，每阶一个折扣。

    最高阶用出现次数，低阶用「左边接过多少种不同的字」，最底下是词表上的均匀分布。
    """
    def __init__(self, ids, order, vocab_size):
        self.uniform, self.levels = 1 / vocab_size, []
        counts = Counter(zip(*(ids[i:] for i in range(order))))
        for _ in range(order):
            once, twice = (list(counts.values()).count(k) for k in (1, 2))
            total, kinds = Counter(), Counter()  # 按历史汇总：次数之和，后面接过几种字
            for gram, count in counts.items():
                total[gram[:-1]] += count
                kinds[gram[:-1]] += 1
            self.levels.insert(0, (counts, total, kinds, once / (once + 2 * twice)))
            counts = Counter(gram[1:] for gram in counts)  # 低一阶：数左边的种类

    def prob(self, history, i):
        """P(i | history)；history 是 int 列表，只用最后 order − 1 个。"""
        p = self.uniform
        for n, (counts, total, kinds, discount) in enumerate(self.levels):
            h = tuple(history[len(history) - n:])
            if total[h]:  # 没见过的历史：沿用低一阶的概率
                p = (max(counts[h + (i,)] - discount, 0) + discount * kinds[h] * p) / total[h]
        return p

    def score(self, ids, start):
        """ids[start:] 里每个字的概率，float64。"""
        return np.array([self.prob(ids[max(0, j - 32):j], ids[j]) for j in range(start, len(ids))])
# --8<-- [end:kneser-ney]
# --8<-- [start:kneser-ney-check]
def bits(probs):
    """平均每字多少比特：−log2 概率的均值。"""
    return float(-np.log2(probs).mean())

ngrams = {order: KneserNey(train_ids, order, len(vocab)) for order in (1, 2, 3, 5)}
for order, ngram in ngrams.items():
    for j in range(0, len(test_ids), 200):  # 概率之和必须是 1，历史见没见过都一样
        assert abs(sum(ngram.prob(test_ids[:j], i) for i in range(len(vocab))) - 1) < 1e-9
    loss = bits(ngram.score(train_ids + test_ids, len(train_ids)))
    print(f"{order} 元：测试集每字 {loss:.2f} 比特")
# --8<-- [end:kneser-ney-check]
# --8<-- [start:block]
class Block(nn.Module):
    """前置归一化的一层：x (B, T, C) → (B, T, C)；hidden (T, T) 布尔，True 处看不见。"""
    def __init__(self, size):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size))

    def forward(self, x, hidden):
        """x (B, T, C) → (B, T, C)；hidden (T, T) bool，True 是看不见。"""
        q, k, v = (t.unflatten(-1, (NUM_HEADS, -1)).transpose(1, 2)  # (B, num_heads, T, D)
                   for t in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        scores = q @ k.mT / math.sqrt(q.shape[-1])  # (B, num_heads, T, T)
        weights = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
        x = x + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))
# --8<-- [end:block]
# --8<-- [start:gpt]
class GPT(nn.Module):
    """只有解码器的 Transformer：ids (B, T) int64 → logits (B, T, V)；输出层与词嵌入共享。"""
    def __init__(self, vocab_size, context, hidden_size=HIDDEN_SIZE, init_std=0.02):
        super().__init__()
        self.token, self.position = (nn.Embedding(n, hidden_size) for n in (vocab_size, context))
        self.blocks = nn.ModuleList(Block(hidden_size) for _ in range(NUM_LAYERS))
        self.norm, self.reach = nn.LayerNorm(hidden_size), context  # reach：每层往回看多远
        for name, weight in self.named_parameters():
            if "norm" not in name:
                nn.init.normal_(weight, std=0.0 if "bias" in name else init_std)

    def forward(self, ids):
        """ids (B, T) int64 → logits (B, T, 词表大小)。"""
        steps = torch.arange(ids.shape[1], device=ids.device)
        gap = steps[:, None] - steps  # (T, T)：键在查询之前多少步，负数是将来
        x = self.token(ids) + self.position(steps)
        for block in self.blocks:
            x = block(x, (gap < 0) | (gap >= self.reach))
        return F.linear(self.norm(x), self.token.weight)
# --8<-- [end:gpt]
# --8<-- [start:check-model]
torch.manual_seed(SEED)
gpt = GPT(len(vocab), CONTEXT, init_std=0.04).to(device)
ids = torch.tensor([train_ids[:CONTEXT]], device=device)
changed = ids.clone()
changed[0, 20] = (ids[0, 20] + 1) % len(vocab)  # 只改下标为 20 的字
moved = (gpt(changed) - gpt(ids)).abs().amax(dim=(0, 2))  # (T,)
loss = F.cross_entropy(gpt(ids)[0, :-1], ids[0, 1:]).item()
print(f"{sum(p.numel() for p in gpt.parameters()):,} 个参数")
print(f"改一个字：此前的 logits 最多变 {moved[:20].max():.4f}，此后至少变 {moved[20:].min():.4f}")
print(f"初始损失 {loss:.2f}；均匀乱猜是 ln V = {math.log(len(vocab)):.2f}")
assert moved[:20].max() < 1e-6 < 1e-3 < moved[20:].min() and abs(loss - math.log(len(vocab))) < 0.2
# --8<-- [end:check-model]
# --8<-- [start:train-and-score]
@torch.no_grad()
def score(model, windows):
    """windows (N, T+1) int64 → (N, T) float64：窗口里每个「下一个字」的概率。"""
    log_probs = model(windows[:, :-1]).log_softmax(dim=-1)
    return log_probs.gather(-1, windows[:, 1:, None])[..., 0].double().exp().cpu().numpy()

def train(model, windows, steps, batch_size, learning_rate, weight_decay, watch=None):
    """就地训练：每步抽 batch_size 个窗口，学习率先升后降；watch 每 100 步调用一次。"""
    optimizer = torch.optim.AdamW(
        model.parameters(), learning_rate, weight_decay=weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps, pct_start=0.1)
    for step in range(steps):
        batch = windows[torch.randint(len(windows), (batch_size,))]  # (B, T+1)
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if watch and step % 100 == 99:
            watch(model)
    return model
# --8<-- [end:train-and-score]
# --8<-- [start:pretrain]
def heldout(model, ids):
    """ids 里每个字的概率：每个窗口只给最后 STRIDE 个字打分，前面的当上文。"""
    run = torch.tensor(train_ids[STRIDE - CONTEXT - 1:] + ids, device=device)
    return score(model, run.unfold(0, CONTEXT + 1, STRIDE))[:, -STRIDE:].flatten()

windows = torch.tensor(train_ids, device=device).unfold(0, CONTEXT + 1, 1)  # 每个起点一个
curve = []
train(gpt, windows, 800, 8, 3e-3, 0.3, lambda model: curve.append(
    (bits(score(model, windows[::200])), bits(heldout(model, val_ids)))))
kn = {n: ngrams[n].score(train_ids + test_ids, len(train_ids)) for n in (3, 5)}
test_gpt = heldout(gpt, test_ids)
print(f"测试集，比特/字：GPT {bits(test_gpt):.2f}，3 元 {bits(kn[3]):.2f}，5 元 {bits(kn[5]):.2f}")
print(f"只算没见过的字：GPT {bits(test_gpt[~seen]):.1f}，5 元 {bits(kn[5][~seen]):.1f}")
assert bits(test_gpt) > bits(kn[3]) + 0.1  # 输了，而且输给 3 元
# --8<-- [end:pretrain]
# --8<-- [start:mixture]
val_gpt = heldout(gpt, val_ids)
for n in (3, 5):
    val_kn = ngrams[n].score(train_ids + val_ids, len(train_ids))
    share = min(np.linspace(0, 1, 41), key=lambda w: bits(w * val_gpt + (1 - w) * val_kn))
    mixed = bits(share * test_gpt + (1 - share) * kn[n])
    print(f"与 {n} 元混合：GPT 占 {share:.2f}，测试集 {mixed:.2f}，少 {bits(kn[n]) - mixed:.2f}")
    assert mixed < min(bits(kn[n]), bits(test_gpt)) - 0.05
# --8<-- [end:mixture]
# --8<-- [start:story-rule]
NAMES, PLACES = "明红刚丽军芳强梅", "河边 车站 学校 公园 山上 街角 书店 码头".split()
THINGS = {"把": "伞锁扇琴", "只": "碗鞋表箱", "条": "鱼裙绳船", "张": "画弓网票"}
FILLERS = ("天慢慢黑了 远处传来钟声 风从北边吹来 街上没有什么人 一群鸟飞过屋顶 "
           "路灯一盏一盏亮了 空气里有桂花的香味 雨下了又停").split()

def story(rng):
    """甲、乙两人，一样东西，三句闲话。后文里的名字、量词、物件必须与前文一致。"""
    (a, b), (x, y, z), measure = rng.sample(NAMES, 2), rng.sample(FILLERS, 3), rng.choice("把只条张")
    thing = measure + rng.choice(THINGS[measure])
    return (f"小{a}在{rng.choice(PLACES)}捡到一{thing}。{x}。{y}。小{b}跑来说：那{thing}是我的。"
            f"{z}。小{a}点点头，将那{thing}还了。傍晚小{b}又来谢小{a}。\n")
# --8<-- [end:story-rule]
# --8<-- [start:story-data]
rng = random.Random(SEED)
tales = [story(rng) for _ in range(340)]  # 前 300 则训练，后 40 则测试
length = max(map(len, tales))
starts = np.cumsum([0] + [len(tale) for tale in tales])
letters = {c: i for i, c in enumerate(sorted(set("".join(tales))))}
tale_ids = [letters[c] for c in "".join(tales)]
tale_windows = torch.tensor(tale_ids + tale_ids[:length], device=device).unfold(0, length, 1)[
    starts[:-1]]  # (340, length)，每个窗口从一则的开头起
variable = set(NAMES + "".join(THINGS) + "".join(THINGS.values()))
def agrees(tale, j):
    """第 j 个字是否由 8 个字以前的前文决定：在那里出现过，此后没有再出现。"""
    return tale[j] in variable and tale[j] in tale[:max(0, j - 8)] and tale[j] not in tale[j - 8:j]

agree = np.array([[j < len(t) and agrees(t, j) for j in range(1, length)] for t in tales])
inside = np.array([[j < len(t) for j in range(1, length)] for t in tales])  # 窗口里属于这一则的
print(tales[0] + f"一共 {len(tale_ids)} 字，受约束的占 {agree.sum() / inside.sum():.3f}")
# --8<-- [end:story-data]
# --8<-- [start:story-train]
torch.manual_seed(SEED)
writer = GPT(len(letters), length - 1, init_std=0.12).to(device)
train(writer, tale_windows[:300], 400, 8, 6e-3, 0.05)
test_agree, test_inside = agree[300:], inside[300:]
at = [starts[300 + r] + 1 + c for r, c in zip(*test_agree.nonzero())]  # 受约束的字在全文的位置
right = writer(tale_windows[300:, :-1]).argmax(dim=-1) == tale_windows[300:, 1:]
probs = score(writer, tale_windows[300:])
rows = {"GPT": (probs[test_inside], probs[test_agree], right.cpu().numpy()[test_agree].mean())}
for n in (5, 12):
    ngram = KneserNey(tale_ids[:starts[300]], n, len(letters))
    guess = [max(letters.values(), key=lambda i: ngram.prob(tale_ids[j - n:j], i)) for j in at]
    every = ngram.score(tale_ids, starts[300])
    rows[f"{n} 元"] = (every, every[np.array(at) - starts[300]],
                      np.mean([g == tale_ids[j] for g, j in zip(guess, at)]))
for name, (every, bound, accuracy) in rows.items():
    print(f"{name}：{bits(every):.2f} 比特/字；受约束的字 {bits(bound):.2f}，猜对 {accuracy:.2f}")
choices = math.log2((8 * 7) * (8 * 7 * 6) * 4 * 4 * 8)  # 一则里全部随机选择的比特数
print(f"规则的熵：{choices * len(tales) / len(tale_ids):.2f} 比特/字")
print(f"结论｜故事的长程一致｜GPT 猜对 {rows['GPT'][2]:.2f}｜5 元 {rows['5 元'][2]:.2f}")
assert bits(rows["GPT"][0]) < min(1.0, bits(rows["5 元"][0]) - 0.1)
assert rows["GPT"][2] > 0.9 > 0.5 > rows["5 元"][2]
# --8<-- [end:story-train]
# --8<-- [start:sample]
@torch.no_grad()
def sample(model, ids, steps, temperature=1.0, top_k=0, top_p=1.0):
    """逐字续写：ids (B, T) int64 → (B, T + steps)；top_k = 1 就是贪心。"""
    for _ in range(steps):
        logits = model(ids[:, -model.position.num_embeddings:])[:, -1]  # (B, V)
        probs, order = (logits / temperature).softmax(dim=-1).sort(descending=True)
        drop = probs.cumsum(dim=-1) - probs >= top_p  # 排在前面的已经凑够 top_p
        if top_k:
            drop[:, top_k:] = True
        picked = probs.masked_fill(drop, 0).multinomial(1)  # 不必归一化
        ids = torch.cat([ids, order.gather(-1, picked)], dim=-1)
    return ids
# --8<-- [end:sample]
