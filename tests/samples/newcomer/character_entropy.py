# --8<-- [start:setup]
import math
import random
from collections import Counter

import matplotlib.pyplot as plt

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "character-entropy"})
SEED = 42
rng = random.Random(SEED)
NEXT = {"甲": "乙丙", "乙": "丙丁", "丙": "丁甲", "丁": "甲乙"}  # 规则：下一个字只在两个里选

def entropy(counts):
    """一个计数表的熵，比特。"""
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())
# --8<-- [end:setup]

# --8<-- [start:measure]
text = ["甲"]
while len(text) < 2000:
    text.append(rng.choice(NEXT[text[-1]]))
single = entropy(Counter(text))
after = {a: Counter(b for c, b in zip(text, text[1:]) if c == a) for a in NEXT}
conditional = sum(text.count(a) / len(text) * entropy(after[a]) for a in NEXT)
print(f"不看前文 {single:.2f} 比特，看一个字 {conditional:.2f} 比特")
print(f"结论｜字的熵｜看一个字 {conditional:.2f} 比特｜不看前文 {single:.2f} 比特")
assert conditional < single - 0.8
# --8<-- [end:measure]

# --8<-- [start:figure]
fig, ax = plt.subplots(figsize=(4, 2.5), layout="constrained")
ax.bar(["unigram", "bigram"], [single, conditional])
ax.set(ylabel="entropy, bits", ylim=(0, 2.5))
fig.savefig("character-entropy-bars.svg", metadata={"Date": None})
# --8<-- [end:figure]

# --8<-- [start:too-short]
short = entropy(Counter(text[:3]))
print(f"只看 3 个字：{short:.2f} 比特，低估了")
assert short < single
# --8<-- [end:too-short]

# --8<-- [start:wrong-base]
nats = single * math.log(2)
print(f"用自然对数：{nats:.2f}，单位是奈特，不是比特")
assert nats < single
# --8<-- [end:wrong-base]
