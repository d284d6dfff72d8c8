# %% [markdown]
# # 注意力里面有什么
#
# ## 问题
#
# 注意力图上有一格很亮，能不能说「模型就是靠看这里做对的」？一个训练好的模型，它的算法能不能从注意力里读出来，又怎样知道没有读错？
#
# ## 回答
#
# 能读出来，但是要动手改，不能只看。本实验的小模型用两步接力完成抄写：第一层看前一个字，第二层据此找到「上次之后是什么」。把这两张图换成手画的，模型照样答对；换成画错的就全错。反过来，单看亮不亮会误判：第二层的两个头都亮，单独关掉任何一个都无大碍，一起关掉就全错。
#
# 实验做三件事：训练一个只有注意力的模型，看它的图，再改它的图。[从零训练一个小 GPT](../concepts/mini-gpt.md)里剪短过注意力的距离，这里改的是每一个头看哪里。

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
VOCAB_SIZE, LENGTH = 24, 26  # 词表大小，一条序列几个字
SHORTEST, LONGEST = 6, 12  # 循环节的长度，每条随机
HIDDEN_SIZE, NUM_HEADS = 32, 2
BATCH_SIZE, STEPS, LEARNING_RATE = 32, 300, 5e-3
plt.rcParams.update({"figure.dpi": 140, "font.size": 9})

# %% [markdown]
# ## 题目：把循环抄下去
#
# 每条序列是一段循环：随机取 6 到 12 个互不相同的字，反复写满 26 个。第一遍谁也猜不到；从第二遍起，下一个字由前文唯一决定。循环节的长度每条不同，所以只记「往回数几格」没有用，必须先在前文找到自己，再看那时的下一个。

# %%
def make_batch(n, generator):
    """n 条循环：ids (n, LENGTH) int64，循环节的长度 periods (n, 1)。"""
    periods = torch.randint(SHORTEST, LONGEST + 1, (n, 1), generator=generator)
    words = torch.rand(n, VOCAB_SIZE, generator=generator).argsort(dim=1)  # 每行一个随机排列
    return words.gather(1, torch.arange(LENGTH) % periods), periods

test, periods = make_batch(400, torch.Generator().manual_seed(SEED + 1))
queries = torch.arange(LENGTH - 1)  # 最后一个字只当答案
decided = queries >= periods  # (400, 25)：这一格自己出现过，答案由前文决定
answers = queries - periods + 1  # 每一格该去看哪里：上一次出现之后的那一格
example = 0
print("例子：", *test[example].tolist(), f"（循环节 {periods[example].item()} 个字）")
assert (test[:, 1:][decided] == test.gather(1, answers.clamp(min=0))[decided]).all()

# %% [markdown]
# 断言核对的是题目本身：凡是「由前文决定」的格子，答案确实写在 `answers` 指的那一格。后面就用这一格来量注意力。
#
# ## 模型：只有注意力
#
# 没有 MLP，只有一层或两层注意力，每层两个头。唯一特别的是参数 `edit`：它在 softmax 之后、取值之前拿到这一层的注意力图，可以原样放行，也可以换掉。

# %%
class AttentionOnly(nn.Module):
    """只有注意力：ids (B, T) → logits (B, T, V)，以及每层的图 (B, num_heads, T, T)。"""

    def __init__(self, num_layers):
        super().__init__()
        self.token = nn.Embedding(VOCAB_SIZE, HIDDEN_SIZE)
        self.position = nn.Embedding(LENGTH, HIDDEN_SIZE)
        for embedding in (self.token, self.position):
            nn.init.normal_(embedding.weight, std=0.5)
        linear = [nn.Linear(HIDDEN_SIZE, n * HIDDEN_SIZE, bias=False) for n in (3, 1) * num_layers]
        self.qkv, self.out = nn.ModuleList(linear[::2]), nn.ModuleList(linear[1::2])
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN_SIZE) for _ in range(num_layers + 1))
        self.head = nn.Linear(HIDDEN_SIZE, VOCAB_SIZE, bias=False)

    def forward(self, ids, edit=lambda layer, weights: weights):
        """edit(层, 图) → 图：在取值之前换掉注意力图。"""
        x, maps = self.token(ids) + self.position.weight[: ids.shape[1]], []
        future = torch.ones(ids.shape[1], ids.shape[1], device=ids.device).triu(1).bool()  # (T, T)
        for layer, (qkv, out) in enumerate(zip(self.qkv, self.out)):
            heads = qkv(self.norms[layer](x)).unflatten(-1, (3, NUM_HEADS, -1))
            q, k, v = heads.permute(2, 0, 3, 1, 4)  # 每个 (B, num_heads, T, D)
            scores = q @ k.mT / math.sqrt(q.shape[-1])  # (B, num_heads, T, T)
            weights = edit(layer, scores.masked_fill(future, -torch.inf).softmax(dim=-1))
            maps.append(weights)
            x = x + out((weights @ v).transpose(1, 2).flatten(2))
        return self.head(self.norms[-1](x)), maps

# %% [markdown]
# ## 训练：一层的学不会，两层的突然学会
#
# 一层的模型是基线：同样的数据、同样的步数，只差一层。

# %%
@torch.no_grad()
def accuracy(model, **edit):
    """前文已经决定的格子里，猜对的占比。"""
    guesses = model(test[:, :-1].to(device), **edit)[0].argmax(dim=-1).cpu()
    return (guesses == test[:, 1:])[decided].float().mean().item()

def train(num_layers):
    """训练一个模型；返回它和每 20 步一次的准确率。"""
    torch.manual_seed(SEED)
    generator, curve = torch.Generator().manual_seed(SEED), []
    model = AttentionOnly(num_layers).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, STEPS, pct_start=0.1)
    for step in range(STEPS):
        ids, period = make_batch(BATCH_SIZE, generator)
        known = queries + 1 >= period  # 第一遍的字猜不到，不计损失
        logits, _ = model(ids[:, :-1].to(device))
        loss = F.cross_entropy(logits[known.to(device)], ids[:, 1:][known].to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 20 == 19:
            curve.append(accuracy(model))
    return model, curve

shallow, shallow_curve = train(1)
model, curve = train(2)
guess = (1 / periods.expand_as(decided)[decided]).mean().item()  # 在循环节里随便挑一个字

# %% tolerance="0.1" alt="两条学习曲线，横轴 300 步，纵轴是准确率：一层的模型很快停在 0.3 附近；两层的头几十步也在低处，随后在几十步之内冲到接近 1。点线是在循环节里乱挑的水平，约 0.1"
steps = range(20, STEPS + 1, 20)
fig, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
ax.plot(steps, curve, "C0", label="two layers")
ax.plot(steps, shallow_curve, "C1", label="one layer")
ax.axhline(guess, color="C7", linestyle=":", label="guess within the period")
ax.set(xlabel="step", ylabel="accuracy", ylim=(0, 1.05))
ax.legend(loc="center right")
print(f"两层 {curve[-1]:.2f}，一层 {shallow_curve[-1]:.2f}，乱挑 {guess:.2f}")
assert curve[-1] > 0.9 and shallow_curve[-1] < 0.45

# %% [markdown]
# 一层的模型比乱挑好，却上不去。单独一层只能凭「这个字自己」决定看哪里；要找的那一格，特征是**它的前一个字是我**，而那一格自己的向量里还没有这条消息。要先有一层把它送过去。
#
# ## 看：图里有什么
#
# 两种猜想各有一个可以量的数。第一层：看前一个字的权重，在第一遍的格子上量，因为第二层要去看的就是那里。第二层：看 `answers` 那一格的权重，在答案已定的格子上量。

# %%
@torch.no_grad()
def look(weights, target, rows):
    """每个头看 target (N, T) 的平均权重；weights (N, num_heads, T, T)，只数 rows (N, T)。"""
    index = target.clamp(min=0)[:, None, :, None].expand(-1, NUM_HEADS, -1, 1)
    on_target = weights.gather(3, index)[..., 0].transpose(1, 2)  # (N, T, num_heads)
    return [round(value, 2) for value in on_target[rows].mean(dim=0).tolist()]

with torch.no_grad():
    maps = [weights.cpu() for weights in model(test[:, :-1].to(device))[1]]
previous = (queries - 1).expand_as(decided)
first_time = (queries >= 1) & (queries <= periods)  # (400, 25)：第一遍，不算开头那一格
looks = {"前一个字": (previous, first_time), "上次之后": (answers, decided)}
table = {name: [look(weights, *where) for weights in maps] for name, where in looks.items()}

# %% tolerance="0.3" alt="四张注意力图，横轴是键的位置，纵轴是查询的位置。第一层的两张里，紧贴对角线下方的一格较亮，程度不同；第二层的两张里，另有一条平行于对角线、隔着一个循环节的亮线，两张几乎一样"
fig, axes = plt.subplots(1, 4, figsize=(8, 2.4), layout="constrained", sharey=True)
for index, ax in enumerate(axes):
    layer, head = divmod(index, NUM_HEADS)
    ax.imshow(maps[layer][example, head].numpy(), cmap="Blues", vmin=0, vmax=1)
    ax.set(title=f"layer {layer + 1}, head {head + 1}", xlabel="key")
axes[0].set_ylabel("query")
for name, rows in table.items():
    print(f"{name}：", *(f"第 {layer + 1} 层 {heads}" for layer, heads in enumerate(rows)))
assert max(table["前一个字"][0]) > 0.25 and max(table["上次之后"][1]) > 0.4
assert max(table["上次之后"][0]) < 0.2  # 第一层还找不到答案在哪里

# %% [markdown]
# 图与猜想相符：第一层有头偏向前一个字，第二层的亮线恰好隔着一个循环节。这种两层的配合叫归纳头（Olsson 等，2022，[arXiv:2209.11895](https://arxiv.org/abs/2209.11895)；Elhage 等，2021，*A Mathematical Framework for Transformer Circuits*）。
#
# 但是相符不等于就是这样做的：权重只有一半在那一格上，另一半在哪里、要不要紧，图里看不出来。
#
# ## 改之一：关掉一个头
#
# 把某个头的图清零，别的都不动，看准确率掉多少；再把同一层的两个头一起清零。

# %% tolerance="0.2"
def switch_off(layer, heads):
    """一个 edit：清零第 layer 层的这几个头。"""
    keep = torch.tensor([head not in heads for head in range(NUM_HEADS)], device=device)
    return lambda at, weights: weights * keep[:, None, None] if at == layer else weights

whole = accuracy(model)
for layer, name in enumerate(looks):
    single = [whole - accuracy(model, edit=switch_off(layer, [head])) for head in range(NUM_HEADS)]
    together = whole - accuracy(model, edit=switch_off(layer, range(NUM_HEADS)))
    for head, drop in enumerate(single):
        print(f"第 {layer + 1} 层第 {head + 1} 个头：{name} {table[name][layer][head]:.2f}，"
              f"关掉少 {drop:.2f}")
    print(f"第 {layer + 1} 层的头一起关掉：少 {together:.2f}")
    assert together > 0.5
assert sum(single) < 0.5 * together  # 第二层：一个一个关，看不出它们要紧

# %% [markdown]
# 第二层的两个头都很亮，单独关掉任何一个，准确率只掉一小点；一起关掉，几乎什么都不剩。它们互为备份。**只关一个头就下结论，会把要紧的东西说成不要紧**；只看亮不亮，又会把备份说成不可缺少。
#
# ## 改之二：换成手画的图
#
# 清零只能说明「没有它不行」。要说明「有它就够」，得反过来：把训练出来的图整张换掉，换成按猜想手画的 0 和 1，权重矩阵一个不动。第一层每一格只看前面第 `shift` 个字，第二层每一格只看上次之后那一格。

# %%
def one_hot_map(target):
    """target (N, T) → (N, 1, T, T)：每个查询只看 target 那一格；越过开头的看第 0 格。"""
    return F.one_hot(target.clamp(min=0), LENGTH - 1).float()[:, None].to(device)

def drawn(shift):
    """一个 edit：第一层看前面第 shift 个字，第二层看上次之后那一格，都是手画的。"""
    by_layer = [one_hot_map((queries - shift).expand_as(decided)), one_hot_map(answers)]
    return lambda layer, weights: by_layer[layer].expand_as(weights)

def only_first(shift):
    """一个 edit：只换第一层，第二层照旧自己算。"""
    edit = drawn(shift)
    return lambda layer, weights: edit(layer, weights) if layer == 0 else weights

def average(layer):
    """一个 edit：第 layer 层平均地看前文，谁也不挑。"""
    even = torch.ones(LENGTH - 1, LENGTH - 1, device=device).tril()
    even = even / even.sum(dim=-1, keepdim=True)
    return lambda at, weights: even.expand_as(weights) if at == layer else weights

edits = {"trained maps": lambda layer, weights: weights, "both drawn": drawn(1),
         "layer 1: 1 back": only_first(1), "layer 1: 2 back": only_first(2),
         "layer 1: even": average(0), "layer 2: even": average(1)}
results = {name: accuracy(model, edit=edit) for name, edit in edits.items()}

# %% tolerance="0.2" alt="六根横条，长度是准确率：不改的图、两层都手画、第一层手画成看前一个字，三条都接近 1；第一层改成看前两个字，几乎为 0；第一层平均地看，约 0.3；第二层平均地看，也几乎为 0。竖的点线是一层模型的水平"
fig, ax = plt.subplots(figsize=(5.5, 2.6), layout="constrained")
ax.barh(list(results), list(results.values()), color=["C0", "C2", "C2", "C3", "C3", "C3"])
ax.axvline(shallow_curve[-1], color="C7", linestyle=":", label="one-layer model")
ax.invert_yaxis()
ax.set(xlabel="accuracy", xlim=(0, 1.02))
ax.legend(loc="lower right")
for name, value in results.items():
    print(f"{name}: {value:.2f}")
assert min(results["both drawn"], results["layer 1: 1 back"]) > 0.75
assert max(results["layer 1: 2 back"], results["layer 2: even"]) < 0.25

# %% [markdown]
# 手画的图里没有一丁点训练出来的东西，模型却照样答对大半以上：在这些题上，**看前一个字、再看上次之后**，这两步就够了。第一层只要错开一格，第二层就找到了错的地方，准确率掉到几乎为 0，比一层的模型还低。第一层若平均地看，模型就退回一层的水平。
#
# 这里的「够」与「少不了」都是量出来的，不是从图的样子推出来的。
#
# ## 没有说明的
#
# - 模型小到没有 MLP，题目只有一种。大模型里也找得到归纳头，但是它们的本领不能都归结到几张图上；本实验没有量过任何大模型。
# - 清零和换图都把模型推到训练时没见过的状态。手画的图没有拿满分，差的那一点是手画的不够像，还是还有第三步，本实验分不清。
# - 准确率只数「前文已经决定」的格子。
#
# ## 动手
#
# 下载 ipynb，改一个数，**先写下你猜的结果**，再运行：
#
# 1. `SHORTEST, LONGEST = 8, 8`：循环节一样长。一层的模型还学不会吗？它的图会亮在哪里？
# 2. `NUM_HEADS = 1`：没有备份了，关掉一个头会怎样？
# 3. 把 `drawn` 的第二层改成看 `answers - 1`：模型会填哪个字？
# 4. `STEPS = 60`：停在上升的半路，先长出来的是第一层的图，还是第二层的？
