# --8<-- [start:generation-setup]
import time
from threading import Thread

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config, Qwen2ForCausalLM
from transformers import TextIteratorStreamer

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
NAME = "Qwen/Qwen2.5-0.5B-Instruct"
torch.manual_seed(SEED)
tokenizer = AutoTokenizer.from_pretrained(NAME)
qwen = AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.float32).to(device).eval()
# --8<-- [end:generation-setup]

# --8<-- [start:chat-template]
messages = [{"role": "system", "content": "你是店员，不谈价钱。"},
            {"role": "user", "content": "点了什么？"}]
text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
print(text)
by_hand = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
assert text == by_hand + "<|im_start|>assistant\n"
bare = tokenizer.apply_chat_template(messages[1:], tokenize=False)  # 没写系统消息
print("没写系统消息，模板自己补一条：", bare.startswith("<|im_start|>system\n"))
# --8<-- [end:chat-template]

# --8<-- [start:assistant-mask]
TRAINING = (  # 与原模板渲染结果相同，另把该学的部分夹在 generation 标记之间
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}"
    "{{ m['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}")
talk = [*messages, {"role": "assistant", "content": "茶。"},
        {"role": "user", "content": "我叫什么？"}, {"role": "assistant", "content": "没说过。"}]
marked = tokenizer.apply_chat_template(talk, chat_template=TRAINING, return_dict=True,
                                       return_assistant_tokens_mask=True)
assert marked["input_ids"] == tokenizer.apply_chat_template(talk, return_dict=True)["input_ids"]

def length(messages, prompt):
    """套上模板以后的词元数；prompt 为真时末尾加上助手的开头。"""
    return len(tokenizer.apply_chat_template(messages, add_generation_prompt=prompt,
                                             return_dict=True)["input_ids"])

mask = [0] * len(marked["input_ids"])  # 没有标记时的办法：比前缀的长度
for n, message in enumerate(talk):
    if message["role"] == "assistant":
        start, end = length(talk[:n], True), length(talk[:n + 1], False) - 1  # 末尾的换行不学
        mask[start:end] = [1] * (end - start)
assert mask == marked["assistant_masks"]
learned = [i for i, learn in zip(marked["input_ids"], mask) if learn]
print(tokenizer.decode(learned))
# --8<-- [end:assistant-mask]

# --8<-- [start:streaming]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True,
                                       return_tensors="pt").to(device)
options = dict(**inputs, max_new_tokens=48, do_sample=False)
streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=60)
worker = Thread(target=qwen.generate, kwargs=options | {"streamer": streamer})
pieces, arrival, start = [], [], time.perf_counter()
worker.start()
for piece in streamer:  # 每凑成一段完整的文字就交出来
    pieces.append(piece)
    arrival.append(time.perf_counter() - start)
worker.join()
new = qwen.generate(**options)[0, inputs["input_ids"].shape[1]:]
print("拼起来与一次生成相同：", "".join(pieces) == tokenizer.decode(new, skip_special_tokens=True))
print(f"首段 {arrival[0] * 1e3:.1f} ms，全部 {arrival[-1] * 1e3:.1f} ms")
# --8<-- [end:streaming]

# --8<-- [start:left-padding]
questions = ["点了什么？", "请把我点过的每一样都报一遍。"]
texts = [tokenizer.apply_chat_template(messages[:1] + [{"role": "user", "content": question}],
                                       tokenize=False, add_generation_prompt=True)
         for question in questions]

@torch.no_grad()
def last_logits(texts, side):
    """成批前向，取每行最后一个位置的 logits (B, V)，generate 就从这里起步。"""
    tokenizer.padding_side = side
    batch = tokenizer(texts, padding=True, return_tensors="pt").to(device)
    positions = (batch["attention_mask"].cumsum(dim=-1) - 1).clamp(min=0)  # 补齐的不占位置
    return qwen(**batch, position_ids=positions).logits[:, -1]

alone = torch.cat([last_logits([text], "left") for text in texts])
gaps = {side: (last_logits(texts, side) - alone).abs().amax(dim=-1) for side in ("left", "right")}
for side, gap in gaps.items():
    print(f"{side:5} 短的一条差得多：{gap[0] > 1e-2}；长的一条差得多：{gap[1] > 1e-2}")
assert gaps["left"].max() < 1e-2 < gaps["right"][0]
# --8<-- [end:left-padding]

# --8<-- [start:cache-bytes]
def cache_bytes(config, tokens, itemsize):
    """KV 缓存的字节数：K、V 两份 × 层 × KV 头 × 头宽 × 词元 × 每个数的字节。"""
    width = config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * config.num_key_value_heads * width * tokens * itemsize

with torch.no_grad():
    cache = qwen(**inputs, use_cache=True).past_key_values
measured = sum(t.nbytes for layer in cache.layers for t in (layer.keys, layer.values))
assert measured == cache_bytes(qwen.config, inputs["input_ids"].shape[1], 4)
QWEN = Qwen2Config(num_hidden_layers=24, num_key_value_heads=2, num_attention_heads=14,
                   hidden_size=896)  # Qwen2.5-0.5B 的 config.json
print(f"每个词元 {cache_bytes(QWEN, 1, 2)} 字节，满 32,768 个词元 "
      f"{cache_bytes(QWEN, 32768, 2) / 1e6:.0f} MB（bf16）")
print(f"若不共用 KV 头：{cache_bytes(QWEN, 32768, 2) * 14 / 2 / 1e6:.0f} MB")
# --8<-- [end:cache-bytes]

# --8<-- [start:cache-speed]
torch.manual_seed(SEED)
PROMPT, NEW = 128, 48
wide = Qwen2ForCausalLM(Qwen2Config(  # 随机权重：速度只看形状
    vocab_size=2000, hidden_size=256, intermediate_size=768, num_hidden_layers=4,
    num_attention_heads=4, num_key_value_heads=2, attn_implementation="eager",
    bos_token_id=None, eos_token_id=None)).to(device).eval()
prompt = torch.randint(2000, (1, PROMPT), device=device)
outputs, flops, seconds = {}, {}, {}
for use_cache in (True, False):
    options = dict(attention_mask=torch.ones_like(prompt), do_sample=False, use_cache=use_cache)
    with FlopCounterMode(display=False) as counter:  # 也当预热
        wide.generate(prompt, max_new_tokens=NEW, **options)
    flops[use_cache] = counter.get_total_flops()
    start = time.perf_counter()
    outputs[use_cache] = wide.generate(prompt, max_new_tokens=NEW, **options).tolist()
    seconds[use_cache] = time.perf_counter() - start
    print(f"use_cache={use_cache}：每词元 {seconds[use_cache] / NEW * 1e3:.1f} ms，"
          f"共 {flops[use_cache] / 1e9:.1f} GFLOP")
ratio, estimate = flops[False] / flops[True], NEW * (PROMPT + NEW / 2) / (PROMPT + NEW)
print(f"运算量 {ratio:.1f} 倍，估计 {estimate:.1f} 倍")
assert outputs[True] == outputs[False] and abs(ratio / estimate - 1) < 0.1
assert seconds[True] < seconds[False]
# --8<-- [end:cache-speed]
