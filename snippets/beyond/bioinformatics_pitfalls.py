# --8<-- [start:held-out-codons]
four = [CODONS.index(codon) for codon in ("GGT", "CCA", "GTC", "ACG")]  # 第三位任意的盒
single = [CODONS.index(codon) for codon in ("ATG", "TGG")]  # 甲硫氨酸、色氨酸各只有这一个
kept = [codon for codon in range(64) if codon not in four + single]
blind = fit_translator(codons_of(3000, kept, 4))
correct = {}
for name, hidden in (("四重简并", four), ("独此一个", single)):
    mixed = codons_of(400, kept, 5)
    mixed[:, 5] = torch.tensor(hidden, device=device).repeat(400 // len(hidden))
    with torch.no_grad():
        sure, guess = blind(bases_of(mixed))[:, 5].softmax(-1).max(-1)
    correct[name] = (guess == ANSWER[mixed[:, 5]]).float().mean().item()
    print(f"没见过的密码子，{name}：对 {correct[name]:.2f}，平均置信度 {sure.mean().item():.1f}")
assert correct["独此一个"] == 0 and correct["四重简并"] > 0.6
# --8<-- [end:held-out-codons]

# --8<-- [start:one-box]
def single_box(n, rng):
    """一半正例含一个 TATAAT；返回序列 (n, 60)、标签 (n,)、位点 (n // 2, 6)。"""
    x = rng.integers(0, 4, (n, LENGTH))
    where = rng.integers(0, LENGTH - 5, n // 2)[:, None] + np.arange(6)
    x[np.arange(n // 2)[:, None], where] = found = site(BOX10, n // 2, rng)
    return x, np.arange(n) < n // 2, found

rng = np.random.default_rng([SEED, 6])
few, few_labels, sites = single_box(60, rng)
more, more_labels, _ = single_box(2000, rng)
small = {"权重矩阵": scan(weight_matrix(sites), more).max(1),
         "卷积网络": network_score(fit_network(few, few_labels, 100), more)}
small = {name: roc_auc_score(more_labels, score) for name, score in small.items()}
print("，".join(f"{name} AUC {value:.2f}" for name, value in small.items()))
assert small["权重矩阵"] >= small["卷积网络"] + 0.1
# --8<-- [end:one-box]

# --8<-- [start:homology-leak]
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

rng = np.random.default_rng([SEED, 7])
ancestors, family = rng.integers(0, 4, (40, LENGTH)), np.repeat(np.arange(40), 10)
relatives = np.where(rng.random((400, LENGTH)) < 0.1, rng.integers(0, 4, (400, LENGTH)),
                     ancestors[family])
chance_label = rng.permutation(np.arange(40) % 2)[family]  # 标签按家族随机发，与序列无关
for name, split, groups in (("随机划分", KFold(5, shuffle=True, random_state=SEED), None),
                            ("按家族划分", GroupKFold(5), family)):
    result = cross_val_score(KNeighborsClassifier(1, metric="hamming"), relatives, chance_label,
                             cv=split, groups=groups).mean()
    print(f"{name}：准确率 {result:.2f}")
    assert result > 0.95 if name == "随机划分" else result < 0.8
# --8<-- [end:homology-leak]

# --8<-- [start:one-strand]
size, strand, start, protein = longest_orf(genome, strands="+")
print(f"只读一条链：与埋进去的{'一致' if translate(gene) in protein + '*' else '不同'}")
assert translate(gene) not in protein + "*"
# --8<-- [end:one-strand]

# --8<-- [start:ambiguous-base]
translate("ATGGNNCAT")
# --8<-- [end:ambiguous-base]
