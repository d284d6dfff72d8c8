# --8<-- [start:language-setup]
from collections import Counter, defaultdict
from itertools import product

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from rdkit import Chem, RDLogger
from torch import nn
from torch.nn.functional import cross_entropy

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
LENGTH = 20  # 每条基因多少个密码子
RDLogger.DisableLog("rdApp.*")  # 不合法的串逐条报错，会淹没输出
# --8<-- [end:language-setup]

# --8<-- [start:codon-language]
AMINO = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODONS = ["".join(codon) for codon in product("TCAG", repeat=3)]
sense = [index for index, letter in enumerate(AMINO) if letter != "*"]  # 61 个词元
letters = sorted(set(AMINO) - {"*"})
meaning = np.array([letters.index(AMINO[index]) for index in sense])  # 词元 → 氨基酸，只用来评分
VOCAB, MASK = len(sense), len(sense)
rng = np.random.default_rng([SEED, 0])
habit = np.full((20, 20), 0.05 / 20)  # 氨基酸的一阶链：每种后面常跟四种
for row in habit:
    row[rng.choice(20, 4, replace=False)] += 0.95 * np.array([0.55, 0.25, 0.15, 0.05])

def genes(n):
    """按链走出氨基酸，再从同义密码子里等概率挑一个：(n, 20) 词元，模型看不到氨基酸。"""
    amino, out = rng.integers(0, 20, n), []
    for _ in range(LENGTH):
        out.append([rng.choice(np.flatnonzero(meaning == one)) for one in amino])
        amino = (habit.cumsum(1)[amino] < rng.random((n, 1))).sum(1).clip(max=19)
    return np.array(out).T

train, test = genes(1000), genes(300)
# --8<-- [end:codon-language]

# --8<-- [start:count-models]
def bits(chance, token):
    """概率 (…, 61) 与答案 (…) → 每个词元平均几 bit。"""
    chance = chance / chance.sum(-1, keepdims=True)
    return -np.log2(np.take_along_axis(chance, token[..., None], -1)).mean()

unigram = np.bincount(train.ravel(), minlength=VOCAB) + 1.0
unigram /= unigram.sum()
pairs = np.zeros((VOCAB, VOCAB))
np.add.at(pairs, (train[:, :-1], train[:, 1:]), 1)
pairs += 0.3 * VOCAB * unigram  # 平滑：当作另见过 18 个按频率来的后继
pairs /= pairs.sum(1, keepdims=True)
truth = habit[meaning][:, meaning] / np.bincount(meaning)[meaning]  # 生成规则本身
left, middle, right = test[:, :-2], test[:, 1:-1], test[:, 2:]
entropy = {"词频": bits(np.broadcast_to(unigram, (*middle.shape, VOCAB)), middle)}
for name, step in (("左右邻居的计数", pairs), ("生成规则", truth)):
    entropy[name] = bits(step[left] * step.T[right], middle)
# --8<-- [end:count-models]

# --8<-- [start:masked-model]
class MaskedModel(nn.Module):
    """词元 (B, 20) → 每个位置的 logits (B, 20, 61)；输出与输入共用嵌入。"""
    def __init__(self, width=64):
        super().__init__()
        self.embed = nn.Embedding(VOCAB + 1, width)
        nn.init.normal_(self.embed.weight, 0, 0.3)
        self.body = nn.Sequential(nn.Conv1d(width, 128, 5, padding=2), nn.GELU(),
                                  nn.Conv1d(128, width, 1))  # 看左右各两个密码子
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens):
        """tokens (B, 20) int64 → (B, 20, 61)。"""
        mixed = self.body(self.embed(tokens).transpose(1, 2)).transpose(1, 2)
        return self.norm(mixed) @ self.embed.weight[:VOCAB].T

torch.manual_seed(SEED)
model, steps = MaskedModel().to(device), 300
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1, fused=True)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, steps)
data = torch.tensor(train, device=device)
for rows in torch.randint(len(data), (steps, 64)):
    answer = data[rows]
    hidden = (torch.rand(answer.shape) < 0.15).to(device)  # 遮住 15 %
    loss = cross_entropy(model(answer.masked_fill(hidden, MASK))[hidden], answer[hidden])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
# --8<-- [end:masked-model]

# --8<-- [start:masked-compare]
chance = []
with torch.no_grad():
    for place in range(1, LENGTH - 1):  # 一次只遮一个，两边的邻居都在
        tokens = torch.tensor(test, device=device)
        tokens[:, place] = MASK
        chance.append(model(tokens)[:, place].softmax(-1).cpu().numpy())
entropy["遮盖语言模型"] = bits(np.stack(chance, 1), middle)
for name, value in entropy.items():
    print(f"{name}：每个密码子 {value:.2f} bit")
vectors = model.embed.weight[:VOCAB].detach().cpu().numpy()
vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
near = (vectors @ vectors.T - 2 * np.eye(VOCAB)).argmax(1)  # 余弦最近的另一个密码子
shared = np.bincount(meaning)[meaning] > 1
same = (meaning[near] == meaning)[shared].mean()
blind = ((np.bincount(meaning)[meaning] - 1) / (VOCAB - 1))[shared].mean()
print(f"嵌入里最近的密码子是同义的：{same:.2f}，随机挑 {blind:.2f}")
assert entropy["遮盖语言模型"] < entropy["词频"] - 2 and same > 0.7
# --8<-- [end:masked-compare]

# --8<-- [start:embedding-figure]
centred = vectors - vectors.mean(0)
order = np.argsort(meaning, kind="stable")  # 同义的排在一起
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(4.6, 3.8), layout="constrained")
    ax = fig.subplots()
    unit = centred[order] / np.linalg.norm(centred[order], axis=1, keepdims=True)
    picture = ax.imshow(unit @ unit.T, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    edges = np.bincount(meaning).cumsum()
    ticks = edges - np.bincount(meaning) / 2 - 0.5
    ax.set_xticks(ticks, letters)
    ax.set_yticks(ticks, letters)
    ax.set(xlabel="codons, grouped by amino acid", ylabel="codons")
    fig.colorbar(picture, ticks=(-1, 0, 1), label="cosine similarity")
    fig.savefig("bioinformatics-embeddings.svg", metadata={"Date": None})
# --8<-- [end:embedding-figure]

# --8<-- [start:molecules]
ENDS = ["C", "O", "N", "F", "Cl", "CC", "C(=O)O", "C#N", "OC", "N(C)C", "C(N)=O"]
LINKS = ["", "", "C", "CC", "O", "N", "C(=O)N", "C(=O)"]
RINGS = ["c{n}ccc({a})cc{n}", "c{n}cc({a})cnc{n}", "C{n}CCN({a})CC{n}", "c{n}cc({a})co{n}",
         "C{n}CC({a})CC{n}", "c{n}csc({a})n{n}"]

def group(depth, n):
    """取代基：末端，或一个环带着更深的取代基；n 是环的编号，内外不能相同。"""
    if depth == 0 or rng.random() < 0.2:
        return str(rng.choice(ENDS))
    return rng.choice(LINKS) + rng.choice(RINGS).format(n=n, a=group(depth - 1, n + 1))

canonical = {}  # 规范串 → 生成时的写法；同一个分子只留一种写法
while len(canonical) < 2000:
    text = str(rng.choice(["C", "N", "O", "CC"])) + group(2, 1)
    canonical.setdefault(Chem.MolToSmiles(Chem.MolFromSmiles(text)), text)
molecules = list(canonical.values())
print(f"训练用的分子，例如 {molecules[0]}、{molecules[1]}")
# --8<-- [end:molecules]

# --8<-- [start:smiles-ngram]
def judge(strings):
    """合法（RDKit 能解析）、不重复、训练里没有：后两项以前一项为分母。"""
    parsed = [Chem.MolFromSmiles(text) for text in strings if text]
    valid = [Chem.MolToSmiles(molecule) for molecule in parsed if molecule is not None]
    unique = set(valid)
    return [len(valid) / len(strings), len(unique) / max(1, len(valid)),
            len(unique - canonical.keys()) / max(1, len(unique))]

def ngram(order, n):
    """数前 order − 1 个字符之后是什么，再照着抽 n 条。"""
    counts, out, lead = defaultdict(Counter), [], "\n" * (order - 1)
    for text in molecules:
        text = lead + text + "\n"
        for i in range(order - 1, len(text)):
            counts[text[i - order + 1:i]][text[i]] += 1
    while len(out) < n:
        text = lead
        while not text.endswith("\n") or text == lead:
            after = counts[text[len(text) - order + 1:]]
            weight = np.array(list(after.values()))
            text += str(rng.choice(list(after), p=weight / weight.sum()))
        out.append(text.strip("\n"))
    return out
# --8<-- [end:smiles-ngram]

# --8<-- [start:smiles-network]
chars = ["\n", *sorted(set("".join(molecules)))]
ids = [torch.tensor([0, *map(chars.index, text), 0]) for text in molecules]
padded = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=-100).to(device)
torch.manual_seed(SEED)
network = nn.ModuleDict({"embed": nn.Embedding(len(chars), 32), "head": nn.Linear(128, len(chars)),
                         "body": nn.GRU(32, 128, batch_first=True)}).to(device)

def predict(tokens, state=None):
    """字符 (B, T) → 下一个字符的 logits (B, T, V) 与状态。"""
    hidden, state = network["body"](network["embed"](tokens), state)
    return network["head"](hidden), state

steps = 250
optimizer = torch.optim.AdamW(network.parameters(), lr=6e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, steps)
for rows in torch.randint(len(padded), (steps, 64)):
    batch = padded[rows]
    loss = cross_entropy(predict(batch[:, :-1].clamp(min=0))[0].flatten(0, 1),
                         batch[:, 1:].flatten())  # −100 处不计
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    schedule.step()
# --8<-- [end:smiles-network]

# --8<-- [start:smiles-compare]
@torch.no_grad()
def sample(n, limit=60):
    """逐字符抽 n 条；抽签在 CPU 上做，与设备无关。"""
    token, state, out = torch.zeros(n, 1, dtype=torch.long), None, []
    for _ in range(limit):
        logits, state = predict(token.to(device), state)
        token = torch.multinomial(logits[:, -1].softmax(-1).cpu(), 1)
        out.append(token)
    return ["".join(chars[i] for i in row).split("\n")[0] for row in torch.cat(out, 1).tolist()]

quality = {"3-gram": judge(ngram(3, 500)), "6-gram": judge(ngram(6, 500)), "GRU": judge(sample(500))}
for name, (valid, unique, novel) in quality.items():
    print(f"{name}：合法 {valid:.2f}，其中不重复 {unique:.2f}，训练里没有 {novel:.2f}")
print(f"结论｜生成合法的 SMILES｜GRU {quality['GRU'][0]:.2f}｜6-gram {quality['6-gram'][0]:.2f}")
assert quality["GRU"][0] >= quality["6-gram"][0] + 0.15
# --8<-- [end:smiles-compare]
