# --8<-- [start:whisper-load]
import time

import numpy as np
import torch
from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
NAME, RATE = "openai/whisper-tiny", 16000  # 多语言的最小一档；它只认 16 kHz
processor = AutoProcessor.from_pretrained(NAME)
model = AutoModelForSpeechSeq2Seq.from_pretrained(NAME).to(device).eval()
t = np.arange(RATE) / RATE  # 一秒：有起伏的谐波，只求波形合法，不是人话
voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12)) * np.sin(3 * np.pi * t) ** 2
wave = (0.1 * voice).astype(np.float32)
inputs = processor(wave, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
print("特征", tuple(inputs.input_features.shape), "有声音的帧", int(inputs.attention_mask.sum()))
# --8<-- [end:whisper-load]

# --8<-- [start:whisper-generate]
@torch.no_grad()
def transcribe(features):
    """(B, 80, 3000) → 词元与耗时 s；语言和任务写明，省一次语言识别，也不会半路换语言。"""
    start = time.perf_counter()
    ids = model.generate(features.to(device), language="zh", task="transcribe", max_new_tokens=20,
                         num_beams=1, do_sample=False)
    return ids, time.perf_counter() - start

ids, seconds = transcribe(inputs.input_features)
texts = processor.batch_decode(ids, skip_special_tokens=True)
print("文字的条数", len(texts), "新词元不超过 20：", ids.shape[1] <= 24)
assert len(texts) == 1 and isinstance(texts[0], str)
# --8<-- [end:whisper-generate]

# --8<-- [start:whisper-cost]
def encode(length):
    """编码 length 秒的声音：编码器输出的位置数与耗时 ms（三次取最快）。"""
    sound = np.resize(wave, int(length * RATE))
    features = processor(sound, sampling_rate=RATE, return_tensors="pt").input_features.to(device)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        with torch.no_grad():
            positions = model.get_encoder()(features).last_hidden_state.shape[1]
        times.append(time.perf_counter() - start)
    return positions, min(times) * 1000

for length in (1, 30):
    positions, ms = encode(length)
    print(f"{length} 秒的声音：编码器 {positions} 个位置，{ms:.1f} ms")
megabytes = sum(p.numel() * p.element_size() for p in model.parameters()) / 1e6
print(f"一秒的声音转写 {seconds:.1f} s，权重 {megabytes:.1f} MB")
# --8<-- [end:whisper-cost]

# --8<-- [start:whisper-loss]
labels = processor.tokenizer("一二三", return_tensors="pt").input_ids[:, 1:].to(device)
before = model(inputs.input_features.to(device), labels=labels).loss  # 解码器的输入由标签右移得到
optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
for _ in range(8):
    loss = model(inputs.input_features.to(device), labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("微调八步，损失下降：", bool(loss < before))
assert loss < before
# --8<-- [end:whisper-loss]
