# --8<-- [start:masks-figure]
import warnings

from matplotlib import rc_context
from matplotlib.figure import Figure

warnings.filterwarnings("ignore", "Glyph")  # 图里只存文字，字体由浏览器选
pairs = [("一百零五", "one hundred five"), ("七", "seven")]
zh, en = (to_ids(texts, vocab) for texts, vocab in zip(zip(*pairs), (zh_vocab, en_vocab)))
masks = {"encoder self-attention": padding_mask(zh).expand(-1, zh.shape[1], -1),
         "decoder self-attention": causal_mask(shift(en)),
         "cross-attention": padding_mask(zh).expand(-1, en.shape[1], -1)}
sides = [(0, 0), (1, 1), (1, 0)]  # 每张图的行、列各是哪种语言：0 中文，1 英文
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(7, 4.6), layout="constrained")
    grid = fig.subplots(2, 3)
    for row, (source, target) in enumerate(pairs):
        words = [*source, "EOS"], ["BOS", *map(str.strip, split(target)), "EOS"]
        labels = [(w + ["PAD"] * 5)[:x.shape[1]] for w, x in zip(words, (zh, en))]
        for ax, (title, mask), (down, across) in zip(grid[row], masks.items(), sides):
            ax.imshow(mask[row].tolist(), "Blues", vmin=-0.3, vmax=1.6, interpolation="nearest")
            ax.set_xticks(range(len(labels[across])), labels[across], rotation=60)
            ax.set_yticks(range(len(labels[down])), labels[down])
            ax.set_title("" if row else title, fontsize=9)
    fig.savefig("machine-translation-masks.svg", metadata={"Date": None})
# --8<-- [end:masks-figure]

# --8<-- [start:attention-figure]
import warnings

from matplotlib import rc_context
from matplotlib.figure import Figure

warnings.filterwarnings("ignore", "Glyph")
source, target = "一九八七年十一月二十三日", "November 23, 1987"
with torch.no_grad():
    logits_of(model, to_ids([source], zh_vocab), to_ids([target], en_vocab))
weights = model.decoder[0].cross.weights[0].mean(dim=0).cpu().numpy()  # 第一层各头的平均 (Tt, Ts)
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(5.6, 3.8), layout="constrained")
    ax = fig.subplots()
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    ax.set_xticks(range(len(source) + 1), [*source, "EOS"])
    words = [token.replace(" ", "␣") for token in split(target)] + ["EOS"]
    ax.set_yticks(range(len(words)), words)
    ax.set(xlabel="source token attended to", ylabel="target token being predicted")
    fig.savefig("machine-translation-attention.svg", metadata={"Date": None})
assert abs(weights.sum(axis=1) - 1).max() < 1e-4  # 每一行都是分布
# --8<-- [end:attention-figure]

# --8<-- [start:forcing]
import copy

young = copy.deepcopy(model)
young.load_state_dict(early)
for name, net, pairs in (("没学完，测试集", young, test_pairs), ("学完，六位数", model, long_pairs)):
    zh, gold = (to_ids(side, vocab) for side, vocab in zip(zip(*pairs), (zh_vocab, en_vocab)))
    with torch.no_grad():
        forced = logits_of(net, zh, gold).argmax(dim=-1)  # 每一步的前文都是标准译文
    free = F.pad(greedy(net, zh), (0, gold.shape[1]))[:, :gold.shape[1]]  # 前文是自己写的
    real = gold != PAD
    slips = ((forced != gold) & real).cumsum(dim=1)
    after = F.pad(slips[:, :-1] > 0, (1, 0)) & real  # 第一处错误之后的词元
    right = {"强制": (forced == gold) & real, "自由": (free == gold) & real}
    whole = [(ok == real).all(dim=1).float().mean().item() for ok in right.values()]
    print(f"{name}：整句全对，强制 {whole[0]:.3f}，自由 {rate(whole[1], len(pairs))}")
    assert whole[0] == whole[1] and right["强制"][after].sum() > right["自由"][after].sum()
for way, ok in right.items():  # 六位数
    print(f"{way}：词元准确率 {ok[real].float().mean():.2f}，"
          f"第一处错误之后 {ok[after].float().mean():.2f}")
# --8<-- [end:forcing]

# --8<-- [start:beam]
import copy

@torch.no_grad()
def beam(net, zh, width=4, steps=24):
    """束搜索：每步留下对数概率之和最高的 width 条前缀；返回每句最好的一条 (B, ≤ steps)。"""
    B, zh = len(zh), zh.repeat_interleave(width, dim=0)  # (B·width, Ts)
    memory, en = net.encode(zh), torch.full((len(zh), 1), BOS, device=device)
    total = torch.full((B, width), -torch.inf, device=device)
    total[:, 0] = 0  # 起初各条相同，只许第一条分叉
    while en.shape[1] <= steps and not (done := (en == EOS).any(dim=1)).all():
        log_p = net.decode(en, memory, zh)[:, -1].log_softmax(dim=-1)  # (B·width, V)
        log_p[done] = -torch.inf
        log_p[done, PAD] = 0  # 写完的只接 PAD，分数不再变
        total, picked = (total.view(-1, 1) + log_p).view(B, -1).topk(width)
        parent = picked // log_p.shape[1] + torch.arange(B, device=device)[:, None] * width
        en = torch.cat([en[parent.flatten()], picked.view(-1, 1) % log_p.shape[1]], dim=1)
    return en.view(B, width, -1)[:, 0, 1:]

def log_prob(net, zh, en):
    """整句译文的对数概率 log p(en | zh)，float (B,)。"""
    with torch.no_grad():
        logits = logits_of(net, zh, en).transpose(1, 2)
    return -F.cross_entropy(logits, en, ignore_index=PAD, reduction="none").sum(dim=1)

young = copy.deepcopy(model)
young.load_state_dict(early)
for name, net, pairs in (("没学完，测试集", young, test_pairs[::4]), ("学完，六位数", model, long_pairs)):
    zh, gold = (to_ids(side, vocab) for side, vocab in zip(zip(*pairs), (zh_vocab, en_vocab)))
    ideal, found = log_prob(net, zh, gold), []
    for way, ids in (("贪心", greedy(net, zh)), ("束宽 4", beam(net, zh))):
        score = log_prob(net, zh, ids)
        wrong = torch.tensor([to_text(i) != en for i, (_, en) in zip(ids.tolist(), pairs)])
        missed = wrong & (ideal > score).cpu()  # 标准译文的概率更高，却没有找到
        found.append(score.mean().item())
        errors = rate(wrong.float().mean().item(), len(pairs))
        print(f"{name}，{way}：错 {errors}，其中怪搜索的 {missed.sum() / wrong.sum().clamp(min=1):.2f}")
    print(f"{name}：束搜索的平均对数概率高 {found[1] - found[0]:.2f}")
    assert found[1] >= found[0]
assert missed.sum() <= 0.1 * wrong.sum()  # 六位数：错在模型，不在搜索
# --8<-- [end:beam]

# --8<-- [start:marian]
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

NAME = "Helsinki-NLP/opus-mt-zh-en"
tokenizer = AutoTokenizer.from_pretrained(NAME)
marian = AutoModelForSeq2SeqLM.from_pretrained(NAME).to(device).eval()
texts = ["会议改到三月五日。", "货款一共七万零二十一元，请在月底之前付清。"]
inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(device)
with torch.inference_mode():
    ids = marian.generate(**inputs, num_beams=4, max_new_tokens=40)
    lines = tokenizer.batch_decode(ids, skip_special_tokens=True)
    labels = tokenizer(text_target=lines, padding=True, return_tensors="pt").input_ids.to(device)
    labels[labels == tokenizer.pad_token_id] = -100  # 交叉熵跳过 −100
    loss = marian(**inputs, labels=labels).loss
print("解码从 PAD 开始：", marian.config.decoder_start_token_id == tokenizer.pad_token_id)
print("短句后面有填充：", inputs["attention_mask"][0, -1].item() == 0)
assert len(lines) == len(texts) and loss.isfinite()
# --8<-- [end:marian]

# --8<-- [start:marian-latency]
import time

from transformers import MarianConfig, MarianMTModel

config = MarianConfig(  # opus-mt-zh-en 的尺寸，随机权重
    vocab_size=65001, d_model=512, max_position_embeddings=512, pad_token_id=65000, eos_token_id=0,
    decoder_start_token_id=65000, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048,
    decoder_layers=6, decoder_attention_heads=8, decoder_ffn_dim=2048)
sized = MarianMTModel(config).to(device).eval()
print(f"{(size := sized.num_parameters()) / 1e6:.1f} 百万参数，fp32 {size * 4 / 1e6:.1f} MB")
for sentences in (1, 8):
    source = torch.randint(1, 65000, (sentences, 24), device=device)
    for num_beams in (1, 4):
        for words in (1, 8):  # 第一次是预热；每句都写满 words 个词元
            begin = time.perf_counter()
            sized.generate(source, attention_mask=torch.ones_like(source), num_beams=num_beams,
                           min_new_tokens=words, max_new_tokens=words).tolist()
            seconds = time.perf_counter() - begin
        print(f"{sentences} 句，束宽 {num_beams}：{seconds:.2f} 秒，每句 {seconds / sentences:.3f} 秒")
# --8<-- [end:marian-latency]

# --8<-- [start:length]
trained = set(values[:NUM_TRAIN])
groups = {f"{digits} 位": [n for n in range(10 ** (digits - 1), 10**digits) if n not in trained]
          for digits in (2, 3, 4, 5, 6)}
groups["6 位，中文不超过 8 个字"] = [n for n in groups["6 位"][::7] if len(chinese(n)) <= 8]
share, small = {}, {english(n) for n in range(10**5)}
for name, group in groups.items():
    chosen = random.Random(SEED).sample(group, min(200, len(group)))
    gold, outputs = [english(n) for n in chosen], translate([chinese(n) for n in chosen])
    share[name] = sum(o == en for o, en in zip(outputs, gold)) / len(chosen)
    known = sum(10 ** (int(name[0]) - 1) <= n < 10 ** int(name[0]) for n in trained)
    print(f"{name}（训练里有 {known} 个）：全对 {rate(share[name], len(chosen))}，"
          f"译成五位以内的数 {sum(o in small for o in outputs) / len(chosen):.2f}")
assert share["5 位"] > 0.9 > share["2 位"] and max(list(share.values())[-2:]) < 0.05
# --8<-- [end:length]

# --8<-- [start:zeros]
trained = set(values[:NUM_TRAIN])
for zeros, name in enumerate(("没有零", "一个零")):
    group = [n for n in range(10**4, 10**5) if chinese(n).count("零") == zeros and n not in trained]
    chosen = random.Random(SEED).sample(group, 100)
    outputs = {zero: translate([chinese(n).replace("零", zero) for n in chosen]) for zero in "零〇"}
    right = {zero: sum(o == english(n) for o, n in zip(texts, chosen)) / len(chosen)
             for zero, texts in outputs.items()}
    worse = right["〇"] < right["零"]  # 差多少随种子变化很大，所以不打印
    print(f"{name}：写「零」全对 {rate(right['零'], len(chosen))}，换成「〇」更差：{worse}")
    assert worse == (zeros > 0)
# --8<-- [end:zeros]

# --8<-- [start:left-padding]
for gap in (0, 1, 2, 4):
    shifted = F.pad(test_zh[::4], (gap, 0), value=PAD)  # 左边补的 PAD 照样掩掉，位置却都往后挪
    outputs = [to_text(ids) for ids in greedy(model, shifted).tolist()]
    right = sum(o == en for o, (_, en) in zip(outputs, test_pairs[::4])) / len(outputs)
    print(f"左边补 {gap} 个 PAD：全对 {rate(right, len(outputs))}")
assert right < 0.1
# --8<-- [end:left-padding]

# --8<-- [start:no-padding-mask]
import copy

def see_all(layer, args):
    """钩子：编码器的掩码、解码器看编码器的掩码，全部换成可见。"""
    x, mask, *rest = args
    return (x, mask, rest[0], torch.ones_like(rest[1])) if rest else (x, torch.ones_like(mask))

careless = copy.deepcopy(model)
for layer in (*careless.encoder, *careless.decoder):
    layer.register_forward_pre_hook(see_all)
for extra in (0, 15, 40):  # 同批里别的句子更长，就要多补一些 PAD
    zh, right = F.pad(test_zh[::4], (0, extra)), []
    for net in (model, careless):
        outputs = [to_text(ids) for ids in greedy(net, zh).tolist()]
        right.append(sum(o == en for o, (_, en) in zip(outputs, test_pairs[::4])) / len(outputs))
    print(f"多补 {extra} 个 PAD：有掩码全对 {rate(right[0], len(outputs))}；没有 {rate(right[1], len(outputs))}")
assert right[0] > 0.9 and right[1] < right[0] - 0.1
# --8<-- [end:no-padding-mask]

# --8<-- [start:mask-convention]
torch.manual_seed(SEED)
heads = nn.MultiheadAttention(HIDDEN_SIZE, NUM_HEADS, batch_first=True).to(device)
x, real = torch.randn(1, 4, HIDDEN_SIZE).to(device), torch.tensor([[1, 1, 1, 0]], device=device) > 0
other = x.clone()
other[0, 3] += 5  # 只改填充那一格
for name, ignored in (("True 是忽略", ~real), ("误作 True 是可见", real)):
    a, b = (heads(t, t, t, key_padding_mask=ignored)[0][0, :3] for t in (x, other))
    print(f"{name}：改填充，前三格最多变 {(a - b).abs().max():.2f}")
q = k = v = x[:, None]  # scaled_dot_product_attention 的布尔掩码正好相反：True 是可见
masked, cut = F.scaled_dot_product_attention(q, k, v, real), k[:, :, :3]
assert torch.allclose(masked, F.scaled_dot_product_attention(q, cut, cut), atol=1e-5)
# --8<-- [end:mask-convention]

# --8<-- [start:nested-references]
hypotheses, truth = ["March 5, 2024", "seven"], ["March 5, 2024", "eight"]
for name, nested in (("[refs]，正确", [truth]), ("refs，少套一层", truth),
                     ("每句一个列表", [[text] for text in truth])):
    print(f"{name}：chrF {CHRF().corpus_score(hypotheses, nested).score:.1f}")
# --8<-- [end:nested-references]

# --8<-- [start:chinese-bleu]
output, truth = ["会议改到三月五日下午两点。"], ["会议改到三月五日下午三点。"]
for tokenize in ("13a", "zh"):
    metric = BLEU(tokenize=tokenize)
    score = metric.corpus_score(output, [truth]).score
    print(f"{score:.1f}  {str(metric.get_signature()).split('|version')[0]}")
# --8<-- [end:chinese-bleu]

# --8<-- [start:source-tokenizer]
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("Helsinki-NLP/opus-mt-zh-en")
wrong, right = tokenizer("The tokenizer"), tokenizer(text_target="The tokenizer")
print("两种编号相同：", wrong.input_ids == right.input_ids)
# --8<-- [end:source-tokenizer]
