# --8<-- [start:calibration]
def nll(z, y):
    """z (N,) 好评的对数几率，y (N,) 0 或 1 → 各条的负对数似然 (N,)。"""
    return np.logaddexp(0, np.where(y == 1, -z, z))

def ece(z, y, bins=5):
    """期望校准误差：按把握（较大的那个概率，0.5 到 1）分格，|把握 − 准确率| 按条数加权。"""
    sure, right = 1 / (1 + np.exp(-abs(z))), (z > 0) == y
    cell = np.minimum(((sure - 0.5) * 2 * bins).astype(int), bins - 1)
    return sum(abs(sure[cell == c].sum() - right[cell == c].sum()) for c in set(cell)) / len(z)

fitting = np.isin(domains, ("图书", "快递", "手机", "电影"))  # 272 条定温度，204 条看效果
z, truth = bert_scores[~fitting], labels[~fitting]
grid = np.geomspace(0.5, 100, 200)
temperature = min(grid, key=lambda t: nll(bert_scores[fitting] / t, labels[fitting]).mean())
gain = resample(nll(z, truth) - nll(z / temperature, truth))
for name, t in (("不校准", 1.0), ("除以温度", temperature)):
    print(f"{name}：把握平均 {(1 / (1 + np.exp(-abs(z) / t))).mean():.2f}，"
          f"准确率 {((z > 0) == truth).mean():.2f}，ECE {ece(z / t, truth):.2f}，"
          f"负对数似然 {nll(z / t, truth).mean():.2f}")
print("负对数似然降低 {:.2f} [{:.2f}, {:.2f}]；乱猜是 0.69".format(*gain))
assert gain[0] > 0.03 and ece(z / temperature, truth) < 0.8 * ece(z, truth)
# --8<-- [end:calibration]

# --8<-- [start:class-weights]
from sklearn.metrics import precision_recall_fscore_support

kept = (kinds != "让步") & ((y == 1) | (np.arange(len(y)) % 8 == 0))  # 差评只留约八分之一
rare, tested = np.flatnonzero(kept[:2048]), np.flatnonzero(kept[2048:])
truth = y_test[tested]  # 测试集的比例与训练集相同
print(f"测试 {len(truth)} 句；全判好评：准确率 {truth.mean():.2f}，差评召回率 0.00")
recalls = []
for name, weights in (("不加权", None), ("加类权重", "balanced")):
    line = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True),
                         LogisticRegression(C=10, class_weight=weights))
    guess = line.fit(x[rare], y[rare]).predict(x_test[tested])
    (precision, _), (recall, _), (f1, _), _ = precision_recall_fscore_support(
        truth, guess, zero_division=0)
    recalls.append(wilson(guess[truth == 0] == 0))
    print(f"{name}：准确率 {(guess == truth).mean():.2f}，差评精确率 {precision:.2f}，"
          f"F1 {f1:.2f}，召回率 " + SHOW.format(*recalls[-1]))
assert recalls[1][0] > recalls[0][0] + 0.1
# --8<-- [end:class-weights]

# --8<-- [start:unseen-words]
import re

NEW = "妙 灵 牛 妥帖 可心 带劲 得劲 养眼 次 孬 衰 憋屈 坑人 糟心 寒碜 鸡肋".split()  # 前八个褒
swap = dict(zip(GOOD + BAD, NEW))
changed = [re.sub("|".join(swap), lambda found: swap[found[0]], text) for text in x_test]
right = (score(bert, encode(changed, vocab)) > 0) == y_test
print("褒贬词换成标注里没有的：" + SHOW.format(*wilson(right)))
print(changed[0])
assert right.mean() < 0.7
# --8<-- [end:unseen-words]

# --8<-- [start:composition]
rng, mixed, truth = random.Random(SEED), [], []
for _ in range(400):  # 训练里有否定，也有让步，没有让步里的否定
    good = rng.random() < 0.5
    a, b = clause(rng, not good, negated=True), clause(rng, good, negated=True)
    mixed.append(rng.choice(CONCESSIONS).format(a=a, b=b))
    truth.append(good)
right = (score(bert, encode(mixed, vocab)) > 0) == np.array(truth)
print(mixed[0])
print("让步里套否定：" + SHOW.format(*wilson(right)))
assert right.mean() < results["小 BERT"][-1][0] - 0.1
# --8<-- [end:composition]

# --8<-- [start:to-the-wild]
right = (score(bert, encode(texts, vocab)) > 0) == labels
unknown = np.mean([character not in vocab for text in texts for character in text])
print("模板上训练，拿去判手写的评论：" + SHOW.format(*wilson(right)))
print(f"手写评论里，{unknown:.2f} 的字不在模板的词表里")
assert wilson(right)[1] < 0.55
# --8<-- [end:to-the-wild]

# --8<-- [start:missing-mask]
ids = encode(x_test[:200], vocab)
longer = F.pad(ids, (0, max_length - ids.shape[1]))  # 与一条长评论同批时，就会补到这么长

@torch.no_grad()
def unmasked(ids):
    """keep 全为真：补齐的位置也参加注意力。返回好评的对数几率。"""
    logits = bert.head(bert.hidden(ids, torch.ones_like(ids, dtype=torch.bool)))
    return (logits[:, 1] - logits[:, 0]).cpu().numpy()

for name, judge in (("有掩码", lambda ids: score(bert, ids)), ("没有掩码", unmasked)):
    shift = abs(judge(ids) - judge(longer)).mean()
    print(f"{name}：同一句，多补一些 PAD，打分平均变 {shift:.2f}")
assert shift > 0.03 and abs(score(bert, ids) - score(bert, longer)).max() < 1e-3
# --8<-- [end:missing-mask]

# --8<-- [start:forgotten-eval]
ids = encode(x_test, vocab)
bert.train()
first, second = score(bert, ids), score(bert, ids)
bert.eval()
print(f"忘了 eval()：同一句两次打分平均差 {abs(first - second).mean():.2f}")
assert abs(first - second).mean() > 0.05 and (score(bert, ids) == score(bert, ids)).all()
# --8<-- [end:forgotten-eval]

# --8<-- [start:truncated-verdict]
concession = x_test[kinds_test == "让步"]
truth = y_test[kinds_test == "让步"]
for limit in (max_length, 12):
    right = (score(bert, encode(concession, vocab)[:, :limit]) > 0) == truth
    print(f"最多 {limit} 个词元：让步句 " + SHOW.format(*wilson(right)))
assert right.mean() < results["小 BERT"][-1][3] - 0.1
# --8<-- [end:truncated-verdict]

# --8<-- [start:domain-leak]
from sklearn.model_selection import cross_val_predict

liked = np.isin(domains, ("图书", "手机", "电影", "软件"))
keep = np.flatnonzero((labels == liked) | (np.arange(len(labels)) % 6 == 0))  # 褒贬随领域偏
names, truth = domains[keep], labels[keep]
line = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True),
                     LogisticRegression(C=10))
shuffled = cross_val_predict(line, texts[keep], truth, cv=7) == truth
apart = np.zeros(len(keep), bool)
for name in sorted(set(names)):
    train, test = names != name, names == name
    apart[test] = line.fit(texts[keep][train], truth[train]).predict(
        texts[keep][test]) == truth[test]
print("随机划分：" + SHOW.format(*wilson(shuffled)))
print("按领域划分：" + SHOW.format(*wilson(apart)))
assert wilson(shuffled)[1] > wilson(apart)[2]
# --8<-- [end:domain-leak]

# --8<-- [start:float-labels]
from transformers import BertConfig, BertForSequenceClassification

config = BertConfig(vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                    intermediate_size=32, num_labels=2)
classifier = BertForSequenceClassification(config)
classifier(torch.tensor([[5, 6, 7]]), labels=torch.tensor([1.0]))  # 该是 int64
# --8<-- [end:float-labels]
