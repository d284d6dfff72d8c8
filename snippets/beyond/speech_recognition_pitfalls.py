# --8<-- [start:mel-figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(7, 4.2), layout="constrained")
    axes = fig.subplots(2, 2, sharex=True)
    for column, snr in enumerate((20, -5)):
        wave, sizes = noisy([dial(np.random.default_rng(5), presses=[1, 5, 5, 10])], snr,
                            np.random.default_rng(6))
        with torch.no_grad():
            chance = model(wave, sizes)[0][0].exp().T.cpu().numpy()
        pictures = (log_mel(wave.to(device))[0].T.cpu().numpy(), chance)
        for ax, picture, name in zip(axes[:, column], pictures, ("mel band", "key")):
            ax.imshow(picture, origin="lower", aspect="auto", cmap="Blues", interpolation="nearest")
            ax.set(ylabel=name, yticks=[0, 20, 40, 60] if name == "mel band" else [0, 1, 5, 10])
        axes[0, column].set_title(f"SNR {snr} dB")
        axes[1, column].set(yticklabels=["blank", "1", "5", "*"], xticks=[0, 10, 20, 30],
                            xlabel="frame (20 ms)")
    fig.savefig("speech-recognition-mel.svg", metadata={"Date": None})
# --8<-- [end:mel-figure]

# --8<-- [start:ser-figure]
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "font.size": 9}):
    fig = Figure(figsize=(6, 2.8), layout="constrained")
    ax = fig.subplots()
    for i, (name, style) in enumerate((("Transformer + CTC", "C0o-"), ("Goertzel", "C1s--"))):
        ax.plot(SNRS, [errors[snr][i] for snr in SNRS], style, label=name)
    ax.set_yscale("symlog", linthresh=0.01)
    ax.set(ylim=(0, 1), yticks=[0, 0.01, 0.1, 1], yticklabels=["0", "0.01", "0.1", "1"],
           xticks=SNRS, xlabel="SNR, dB", ylabel="symbol error rate")
    ax.minorticks_off()
    ax.axhline(0.02, color="0.6", linewidth=0.8, linestyle=":")
    ax.legend()
    fig.savefig("speech-recognition-ser.svg", metadata={"Date": None})
# --8<-- [end:ser-figure]

# --8<-- [start:prefix-beam]
def prefix_beam(log_probs, width):
    """(T, V) 的 log 概率 → 标签与 log 概率，从好到坏；一个前缀的概率是它所有对齐路径之和。"""
    never = -np.inf
    beams = {(): (0.0, never)}  # 前缀 → 以空白结尾、以符号结尾的 log 概率
    for frame in log_probs:
        following = defaultdict(lambda: (never, never))
        for prefix, (blank, symbol) in beams.items():
            total, last = np.logaddexp(blank, symbol), prefix[-1] if prefix else 0
            b, s = following[prefix]  # 前缀不变：来一个空白，或把末尾的符号拖长
            stay = np.logaddexp(s, symbol + frame[last]) if prefix else s
            following[prefix] = np.logaddexp(b, total + frame[0]), stay
            for k in range(1, len(frame)):  # 末尾重复同一个符号，中间必须有空白
                b, s = following[*prefix, k]
                start = blank if k == last else total
                following[*prefix, k] = b, np.logaddexp(s, start + frame[k])
        ranked = sorted(following.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(ranked[:width])
    return [(list(prefix), np.logaddexp(*both)) for prefix, both in beams.items()]

with torch.no_grad():
    log_probs, lengths = (x.cpu() for x in model(*tests[-10]))
calls, beamed, gaps = test_calls[:60], [], []
for row, n in zip(log_probs[:60].double(), lengths):
    guess, score = prefix_beam(row[:n].numpy(), 8)[0]
    total = F.ctc_loss(row[:n], torch.tensor(guess), [n], [len(guess)], reduction="sum").item()
    gaps.append(-total - score)  # 全部路径之和，减去束里留住的
    beamed.append(guess)
quick = error_rate(greedy(log_probs, lengths), calls)
print(f"−10 dB：贪心 {quick:.3f}，前缀束 {error_rate(beamed, calls):.3f}")
assert min(gaps) > -1e-6 and np.median(gaps) < 0.01
assert error_rate(beamed, calls) <= quick + 0.02
# --8<-- [end:prefix-beam]

# --8<-- [start:streaming]
import copy

def delay(ahead):
    """每层往前看 ahead 帧的算法延迟，ms：一帧的长度，加上卷积与各层往前看的总和。"""
    return (WINDOW + (KERNEL // 2 + NUM_LAYERS * ahead) * HOP) / SAMPLE_RATE * 1000

streamer = copy.deepcopy(model)
train(streamer, 100, 2e-3, 1, lambda rng: {"back": 16, "ahead": int(rng.choice([0, 1, 2, 4]))})
waves, sizes = tests[-5]
changed = torch.where(torch.arange(waves.shape[1]) < SAMPLE_RATE, waves, 0.5)  # 改掉 1 s 以后
with torch.no_grad():
    pair = [streamer(sound, sizes, 16, 2)[0] for sound in (waves, changed)]
first = int(((pair[0] - pair[1]).abs().amax((0, 2)) > 1e-4).nonzero()[0])
heard = (SAMPLE_RATE - WINDOW) // HOP + 1  # 听得到 1 s 以后的第一帧
assert first == heard - KERNEL // 2 - NUM_LAYERS * 2
print("输出最早变动的帧，比声音变动的帧早", heard - first)
cost = {}
for ahead in (0, 1, 2, 4):
    cost[ahead] = [error_rate(recognise(streamer, *tests[snr], back=16, ahead=ahead), test_calls)
                   for snr in (-10, -5, 0)]
    print(f"每层往前 {ahead} 帧，延迟 {delay(ahead):.0f} ms：−10、−5、0 dB",
          *(f"{rate:.3f}" for rate in cost[ahead]))
cut = error_rate(recognise(model, *tests[-5], back=16, ahead=0), test_calls)
print(f"不重训就加遮罩，往前 0 帧：−5 dB {cut:.2f}")
assert cost[4][1] <= 0.05 and cut > cost[0][1]
# --8<-- [end:streaming]

# --8<-- [start:whisper-mel]
from transformers import WhisperFeatureExtractor

wave = np.random.default_rng(SEED).standard_normal(16000).astype(np.float32)  # 1 s，16 kHz
wanted = WhisperFeatureExtractor()(wave, sampling_rate=16000, return_tensors="pt").input_features
padded = F.pad(F.pad(torch.tensor(wave), (0, 29 * 16000))[None], (200, 200), mode="reflect")
mel = power_spectrum(padded, 400, 160)[:, :-1] @ torch.tensor(mel_filters(16000, 400, 80)).float().T
mel = mel.clamp(min=1e-10).log10()
mine = (torch.maximum(mel, mel.max() - 8) + 4) / 4  # 只留最响处往下 80 dB
print(f"与 Whisper 的特征最多差 {(mine.mT - wanted).abs().max():.3f}")
assert torch.allclose(mine.mT, wanted, atol=1e-3)
# --8<-- [end:whisper-mel]

# --8<-- [start:unseen-tempo]
for name, tone, gap in (("快", (0.03, 0.04), (0.02, 0.04)), ("慢", (0.4, 0.6), (0.3, 0.5))):
    rng = np.random.default_rng([SEED, 5])
    calls = [dial(rng, tone, gap) for _ in range(100)]
    sound = noisy(calls, 10, rng)
    ours = error_rate(recognise(model, *sound), calls)
    tuned = error_rate(detect(*tone_blocks(*sound, size), threshold, hold), calls)
    print(f"{name}：网络 {ours:.2f}，检测器 {tuned:.2f}")
# --8<-- [end:unseen-tempo]

# --8<-- [start:unseen-noise]
rng = np.random.default_rng([SEED, 6])
waves, sizes = noisy(test_calls, 20, rng)
t = torch.arange(waves.shape[1]) / SAMPLE_RATE
pitch = 150 + 30 * torch.sin(2 * math.pi * 3 * t)  # Hz；像人声：基频起伏的一列谐波
turns = torch.cumsum(pitch, 0) / SAMPLE_RATE
voice = sum(torch.sin(2 * math.pi * k * turns + k * k) for k in range(1, 23))
for name, sound in (("拨号音 450 Hz", torch.sin(2 * math.pi * 450 * t)), ("谐波", voice)):
    mixed = waves + 10**0.5 * sound / sound.square().mean().sqrt()  # 比按键音响 10 dB
    mixed *= torch.arange(len(t)) < sizes[:, None]
    ours = error_rate(recognise(model, mixed, sizes), test_calls)
    tuned = error_rate(detect(*tone_blocks(mixed, sizes, size), threshold, hold), test_calls)
    print(f"{name}：网络 {ours:.2f}，检测器 {tuned:.2f}；同样响的白噪声：网络 {errors[-10][0]:.2f}")
# --8<-- [end:unseen-noise]

# --8<-- [start:merged-repeats]
for gap in (0.08, 0.04, 0.01, 0.005):  # 帧移 20 ms 上下是过渡，结果随训练的细节而变，不列
    rng, rates = np.random.default_rng([SEED, 7]), []
    for presses in ([5, 5, 5, 5], [5, 1, 5, 1]):
        calls = [dial(rng, gap=(gap, gap), presses=presses) for _ in range(50)]
        rates.append(error_rate(recognise(model, *noisy(calls, 10, rng)), calls))
    print(f"间隔 {gap * 1000:.0f} ms：5555 错 {rates[0]:.2f}，5151 错 {rates[1]:.2f}")
assert rates[0] > rates[1] + 0.2
# --8<-- [end:merged-repeats]

# --8<-- [start:samples-as-lengths]
with torch.no_grad():
    log_probs, lengths = model(*noisy(test_calls[:2], 10, np.random.default_rng(0)))
sizes = torch.tensor([len(wave) for wave, _ in test_calls[:2]])  # 样本数，不是帧数
labels = [torch.tensor(labels) for _, labels in test_calls[:2]]
F.ctc_loss(log_probs.transpose(0, 1).cpu(), torch.cat(labels), sizes,
           torch.tensor([len(y) for y in labels]))
# --8<-- [end:samples-as-lengths]

# --8<-- [start:too-short]
log_probs = torch.zeros(6, 1, len(KEYS)).log_softmax(-1)  # 6 帧
for presses in ([1, 2, 3, 4, 5, 6], [5, 5, 5], [5, 5, 5, 5]):
    need = len(presses) + sum(a == b for a, b in zip(presses, presses[1:]))
    shape = torch.tensor([presses]), torch.tensor([6]), torch.tensor([len(presses)])
    loss = F.ctc_loss(log_probs, *shape)
    hidden = F.ctc_loss(log_probs, *shape, zero_infinity=True)
    print(f"{''.join(KEYS[k] for k in presses)} 至少 {need} 帧：{loss:.2f}，zero_infinity {hidden:.2f}")
# --8<-- [end:too-short]

# --8<-- [start:no-log-softmax]
logits = torch.zeros(1, len(KEYS))
logits[0, 0] = 5.0
target = torch.tensor([[3]]), torch.tensor([20]), torch.tensor([1])
for scale in (1, 2, 4):
    raw = (scale * logits).expand(20, -1)[:, None]
    print(f"logits 乘 {scale}：漏了 log_softmax {F.ctc_loss(raw, *target):.1f}，"
          f"没漏 {F.ctc_loss(raw.log_softmax(-1), *target):.1f}")
# --8<-- [end:no-log-softmax]

# --8<-- [start:wrong-rate]
wrong = torch.tensor(mel_filters(16000, WINDOW, N_MELS), dtype=torch.float32, device=device)
rate = error_rate(recognise(model, *tests[10], filters=wrong), test_calls)
print(f"滤波器组按 16 kHz 造：10 dB 的符号错误率 {rate:.2f}，原来 {errors[10][0]:.2f}")
assert rate > 0.5
# --8<-- [end:wrong-rate]

# --8<-- [start:padding]
quiet = noisy(test_calls[:1], 10, np.random.default_rng(0))
longer = F.pad(quiet[0], (0, 8000)), quiet[1]  # 同一条录音，后面补 1 s 零
blind = longer[0], torch.tensor([longer[0].shape[1]])  # 把补的也算进长度
with torch.no_grad():
    truth, told, counted = (model(*given)[0][:, :20] for given in (quiet, longer, blind))
print(f"报了长度，输出最多差 {(told - truth).abs().max():.3f}；"
      f"没报：相同 {torch.allclose(counted, truth, atol=1e-3)}")
assert torch.allclose(told, truth, atol=1e-3)
# --8<-- [end:padding]
