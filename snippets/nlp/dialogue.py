# --8<-- [start:setup]
import copy
import random
from collections import Counter, defaultdict

import torch
from torch import nn
from torch.nn import functional as F
from transformers import Qwen2Config, Qwen2ForCausalLM

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
HIDDEN_SIZE, NUM_HEADS, NUM_LAYERS = 64, 4, 2
BATCH_SIZE, STEPS, LEARNING_RATE = 8, 450, 6e-3
# --8<-- [end:setup]
# --8<-- [start:dialogue-rule]
SLOTS = {  # 槽位：怎么说、怎么问、有哪些值；各槽位的值互不相同
    "name": ("我叫", "我叫什么？", "小明 小红 小刚 小丽 小军 小芳 小强 小梅".split()),
    "city": ("我住", "我住哪里？", "北京 上海 广州 成都 武汉 南宁 长沙 大连".split()),
    "item": ("来点", "点了什么？", "茶 粥 面 饼 糕 鱼 汤 饭".split())}
TOPICS = {"价钱": "都不贵。", "天气": "今天有雨。", "新闻": "没看报。", "足球": "踢平了。"}
ACKS = {"好的": 0.4, "记下了": 0.3, "没问题": 0.2, "行": 0.1}  # 应答随机，概率已知
NOTES = ["路滑。", "门开着。", "有人找。"]

def dialogue(rng, exchanges=5):
    """一段对话：消息的列表；助手的消息另带 kind，只用来分类计分。"""
    banned, told = rng.choice(list(TOPICS)), {}
    messages = [{"role": "system", "content": f"你是店员，不谈{banned}。"}]
    for turn in range(exchanges):
        kind = rng.choices(["tell", "ask", "topic", "note"], [4, 4, 4, 1])[0] if turn else "tell"
        free, tool = [slot for slot in SLOTS if slot not in told], []
        if kind == "tell" and free:  # 每个槽位只说一次
            slot = rng.choice(free)
            told[slot], ack = rng.choice(SLOTS[slot][2]), rng.choices(*zip(*ACKS.items()))[0]
            user, assistant = f"{SLOTS[slot][0]}{told[slot]}。", f"{ack}，{told[slot]}。"
        elif kind == "topic":
            topic = banned if rng.random() < 0.5 else rng.choice(list(TOPICS))
            kind, user = "refuse" if topic == banned else "talk", f"说说{topic}。"
            assistant = "这个不谈。" if topic == banned else TOPICS[topic]
        elif kind == "note":  # 第三方写的便条，由工具读出
            user, assistant, tool = "念便条。", "念完了。", [rng.choice(NOTES)]
        else:
            kind, slot = "ask", rng.choice(list(told) if rng.random() < 0.8 else list(SLOTS))
            user, assistant = SLOTS[slot][1], f"{told[slot]}。" if slot in told else "没说过。"
        messages.append({"role": "user", "content": user})
        messages += [{"role": "tool", "content": text} for text in tool]
        messages.append({"role": "assistant", "content": assistant, "kind": kind})
    return messages
# --8<-- [end:dialogue-rule]
# --8<-- [start:encode]
IM_START, IM_END, PAD = "<|im_start|>", "<|im_end|>", "<pad>"
ROLES = ["system", "user", "assistant", "tool"]
letters = set(str([SLOTS, TOPICS, ACKS, NOTES]) + "你是店员，不谈说这个过念便条完您\n")
VOCAB = {t: i for i, t in enumerate([PAD, IM_START, IM_END, *ROLES, *sorted(letters)])}
TOKENS = list(VOCAB)
PROMPT = [VOCAB[t] for t in (IM_START, "assistant", "\n")]  # 生成提示：该助手说了

def encode(messages, before=()):
    """消息 → (ids, turn)；turn 是该学的词元属于第几条消息，不学的是 −1；before 是排在前面的词元。"""
    ids, turn = [*before], [-1] * len(before)
    for n, message in enumerate(messages):
        head = [VOCAB[t] for t in (IM_START, message["role"], "\n")]
        body = [VOCAB[c] for c in message["content"]] + [VOCAB[IM_END]]  # 结束符也要学
        ids += head + body + [VOCAB["\n"]]
        learn = n if message["role"] == "assistant" else -1
        turn += [-1] * len(head) + [learn] * len(body) + [-1]
    return ids, turn

def pad(rows, value):
    """右侧补齐：int 列表的列表 → (B, T) int64。"""
    length = max(map(len, rows))
    return torch.tensor([row + [value] * (length - len(row)) for row in rows], device=device)
# --8<-- [end:encode]
# --8<-- [start:show-mask]
rng = random.Random(SEED)
train_set, test_set = ([dialogue(rng) for _ in range(n)] for n in (2000, 200))
marks = "".join(f"【{TOKENS[i]}】" if n >= 0 else TOKENS[i] for i, n in zip(*encode(test_set[0][:7])))
print(marks.replace("】【", ""), end="")
ids, turn = (pad(list(rows), value) for rows, value in
             zip(zip(*map(encode, train_set)), (VOCAB[PAD], -1)))
masked = ids.masked_fill(turn < 0, -100)  # −100：不计损失
unmasked = ids.masked_fill(ids == VOCAB[PAD], -100)  # 除补齐外都计
print(f"该学的词元占 {((masked >= 0).sum() / (unmasked >= 0).sum()).item():.2f}")
# --8<-- [end:show-mask]
# --8<-- [start:train]
def fresh():
    """随机初始化的小 Qwen2：与落地一节的模型同一个类，只是小。"""
    torch.manual_seed(SEED)
    return Qwen2ForCausalLM(Qwen2Config(
        vocab_size=len(VOCAB), hidden_size=HIDDEN_SIZE, intermediate_size=2 * HIDDEN_SIZE,
        num_hidden_layers=NUM_LAYERS, num_attention_heads=NUM_HEADS, tie_word_embeddings=True,
        num_key_value_heads=NUM_HEADS, initializer_range=0.12, bos_token_id=None,
        eos_token_id=VOCAB[IM_END], pad_token_id=VOCAB[PAD])).to(device)

def train(model, labels, steps=STEPS, learning_rate=LEARNING_RATE, inputs=ids, watch=None):
    """就地训练；inputs、labels (N, T)，−100 处不计损失；watch 每 50 步调用一次。"""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps, pct_start=0.1)
    for step in range(1, steps + 1):
        rows = torch.randint(len(inputs), (BATCH_SIZE,))
        longest = (inputs[rows] != VOCAB[PAD]).sum(dim=-1).max()  # 这一批里最长的，其后全是补齐
        logits = model(inputs[rows, :longest]).logits[:, :-1]  # 第 t 个位置预测第 t + 1 个词元
        loss = F.cross_entropy(logits.flatten(0, 1), labels[rows, 1:longest].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if watch and step % 50 == 0:
            watch(model)
    return model.eval()
# --8<-- [end:train]
# --8<-- [start:exact-answers]
@torch.no_grad()
def wrong(model, rows):
    """(ids, turn) 的列表 → 答错的 {(行, 第几条消息)}：处处是贪心的选择才算对。"""
    tokens, turns = (pad(part, value) for part, value in zip(zip(*rows), (VOCAB[PAD], -1)))
    greedy = model(tokens).logits.argmax(dim=-1)[:, :-1]  # 第 t 个位置预测第 t + 1 个词元
    r, t = ((greedy != tokens[:, 1:]) & (turns[:, 1:] >= 0)).nonzero(as_tuple=True)
    return set(zip(r.tolist(), turns[r, t + 1].tolist()))

def rate(p, n):
    """比例 p（n 次）连同它的 95% 区间，Wilson（1927）。"""
    centre, half, scale = p + 1.92 / n, 1.96 * (p * (1 - p) / n + 0.96 / n**2) ** 0.5, 1 + 3.84 / n
    return f"{p:.2f} [{max(0, centre - half) / scale:.2f}, {(centre + half) / scale:.2f}]"

def exact(model, dialogues, cut=None):
    """{kind: 整句全对的份额}；cut 把历史变成词元，每问一行；缺省全留，一段对话一行。"""
    turns = [(r, n, m["kind"]) for r, messages in enumerate(dialogues)
             for n, m in enumerate(messages) if m.get("kind") in ("ask", "refuse", "talk")]
    bad = wrong(model, [encode([dialogues[r][n]], cut(dialogues[r][:n])) for r, n, _ in turns]
                if cut else [encode(messages) for messages in dialogues])
    hits = defaultdict(list)
    for row, (r, n, kind) in enumerate(turns):
        hits[kind].append(((row, 0) if cut else (r, n)) not in bad)
    return {kind: sum(hit) / len(hit) for kind, hit in hits.items()}
# --8<-- [end:exact-answers]
# --8<-- [start:last-turn-baseline]
seen, hits = defaultdict(Counter), defaultdict(list)
for part in (train_set, test_set):
    for messages in part:
        for before, after in zip(messages, messages[1:]):
            if "kind" in after and part is train_set:
                seen[before["content"]][after["content"]] += 1
            elif "kind" in after:  # 猜训练集里这句话之后最常见的回答
                guess = seen[before["content"]].most_common(1)[0][0]
                hits[after["kind"]].append(guess == after["content"])
lookup = {kind: sum(hit) / len(hit) for kind, hit in hits.items()}
# --8<-- [end:last-turn-baseline]
# --8<-- [start:masked-or-not]
def show(name, score, dialogues):
    """打印三类题的准确率，附 95% 区间。"""
    n = Counter(m.get("kind") for messages in dialogues for m in messages)
    ask, refuse, talk = (rate(score[kind], n[kind]) for kind in ("ask", "refuse", "talk"))
    print(f"{name}：记事 {ask}，该拒的拒 {refuse}，该答的答 {talk}")

chat, curve, full_curve = fresh(), [], []
train(chat, masked, watch=lambda model: curve.append(exact(model, test_set[:30])))
full = train(fresh(), unmasked, watch=lambda model: full_curve.append(exact(model, test_set[:30])))
good, worse = exact(chat, test_set), exact(full, test_set)
for name, score in (("只看末句", lookup), ("损失只算助手", good), ("损失全算", worse)):
    show(name, score, test_set)
print(f"结论｜多轮记事｜小对话模型 {good['ask']:.2f}｜只看末句 {lookup['ask']:.2f}")
assert min(good["ask"], good["refuse"], good["talk"]) > 0.65 and lookup["ask"] < 0.3
early = [sum(point["ask"] for point in points[1:5]) / 4 for points in (curve, full_curve)]
print(f"记事，第 100 到 250 步的平均：损失只算助手 {early[0]:.2f}，损失全算 {early[1]:.2f}")
assert early[0] > early[1] + 0.1
# --8<-- [end:masked-or-not]
# --8<-- [start:reply]
@torch.no_grad()
def reply(model, prompt, use_cache=True, limit=16):
    """贪心生成到结束符：prompt 是 int 列表，含生成提示；返回新词元的列表。"""
    new, cache, feed = [], None, prompt
    while len(new) < limit and new[-1:] != [VOCAB[IM_END]]:
        step = model(torch.tensor([feed], device=device), past_key_values=cache,
                     use_cache=use_cache)
        new.append(step.logits[0, -1].argmax().item())
        cache = step.past_key_values  # 算过的 K、V 存着：下一步只喂一个新词元
        feed = new[-1:] if use_cache else prompt + new
    return new

def answer(model, messages):
    """最后一条是用户或工具的消息；返回助手的话。"""
    new = reply(model, encode(messages)[0] + PROMPT)
    return "".join(TOKENS[i] for i in new).removesuffix(IM_END)

for messages in test_set[:30]:
    prompt = encode(messages[:-1])[0] + PROMPT
    assert reply(chat, prompt) == reply(chat, prompt, use_cache=False)  # 一个词元也不差
# --8<-- [end:reply]
# --8<-- [start:trim]
def by_tokens(messages, budget):
    """只留最后 budget 个词元，不管切在哪里。"""
    return encode(messages)[0][-budget:]

def by_turns(messages, budget, memory=()):
    """系统消息必留；再从最新的一轮往回装，装不下就停。一轮从用户消息开始。"""
    head, kept = encode([messages[0], *memory])[0], []
    for n in reversed(range(1, len(messages))):
        if messages[n]["role"] == "user":
            tail = encode(messages[n:])[0]
            if len(head) + len(tail) > budget:
                break
            kept = tail
    return head + kept

def facts(messages):
    """程序从用户（只从用户）的话里记下的槽位 {slot: value}。"""
    return {slot: value for m in messages if m["role"] == "user" for slot in SLOTS
            for value in SLOTS[slot][2] if m["content"] == f"{SLOTS[slot][0]}{value}。"}

def with_memory(messages, budget):
    """记下的槽位另写成一条用户消息，紧跟系统消息。"""
    text = "".join(f"{SLOTS[slot][0]}{value}。" for slot, value in facts(messages).items())
    return by_turns(messages, budget, [{"role": "user", "content": text}])
# --8<-- [end:trim]
# --8<-- [start:trim-compare]
long_set, BUDGETS = [dialogue(rng, 12) for _ in range(40)], (60, 80, 100, 120)
kept = {cut.__name__: [exact(chat, long_set, lambda m, b=budget, cut=cut: cut(m, b))
                       for budget in BUDGETS] for cut in (by_tokens, by_turns, with_memory)}
for name, scores in kept.items():
    print(f"{name:11} 记事 " + " ".join(f"{score['ask']:.2f}" for score in scores)
          + "　该拒的拒 " + " ".join(f"{score['refuse']:.2f}" for score in scores))
tokens, turns, memory = (scores[1] for scores in kept.values())  # 预算 80
assert turns["refuse"] > tokens["refuse"] + 0.15 and memory["ask"] > turns["ask"] + 0.1
# --8<-- [end:trim-compare]
# --8<-- [start:lora]
class LoRALinear(nn.Module):
    """y = W x + (α / r) B A x；W 冻结，只训练 A (r, in) 与 B (out, r)。"""
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.A = nn.Parameter(torch.randn(rank, base.in_features, device=device) / rank)
        self.B = nn.Parameter(torch.zeros(base.out_features, rank, device=device))  # 起步时等于原模型

    def forward(self, x):
        """x (…, in) → (…, out)。"""
        return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)

def add_lora(model, names, rank=4, alpha=8):
    """就地冻结模型，把注意力里名为 names 的线性层各换成 LoRALinear。"""
    model.requires_grad_(False)
    for layer in model.model.layers:
        for name in names:
            wrapped = LoRALinear(getattr(layer.self_attn, name), rank, alpha)
            setattr(layer.self_attn, name, wrapped)
    return model

tuned = add_lora(copy.deepcopy(chat), TARGETS := ["q_proj", "k_proj", "v_proj", "o_proj"])
# --8<-- [end:lora]
