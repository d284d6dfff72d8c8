# --8<-- [start:corpus-figure]
from matplotlib import rc_context
from matplotlib.figure import Figure

with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    ax = fig.subplots()
    steps = range(100, 801, 100)
    for part, losses, style in zip(("train", "validation"), zip(*curve), ("C0--", "C0-")):
        ax.plot(steps, losses, style, label=f"GPT, {part}")
    for n, color in ((3, "C1"), (5, "C2")):
        loss = bits(ngrams[n].score(train_ids + val_ids, len(train_ids)))
        ax.axhline(loss, color=color, linestyle=":", label=f"Kneser-Ney {n}-gram, validation")
    ax.set(xlabel="step", ylabel="bits per character")
    ax.legend()
    fig.savefig("mini-gpt-curves.svg", metadata={"Date": None})
# --8<-- [end:corpus-figure]

# --8<-- [start:story-figure]
import warnings

from matplotlib import rc_context
from matplotlib.figure import Figure

warnings.filterwarnings("ignore", "Glyph")  # 图里只存文字，字体由浏览器选
tale, n = tales[300], len(tales[300]) - 2  # 去掉开头的字和换行
surprise = {"GPT": -np.log2(probs[0, :n]), "Kneser-Ney 5-gram": -np.log2(rows["5 元"][0][1:n + 1])}
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(7, 4.2), layout="constrained")
    for ax, part in zip(fig.subplots(2, sharey=True), (slice(0, n // 2), slice(n // 2, n))):
        edges = np.arange(n + 1)[part.start:part.stop + 1] - 0.5
        for (label, values), fill in zip(surprise.items(), (True, False)):
            ax.stairs(values[part], edges, fill=fill, label=label)
        for j in np.arange(n)[part][test_agree[0, part]]:
            ax.axvspan(j - 0.5, j + 0.5, color="gold", alpha=0.3, linewidth=0)
        ax.set_xticks(edges[:-1] + 0.5, tale[1:n + 1][part])
        ax.tick_params(axis="x", length=0)
        ax.set(ylabel="bits", ylim=(0, 8), xlim=edges[[0, -1]])
    ax.legend()
    fig.savefig("mini-gpt-story.svg", metadata={"Date": None})
# --8<-- [end:story-figure]

# --8<-- [start:sampling]
import re

person, thing = f"[{NAMES}]", "|".join(m + t for m, things in THINGS.items() for t in things)
filler, place = f"(?:{'|'.join(FILLERS)})。", "|".join(PLACES)
RULE = re.compile(f"小({person})在(?:{place})捡到一({thing})。{filler * 2}小({person})跑来说：那"
                  f"\\2是我的。{filler}小\\1点点头，将那\\2还了。傍晚小\\3又来谢小\\1。\n")
back, known = dict(enumerate(letters)), set(tales[:300])
prompt = torch.full((32, 1), letters["小"], device=device)
torch.manual_seed(SEED)
obeyed = []
for how in ({"temperature": 0.5}, {}, {"top_k": 8}, {"top_p": 0.9}, {"temperature": 1.5}):
    written = ["".join(back[i] for i in row).split("\n")[0] + "\n"
               for row in sample(writer, prompt, length - 1, **how).tolist()]
    obeyed.append(np.mean([RULE.fullmatch(tale) is not None for tale in written]))
    new = {tale for tale in written if RULE.fullmatch(tale)} - known  # 去掉重复的、训练里有的
    print(f"{how or '不改分布'}：合规 {obeyed[-1]:.2f}，合规而且是新的 {len(new) / 32:.2f}")
assert obeyed[0] > obeyed[1] > obeyed[4]
# --8<-- [end:sampling]

# --8<-- [start:transfer]
from transformers import GPT2Config, GPT2LMHeadModel

config = GPT2Config(vocab_size=len(letters), n_positions=length - 1, n_embd=HIDDEN_SIZE,
                    n_layer=NUM_LAYERS, n_head=NUM_HEADS, activation_function="gelu",
                    bos_token_id=None, eos_token_id=None)
library = GPT2LMHeadModel(config).to(device).eval()
RENAME = (("token", "wte"), ("position", "wpe"), ("blocks", "h"), ("norm1", "ln_1"),
          ("norm2", "ln_2"), ("norm.", "ln_f."), ("qkv", "attn.c_attn"), ("proj", "attn.c_proj"),
          ("mlp.0", "mlp.c_fc"), ("mlp.2", "mlp.c_proj"))
state = {}
for name, weight in writer.state_dict().items():
    transposed = "blocks" in name and weight.dim() == 2  # GPT-2 的 Conv1D 存的是 (in, out)
    for ours, theirs in RENAME:
        name = name.replace(ours, theirs)
    state[f"transformer.{name}"] = weight.T if transposed else weight
missing, unexpected = library.load_state_dict(state, strict=False)
batch = tale_windows[300:308, :-1]
with torch.no_grad():
    gap = (library(batch).logits - writer(batch)).abs().max().item()
print(f"缺 {missing}，多 {unexpected}；logits 最多差 {gap:.4f}")
assert gap < 1e-3
# --8<-- [end:transfer]

# --8<-- [start:kv-cache-speed]
import time

from transformers import GPT2Config, GPT2LMHeadModel

wide = GPT2LMHeadModel(GPT2Config(vocab_size=len(vocab), n_positions=512, n_embd=256, n_layer=4,
                                  n_head=4, bos_token_id=None, eos_token_id=None))
wide = wide.to(device).eval()  # 随机权重：速度只看形状
prompt, outputs, rate = torch.tensor([train_ids[:32]], device=device), {}, {}
for use_cache in (True, False):
    for new_tokens in (4, 96):  # 第一次是预热
        start = time.perf_counter()
        outputs[use_cache] = wide.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=new_tokens,
            do_sample=False, use_cache=use_cache).tolist()  # 取回结果，GPU 上等于同步
        rate[use_cache] = new_tokens / (time.perf_counter() - start)
    print(f"use_cache={use_cache}：每秒 {rate[use_cache]:.1f} 个词元")
weights = sum(p.nbytes for p in wide.parameters())
cache = 2 * 4 * 256 * 4 * (32 + 96)  # K 和 V × 层数 × 宽度 × 4 字节 × 词元数
print(f"权重 {weights / 1e6:.1f} MB，缓存 {cache / 1e6:.1f} MB")
assert outputs[True] == outputs[False] and rate[True] > rate[False]
# --8<-- [end:kv-cache-speed]

# --8<-- [start:scaling]
from matplotlib import rc_context
from matplotlib.figure import Figure

reached = {"Kneser-Ney 5-gram": []}
sizes = [len(train_ids) // k for k in (4, 2, 1)]
for size in sizes:
    part = train_ids[-size:]
    reached["Kneser-Ney 5-gram"].append(
        bits(KneserNey(part, 5, len(vocab)).score(part + val_ids, size)))
    for width in (16, 64):
        torch.manual_seed(SEED)
        small, seen_losses = GPT(len(vocab), CONTEXT, width).to(device), []
        nn.init.normal_(small.token.weight, std=0.06)  # 步数少，起步要快些
        train(small, torch.tensor(part, device=device).unfold(0, CONTEXT + 1, 1), 200, 8, 4e-3,
              0.5, lambda model: seen_losses.append(bits(heldout(model, val_ids))))
        reached.setdefault(f"GPT, width {width}", []).append(min(seen_losses))
for name, losses in reached.items():
    print(name + "：" + " ".join(f"{loss:.2f}" for loss in losses))
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    ax = fig.subplots()
    for (name, losses), style in zip(reached.items(), ("C2s:", "C1o-", "C0o-")):
        ax.plot(sizes, losses, style, label=name)
    ax.set(xscale="log", xlabel="training characters", ylabel="bits per character, validation")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.legend()
    fig.savefig("mini-gpt-scaling.svg", metadata={"Date": None})
assert all(losses[0] > losses[1] > losses[2] for losses in reached.values())
# --8<-- [end:scaling]

# --8<-- [start:short-reach]
import copy

short = copy.deepcopy(writer)  # 权重不动，只限制每层往回看多远
for reach in (4, 8, 16, 32, length):
    short.reach = reach
    found = (short(tale_windows[300:, :-1]).argmax(dim=-1) == tale_windows[300:, 1:]).cpu().numpy()
    print(f"每层看 {reach} 个字：受约束的字猜对 {found[test_agree].mean():.2f}")
    assert reach > 4 or found[test_agree].mean() < 0.6
# --8<-- [end:short-reach]

# --8<-- [start:unseen-name]
swap = str.maketrans(NAMES, "天桂钟街鸟灯雨风")  # 认得的字，训练时没有当过名字
for label, table in (("见过的名字", {}), ("没当过名字的字", swap)):
    renamed = [tale.translate(table) for tale in tales[300:]]
    ids = torch.tensor([[letters[c] for c in tale.ljust(length, "\n")] for tale in renamed])
    guess = writer(ids[:, :-1].to(device)).argmax(dim=-1).cpu()
    is_name = np.array([[c in NAMES for c in tale.ljust(length)[1:]] for tale in tales[300:]])
    right = (guess == ids[:, 1:]).numpy()[test_agree & is_name].mean()
    print(f"{label}：后文里的名字猜对 {right:.2f}")
assert right < 0.5
# --8<-- [end:unseen-name]

# --8<-- [start:no-causal-mask]
torch.manual_seed(SEED)
leaky = GPT(len(letters), length - 1, init_std=0.12).to(device)
for block in leaky.blocks:  # 把 hidden 换成全 False：谁都看得见
    block.register_forward_pre_hook(lambda block, args: (args[0], torch.zeros_like(args[1])))
train(leaky, tale_windows[:300], 200, 8, 6e-3, 0.05)
leaked = bits(score(leaky, tale_windows[300:])[test_inside])
alone = [bits(score(leaky, tale_windows[300:, :j + 1])[:, -1]) for j in range(1, 66)]
print(f"整段打分 {leaked:.2f} 比特/字；真要逐字预测时 {np.mean(alone):.2f} 比特/字")
assert leaked < bits(rows["GPT"][0]) / 2 and np.mean(alone) > 2 * bits(rows["GPT"][0])
# --8<-- [end:no-causal-mask]

# --8<-- [start:overlapping-split]
whole = train_ids + val_ids + test_ids
pieces = [whole[j:j + 64] for j in range(0, len(whole) - 64, 32)]  # 相邻两片重叠一半
random.Random(SEED).shuffle(pieces)
cut = len(pieces) * 8 // 10
leaky = KneserNey(sum(pieces[:cut], []), 5, len(vocab))
scores = [leaky.score(piece, 0) for piece in pieces[cut:]]
print(f"先切片再随机划分：{bits(np.concatenate(scores)):.2f} 比特/字；按段划分：{bits(kn[5]):.2f}")
assert bits(np.concatenate(scores)) < bits(kn[5]) - 1
# --8<-- [end:overlapping-split]

# --8<-- [start:perplexity]
units = {"字": (train_ids, test_ids, len(vocab))}
back = "".join(vocab)
units["字节"] = (*(list("".join(back[i] for i in x).encode()) for x in (train_ids, test_ids)), 256)
for name, (known, text, size) in units.items():
    cost = bits(KneserNey(known, 5, size).score(known + text, len(known)))  # 每个单位多少比特
    per_character = cost * len(text) / len(test_ids)
    print(f"以{name}为单位：困惑度 {2**cost:.1f}，每字 {per_character:.2f} 比特")
# --8<-- [end:perplexity]

# --8<-- [start:past-context]
import copy

copy.deepcopy(gpt).cpu()(torch.zeros(1, CONTEXT + 1, dtype=torch.long))
# --8<-- [end:past-context]

# --8<-- [start:zero-temperature]
logits = torch.tensor([2.0, 1.0, 0.5])
(logits / 0.0).softmax(dim=-1).multinomial(1)  # ∞ − ∞ 得 nan
# --8<-- [end:zero-temperature]
