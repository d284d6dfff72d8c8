# --8<-- [start:s-curve]
from matplotlib import figure, rcParams

_, column = np.unique(np.concatenate(sets), return_inverse=True)
row = np.repeat(np.arange(len(sets)), [len(codes) for codes in sets])
presence = coo_array((np.ones(len(row), np.int32), (row, column))).tocsr()  # (N, 片的种数)
shared, sizes = (presence @ presence.T).toarray(), presence.sum(axis=1)
upper = np.triu_indices(len(texts), 1)  # 全部 N(N−1)/2 对
truth = (shared / (sizes[:, None] + sizes - shared))[upper]  # 每一对的 Jaccard
cell = np.minimum((truth * 10).astype(int), 9)  # 分成 10 格
totals = np.bincount(cell, minlength=10)
enough = totals >= 20  # 格里至少 20 对才画
centre = np.bincount(cell, truth, 10)[enough] / totals[enough]  # 格内平均的 Jaccard
print(f"Jaccard：中位数 {np.median(truth):.2f}，99.9% 分位 {np.quantile(truth, 0.999):.2f}")
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
fig = figure.Figure(figsize=(7, 3.4), layout="constrained")
ax, x = fig.subplots(), np.linspace(0, 1, 101)
for bands, rows, color in ((8, 16, "C0"), (16, 8, "C1"), (32, 4, "C2")):
    hit = np.zeros(shared.shape)
    hit[tuple(np.transpose(list(candidates(signatures, bands))))] = 1
    theory = 1 - (1 - truth**rows) ** bands
    measured, expected = (np.bincount(cell, weights, 10)[enough] / totals[enough]
                          for weights in (hit[upper], theory))
    gap = np.max(np.abs(measured - expected))
    print(f"{bands:2} 段 × {rows:2} 行：候选 {hit.sum():.0f} 对，各格与理论最多差 {gap:.2f}")
    assert gap < 0.2
    ax.plot(x, 1 - (1 - x**rows) ** bands, color, label=f"{bands} x {rows}")
    ax.plot(centre, measured, "o", color=color)
ax.set(xlabel="Jaccard of a pair (dots: measured, in bins)", ylabel="probability to be a candidate")
ax.legend(title="bands x rows")
fig.savefig("data-pipeline-s-curve.svg", metadata={"Date": None})
# --8<-- [end:s-curve]

# --8<-- [start:throughput]
print("一步              秒      篇/秒    MB/秒   每 TB 核时")
for stage, (seconds, count, size) in timings.items():
    name = stage + "\u3000" * (6 - len(stage))  # 全角空格补齐
    speed = size / seconds / 1e6
    print(f"{name} {seconds:8.2f} {count / seconds:10.1f} {speed:8.2f} {1e6 / speed / 3600:10.1f}")
# --8<-- [end:throughput]

# --8<-- [start:manifest]
import hashlib
import json


def digest(text):
    """文字的 SHA-256，前 12 位十六进制。"""
    return hashlib.sha256(text.encode()).hexdigest()[:12]

def manifest(train):
    """一次构建的出生证明：换了数据、规则或词表，对应的那个指纹就变。"""
    rules = {"keep": KEEP, "invisible": INVISIBLE.pattern, "shingle": SHINGLE, "hashes": HASHES,
             "bands": BANDS, "threshold": THRESHOLD, "seed": SEED}
    return {"输入": digest("\0".join(raw)), "规则": digest(json.dumps(rules)),
            "训练集": digest("\0".join(train)), "词表": digest(tokenizer.to_str())}

before = manifest(train)
after = manifest([train[0] + "。", *train[1:]])  # 有人手工改了一个字
print("变了的指纹：", [key for key in before if before[key] != after[key]])
# --8<-- [end:manifest]

# --8<-- [start:ship-tokenizer]
from transformers import AutoTokenizer, PreTrainedTokenizerFast

tokenizer.save("bpe.json")
PreTrainedTokenizerFast(tokenizer_file="bpe.json", eos_token=EOS).save_pretrained("my-tokenizer")
shipped = AutoTokenizer.from_pretrained("my-tokenizer")
sample = ["雨停了，农户修理水管。", "没有地图，机场照样开门！"]
assert shipped(sample)["input_ids"] == [tokenizer.encode(text).ids for text in sample]
assert shipped.batch_decode(shipped(sample)["input_ids"]) == sample
print(f"词表 {len(shipped)}，结束词元 {shipped.eos_token_id}，编码与训练时相同")
# --8<-- [end:ship-tokenizer]

# --8<-- [start:heavy-edits]
def share_found(pairs):
    """[(甲, 乙)] → (平均 Jaccard, 成为候选的比例, 核对后认定的比例)。"""
    scores, hits = [], []
    for pair in pairs:
        left, right = map(shingles, pair)
        scores.append(jaccard(left, right))
        same = (minhash(left) == minhash(right)).reshape(BANDS, -1)
        hits.append(same.all(axis=1).any())
    scores, hits = np.array(scores), np.array(hits)
    return scores.mean(), hits.mean(), (hits & (scores >= THRESHOLD)).mean()

for rate in (0.02, 0.05, 0.1, 0.2):
    sample = ["".join(contents[i]) for i in range(200)]
    mean, proposed, confirmed = share_found([(text, edit(text, rate)) for text in sample])
    print(f"每字以 {rate:.2f} 的概率改动：Jaccard {mean:.2f}，候选 {proposed:.2f}，认定 {confirmed:.2f}")
assert confirmed < 0.05
# --8<-- [end:heavy-edits]

# --8<-- [start:bulletins]
FORM = ("{place}今天白天多云转晴，最高气温 {m} 度，相对湿度百分之 {n}，风力三级。早晚温差较大，"
        "请注意添减衣物，出门记得带伞，明天仍以多云为主。")
bulletins = sorted({fill(FORM) for _ in range(100)})  # 各不相同，每篇都是一条新消息
codes = [shingles(text) for text in bulletins]
pairs = [(i, j) for i, j in candidates(np.stack([minhash(c) for c in codes]), BANDS)
         if jaccard(codes[i], codes[j]) >= THRESHOLD]
graph = coo_array((np.ones(len(pairs)), np.transpose(pairs)), shape=(len(bulletins),) * 2)
left = connected_components(graph, directed=False)[0]
share = len(pairs) / (len(bulletins) * (len(bulletins) - 1) / 2)
print(f"{len(bulletins)} 篇不同的通报，直接够阈值的对占 {share:.2f}，去重后剩 {left} 篇")
assert left < 10
# --8<-- [end:bulletins]

# --8<-- [start:quoted-whole]
by_length = sorted(("".join(content) for content in contents), key=len)
scores, inside = [], []
for small, big in zip(by_length[:200], by_length[-200:]):
    part, whole = shingles(small), shingles(big + small)  # 长文末尾引用了整篇短文
    scores.append(jaccard(part, whole))
    inside.append(np.isin(part, whole).mean())  # 包含度：短文的片有多少在长文里
print(f"包含度 {np.mean(inside):.2f}，Jaccard 平均 {np.mean(scores):.2f}，最大 {np.max(scores):.2f}")
assert min(inside) == 1 and max(scores) < THRESHOLD
# --8<-- [end:quoted-whole]

# --8<-- [start:traditional]
for line in ("這個產品還沒有經過測試，請勿轉賣給顧客。", "这个产品还没有经过测试，请勿转卖给顾客。"):
    share = np.mean([is_common(ch) for ch in line])
    print(f"{line} 常用字占 {share:.2f}，判定：{reason_to_drop(line) or '留下'}")
assert reason_to_drop("這個產品還沒有經過測試，請勿轉賣給顧客。") == "乱码行"
# --8<-- [end:traditional]

# --8<-- [start:nfkc-everything]
for text in ("面积 10² 米", "第①步：按 Ctrl＋Ｃ", "他说：“好，走吧！”…", "ℌ₂ｏ"):
    print(f"{text} → {unicodedata.normalize('NFKC', text)}")
assert unicodedata.normalize("NFKC", "10²") == "102"
# --8<-- [end:nfkc-everything]

# --8<-- [start:salted-hash]
import os
import subprocess
import sys

code = "import zlib; print(hash('去重要可复现'), zlib.crc32('去重要可复现'.encode()))"
runs = []
for salt in ("1", "2"):  # 不设这个变量时，每个进程自己随机取一个
    environment = os.environ | {"PYTHONHASHSEED": salt}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                          text=True, check=True)
    runs.append(done.stdout.split())
print("两个进程里 hash() 相同：", runs[0][0] == runs[1][0], " crc32 相同：", runs[0][1] == runs[1][1])
assert runs[0][0] != runs[1][0] and runs[0][1] == runs[1][1]
# --8<-- [end:salted-hash]
