# --8<-- [start:history-figure]
from matplotlib import rc_context
from matplotlib.figure import Figure

with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(6.4, 3.6), layout="constrained")
    ax, counts = fig.subplots(), np.arange(1, 13)
    curves = {"popularity": [], "skip Markov chain": [], "SASRec": []}
    for t in counts:  # 只给头 t 次点击，猜第 t + 1 次
        rows = test[last >= t]
        answer, rows = rows[:, t], np.where(np.arange(MAX_CLICKS) < t, rows, 0)
        scores = (np.tile(frequency, (len(rows), 1)), chain_scores(chain, rows),
                  sasrec_scores(sasrec, rows))
        for curve, score in zip(curves.values(), scores):
            curve.append(evaluate(score, answer)[1])
    for (name, curve), marker in zip(curves.items(), "s^o"):
        ax.plot(counts, curve, marker=marker, label=name)
    ax.set(xlabel="clicks seen so far", ylabel="NDCG@10", ylim=(0, 0.8), xticks=counts,
           yticks=(0, 0.2, 0.4, 0.6, 0.8))
    ax.legend(fontsize="small", loc="center right")
    fig.savefig("recommendation-history.svg", metadata={"Date": None})
first, tenth = (curves["SASRec"][t] - curves["skip Markov chain"][t] for t in (0, 9))
print(f"SASRec 比链多：1 次点击时 {first:.2f}，10 次时 {tenth:.2f}")
assert first < 0.02 and tenth > 0.05
# --8<-- [end:history-figure]

# --8<-- [start:oracle]
def oracle():
    """知道规则、也知道隐藏状态时的最优打分 (1000, 301)：任何模型的上界。"""
    scores = np.zeros((TEST_SESSIONS, NUM_ITEMS + 1))
    scores[:, 1:] = P_POPULAR * popularity
    for k in (1, 2, 3):
        scores[users, recent(histories, k)] += P_REPEAT / 3  # 测试的历史都不短于 5 次
    current, stride = hidden[-TEST_SESSIONS:].T
    start = (current - 1) // LENGTH * LENGTH
    scores[users, 1 + start + (current - 1 - start + stride) % LENGTH] += 1 - P_POPULAR - P_REPEAT
    return scores

hr, ndcg, _ = evaluate(oracle(), targets)
print(f"知道规则的上界：HR@10 {hr:.2f}，NDCG@10 {ndcg:.2f}")
assert ndcg > best[1]
# --8<-- [end:oracle]

# --8<-- [start:retrieve-then-rank]
ceiling, final = {}, {}
for k in (10, 50, 100):
    kept = np.argpartition(-scores[:, 1:], k, axis=1)[:, :k] + 1  # 双塔召回的候选 (1000, k)
    ranked = np.full_like(every["SASRec"], -np.inf)
    np.put_along_axis(ranked, kept, np.take_along_axis(every["SASRec"], kept, axis=1), axis=1)
    ceiling[k] = (kept == targets[:, None]).any(axis=1).mean()
    final[k] = evaluate(ranked, targets)[1]
    print(f"召回 {k} 件：答案在其中 {ceiling[k]:.2f}，SASRec 排序后 NDCG@10 {final[k]:.2f}")
print(f"只用双塔 {ndcg:.2f}，SASRec 给全部物品打分 {best[1]:.2f}")
assert ceiling[100] > ceiling[10] + 0.05 and abs(final[50] - best[1]) < 0.02
# --8<-- [end:retrieve-then-rank]

# --8<-- [start:two-stage-time]
import time

for batch in (1, 64):
    spent = []
    for score in (lambda: encode(*towers, histories[:batch]),
                  lambda: sasrec_scores(sasrec, histories[:batch])):
        score()  # 头一次调用要分配内存，不计
        start = time.perf_counter()
        for _ in range(20):
            score()
        spent.append((time.perf_counter() - start) / 20 * 1e3)
    print("一批 {:2d} 人：双塔编码 {:.1f} ms，SASRec 打分 {:.1f} ms".format(batch, *spent))
for name, model in (("用户塔", towers[0]), ("物品塔", towers[1]), ("SASRec", sasrec)):
    print(f"{name} {sum(p.nbytes for p in model.parameters()) / 1e6:.2f} MB")
# --8<-- [end:two-stage-time]

# --8<-- [start:approximate-search]
import faiss

rng, size = np.random.default_rng(SEED), 20000
base = item_vectors[rng.integers(1, NUM_ITEMS + 1, size)]  # 学到的 300 个向量，加噪声铺成两万个
base = np.float32(base + 0.5 * base.std() * rng.normal(size=base.shape))
faiss.omp_set_num_threads(1)
flat = faiss.IndexFlatIP(HIDDEN)
flat.add(base)
truth = flat.search(user_vectors, 10)[1]  # (1000, 10)，逐个比较得到的准确答案
hnsw = faiss.IndexHNSWFlat(HIDDEN, 16, faiss.METRIC_INNER_PRODUCT)
hnsw.add(base)
ivf = faiss.index_factory(HIDDEN, "IVF128,Flat", faiss.METRIC_INNER_PRODUCT)
sq8 = faiss.index_factory(HIDDEN, "IVF128,SQ8", faiss.METRIC_INNER_PRODUCT)  # 每维压成 8 位
for index in (ivf, sq8):
    index.train(base)  # 聚类中心、取值范围都要先学
    index.add(base)
recall = {}

def measure(name, index, value):
    """记下并打印 recall@10：近似搜索的前十名与准确答案重合的比例。"""
    found = index.search(user_vectors, 10)[1]
    recall[name, value] = np.mean([len(np.intersect1d(*pair)) / 10 for pair in zip(found, truth)])
    print(f"{name} {value}：recall@10 {recall[name, value]:.2f}")

for value in (8, 32, 128):
    hnsw.hnsw.efSearch = value  # 搜索时保留多少个候选
    measure("HNSW efSearch", hnsw, value)
for value in (1, 8, 32):
    ivf.nprobe = sq8.nprobe = value  # 看 128 个格子里的几个
    measure("IVF nprobe", ivf, value)
    measure("IVF + SQ8 nprobe", sq8, value)
assert recall["IVF nprobe", 32] > 0.9 > recall["IVF nprobe", 1]
assert recall["HNSW efSearch", 128] > recall["HNSW efSearch", 8] + 0.1
# --8<-- [end:approximate-search]

# --8<-- [start:search-time]
import time

import faiss

rng = np.random.default_rng(SEED)
base = np.float32(rng.normal(size=(20000, HIDDEN)))
faiss.omp_set_num_threads(1)
for name in ("Flat", "HNSW16", "IVF128,Flat", "IVF128,SQ8"):
    start = time.perf_counter()
    index = faiss.index_factory(HIDDEN, name, faiss.METRIC_INNER_PRODUCT)
    index.train(base)
    index.add(base)
    build, start = time.perf_counter() - start, time.perf_counter()
    index.search(user_vectors, 10)
    spent = (time.perf_counter() - start) / len(user_vectors) * 1e3
    size = len(faiss.serialize_index(index)) / 1e6
    print(f"{name}：建索引 {build:.1f} s，每次查询 {spent:.3f} ms，{size:.1f} MB")
# --8<-- [end:search-time]

# --8<-- [start:export]
from copy import deepcopy

import faiss

tower = deepcopy(towers[0]).cpu()
program = torch.export.export(tower, (torch.as_tensor(histories[:2]),),
                              dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
torch.export.save(program, "user-tower-v1.pt2")
index = faiss.IndexIDMap(faiss.IndexFlatIP(HIDDEN))
index.add_with_ids(item_vectors[1:], np.arange(1, NUM_ITEMS + 1))
faiss.write_index(index, "items-v1.faiss")  # 物品塔离线批量算好，线上只有索引

served = torch.export.load("user-tower-v1.pt2").module()
vectors = served(torch.as_tensor(histories)).detach().numpy()  # 换一个批大小
ids = faiss.read_index("items-v1.faiss").search(vectors, 10)[1]
drift = abs((ids == targets[:, None]).any(axis=1).mean() - hr)
print(f"读回后 HR@10 与导出前之差 {drift:.3f}")
assert drift < 0.003
# --8<-- [end:export]

# --8<-- [start:cold-start]
cold = np.arange(NUM_SERIES) * LENGTH + 1 + np.random.default_rng(SEED).integers(LENGTH, size=20)
known = ~np.isin(pairs[0], cold).any(axis=1) & ~np.isin(pairs[1], cold)
rows, goals = all_pairs(test)
fresh = ~np.isin(rows, cold).any(axis=1) & np.isin(goals, cold)  # 答案是从未有过点击的物品
hits = {}
for use_features in (False, True):
    trained = train_two_tower([part[known] for part in pairs], use_features=use_features, steps=150)
    user_c, item_c = encode(*trained, rows[fresh])
    hits[use_features] = evaluate(user_c @ item_c.T, goals[fresh])[0]
    print(f"新物品 HR@10，内容特征 {use_features}：{hits[use_features]:.2f}")
assert hits[True] > hits[False] + 0.1
# --8<-- [end:cold-start]

# --8<-- [start:random-split]
rng = np.random.default_rng(SEED)
at = rng.integers(1, lengths[-TEST_SESSIONS:] - 1)  # 随机抽一次点击当答案，不取头尾
answer = test[users, at]
after = np.where(np.arange(MAX_CLICKS) == at[:, None], 0, test)  # 其余都当历史，包括后来的
before = np.where(np.arange(MAX_CLICKS) < at[:, None], test, 0)  # 同样的答案，只用之前的
honest = chain_scores(chain, before)
leaked = honest.copy()
for k in (1, 2, 3):  # 答案后面的第 k 次点击，本来还没有发生
    later = np.where(at + k < MAX_CLICKS, test[users, np.minimum(at + k, MAX_CLICKS - 1)], 0)
    leaked += chain[k - 1][:, later].T
gain = [evaluate(table, answer)[:2] for table in (leaked, honest)]
print("随机留出，两侧都用：HR@10 {:.2f}，NDCG@10 {:.2f}".format(*gain[0]))
print("同样的答案，只用之前：HR@10 {:.2f}，NDCG@10 {:.2f}".format(*gain[1]))
again = (after == answer[:, None]) & (np.arange(MAX_CLICKS) > at[:, None])
print(f"答案后来又被点过，因而就在历史里：{again.any(axis=1).mean():.2f}")
assert gain[0][1] > gain[1][1] + 0.05
# --8<-- [end:random-split]

# --8<-- [start:no-mask]
cheater, cheat_loss = train_sasrec(causal=False, steps=90)
cheated = evaluate(sasrec_scores(cheater, histories), targets)[1]
print(f"训练损失：有掩码 {train_loss:.2f}，没有 {cheat_loss:.2f}")
print(f"测试 NDCG@10：有掩码 {best[1]:.2f}，没有 {cheated:.2f}")
assert cheat_loss < 0.5 * train_loss and cheated < 0.5 * best[1]
# --8<-- [end:no-mask]

# --8<-- [start:what-the-tower-sees]
user0, item0 = encode(*train_two_tower(pairs, k=0), histories)  # 只有全部点击的平均，没有最近一次
blind_hr, blind, _ = evaluate(user0 @ item0.T, targets)
print(f"双塔，不看最近一次：HR@10 {blind_hr:.2f}，NDCG@10 {blind:.2f}")
print(f"双塔，看最近一次：HR@10 {hr:.2f}，NDCG@10 {ndcg:.2f}")
print("SASRec：HR@10 {:.2f}，NDCG@10 {:.2f}".format(*best[:2]))
assert ndcg > blind + 0.05 and ndcg > runner_up[1] + 0.03 and abs(best[1] - ndcg) < 0.06
# --8<-- [end:what-the-tower-sees]

# --8<-- [start:feedback-loop]
rng, shares = np.random.default_rng(SEED), {}
for explore in (0.0, 0.2):
    clicked = np.ones(NUM_ITEMS)  # 三百件物品同样好，起初也同样多
    for _ in range(200):  # 每轮给 100 人各展示 10 件，每件被点的概率都是 0.1
        slate = np.argsort(-clicked + rng.random(NUM_ITEMS))[:10]
        views = np.where(rng.random((100, 10)) < explore,
                         rng.integers(NUM_ITEMS, size=(100, 10)), slate)
        np.add.at(clicked, views[rng.random(views.shape) < 0.1], 1)
    shares[explore] = np.sort(clicked)[-10:].sum() / clicked.sum()
    print(f"随机探索 {explore}：最热的 10 件占全部点击 {shares[explore]:.2f}")
assert shares[0.0] > 0.9 and shares[0.2] < shares[0.0] - 0.1
# --8<-- [end:feedback-loop]

# --8<-- [start:ties]
constant = np.zeros((TEST_SESSIONS, NUM_ITEMS + 1))  # 什么也没学到：人人同分
strict = (constant > constant[users, targets][:, None]).sum(axis=1)  # 只数比答案高的
assert np.all(strict == 0) and np.all(ranks_of(constant, targets) == NUM_ITEMS - 1)
print(f"并列算赢：HR@10 {np.mean(strict < 10):.2f}；"
      f"并列算输：HR@10 {np.mean(ranks_of(constant, targets) < 10):.2f}")
# --8<-- [end:ties]

# --8<-- [start:sampled-metric]
rng, sampled = np.random.default_rng(SEED), {}
drawn = np.argsort(rng.random((TEST_SESSIONS, NUM_ITEMS)), axis=1)[:, :21] + 1
drawn = np.where(drawn == targets[:, None], drawn[:, -1:], drawn)[:, :20]  # 20 件，都不是答案
for name in ("item-kNN", "skip Markov chain", "SASRec"):
    rivals = np.take_along_axis(every[name], drawn, axis=1)
    ahead = (rivals >= every[name][users, targets][:, None]).sum(axis=1)  # 并列也算输
    sampled[name] = np.mean(ahead < 10)
    print(f"{name}：抽样 HR@10 {sampled[name]:.2f}，全部 {results[name][0]:.2f}")
assert sampled["item-kNN"] > sampled["skip Markov chain"]  # 抽样时的次序
assert results["item-kNN"][0] < results["skip Markov chain"][0] - 0.05  # 全部物品时正相反
# --8<-- [end:sampled-metric]

# --8<-- [start:stale-index]
stale = train_two_tower(pairs, seed=SEED + 1, steps=100)[1]  # 重新训练，却只更新了一座塔
vectors = encode(towers[0], stale, histories[:1])[1]
mixed = evaluate(user_vectors @ vectors.T, targets)[0]
print(f"HR@10：同一版本 {hr:.2f}，新旧混用 {mixed:.2f}")
assert mixed < 0.5 * hr
# --8<-- [end:stale-index]

# --8<-- [start:unknown-item]
newest = torch.tensor([NUM_ITEMS + 1])  # 今天上架的物品，训练时还没有这个编号
F.embedding(newest, sasrec.item.weight.cpu())
# --8<-- [end:unknown-item]
