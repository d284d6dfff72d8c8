# --8<-- [start:long-context]
for context in (1024, 8192, 32768):  # GPT-2 small 的宽度和层数，只加长上下文
    with torch.device("meta"):
        model = TinyGPT(12, 768, 12, 50257, context)
        tokens = torch.zeros(1, context, dtype=torch.long)
    n = sum(p.numel() for p in model.parameters())
    ratio = count_flops(model, tokens) / (6 * n * context)
    print(f"T={context:5}: 实测是 6ND 的 {ratio:.2f} 倍")
print(f"注意力与各层权重持平的上下文 6d: GPT-2 S {6 * 768:,}，GPT-3 {6 * 12288:,}")
assert ratio > 4
# --8<-- [end:long-context]

# --8<-- [start:embedding-share]
model = TinyGPT(2, 64, 2, 50257, 64).to(device)
flops = count_flops(model, torch.zeros(1, 64, dtype=torch.long, device=device)) / 64
shared = sum(p.numel() for p in model.parameters())
candidates = {"全部参数，嵌入共享": shared, "全部参数，嵌入不共享": shared + 50257 * 64,
              "去掉嵌入（12Ld²）": 12 * 2 * 64**2}
for label, n in candidates.items():
    print(f"{label}: N = {n / 1e6:.2f}M，6N / 实测 = {6 * n / flops:.2f}")
assert 6 * candidates["去掉嵌入（12Ld²）"] / flops < 0.05
assert 6 * candidates["全部参数，嵌入不共享"] / flops > 1.8
# --8<-- [end:embedding-share]

# --8<-- [start:mixture-of-experts]
from transformers import MixtralConfig, MixtralForCausalLM

config = MixtralConfig(num_hidden_layers=32, hidden_size=4096, num_attention_heads=32,
                       num_key_value_heads=8, intermediate_size=14336, vocab_size=32000,
                       num_local_experts=8, num_experts_per_tok=2)
total = count_on_meta(MixtralForCausalLM, config)
expert = 3 * config.hidden_size * config.intermediate_size  # 一个专家：三个矩阵，没有偏置
active = total - config.num_hidden_layers * (8 - 2) * expert
print(f"全部 {total / 1e9:.2f}B，每词元用到 {active / 1e9:.2f}B，照名字算 {8 * 7}B")
print(f"拿全部参数代入 6ND，运算量高估到 {total / active:.2f} 倍")
assert round(total / 1e9) == 47 and round(active / 1e9) == 13  # Jiang 等（2024）的摘要
# --8<-- [end:mixture-of-experts]

# --8<-- [start:same-budget]
for name, n, d in (("GPT-3", gpt3_params, 300e9), ("Gopher", 280e9, 300e9),
                   ("Chinchilla", 70e9, 1.4e12)):
    flops = 6 * n * d  # 卡·日按每卡有效 4e14 次/秒折算，这个速度是假设
    print(f"{name:10} 6ND = {flops:.2e} = {flops / 8.64e19:,.0f} PF-日，"
          f"{flops / 4e14 / 86400:,.0f} 卡·日；每参数 {d / n:.1f} 个词元")
assert round(6 * gpt3_params * 300e9 / 1e21) == 314  # Brown 等（2020）表 D.1：3.14E+23
# --8<-- [end:same-budget]

# --8<-- [start:tied-twice]
with torch.device("meta"):
    model = GPT2LMHeadModel(gpt(*SIZES["GPT-2 S"]))
wrong = sum(t.numel() for t in model.state_dict().values())
right = sum(p.numel() for p in model.parameters())
print(f"state_dict 求和 {wrong:,}，parameters 求和 {right:,}，多出 {wrong / right - 1:.0%}")
assert wrong - right == 50257 * 768  # 同一个矩阵：词嵌入，又叫 lm_head
# --8<-- [end:tied-twice]

# --8<-- [start:non-embedding]
with torch.device("meta"):
    model = Qwen2ForCausalLM(QWEN)
wrong = model.num_parameters(exclude_embeddings=True)  # 只去掉输入端的嵌入
right = wrong - model.lm_head.weight.numel()
print(f"exclude_embeddings: {wrong / 1e9:.2f}B，再去掉输出层: {right / 1e9:.2f}B")
assert round(right / 1e7) == 653  # 模型卡写的 Non-Embedding 是 6.53B
# --8<-- [end:non-embedding]

# --8<-- [start:numel-is-not-bytes]
n = count_on_meta(LlamaForCausalLM, LLAMA2)
print(f"「7B」: fp32 {4 * n / GB:.2f} GB，bf16 {2 * n / GB:.2f} GB = {2 * n / 2**30:.2f} GiB")
codes = torch.randint(16, (256, 256), dtype=torch.uint8)  # 256 × 256 个 4 位权重
packed = codes[:, ::2] | (codes[:, 1::2] << 4)  # 两个装进一个字节
print(f"量化后 numel 是 {packed.numel():,}，真正的参数有 {codes.numel():,} 个")
assert packed.numel() * 2 == codes.numel()
# --8<-- [end:numel-is-not-bytes]

# --8<-- [start:all-heads-cached]
wrong, right = kv_bytes(28, 28, 128, 131072), kv_bytes(28, 4, 128, 131072)
print(f"Qwen2.5-7B 按 28 个头 {wrong / GB:.1f} GB，按 4 个 KV 头 {right / GB:.1f} GB")
# --8<-- [end:all-heads-cached]

# --8<-- [start:read-meta-value]
with torch.device("meta"):
    model = TinyGPT(L, WIDTH, HEADS, V, T)
    loss = model(torch.zeros(1, T, dtype=torch.long))
assert loss.shape == () and loss.dtype == torch.float32  # 形状和类型都有
loss.item()  # 数值没有
# --8<-- [end:read-meta-value]

# --8<-- [start:move-meta-model]
with torch.device("meta"):
    model = TinyGPT(L, WIDTH, HEADS, V, T)
model.to("cpu")
# --8<-- [end:move-meta-model]
