# --8<-- [start:setup]
import datetime
import random
import re

import torch
from sacrebleu.metrics import BLEU, CHRF
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
HIDDEN_SIZE, NUM_HEADS, NUM_LAYERS = 64, 4, 2  # 宽度、头数、编码器与解码器各几层
NUM_TRAIN, NUM_TEST = 6000, 500  # 日期和数字各多少对
batch_size, num_steps, learning_rate = 16, 900, 3e-3
PAD, BOS, EOS, UNK = range(4)  # 填充、句首、句尾、词表之外
# --8<-- [end:setup]
# --8<-- [start:rule]
DIGITS = "零一二三四五六七八九"
ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()

def chinese(n, inner=False):
    """0 ≤ n < 10⁸ 的读法：每四位一节，中间缺位补一个「零」；千、万之前的 2 读「两」。"""
    for size, unit in ((10000, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if n >= size:
            head, rest = divmod(n, size)
            front = "两" if head == 2 and size > 100 else chinese(head)
            front = "" if head == 1 and size == 10 and not inner else front  # 十二，一百一十二
            zero = "零" if 0 < rest < size // 10 else ""
            return front + unit + zero + (chinese(rest, True) if rest else "")
    return DIGITS[n]

def english(n):
    """0 ≤ n < 10⁶ 的美式读法：每三位一节，不加 and。"""
    if n < 100:
        return ONES[n] if n < 20 else "-".join([TENS[n // 10 - 2]] + [ONES[n % 10]] * (n % 10 > 0))
    size, unit = (1000, "thousand") if n >= 1000 else (100, "hundred")
    return f"{english(n // size)} {unit}" + (f" {english(n % size)}" if n % size else "")

def date_pair(ordinal):
    """公历序数 → （中文，英文）：年份逐字读，月和日按数读；英文把年挪到最后。"""
    d = datetime.date.fromordinal(ordinal)
    year = "".join("〇" if c == "0" else DIGITS[int(c)] for c in str(d.year))
    return f"{year}年{chinese(d.month)}月{chinese(d.day)}日", f"{d:%B} {d.day}, {d.year}"
# --8<-- [end:rule]
# --8<-- [start:load-data]
rng, size = random.Random(SEED), NUM_TRAIN + NUM_TEST
days = range(datetime.date(1900, 1, 1).toordinal(), datetime.date(2100, 1, 1).toordinal())
dates = [date_pair(day) for day in rng.sample(days, size)]
values = rng.sample(range(10**4), size // 2) + rng.sample(range(10**4, 10**5), size // 2)
rng.shuffle(values)  # 一半四位以内，一半五位
numbers = [(chinese(n), english(n)) for n in values]
train_pairs = dates[:NUM_TRAIN] + numbers[:NUM_TRAIN]
test_pairs = dates[NUM_TRAIN:] + numbers[NUM_TRAIN:]  # 没有一句在训练集里
long_pairs = [(chinese(n), english(n)) for n in rng.sample(range(10**5, 10**6), 200)]  # 六位
assert not {zh for zh, _ in train_pairs} & {zh for zh, _ in test_pairs}
print(*(f"{zh} → {en}" for zh, en in (dates[0], *numbers[:3])), sep="\n")
# --8<-- [end:load-data]
# --8<-- [start:tokenize]
def split(text):
    """汉字、数字、标点各成一个词元；英文单词连同前面的空格是一个。拼起来一字不差。"""
    return re.findall(r" ?[A-Za-z]+|.", text)

def to_ids(texts, vocab):
    """每句末尾加 EOS，短的右边补 PAD：int64 (B, T)。"""
    rows = [torch.tensor([vocab.get(t, UNK) for t in split(x)] + [EOS]) for x in texts]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD).to(device)

def to_text(ids):
    """EOS 之前的词元拼成字符串；ids 是 int 列表。"""
    return "".join(back.get(i, "") for i in ids[:ids.index(EOS) if EOS in ids else len(ids)])

zh_vocab, en_vocab = ({token: i for i, token in enumerate(sorted(set(split("\n".join(texts)))), 4)}
                      for texts in zip(*train_pairs))  # 0–3 留给特殊符号
back = {i: token for token, i in en_vocab.items()}
train_zh, test_zh = (to_ids([zh for zh, _ in p], zh_vocab) for p in (train_pairs, test_pairs))
train_en, test_en = (to_ids([en for _, en in p], en_vocab) for p in (train_pairs, test_pairs))
print(f"词表 {len(zh_vocab)} 与 {len(en_vocab)}；最长 {train_zh.shape[1]} 与 {train_en.shape[1]} 个词元")
# --8<-- [end:tokenize]
# --8<-- [start:masks]
def shift(en):
    """目标右移一格，当解码器的输入：BOS 打头，最后一格丢掉。"""
    return F.pad(en[:, :-1], (1, 0), value=BOS)

def padding_mask(ids):
    """(B, T) → (B, 1, T) 布尔，True 处可见：谁都不看 PAD。"""
    return (ids != PAD)[:, None]

def causal_mask(ids):
    """(B, T) → (B, T, T)：第 i 行只看第 0 到 i 个，也不看 PAD。"""
    T = ids.shape[1]
    return padding_mask(ids) & torch.ones(T, T, dtype=torch.bool, device=ids.device).tril()
# --8<-- [end:masks]
# --8<-- [start:attention]
class Attention(nn.Module):
    """多头注意力：x (B, Tq, C) 提问，memory (B, Tk, C) 作答，mask (B, 1 或 Tq, Tk)。"""
    def __init__(self, size):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(size, size) for _ in range(4))

    def forward(self, x, memory, mask):
        """x (B, Tq, C) 问 memory (B, Tk, C) → (B, Tq, C)；mask 为 True 处看得见。"""
        q, k, v = (layer(t).unflatten(-1, (NUM_HEADS, -1)).transpose(1, 2) for layer, t in
                   ((self.q, x), (self.k, memory), (self.v, memory)))  # (B, 头, T, C/头)
        scores = q @ k.mT * q.shape[-1] ** -0.5  # (B, 头, Tq, Tk)
        self.weights = scores.masked_fill(~mask[:, None], -torch.inf).softmax(dim=-1)  # 留着画图
        return self.out((self.weights @ v).transpose(1, 2).flatten(2))

class Layer(nn.Module):
    """前置归一化的一层；解码器的层多一个交叉注意力，问的是编码器的输出。"""
    def __init__(self, size, cross=False):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(3 if cross else 2))
        self.attend, self.cross = Attention(size), Attention(size) if cross else None
        self.mlp = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))

    def forward(self, x, mask, memory=None, memory_mask=None):
        """x (B, T, C) → (B, T, C)；memory (B, Ts, C) 只有解码器用。"""
        h = self.norms[0](x)
        x = x + self.attend(h, h, mask)
        if self.cross is not None:
            x = x + self.cross(self.norms[1](x), memory, memory_mask)
        return x + self.mlp(self.norms[-1](x))
# --8<-- [end:attention]
# --8<-- [start:translator]
def positions(T, size):
    """正弦位置编码 (T, C)，Vaswani 等（2017）第 3.5 节：多长都算得出来。"""
    angle = torch.arange(T, device=device)[:, None] * 1e4 ** (
        -torch.arange(0, size, 2, device=device) / size)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)

class Translator(nn.Module):
    """编码器–解码器：encode 只算一次，decode 每生成一个词元问它一次。"""
    def __init__(self, num_zh, num_en, size):
        super().__init__()
        self.zh, self.en = nn.Embedding(num_zh, size), nn.Embedding(num_en, size)
        self.encoder = nn.ModuleList(Layer(size) for _ in range(NUM_LAYERS))
        self.decoder = nn.ModuleList(Layer(size, cross=True) for _ in range(NUM_LAYERS))
        self.encoder_norm = nn.LayerNorm(size)
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, num_en))

    def embed(self, table, ids):
        """ids (B, T) int64 → 词嵌入加位置 (B, T, C)。"""
        return table(ids) + positions(ids.shape[1], table.embedding_dim)  # (B, T, C)

    def encode(self, zh):
        """zh (B, Ts) → memory (B, Ts, C)。"""
        x = self.embed(self.zh, zh)
        for layer in self.encoder:
            x = layer(x, padding_mask(zh))
        return self.encoder_norm(x)

    def decode(self, en, memory, zh):
        """en (B, Tt) 以 BOS 开头 → logits (B, Tt, V)：第 i 个位置预测第 i + 1 个词元。"""
        x = self.embed(self.en, en)
        for layer in self.decoder:
            x = layer(x, causal_mask(en), memory, padding_mask(zh))
        return self.head(x)
# --8<-- [end:translator]
# --8<-- [start:check-model]
def logits_of(model, zh, en):
    """教师强制：一次前向给出每个位置的 logits (B, Tt, V)，喂的是标准译文。"""
    return model.decode(shift(en), model.encode(zh), zh)

torch.manual_seed(SEED)
model = Translator(4 + len(zh_vocab), 4 + len(en_vocab), HIDDEN_SIZE).to(device)
zh, en = test_zh[:1], test_en[:1]
changed = en.index_fill(1, torch.tensor([3], device=device), UNK)  # 改掉第 3 个词元
with torch.no_grad():
    before, after = logits_of(model, zh, en)[0], logits_of(model, zh, changed)[0]
    padded = logits_of(model, F.pad(zh, (0, 5)), en)[0]  # 同一句，后面多五个 PAD
print(f"{sum(p.numel() for p in model.parameters()):,} 个参数")
print(f"多五个 PAD，logits 最多差 {(before - padded).abs().max():.4f}")
gaps = (before - after).abs().amax(dim=-1)  # 第 4 个位置起才读到改动
print(f"改第 3 个词元，第 0–3 个位置最多差 {gaps[:4].max():.4f}，第 4 个差 {gaps[4]:.1f}")
assert max((before - padded).abs().max(), gaps[:4].max()) < 1e-4 < gaps[4]
# --8<-- [end:check-model]
# --8<-- [start:train-loop]
optimizer = torch.optim.AdamW(model.parameters(), learning_rate, (0.9, 0.98), fused=True)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, num_steps, pct_start=0.1)
for step in range(num_steps):
    rows = torch.randint(len(train_zh), (batch_size,))  # 在 CPU 上抽：各种设备上都是同样的批
    logits = logits_of(model, train_zh[rows], train_en[rows])
    loss = F.cross_entropy(logits.transpose(1, 2), train_en[rows], ignore_index=PAD)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step == num_steps // 4:  # 留一份没学完的，后面比较解码方法
        early = {name: weight.clone() for name, weight in model.state_dict().items()}
# --8<-- [end:train-loop]
# --8<-- [start:greedy]
@torch.no_grad()
def greedy(model, zh, steps=24):
    """自由运行：每步取分数最高的词元，再把它喂回去。zh (B, Ts) → int64 (B, ≤ steps)。"""
    memory, en = model.encode(zh), torch.full((len(zh), 1), BOS, device=device)
    while en.shape[1] <= steps and not (done := (en == EOS).any(dim=1)).all():
        word = model.decode(en, memory, zh)[:, -1].argmax(dim=-1)
        en = torch.cat([en, word.masked_fill(done, PAD)[:, None]], dim=1)
    return en[:, 1:]

def translate(texts):
    """中文列表 → 英文列表。"""
    return [to_text(ids) for ids in greedy(model, to_ids(texts, zh_vocab)).tolist()]
print(*translate(["一九八七年十一月二十三日", "七万零二十一"]), sep="\n")
# --8<-- [end:greedy]
# --8<-- [start:metrics]
def edit_distance(a, b):
    """Levenshtein 距离：把 a 改成 b 至少要插入、删除、替换几个字符。"""
    row = [*range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]

def rate(p, n):
    """比例 p（n 次）连同它的 95% 区间，Wilson（1927）。"""
    centre, half, scale = p + 1.92 / n, 1.96 * (p * (1 - p) / n + 0.96 / n**2) ** 0.5, 1 + 3.84 / n
    return f"{p:.3f} [{max(0, centre - half) / scale:.3f}, {(centre + half) / scale:.3f}]"

def report(name, outputs, references):
    """打印并返回：全对的份额（附区间）、字错误率、BLEU、chrF。"""
    exact = sum(o == r for o, r in zip(outputs, references)) / len(references)
    cer = sum(map(edit_distance, outputs, references)) / sum(map(len, references))
    bleu, chrf = (m.corpus_score(outputs, [references]).score for m in (BLEU(), CHRF()))
    print(f"{name}：全对 {rate(exact, len(references))}，字错误率 {cer:.2f}，"
          f"BLEU {bleu:.1f}，chrF {chrf:.1f}")
    return exact, cer, bleu, chrf
# --8<-- [end:metrics]
# --8<-- [start:evaluate]
sources, references = map(list, zip(*test_pairs))
ngrams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3))  # 翻译记忆：找最像的一句，照搬译文
memory = ngrams.fit_transform([zh for zh, _ in train_pairs])
nearest = (ngrams.transform(sources) @ memory.T).toarray().argmax(axis=1)
outputs, copied = translate(sources), [train_pairs[i][1] for i in nearest]
halves = {"日期": slice(NUM_TEST), "数字": slice(NUM_TEST, None)}
scores = {(name, kind): report(f"{kind}，{name}", texts[half], references[half])
          for kind, half in halves.items() for name, texts in (("模型", outputs), ("最近邻", copied))}
assert scores["模型", "日期"][0] >= 0.97 and scores["模型", "数字"][0] >= 0.92
assert all(scores["最近邻", kind][0] == 0 and scores["最近邻", kind][1] > 0.05 for kind in halves)
dates_ok, numbers_ok = (scores["模型", kind][0] for kind in halves)
print(f"结论｜中文日期与数字译成英文｜日期全对 {dates_ok:.2f}，数字全对 {numbers_ok:.2f}｜"
      f"最近邻字错误率 {scores['最近邻', '日期'][1]:.2f} 与 {scores['最近邻', '数字'][1]:.2f}，全对 0")
# --8<-- [end:evaluate]
