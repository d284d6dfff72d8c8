# --8<-- [start:setup]
import csv
import itertools
import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
hidden_size, num_heads, num_layers, max_length = 64, 4, 2, 64  # 自己的小 BERT，约 18 万个参数
batch_size, learning_rate = 32, 3e-3  # 从零训练，步子比微调大得多
PAD, UNK, CLS = range(3)  # 补齐、没见过的字、句首
# --8<-- [end:setup]

# --8<-- [start:load-reviews]
path = Path(__file__).resolve().parents[1] / "data" / "reviews-zh.tsv"
with path.open(encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
texts = np.array([row["text"] for row in rows])
labels = np.array([int(row["label"]) for row in rows])  # (476,)，1 是好评，0 是差评
domains = np.array([row["domain"] for row in rows])

grams = [{text[i : i + 3] for i in range(len(text) - 2)} for text in texts]
overlap = max(len(a & b) / len(a | b) for a, b in itertools.combinations(grams, 2))
print(f"{len(rows)} 条，{len(set(domains))} 个领域；好评占 {labels.mean():.2f}")
seen = Counter("".join(texts))
print(f"长 {min(map(len, texts))} 到 {max(map(len, texts))} 字；不同的字 {len(seen)} 个，"
      f"其中 {np.mean([n < 5 for n in seen.values()]):.2f} 出现不到 5 次")
print(f"任意两条的三字组，Jaccard 相似度最大 {overlap:.3f}")
assert all(labels[domains == d].mean() == 0.5 for d in set(domains)) and overlap < 0.2
for i in (11, 42, 264, 360):
    print(domains[i], labels[i], texts[i])
# --8<-- [end:load-reviews]

# --8<-- [start:intervals]
def wilson(correct):
    """correct (N,) 布尔 → (比例, 下限, 上限)：二项比例的 95% Wilson 区间。"""
    n, p, z = len(correct), np.mean(correct), 1.96
    centre, half = p + z * z / 2 / n, z * np.sqrt(p * (1 - p) / n + (z / 2 / n) ** 2)
    return p, *((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))

def resample(values):
    """values (N,) → (均值, 下限, 上限)：对样本自助重采样 2000 次的 95% 区间。"""
    picks = np.random.default_rng(SEED).integers(len(values), size=(2000, len(values)))
    return values.mean(), *np.quantile(values[picks].mean(axis=1), (0.025, 0.975))

SHOW = "{:.2f} [{:.2f}, {:.2f}]"
# --8<-- [end:intervals]

# --8<-- [start:tfidf]
def tfidf():
    """字的一、二元组加逻辑回归；正则化强度由训练集内部三折交叉验证挑选。"""
    line = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True),
                         LogisticRegression())
    return GridSearchCV(line, {"logisticregression__C": [1, 10, 100]}, cv=3)

def by_domain(fit_and_score):
    """轮流留出一个领域：用其余六个训练，给留出的打分；返回 (476,) 好评的对数几率。"""
    scores = np.zeros(len(texts))
    for domain in sorted(set(domains)):
        train, test = domains != domain, domains == domain
        scores[test] = fit_and_score(texts[train], labels[train], texts[test])
    return scores

tfidf_scores = by_domain(lambda x, y, held: tfidf().fit(x, y).decision_function(held))
tfidf_right = (tfidf_scores > 0) == labels
print("TF-IDF，没见过的领域：" + SHOW.format(*wilson(tfidf_right)))
# --8<-- [end:tfidf]

# --8<-- [start:encoder]
class Block(nn.Module):
    """一层编码器，前置归一化；x (B, T, C)，keep (B, T) 布尔，False 是补齐的位置。"""
    def __init__(self, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.proj = nn.Linear(hidden_size, hidden_size)
        self.mlp = nn.Sequential(nn.Linear(hidden_size, 4 * hidden_size), nn.GELU(),
                                 nn.Linear(4 * hidden_size, hidden_size))
        self.drop = nn.Dropout(dropout)

    def forward(self, x, keep, queries=None):
        """x (B, T, C) → 前 Q 个位置 (B, Q, C)，缺省为全部；keep (B, T) bool，False 是补齐。"""
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(
            q[:, :, :queries], k, v, attn_mask=keep[:, None, None, :])
        x = x[:, :queries] + self.drop(self.proj(seen.transpose(1, 2).flatten(2)))
        return x + self.drop(self.mlp(self.norm2(x)))

class Encoder(nn.Module):
    """小 BERT：ids (B, T) int64 → logits (B, 2)；句首 [CLS] 的输出接分类头。"""
    def __init__(self, vocab_size, dropout=0.1):
        super().__init__()
        torch.manual_seed(SEED)
        self.embed = nn.Embedding(vocab_size, hidden_size)
        self.position = nn.Embedding(max_length, hidden_size)
        nn.init.normal_(self.embed.weight, std=0.1)
        nn.init.normal_(self.position.weight, std=0.1)
        self.blocks = nn.ModuleList(Block(dropout) for _ in range(num_layers))
        self.norm, self.drop = nn.LayerNorm(hidden_size), nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, 2)

    def hidden(self, ids, keep):
        """(B, T) → [CLS] 的 (B, C)：每个位置都看得见左右两边，这是 BERT 与 GPT 的分别。"""
        x = self.drop(self.embed(ids) + self.position.weight[: ids.shape[1]])
        for block in self.blocks[:-1]:
            x = block(x, keep)
        return self.norm(self.blocks[-1](x, keep, queries=1)[:, 0])  # 末层只读 [CLS]，别的不必算

    def forward(self, ids):
        """ids (B, T) int64 → logits (B, 2)。"""
        return self.head(self.hidden(ids, ids != PAD))
# --8<-- [end:encoder]

# --8<-- [start:train]
def make_vocab(sentences):
    """出现过的字 → 编号；0 到 2 留给 PAD、CLS、UNK。"""
    return {c: i for i, c in enumerate(sorted(set("".join(sentences))), start=3)}

def encode(sentences, vocab):
    """句子列表 → ids (N, T) int64，短的在右边补 PAD；超过 max_length 的截断。"""
    ids = [[CLS, *(vocab.get(c, UNK) for c in text)][:max_length] for text in sentences]
    return nn.utils.rnn.pad_sequence(list(map(torch.tensor, ids)), batch_first=True).to(device)

def batches(ids, steps):
    """逐批给出 (下标, ids)：长度相近的排在一批，补齐到这一批最长的为止。"""
    lengths = (ids != PAD).sum(1).cpu()
    stream = iter([])
    for _ in range(steps):
        if (part := next(stream, None)) is None:  # 一遍完了，重新洗牌
            order = torch.randperm(len(ids))
            parts = order[lengths[order].argsort(stable=True)].split(batch_size)
            stream = iter([parts[i] for i in torch.randperm(len(parts))])
            part = next(stream)
        yield part, ids[part.to(device), : lengths[part].max()]

def fit(ids, targets, vocab, steps, rate=learning_rate):
    """从零训练 steps 步，返回评估模式的模型；targets (N,) 整数。"""
    model, y = Encoder(len(vocab) + 3).to(device), torch.as_tensor(targets, device=device)
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    model.train()
    for part, batch in batches(ids, steps):
        optimizer.zero_grad()
        F.cross_entropy(model(batch), y[part.to(device)]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()

@torch.no_grad()
def score(model, ids):
    """好评的对数几率 (N,)：两个 logit 之差。"""
    logits = torch.cat([model(part) for part in ids.split(256)])
    return (logits[:, 1] - logits[:, 0]).cpu().numpy()
# --8<-- [end:train]

# --8<-- [start:hand-written]
def bert_scores_of(x, y, held):
    """词表只取训练的六个领域；训练约 5 遍。"""
    vocab = make_vocab(x)
    return score(fit(encode(x, vocab), y, vocab, steps=60, rate=2e-3), encode(held, vocab))

bert_scores = by_domain(bert_scores_of)
bert_right = (bert_scores > 0) == labels
gap = resample(tfidf_right.astype(float) - bert_right)
print("小 BERT，没见过的领域：" + SHOW.format(*wilson(bert_right)))
print("TF-IDF 减小 BERT（同一条配对）：" + "{:+.2f} [{:+.2f}, {:+.2f}]".format(*gap))
assert 0.5 < wilson(tfidf_right)[1] and tfidf_right.mean() < 0.72 and bert_right.mean() < 0.68
assert gap[2] > 0  # 看不出小 BERT 更好
# --8<-- [end:hand-written]

# --8<-- [start:templates]
THINGS = """味道 菜量 汤底 房间 床铺 早餐 隔音 前台 文笔 译文 排版 印刷 屏幕 电池 拍照 手感
信号 包装 时效 客服 剧情 演技 配乐 特效 结尾 界面 搜索 同步 更新 安装""".split()
GOOD, BAD = "好 棒 赞 满意 靠谱 舒服 省心 出色".split(), "差 糟 烂 失望 离谱 难受 闹心 粗糙".split()
VERY, NOT = "很 真 挺 相当 特别 实在".split(), "不算 并不 谈不上 说不上 一点也不".split()
LEADS = ("", "", "上周买的，", "朋友推荐的，", "第二次了，")
CONCESSIONS = ("虽然{a}，但是{b}", "{a}，不过{b}", "{b}，虽然{a}", "{b}，尽管{a}")  # b 定褒贬

def clause(rng, good, negated=False):
    """一个分句，褒（good）或贬；negated 为真时用否定的说法。"""
    word = rng.choice(GOOD if good != negated else BAD)
    return rng.choice(THINGS) + rng.choice(NOT if negated else VERY) + word

def sentence(rng, kind, good):
    """一个句子；kind 是让步、否定或直说，good 是整句的褒贬。"""
    if kind == "让步":
        a, b = clause(rng, not good), clause(rng, good)
        return rng.choice(LEADS) + rng.choice(CONCESSIONS).format(a=a, b=b)
    return rng.choice(LEADS) + clause(rng, good, negated=kind == "否定")

rng, found = random.Random(SEED), {}
while len(found) < 2848:  # 字典去重：训练与测试没有相同的句子
    kind, good = rng.choice(("直说", "否定", "让步")), rng.random() < 0.5
    found[sentence(rng, kind, good)] = (int(good), kind)
x, y, kinds = map(np.array, zip(*((text, *rest) for text, rest in found.items())))
x_test, y_test, kinds_test = x[2048:], y[2048:], kinds[2048:]  # 800 句
for text in x[:4]:
    print(text)
# --8<-- [end:templates]

# --8<-- [start:learning-curve]
sizes, results = (128, 512, 2048), {"TF-IDF": [], "小 BERT": []}
for n in sizes:
    vocab = make_vocab(x[:n])
    linear, bert = tfidf().fit(x[:n], y[:n]), fit(encode(x[:n], vocab), y[:n], vocab, min(n, 500))
    for name, scores in (("TF-IDF", linear.decision_function(x_test)),
                         ("小 BERT", score(bert, encode(x_test, vocab)))):
        right = (scores > 0) == y_test
        results[name].append([right.mean(), *(right[kinds_test == k].mean()
                                              for k in ("直说", "否定", "让步"))])
        print(f"{n:4d} 句，{name}：" + SHOW.format(*wilson(right)),
              "直说 {:.2f} 否定 {:.2f} 让步 {:.2f}".format(*results[name][-1][1:]))
low, high = results["TF-IDF"][-1], results["小 BERT"][-1]
print(f"结论｜否定与让步的模板句｜小 BERT 准确率 {high[0]:.2f}｜TF-IDF 加逻辑回归 {low[0]:.2f}")
assert high[0] > 0.93 and low[0] < 0.87 and high[3] > low[3] + 0.3
# --8<-- [end:learning-curve]

# --8<-- [start:figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(7, 3), layout="constrained")
    axes = fig.subplots(1, 3, sharey=True)
    for ax, k, title in zip(axes, (1, 2, 3), ("plain", "negation", "concession")):
        for name, label, mark in (("TF-IDF", "TF-IDF + LR", "o--"), ("小 BERT", "small BERT", "s-")):
            ax.plot(sizes, [row[k] for row in results[name]], mark, label=label)
        ax.axhline(0.5, color="C7", linestyle=":")
        ax.set(title=title, xscale="log", xlabel="training sentences", ylim=(0.3, 1.05),
               yticks=(0.4, 0.6, 0.8, 1.0), xlim=(100, 2600))
        ax.set_xticks(sizes, sizes)
        ax.minorticks_off()
    axes[0].set_ylabel("test accuracy")
    axes[0].legend(fontsize="small", loc="lower right")
    fig.savefig("text-classification-curve.svg", metadata={"Date": None})
# --8<-- [end:figure]
