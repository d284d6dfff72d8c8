# --8<-- [start:setup]
import timeit

import torch
from matplotlib import figure, rcParams
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from transformers import (AutoConfig, AutoModel, AutoTokenizer, BertConfig, BertForPreTraining,
                          BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM)

SEED = 42
torch.manual_seed(SEED)
device = "cuda" if torch.cuda.is_available() else "cpu"
GB = 1e9  # 十进制：10⁹ 字节，不是 GiB
L, WIDTH, HEADS, V, T = 4, 128, 4, 512, 64  # 实测用小模型：层数、宽度、头数、词表、上下文
batch_size = 8  # 实测时一批的序列条数
# --8<-- [end:setup]
# --8<-- [start:count-gpt3]
def count_on_meta(model_class, config):
    """在 meta 设备上按 config 建模，返回参数个数；张量只有形状和类型，不占内存。"""
    with torch.device("meta"):
        return sum(p.numel() for p in model_class(config).parameters())  # 共享的只数一次

def gpt(num_layers, d, num_heads, context):
    """GPT-2/GPT-3 结构的配置：词表 50,257，MLP 宽 4d。"""
    return GPT2Config(n_layer=num_layers, n_embd=d, n_head=num_heads, n_positions=context)

gpt3_params = count_on_meta(GPT2LMHeadModel, gpt(96, 12288, 96, 2048))  # Brown 等，表 2.1
print(f"GPT-3: {gpt3_params:,} ≈ {gpt3_params / 1e8:,.0f} 亿")
assert gpt3_params == 174_604_259_328
# --8<-- [end:count-gpt3]
# --8<-- [start:closed-form]
def closed_form(num_layers, d, vocab_size, context):
    """参数个数的闭式，含全部偏置；输出层与词嵌入共享。"""
    return 12 * num_layers * d**2 + 13 * num_layers * d + (vocab_size + context + 2) * d

SIZES = {"GPT-2 S": (12, 768, 12, 1024), "GPT-2 M": (24, 1024, 16, 1024),
         "GPT-2 L": (36, 1280, 20, 1024), "GPT-2 XL": (48, 1600, 25, 1024),
         "GPT-3": (96, 12288, 96, 2048)}
for name, size in SIZES.items():
    counted = count_on_meta(GPT2LMHeadModel, gpt(*size))
    gap = closed_form(size[0], size[1], 50257, size[3]) - counted
    rough = 12 * size[0] * size[1] ** 2 / counted - 1  # 基线：只算主项
    print(f"{name:9}{counted:>16,}  闭式差 {gap}  12Ld² 差 {rough:+.1%}")
    assert gap == 0
assert -0.01 < rough < 0  # 最后一行是 GPT-3：一项就够
# --8<-- [end:closed-form]
# --8<-- [start:count-bert]
LARGE = dict(num_hidden_layers=24, hidden_size=1024, num_attention_heads=16,
             intermediate_size=4096)
rounded = {}
for kwargs in ({}, LARGE):  # BertConfig 的默认值就是 base
    for vocab_size in (30522, 30000, 28996):  # uncased 权重、论文正文、cased 权重
        config = BertConfig(vocab_size=vocab_size, **kwargs)
        d, full = config.hidden_size, count_on_meta(BertModel, config)
        counts = (full - d * (d + 1), full, count_on_meta(BertForPreTraining, config))
        rounded[d, vocab_size] = [round(n / 1e7) * 10 for n in counts]  # 约到千万
        print(f"d={d:<4} V={vocab_size}", *(f"{n / 1e6:.2f}M" for n in counts),
              "→", *rounded[d, vocab_size])
assert rounded[1024, 30522] == [330, 340, 340] and rounded[1024, 28996] == [330] * 3
# --8<-- [end:count-bert]
# --8<-- [start:model-table]
LLAMA2 = LlamaConfig(num_hidden_layers=32, hidden_size=4096, num_attention_heads=32,
                     intermediate_size=11008, vocab_size=32000, max_position_embeddings=4096)
QWEN = Qwen2Config(num_hidden_layers=28, hidden_size=3584, num_attention_heads=28,
                   num_key_value_heads=4, intermediate_size=18944, vocab_size=152064,
                   max_position_embeddings=131072, tie_word_embeddings=False)
MODELS = [  # 名称、年份、原文写的参数量（百万）、出处（arXiv 编号或仓库）、类、配置
    ("BERT-base", 2018, 110, "1810.04805", BertModel, BertConfig()),
    ("BERT-large", 2018, 340, "1810.04805", BertModel, BertConfig(**LARGE)),
    *((name, 2019, paper, "openai/gpt-2", GPT2LMHeadModel, gpt(*SIZES[name]))
      for name, paper in zip(SIZES, (117, 345, 762, 1542), strict=False)),
    ("GPT-3", 2020, 175_000, "2005.14165", GPT2LMHeadModel, gpt(*SIZES["GPT-3"])),
    ("Llama-2-7B", 2023, 7_000, "2307.09288", LlamaForCausalLM, LLAMA2),
    ("Qwen2.5-7B", 2024, 7_610, "Qwen/Qwen2.5-7B", Qwen2ForCausalLM, QWEN)]
print("model      year         counted   paper  diff%   L     d heads context  source")
for name, year, paper, source, model_class, c in MODELS:
    gap = (counted := count_on_meta(model_class, c)) / paper / 1e6 - 1
    print(f"{name:10} {year} {counted:15,} {paper:6}M {gap:+6.1%} {c.num_hidden_layers:3}",
          f"{c.hidden_size:5} {c.num_attention_heads:5} {c.max_position_embeddings:7}  {source}")
    assert abs(gap) < 0.07
# --8<-- [end:model-table]
# --8<-- [start:tiny-gpt]
class Block(nn.Module):
    """前置归一化的层：x (B, T, C) → (B, T, C)；mask (T, T) 布尔，True 处不可见。"""
    def __init__(self, hidden_size, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.norm1, self.norm2 = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)  # 3d² + 3d
        self.proj = nn.Linear(hidden_size, hidden_size)  # d² + d
        self.mlp = nn.Sequential(nn.Linear(hidden_size, 4 * hidden_size), nn.GELU(),
                                 nn.Linear(4 * hidden_size, hidden_size))  # 8d² + 5d

    def forward(self, x, mask):
        """x (B, T, C) → (B, T, C)；mask (T, T) bool，True 是看不见。"""
        qkv = self.qkv(self.norm1(x)).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # 各 (B, num_heads, T, C/num_heads)
        scores = (q @ k.mT) * q.shape[-1] ** -0.5  # (B, num_heads, T, T)
        weights = scores.masked_fill(mask, -torch.inf).softmax(-1)
        x = x + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))

class TinyGPT(nn.Module):
    """GPT-2 的骨架（Radford 等，2019），没有 dropout；输出层与词嵌入共享。"""
    def __init__(self, num_layers, hidden_size, num_heads, vocab_size, context):
        super().__init__()
        self.token = nn.Embedding(vocab_size, hidden_size)
        self.position = nn.Embedding(context, hidden_size)
        self.blocks = nn.ModuleList(Block(hidden_size, num_heads) for _ in range(num_layers))
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, ids):
        """ids (B, T) int64 → 标量损失；目标就取 ids：本页只数字节与运算，不看好坏。"""
        mask = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).triu(1)
        x = self.token(ids) + self.position.weight[:ids.shape[1]]
        for block in self.blocks:
            x = block(x, mask)
        logits = F.linear(self.norm(x), self.token.weight)  # (B, T, V)
        return F.cross_entropy(logits.flatten(0, 1), ids.flatten())
# --8<-- [end:tiny-gpt]
# --8<-- [start:training-bytes]
def nbytes(tensors):
    """张量数据的字节数之和；numel 是个数，还要乘每个元素的字节数。"""
    return sum(t.numel() * t.element_size() for t in tensors)

ids = torch.randint(V, (batch_size, T), device=device)
for dtype in (torch.bfloat16, torch.float32):
    model = TinyGPT(L, WIDTH, HEADS, V, T).to(device, dtype)
    weights = list(model.parameters())
    tiny_params = sum(p.numel() for p in weights)
    master = [p.detach().float() for p in weights]  # 已是 fp32 时共用存储，不另占
    optimizer = torch.optim.AdamW(master)
    model(ids).backward()
    for p, m in zip(weights, master, strict=True):
        m.grad = p.grad.float()
    optimizer.step()
    parts = [nbytes(weights), nbytes(p.grad for p in weights),
             nbytes(m for m in master if m.data_ptr() not in {p.data_ptr() for p in weights}),
             nbytes(t for state in optimizer.state.values() for t in state.values())]
    print(f"{str(dtype)[6:]:8} 权重+梯度+主副本+Adam =",
          *(f"{n / tiny_params:.2f}" for n in (*parts, sum(parts))), "字节/参数")
    assert tiny_params == closed_form(L, WIDTH, V, T) and abs(sum(parts) / tiny_params - 16) < 0.01
print(f"GPT-3: {16 * gpt3_params / GB:,.0f} GB = {16 * gpt3_params / 80 / GB:.1f} 张 80 GB 的卡")
# --8<-- [end:training-bytes]
# --8<-- [start:activation-bytes]
def activation_bytes(num_layers, d, num_heads, vocab_size, B, T, itemsize):
    """为反向保留的激活：无 dropout、不重算、T×T 的注意力权重显式存下。"""
    per_layer = 16 * B * T * d + B * num_heads * T**2
    return itemsize * (num_layers * per_layer + B * T * (2 * d + vocab_size))

kept = {}
def pack(t):
    """记下为反向保留的张量占多少字节，原样返回。"""
    kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()  # 同一存储只记一次
    return t

with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
    loss = model(ids)
for p in weights:
    kept.pop(p.untyped_storage().data_ptr(), None)  # 权重也被保存，但已经算过
measured, formula = sum(kept.values()), activation_bytes(L, WIDTH, HEADS, V, batch_size, T, 4)
print(f"保留 {measured / 1e6:.2f} MB，公式 {formula / 1e6:.2f} MB")
assert 0 < measured / formula - 1 < 0.01
gpt3_acts = activation_bytes(96, 12288, 96, 50257, 1, 2048, 2)
print(f"GPT-3 一条序列，16 位: {gpt3_acts / GB:.1f} GB")
# --8<-- [end:activation-bytes]
# --8<-- [start:kv-cache]
def kv_bytes(num_layers, kv_heads, head_dim, tokens, itemsize=2):
    """KV 缓存：每层、每个 KV 头、每个词元各存一个 k、一个 v；tokens 是总词元数。"""
    return 2 * num_layers * kv_heads * head_dim * tokens * itemsize

decoder = LlamaForCausalLM(LlamaConfig(  # 8 个头分 2 组共用 K、V（GQA）
    num_hidden_layers=3, hidden_size=64, num_attention_heads=8, num_key_value_heads=2,
    intermediate_size=128, vocab_size=V)).to(device).eval()
with torch.no_grad():
    cache = decoder(ids, use_cache=True).past_key_values
measured = nbytes(t for layer in cache.layers for t in (layer.keys, layer.values))
print(f"小模型: 实测 {measured} 字节，公式 {kv_bytes(3, 2, 8, ids.numel(), 4)}")
assert measured == kv_bytes(3, 2, 8, ids.numel(), 4)
for name, size in (("GPT-3", (96, 96, 128, 2048)), ("Llama-2-7B", (32, 32, 128, 4096)),
                   ("Qwen2.5-7B", (28, 4, 128, 131072))):
    print(f"{name:10} 一条满上下文: {kv_bytes(*size) / GB:.2f} GB")
# --8<-- [end:kv-cache]
# --8<-- [start:training-flops]
def count_flops(model, ids):
    """一次前向加反向里矩阵乘的浮点运算数；meta 张量也能数，因为只看形状。"""
    with FlopCounterMode(display=False) as counter:
        model(ids).backward()
    return counter.get_total_flops()

def flops_formula(num_layers, d, vocab_size, context):
    """每个词元的训练运算数：权重 6(12Ld² + Vd)，注意力 12LTd（算满 T×T）。"""
    return 6 * (12 * num_layers * d**2 + vocab_size * d) + 12 * num_layers * context * d

for name, size in {"tiny": (L, WIDTH, HEADS, V, T), "GPT-2 S": (12, 768, 12, 50257, 1024),
                   "GPT-3": (96, 12288, 96, 50257, 2048)}.items():
    with torch.device(device if name == "tiny" else "meta"):
        model, tokens = TinyGPT(*size), torch.zeros(1, size[4], dtype=torch.long)
    n, flops = sum(p.numel() for p in model.parameters()), count_flops(model, tokens) / size[4]
    print(f"{name:8}每词元 {flops:.3e}  6N 差 {6 * n / flops - 1:+.1%}"
          f"  2N 差 {2 * n / flops - 1:+.1%}")
    assert flops == flops_formula(*size[:2], *size[3:])  # 加上注意力项就一个不差
    assert abs(6 * n / flops - 1) < 0.15 < 0.6 < 1 - 2 * n / flops
print(f"结论｜估算 GPT-3 的训练运算｜6N 差 {6 * n / flops - 1:+.1%}｜2N 差 {2 * n / flops - 1:+.1%}")
# --8<-- [end:training-flops]
# --8<-- [start:memory-figure]
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
bars = {"Adam m, v + fp32 master": 12 * gpt3_params, "gradients (16 bit)": 2 * gpt3_params,
        "weights (16 bit)": 2 * gpt3_params, "activations, 1 sequence": gpt3_acts,
        "KV cache, 1 sequence": kv_bytes(96, 96, 128, 2048)}
fig = figure.Figure(figsize=(7, 2.8), layout="constrained")
ax = fig.subplots()
ax.bar_label(ax.barh(list(bars), [n / GB for n in bars.values()]), fmt="%.0f", padding=3)
ax.axvline(80, color="tab:red", linestyle="--")
ax.set(xlim=(0, 2400), xlabel="GB (10^9 bytes); dashed: one 80 GB card")
fig.savefig("large-models-memory.svg", metadata={"Date": None})
# --8<-- [end:memory-figure]
# --8<-- [start:config-only]
NAME = "google-bert/bert-base-chinese"
estimate = count_on_meta(AutoModel.from_config, AutoConfig.from_pretrained(NAME))  # 只读配置
half = AutoModel.from_pretrained(NAME, dtype=torch.bfloat16, device_map=device)
bert = AutoModel.from_pretrained(NAME, dtype=torch.float32, device_map=device).eval()
sizes = [nbytes(m.parameters()) for m in (half, bert)]
print("权重字节 ÷ 估计的参数个数（bf16、fp32）:", *(size / estimate for size in sizes))
assert sizes == [2 * estimate, 4 * estimate]
# --8<-- [end:config-only]
# --8<-- [start:latency]
tokenizer = AutoTokenizer.from_pretrained(NAME)
sized = BertModel(BertConfig(vocab_size=21128)).to(device).eval()  # 真实尺寸，随机权重
print(f"{sized.num_parameters():,} 个参数，fp32 {nbytes(sized.parameters()) / 1e6:.1f} MB")
for size in (1, 8):
    batch = tokenizer(["这家店味道不错，但服务太慢。"] * size, return_tensors="pt").to(device)
    with torch.no_grad():  # 结果取回 CPU 才算算完；前 3 次是预热
        seconds = timeit.repeat(lambda x=batch: sized(**x)[0].cpu(), number=1, repeat=14)[3:]
    median = sorted(seconds)[5]
    print(f"batch {size}: 延迟 {median * 1e3:.1f} ms，吞吐 {size / median:.1f} 句/秒")
# --8<-- [end:latency]
