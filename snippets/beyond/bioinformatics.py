# --8<-- [start:setup]
import re
from collections import Counter
from itertools import product

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
PEPTIDE = 12  # 每条训练序列多少个密码子
LENGTH = 60  # 启动子任务里每条序列多少个碱基
# --8<-- [end:setup]

# --8<-- [start:genetic-code]
CODONS = ["".join(codon) for codon in product("TCAG", repeat=3)]  # NCBI 的次序：T、C、A、G
AMINO = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = dict(zip(CODONS, AMINO))

def translate(dna):
    """DNA 字符串（大写，从第一个碱基读起）→ 蛋白字符串；* 是终止，尾部不足三个的丢掉。"""
    return "".join(CODE[dna[i:i + 3]] for i in range(0, len(dna) - 2, 3))

globin = "ATGGTGCATCTGACTCCTGAGGAGAAGTCTGCC"  # 人 β 珠蛋白编码区的开头
variants = {"原序列": globin, "换一个碱基": globin[:19] + "T" + globin[20:],
            "少一个碱基": globin[:19] + globin[20:]}
for name, dna in variants.items():
    print(f"{name}：{translate(dna)}")
redundancy = Counter(Counter(AMINO.replace("*", "")).values())
print(f"{64 - AMINO.count('*')} 个编码密码子，{AMINO.count('*')} 个终止；"
      f"几个密码子对一种氨基酸：{dict(sorted(redundancy.items()))}")
# --8<-- [end:genetic-code]

# --8<-- [start:reading-frames]
def reverse_complement(dna):
    """另一条链，同样从 5′ 读到 3′。"""
    return dna.translate(str.maketrans("ACGT", "TGCA"))[::-1]

def longest_orf(dna, strands="+-"):
    """六个读框里最长的 M…终止，返回氨基酸个数、链、在该链上的起点、蛋白。"""
    found = [(0, "", 0, "")]
    for strand in strands:
        text = dna if strand == "+" else reverse_complement(dna)
        for frame in range(3):
            for hit in re.finditer(r"(M[^*]*)\*", translate(text[frame:])):
                found.append((len(hit[1]), strand, frame + 3 * hit.start(), hit[1]))
    return max(found)

rng = np.random.default_rng([SEED, 0])
noise = ["".join(rng.choice(list("ACGT"), 1500)) for _ in range(100)]
sense = [codon for codon in CODONS if CODE[codon] != "*"]
gene = "ATG" + "".join(rng.choice(sense, 249)) + "TAA"
genome = noise[0][:500] + reverse_complement(gene) + noise[0][500:]
size, strand, start, protein = longest_orf(genome)
chance = [longest_orf(dna)[0] for dna in noise]
print(f"找到 {strand} 链上的读框：与埋进去的{'一致' if translate(gene) in protein + '*' else '不同'}")
print(f"纯随机的 1500 个碱基里，最长读框平均 {np.mean(chance):.1f} 个氨基酸，"
      f"100 条里最长 {max(chance):.1f} 个")
assert translate(gene) in protein + "*" and strand == "-"
# --8<-- [end:reading-frames]

# --8<-- [start:pairs]
LETTERS = sorted(set(AMINO))  # 20 种氨基酸与终止
ANSWER = torch.tensor([LETTERS.index(letter) for letter in AMINO], device=device)

def codons_of(n, allowed, seed):
    """n 条随机序列，只用 allowed 里的密码子：(n, 12) int64。"""
    picks = np.random.default_rng([SEED, seed]).choice(allowed, (n, PEPTIDE))
    return torch.tensor(picks, device=device)

def bases_of(codons):
    """密码子编号 (n, 12) → 碱基编号 (n, 36)，0–3 依次是 T、C、A、G。"""
    return torch.stack([codons // 16, codons // 4 % 4, codons % 4], -1).flatten(1)

train, test = codons_of(3000, range(64), 1), codons_of(500, range(64), 2)
# --8<-- [end:pairs]

# --8<-- [start:translator]
class Translator(nn.Module):
    """碱基 (B, 36) → 每个密码子的 21 类 logits (B, 12, 21)。"""
    def __init__(self, width=64):
        super().__init__()
        self.embed = nn.Embedding(4, width)
        self.place = nn.Parameter(torch.randn(3 * PEPTIDE, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True,
                                           norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, len(LETTERS))

    def forward(self, bases):
        """bases (B, 36) int64 → (B, 12, 21)。"""
        hidden = self.body(self.embed(bases) + self.place)  # (B, 36, width)
        return self.head(hidden[:, 2::3])  # 在每个密码子的第三个碱基处读出

def fit(model, x, y, loss_of, steps, rate=3e-3, batch_size=64):
    """AdamW，学习率先升后降；从 (x, y) 里有放回地抽批。"""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.2)
    for rows in torch.randint(len(x), (steps, batch_size)):
        loss = loss_of(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()

def fit_translator(codons, steps=160):
    """只见碱基与氨基酸的对子；哪三个碱基一组、表里写什么，都要自己学。"""
    torch.manual_seed(SEED)
    loss_of = lambda logits, y: cross_entropy(logits.flatten(0, 1), y.flatten())
    return fit(Translator().to(device), bases_of(codons), ANSWER[codons], loss_of, steps,
               batch_size=32)
# --8<-- [end:translator]

# --8<-- [start:translate-compare]
@torch.no_grad()
def exact(model, codons):
    """整条蛋白一个不错的占比。"""
    return (model(bases_of(codons)).argmax(-1) == ANSWER[codons]).all(1).float().mean().item()

known = {tuple(row) for row in train.tolist()}
copies = sum(tuple(row) in known for row in test.tolist())
counted = {codon: Counter() for codon in range(64)}  # 从同样的对子里数出来的表
for codon, letter in zip(train.flatten().tolist(), ANSWER[train].flatten().tolist()):
    counted[codon][letter] += 1
table = torch.tensor([counts.most_common(1)[0][0] for counts in counted.values()], device=device)
by_table = (table[test] == ANSWER[test]).all(1).float().mean().item()
translator = fit_translator(train)
by_model = exact(translator, test)
print(f"与训练序列相同的测试序列 {copies} 条")
print(f"整条全对：Transformer {by_model:.2f}，数出来的表 {by_table:.2f}")
assert by_model >= 0.97 and by_table == 1 and copies == 0
# --8<-- [end:translate-compare]

# --8<-- [start:promoters]
BOX35, BOX10 = ("TTGACA", "TATAAT")  # 大肠杆菌启动子 −35 与 −10 区的共有序列
NEAR, FAR = np.arange(15, 20), np.r_[5:14, 21:30]  # 两盒之间隔多少 bp：正例，反例

def site(box, n, rng):
    """共有序列的 n 份副本，每个碱基以 0.1 的概率重抽：(n, 6)，0–3 是 A、C、G、T。"""
    keep = rng.random((n, len(box))) < 0.9
    return np.where(keep, ["ACGT".index(base) for base in box], rng.integers(0, 4, keep.shape))

def plant(n, gaps, rng):
    """随机背景里埋两个盒；返回序列 (n, 60)、−35 盒的起点 (n,)、间隔 (n,)。"""
    x, gap, rows = rng.integers(0, 4, (n, LENGTH)), rng.choice(gaps, n), np.arange(n)[:, None]
    start = rng.integers(0, LENGTH - 11 - gap)
    x[rows, start[:, None] + np.arange(6)] = site(BOX35, n, rng)
    x[rows, (start + 6 + gap)[:, None] + np.arange(6)] = site(BOX10, n, rng)
    return x, start, gap

def promoters(n, rng):
    """一半正例、一半反例；两种都有两个盒，只有间隔不同。"""
    (x, start, gap), (other, _, _) = plant(n // 2, NEAR, rng), plant(n // 2, FAR, rng)
    return np.concatenate([x, other]), np.arange(n) < n // 2, start, gap

rng = np.random.default_rng([SEED, 3])
sequences, labels, starts, gaps = promoters(4000, rng)
unseen, truth, _, _ = promoters(2000, rng)
# --8<-- [end:promoters]

# --8<-- [start:weight-matrix]
def weight_matrix(sites):
    """对齐的位点 (n, w) → 对数几率 (w, 4)，单位 bit；背景均匀，伪计数 1。"""
    counts = (sites[..., None] == np.arange(4)).sum(0) + 1.0
    return np.log2(counts / counts.sum(1, keepdims=True) / 0.25)

def scan(matrix, x):
    """每个起点的得分：(n, L) → (n, L − w + 1)。"""
    windows = np.lib.stride_tricks.sliding_window_view(x, len(matrix), 1)
    return matrix[np.arange(len(matrix)), windows].sum(-1)

rows, after = np.arange(len(starts))[:, None], starts + 6 + gaps  # after：−10 盒的起点
first = weight_matrix(sequences[rows, starts[:, None] + np.arange(6)])
second = weight_matrix(sequences[rows, after[:, None] + np.arange(6)])
whole = after >= 23  # 左边放得下 6 + 17 个碱基的
wide = weight_matrix(sequences[rows[whole], after[whole, None] + np.arange(-23, 6)])
early, late = scan(first, unseen), scan(second, unseen)

def paired(choices):
    """两盒得分之和，对给定的间隔与所有起点求 log-sum-exp。"""
    sums = [early[:, :LENGTH - 11 - gap] + late[:, 6 + gap:] for gap in choices]
    return np.logaddexp.reduce(np.concatenate(sums, 1) * np.log(2), 1)
# --8<-- [end:weight-matrix]

# --8<-- [start:motif-network]
def one_hot(x):
    """(n, L) 整数 → (n, 4, L) float32。"""
    return torch.tensor(np.eye(4, dtype=np.float32)[x], device=device).transpose(1, 2)

def fit_network(x, y, steps):
    """卷积一看盒（宽 7），卷积二看两个盒的相对位置（宽 27），再取全序列最大。"""
    torch.manual_seed(SEED)
    model = nn.Sequential(nn.Conv1d(4, 24, 7), nn.ReLU(), nn.Conv1d(24, 32, 27), nn.ReLU(),
                          nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(32, 1), nn.Flatten(0))
    target = torch.tensor(y, device=device).float()
    return fit(model.to(device), one_hot(x), target, binary_cross_entropy_with_logits, steps)

@torch.no_grad()
def network_score(model, x):
    """正例的 logit (n,)。"""
    return model(one_hot(x)).cpu().numpy()
# --8<-- [end:motif-network]

# --8<-- [start:promoter-compare]
network = fit_network(sequences, labels, steps=300)
scores = {"一个权重矩阵（宽 29）": scan(wide, unseen).max(1),
          "两个矩阵，各取最高": early.max(1) + late.max(1),
          "两个矩阵 + 写明的间隔规则": paired(NEAR) - paired(FAR),
          "卷积网络": network_score(network, unseen)}
area = {name: roc_auc_score(truth, score) for name, score in scores.items()}
for name, value in area.items():
    print(f"{name}：AUC {value:.2f}")
print(f"结论｜两盒启动子的识别｜卷积网络 AUC {area['卷积网络']:.2f}｜"
      f"位置权重矩阵 {area['一个权重矩阵（宽 29）']:.2f}")
assert area["卷积网络"] >= area["一个权重矩阵（宽 29）"] + 0.1
assert area["两个矩阵，各取最高"] < 0.6 < area["卷积网络"]
# --8<-- [end:promoter-compare]

# --8<-- [start:roc-figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(4.6, 3.4), layout="constrained")
    ax, grid = fig.subplots(), np.linspace(0, 1, 101)
    labels_en = ("one wide matrix", "two matrices", "two matrices + spacing rule", "network")
    for label, score, style in zip(labels_en, scores.values(), ("C1-", "C7:", "C2--", "C0-")):
        false, true, _ = roc_curve(truth, score)
        ax.plot(grid, np.interp(grid, false, true), style, label=label)
    ax.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.02),
           xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    ax.legend(loc="lower right")
    fig.savefig("bioinformatics-roc.svg", metadata={"Date": None})
# --8<-- [end:roc-figure]
