# --8<-- [start:setup]
import random
import re
import time
import unicodedata
import zlib
from collections import Counter, defaultdict
from contextlib import contextmanager
from functools import partial
from itertools import combinations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_digits, load_iris, load_wine
from tokenizers import ByteLevelBPETokenizer

SEED = 42
rng = random.Random(SEED)
ORIGINALS, COPIES = 1200, {"原样转发": 60, "只换外壳": 60, "改了字": 240}  # 原创与三种副本的篇数
SHINGLE, HASHES, BANDS = 5, 128, 32  # 片长（字）、签名长、段数；每段 128 / 32 = 4 行
THRESHOLD = 0.5  # 两篇的 Jaccard 到这个数就算近似重复
VOCAB_SIZE, EOS = 2000, "<|endoftext|>"
# --8<-- [end:setup]
# --8<-- [start:sentences]
SLOTS = {name: words.split() for name, words in {
    "who": "住户 老师 店主 司机 护士 农户 记者 编辑 工程师 志愿者 学生 摄影师 会计 厨师 邮差 裁缝",
    "place": "社区 车站 河边 学校 市场 医院 工厂 码头 果园 图书馆 体育馆 老街 山村 机场 展厅 路口",
    "thing": "路灯 水管 书架 菜单 公交站牌 电梯 花坛 屋顶 账本 地图 校车 天平 显微镜 帐篷 雨棚 充电桩",
    "act": "检查 修理 更换 记录 清点 拍摄 搬走 重新设计 测量 讨论 登记 擦洗 加固 比较 试用 拆除",
    "how": "仔细 匆忙 按顺序 悄悄 花了半天 当着大家的面 第二次 趁着天晴 照着图纸 轮流 不慌不忙 冒雨",
    "when": "清晨 傍晚 上周三 去年冬天 放学以后 停电那天 开会之前 雨停了 月底 国庆假期 搬家前夜 昨天",
    "end": "省下一半时间 没有人反对 大家都松了口气 数字对不上 问题出在接头 下回换个办法 至今没有答复"}.items()}
TEMPLATES = """{when}，{place}的{who}{how}{act}了{thing}。|{who}说，{thing}用了 {n} 天，{end}。
据{place}统计，{n} 件{thing}里有 {m} 件需要{act}。|为什么要{act}{thing}？{who}的回答是：{end}。
{who}和{who2}在{place}{act}{thing}，花了 {n} 元。|要是{thing}没人{act}，先知道的是{place}的{who}。
{how}{act}{thing}不难，难的是让{place}的人都同意。|{n} 号{thing}送到时，{who}正在{act}{thing2}。
从{place}到{place2}要走 {m} 分钟，{who}一路带着{thing}。|型号 {code} 的{thing}先由{who}{act}，{end}。
{who}把{thing}的照片发给{who2}（{when}），{end}。|没有{thing}，{place}照样开门，只是{end}！"""
TEMPLATES = TEMPLATES.replace("\n", "|").split("|")

def fill(template):
    """给句式的每个空随机填一个词。"""
    words = {slot + tail: rng.choice(SLOTS[slot]) for slot in SLOTS for tail in ("", "2")}
    code = rng.choice("ABCDEFGHKMNPRSTX") + str(rng.randint(100, 999))
    return template.format(**words, code=code, n=rng.randint(2, 999), m=rng.randint(2, 60))

def article():
    """一篇正文：段落的列表。句数服从对数正态：多数短，少数很长。"""
    count = min(max(int(rng.lognormvariate(2, 0.8)), 3), 80)
    sentences = [fill(rng.choice(TEMPLATES)) for _ in range(count)]
    return ["".join(sentences[i : i + 3]) for i in range(0, count, 3)]
# --8<-- [end:sentences]
# --8<-- [start:make-corpus]
FOOTERS = ["版权所有，未经许可不得转载。", "点击这里，下载客户端，阅读全文。",
           "更新于本月 {m} 日，值班编辑审核。", "如有侵权，请联系我们删除。"]
MENUS = ["首页 > {place}", "浏览 {n} 次", "标签：{thing}、{act}", "上一篇：{place}{thing}"]
WIDE = {ord(ch): ord(ch) + 0xFEE0 for ch in "0123456789ABCDEFGHKMNPRSTX"} | {ord(" "): 0x3000}
SPOILERS = [lambda s: s.translate(WIDE), lambda s: s.replace("的", "\u200b的"),  # 全角、零宽空格
            lambda s: "\ufeff" + s, lambda s: s.replace("。", "\x07。")]  # BOM、控制字符

def dress(paragraphs):
    """正文加上网页噪声：[(种类, 文字)]。种类只用来打分，流水线看不到。"""
    lines = [("正文", rng.choice(SPOILERS)(p) if rng.random() < 0.2 else p) for p in paragraphs]
    if rng.random() < 0.6:
        lines.append(("模板行", fill(rng.choice(FOOTERS))))
    if rng.random() < 0.4:
        lines.insert(0, ("短行", fill(rng.choice(MENUS))))
    if rng.random() < 0.2:  # UTF-8 的字节被当成别的编码来读
        wrong = rng.choice(["latin-1", "gbk"])
        broken = fill(rng.choice(TEMPLATES)).encode().decode(wrong, "replace")
        lines.insert(rng.randrange(len(lines) + 1), ("乱码行", broken))
    return lines

def edit(text, rate):
    """每个字以概率 rate 被替换、删去或重复；一处也没改到就重来。"""
    edited = "".join(rng.choice([rng.choice(text), "", ch * 2]) if rng.random() < rate else ch
                     for ch in text)
    return edit(text, rate) if edited == text else edited

contents = [article() for _ in range(ORIGINALS)]
pages = [dress(content) for content in contents]
family, copied = list(range(ORIGINALS)), ["原创"] * ORIGINALS  # 每篇出自哪一篇，是哪一种
for kind, count in COPIES.items():
    for source in rng.sample(range(ORIGINALS), count):
        rate = rng.uniform(0.005, 0.06)  # 平均约 3% 的字
        contents.append([edit(p, rate) if kind == "改了字" else p for p in contents[source]])
        pages.append(pages[source] if kind == "原样转发" else dress(contents[-1]))
        family, copied = [*family, source], [*copied, kind]
raw = ["\n".join(text for _, text in page) for page in pages]
print(f"{len(raw)} 篇，{sum(map(len, raw)) / 1e4:.1f} 万字，{len(''.join(raw).encode()) / 1e6:.2f} MB")
# --8<-- [end:make-corpus]
# --8<-- [start:clean]
timings = {}
@contextmanager
def timed(stage, texts):
    """记下一步处理 texts 的 (秒, 篇数, UTF-8 字节数)。"""
    start = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - start, len(texts), len("".join(texts).encode())

KEEP = "，：；！？（）～…²³"  # NFKC 会把它们改成半角、拆开或改掉含义，绕开
INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")

def normalise(text):
    """NFKC 归一化（KEEP 里的字符除外），并删去不可见字符。"""
    text = re.sub(f"[^{KEEP}]+", lambda run: unicodedata.normalize("NFKC", run[0]), text)
    return INVISIBLE.sub("", text)

def is_common(ch):
    """ASCII、常用标点，或 GB 2312 一级的 3755 个常用字（首字节 0xB0–0xD7）。"""
    return (ch.isascii() or ch in "，。：；！？（）、“”…"
            or b"\xb0" <= ch.encode("gb2312", "ignore")[:1] <= b"\xd7")

mask = partial(re.sub, r"\d+", "0")  # 只有数字不同的行算同一行

def reason_to_drop(line):
    """返回删去这一行的规则名；留下则为空串。规则按次序，先中先算。"""
    if seen_in[mask(line)] >= 0.01 * len(raw):  # 1% 以上的篇都有这一行
        return "模板行"
    if len(line) < 15 and line[-1:] not in "。！？":
        return "短行"
    return "乱码行" if sum(map(is_common, line)) < 0.7 * len(line) else ""

with timed("清洗", raw):
    split_lines = [normalise(text).split("\n") for text in raw]
    seen_in = Counter(key for lines in split_lines for key in {mask(line) for line in lines})
    dropped = [[reason_to_drop(line) for line in lines] for lines in split_lines]
    texts = ["\n".join(line for line, why in zip(*both) if not why)
             for both in zip(split_lines, dropped)]
# --8<-- [end:clean]
# --8<-- [start:score-cleaning]
print(f"字符：{sum(normalise(t) != t for t in raw)} 篇被改动，"
      f"删去不可见字符 {len(INVISIBLE.findall(''.join(raw)))} 个")
marks = [(kind, why) for page, whys in zip(pages, dropped) for (kind, _), why in zip(page, whys)]
for rule in ("模板行", "短行", "乱码行"):
    wrong, missed = marks.count(("正文", rule)), marks.count((rule, ""))
    print(f"{rule}：删 {sum(why == rule for _, why in marks)} 行，误删正文 {wrong} 行，漏 {missed} 行")
same = [np.mean([t == "\n".join(c) for t, c in zip(group, contents)]) for group in (raw, texts)]
print(f"与干净的正文逐字相同的篇：清洗前 {same[0]:.2f}，清洗后 {same[1]:.2f}")
assert same[0] < 0.2 and same[1] > 0.95
# --8<-- [end:score-cleaning]
# --8<-- [start:minhash]
def shingles(text):
    """去掉空白后所有连续 SHINGLE 个字，各取 CRC-32：升序、不重复的 (m,) uint64。"""
    text = re.sub(r"\s", "", text)
    codes = {zlib.crc32(text[i : i + SHINGLE].encode()) for i in range(len(text) - SHINGLE + 1)}
    return np.array(sorted(codes), np.uint64)

numbers = np.random.default_rng(SEED)
multiplier = numbers.integers(2**64, size=(HASHES, 1), dtype=np.uint64) | np.uint64(1)
offset = numbers.integers(2**64, size=(HASHES, 1), dtype=np.uint64)

def minhash(codes):
    """(m,) → (HASHES,) uint64：每个哈希 (a·x + b mod 2⁶⁴) >> 32 在片上的最小值。"""
    return ((multiplier * codes + offset) >> np.uint64(32)).min(axis=1)

def jaccard(left, right):
    """两个片集合的交 ÷ 并；各自升序、不重复。"""
    both = len(np.intersect1d(left, right, assume_unique=True))
    return both / (len(left) + len(right) - both)

with timed("切片与签名", texts):
    sets = [shingles(text) for text in texts]
    signatures = np.stack([minhash(codes) for codes in sets])  # (N, HASHES)
planted = [(family[i], i) for i in range(ORIGINALS, len(texts))]
exact = np.array([jaccard(sets[i], sets[j]) for i, j in planted])
estimate = np.array([np.mean(signatures[i] == signatures[j]) for i, j in planted])
spread, theory = np.std(estimate - exact), np.sqrt(np.mean(exact * (1 - exact)) / HASHES)
print(f"估计的标准差 {spread:.3f}，理论 {theory:.3f}；平均偏差 {np.mean(estimate - exact):+.3f}")
assert 0.7 < spread / theory < 1.4
# --8<-- [end:minhash]
# --8<-- [start:candidates]
def same_key(keys):
    """键相同的全部对 {(i, j)}，i < j。"""
    groups = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    return {pair for members in groups.values() for pair in combinations(members, 2)}

def candidates(signatures, bands):
    """(N, HASHES) → 候选对：至少有一段签名完全相同。"""
    parts = np.split(signatures, bands, axis=1)
    return set().union(*(same_key(map(bytes, part)) for part in parts))
# --8<-- [end:candidates]
# --8<-- [start:find-duplicates]
with timed("分段与核对", texts):
    proposed = candidates(signatures, BANDS)
    near = {(i, j) for i, j in proposed if jaccard(sets[i], sets[j]) >= THRESHOLD}  # 只核对候选
found = {"原文哈希": same_key(raw), "清洗后哈希": same_key(texts), "LSH 候选": proposed, "核对以后": near}
recall = {}
for name, pairs in found.items():
    for kind in COPIES:
        recall[name, kind] = np.mean([pair in pairs for pair in planted if copied[pair[1]] == kind])
    precision = np.mean([family[i] == family[j] for i, j in pairs])  # 末轮：核对以后
    print(f"{name}：召回", *(f"{kind} {recall[name, kind]:.2f}" for kind in COPIES),
          f"精确率 {precision:.2f}")
print(f"只核对 {len(proposed)} 对；两两比较要 {len(texts) * (len(texts) - 1) // 2} 对")
ours, baseline = recall["核对以后", "改了字"], recall["清洗后哈希", "改了字"]
print(f"结论｜近似去重，改过字的副本｜MinHash-LSH 召回 {ours:.2f}、精确率 {precision:.2f}"
      f"｜逐字哈希召回 {baseline:.2f}")
assert ours > 0.93 and precision > 0.95 and baseline < 0.05
# --8<-- [end:find-duplicates]
# --8<-- [start:split-after]
def leaked(members):
    """测试集里有多少篇，它的原文或别的副本在训练集里。"""
    in_train = {family[i] for i in members if not is_test[i]}
    return sum(is_test[i] and family[i] in in_train for i in members)

is_test = [zlib.crc32(text.encode()) % 10 == 0 for text in texts]  # 由内容决定：加了新文档也不变
links = coo_array((np.ones(len(near)), np.transpose(list(near))), shape=(len(texts),) * 2)
cluster = connected_components(links, directed=False)[1]  # (N,)，每篇属于哪一簇
kept = np.unique(cluster, return_index=True)[1]  # 每簇只留最早的一篇
train, test = ([texts[i] for i in kept if is_test[i] == side] for side in (False, True))
print(f"去重前 {len(texts)} 篇，泄漏的测试篇 {leaked(range(len(texts)))}；"
      f"去重后 {len(kept)} 篇（训练 {len(train)}，测试 {len(test)}），泄漏 {leaked(kept)}")
assert abs(len(kept) - ORIGINALS) < 0.03 * ORIGINALS
# --8<-- [end:split-after]
# --8<-- [start:tokenizer]
def train_bpe(texts):
    """字节级 BPE：256 个字节起步，反复合并最常见的相邻对，直到词表满（Sennrich 等，2016）。"""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, VOCAB_SIZE, special_tokens=[EOS], show_progress=False)
    return tokenizer

NOVEL = ["梅雨季一到，外婆就把腌菜坛子挪到檐下。坛口压一块青石，石上扣一只粗瓷碗，蚊蝇钻不进去。"
         "她不看温度计，只凭指尖试水的凉热，就晓得这一坛该不该翻。🥬"]  # 手写，与句式无关
ENGLISH = [load().DESCR for load in (load_iris, load_wine, load_digits)]
with timed("训练分词器", train):
    tokenizer = train_bpe(train)
with timed("分词", texts):
    tokenizer.encode_batch(texts)
foreign, rate = train_bpe(ENGLISH), {}
for name, encode in (("字节", str.encode), ("英文词表", lambda t: foreign.encode(t).ids),
                     ("中文词表", lambda t: tokenizer.encode(t).ids)):
    rate[name] = [sum(map(len, part)) / sum(len(encode(text)) for text in part)
                  for part in (test, NOVEL, ENGLISH)]
    print(f"{name}：每词元字数 留出 {rate[name][0]:.2f} 手写 {rate[name][1]:.2f} 英文 {rate[name][2]:.2f}")
assert all(tokenizer.decode(tokenizer.encode(t).ids) == t for t in test + NOVEL + ENGLISH)
print("手写段落里有", len(set(NOVEL[0]) - set("".join(train))), "个字不在训练集里")
assert rate["中文词表"][0] > 3 * rate["英文词表"][0] and rate["中文词表"][1] < 1 < rate["中文词表"][0]
# --8<-- [end:tokenizer]
