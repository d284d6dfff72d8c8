# --8<-- [start:privacy-figure]
from matplotlib import rc_context
from matplotlib.figure import Figure

with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(5.6, 6.4), layout="constrained")
    upper, lower = fig.subplots(2, 1)
    for hidden_size, label, color in ((HIDDEN_SIZE, "4810 parameters", "C0"),
                                      (0, "650 parameters", "C1")):
        accuracies = [score[hidden_size, target] for target in sigmas]
        upper.plot(list(sigmas), accuracies, "o-", color=color, label=label)
        upper.axhline(score[hidden_size, None], linestyle=":", color=color)
    upper.set(xscale="log", xticks=[1, 3, 8], xticklabels=[1, 3, 8], ylim=(0.8, 1),
             xlabel="epsilon (dotted: no privacy)", ylabel="test accuracy")
    upper.minorticks_off()
    grid = np.linspace(0, 1, 101)
    for label, (fpr, tpr) in zip(("overfit", "stopped early", "DP, epsilon 3"), curves.values()):
        lower.plot(grid, np.interp(grid, fpr, tpr), label=label)
    limit = np.minimum(math.exp(3) * grid + DELTA, 1 - math.exp(-3) * (1 - DELTA - grid))
    lower.plot(grid, limit, "--", color="C7", label="DP limit, epsilon 3")
    lower.set(xlabel="false positive rate", ylabel="true positive rate")
    upper.legend(), lower.legend(loc="lower right")
    fig.savefig("data-security-privacy.svg", metadata={"Date": None})
excess = [(np.interp(grid, *curve) - limit)[5:51].max() for curve in curves.values()]
print(f"FPR 5%–50% 之间，高出虚线最多：过拟合 {excess[0]:.3f}，DP {excess[2]:.3f}")
assert excess[0] > 0.015 and excess[2] < -0.2
# --8<-- [end:privacy-figure]
# --8<-- [start:pseudonymise]
import hmac

def pseudonym(kind, value, key):
    """同一把钥匙下，同一个值总得到同一个代号 (str)；没有钥匙就算不出来。"""
    tag = hmac.new(key, f"{kind}:{value}".encode(), "sha256").hexdigest()[:16]
    return f"<{kind}:{tag}>"
def redact(text, key):
    """把找到的个人信息换成假名，key 是密钥；从后往前换，起止不错位。"""
    for start, end, kind in sorted(find_personal(text), reverse=True):
        text = text[:start] + pseudonym(kind, text[start:end], key) + text[end:]
    return text

key = rng.bytes(32)  # 为了可复现才用种子；部署时由密钥管理服务生成
phone = PERSONAL["手机"]()
first = redact(f"请打{phone}找我。", key)
second = redact(f"{phone}没人接，改发li007@example.com。", key)
print(first, second, sep="\n")
same = pseudonym("手机", phone, key)
assert phone not in first + second and same in first and same in second
assert same != pseudonym("手机", phone, rng.bytes(32))  # 换一把钥匙，代号就变
# --8<-- [end:pseudonymise]
# --8<-- [start:verified-checkpoint]
import hashlib
import json

from safetensors.torch import load, save

blob = save({name: p.detach().cpu() for name, p in model.named_parameters()})
digest = hashlib.sha256(blob).hexdigest()  # 与文件分开传送，例如写进签了名的发布单
size = int.from_bytes(blob[:8], "little")  # 头 8 个字节是文件头的长度
for name, entry in json.loads(blob[8 : 8 + size]).items():
    print(name, entry["dtype"], entry["shape"])
tampered = blob[:-1] + bytes([blob[-1] ^ 0x40])  # 翻转最后一个字节里的一位
before, after = load(blob), load(tampered)
changed = [name for name in before if not torch.equal(before[name], after[name])]
print("改了一位：safetensors 照样读入，变了的张量", changed)
matches = hashlib.sha256(tampered).hexdigest() == digest
print("校验和相符：", matches)
assert changed and not matches
# --8<-- [end:verified-checkpoint]
# --8<-- [start:cost]
import time
def milliseconds(train, *arguments, steps=20):
    """训练 steps 步，返回每步的毫秒数。"""
    start = time.perf_counter()
    train(*arguments)[-1].weight.sum().item()  # 取回一个数，GPU 上等于同步
    return (time.perf_counter() - start) / steps * 1e3

plain_ms = milliseconds(train_plain, x_train, y_train, q, 20, SEED)
private_ms = milliseconds(train_private, x_train, y_train, 4.9, q, 20, BATCH_SIZE, SEED)
print(f"每步：不保护 {plain_ms:.2f} ms，DP-SGD {private_ms:.2f} ms，{private_ms / plain_ms:.1f} 倍")
for name, count in (("本页的网络", 4810), ("BERT-base", 109_482_240)):
    print(f"{name}：一份梯度 {4 * count / 2**20:.2f} MiB，{BATCH_SIZE} 条的单条梯度 "
          f"{4 * count * BATCH_SIZE / 2**30:.2f} GiB")
# --8<-- [end:cost]
# --8<-- [start:privacy-ledger]
for times in (1, 2, 6, 12):  # 用同一批数据重训，每次都是 ε = 3
    spent = epsilon(times * STEPS * rdp(sigmas[3], q))
    needed = find_sigma(3, q, times * STEPS)
    print(f"训练 {times:2d} 次：ε 累计 {spent:.2f}（直接相加 {3 * times}）；"
          f"总账守住 3，每次要 σ = {needed:.1f}")
    assert times == 1 or 3 < spent < 3 * times
# --8<-- [end:privacy-ledger]
# --8<-- [start:check-accountant]
from scipy.integrate import quad
from scipy.stats import norm

def moment(z, sigma=2.0, q=0.3, a=8):
    """被积函数：z 服从 N(0, σ²) 时，似然比的 a 次方乘以密度。"""
    ratio = 1 - q + q * math.exp((2 * z - 1) / (2 * sigma**2))
    return ratio**a * norm.pdf(z, scale=sigma)

by_sum, by_integral = rdp(2.0, 0.3)[8 - 2], math.log(quad(moment, -30, 40)[0]) / (8 - 1)
print(f"α = 8 的 RDP：求和 {by_sum:.4f}，数值积分 {by_integral:.4f}")
assert abs(by_sum / by_integral - 1) < 1e-6
# --8<-- [end:check-accountant]
# --8<-- [start:canary]
base = candidates[:300]
canary_x = 1 - x[others[0]]  # 黑白颠倒，标签也不对：训练集里最显眼的一条
canary_y = (y[others[0]] + 5) % 10
x_with = torch.cat([x[base], canary_x[None]])
y_with = torch.cat([y_noisy[base], canary_y[None]])
exposure = {"早停 50 步": [], "DP ε = 3": []}
for run in range(32):  # 单数次训练时放进那一条，双数次不放；都是 650 个参数的线性模型
    data = (x_with, y_with) if run % 2 else (x[base], y_noisy[base])
    pair = (train_plain(*data, 0.5, 50, SEED + run, 0),
            train_private(*data, sigma_small, 0.5, 50, 150, SEED + run, 0))
    for losses, trained in zip(exposure.values(), pair):
        losses.append(F.cross_entropy(trained(canary_x[None]), canary_y[None]).item())
exposed = {name: roc_auc_score(np.arange(32) % 2, -np.array(losses))
           for name, losses in exposure.items()}
for name, losses in exposure.items():
    inside, outside = np.mean(losses[1::2]), np.mean(losses[::2])
    print(f"{name}：放进时损失 {inside:.2f}，没放时 {outside:.2f}，AUC {exposed[name]:.2f}")
assert exposed["早停 50 步"] > 0.95 and exposed["DP ε = 3"] < 0.85
# --8<-- [end:canary]
# --8<-- [start:clipping]
def update(x, y, clip_each, clip_batch):
    """加噪之前的更新方向，(P,)。"""
    each = per_sample_gradients(params, model, x, y)
    each = torch.cat([g.flatten(1) for g in each.values()], 1)  # (B, P)
    if clip_each:
        each = each * (CLIP / each.norm(dim=1, keepdim=True)).clamp(max=1)
    mean = each.sum(0) / BATCH_SIZE
    return mean * (CLIP / mean.norm()).clamp(max=1) if clip_batch else mean

model = build(HIDDEN_SIZE, SEED)
params = {name: p.detach() for name, p in model.named_parameters()}
extra_x, extra_y = 16 * x_train[:1], (y_train[:1] + 5) % 10  # 忘了除以 16，标签也不对
x_more = torch.cat([x_train[: BATCH_SIZE - 1], extra_x])
y_more = torch.cat([y_train[: BATCH_SIZE - 1], extra_y])
noise = sigmas[3] * CLIP / BATCH_SIZE  # 三种做法加同样的噪声
for name, *how in (("逐条裁剪", True, False), ("只裁整批", False, True), ("不裁剪", False, False)):
    shift = update(x_more, y_more, *how) - update(x_more[:-1], y_more[:-1], *how)
    ratio = (shift.norm() / noise).item()
    print(f"{name}：多一条样本，更新移动了噪声标准差的 {ratio:.2f} 倍")
    assert (ratio <= 1.001 / sigmas[3]) == (name == "逐条裁剪")
# --8<-- [end:clipping]
# --8<-- [start:fixed-batches]
claimed = epsilon(STEPS * rdp(sigmas[3], q))
passes = math.ceil(STEPS * q)  # 100 步合多少遍数据；每遍里每条恰好出现一次
proved = epsilon(passes * rdp(sigmas[3], 1.0))  # q = 1：没有抽样带来的放大
print(f"按泊松抽样记账 ε = {claimed:.2f}；固定的批走 {passes} 遍，能证明的只有 ε = {proved:.2f}")
assert proved > 1.5 * claimed
# --8<-- [end:fixed-batches]
# --8<-- [start:written-variants]
import unicodedata

def normalise(text):
    """全角转半角，去掉数字之间的空格和连字符。"""
    return re.sub(r"(?<=[0-9])[ -](?=[0-9])", "", unicodedata.normalize("NFKC", text))

full_width = {ord("0") + i: ord("０") + i for i in range(10)}
spoken = dict(zip(map(ord, "0123456789"), "零幺二三四五六七八九"))
phones = [PERSONAL["手机"]() for _ in range(200)]
variants = {"原样": phones, "全角": [p.translate(full_width) for p in phones],
            "连字符": [f"{p[:3]}-{p[3:7]}-{p[7:]}" for p in phones],
            "空格": [f"{p[:3]} {p[3:7]} {p[7:]}" for p in phones],
            "汉字": [p.translate(spoken) for p in phones]}
for name, texts in variants.items():
    raw, cleaned = (np.mean([bool(find_personal(f(f"请打{t}。"))) for t in texts])
                    for f in (str, normalise))
    print(f"{name}：召回率 {raw:.2f}，归一化之后 {cleaned:.2f}")
    assert cleaned == (name != "汉字") and raw == (name == "原样")
print("三个数被并成一个号码：", len(find_personal(normalise("长宽高 135 2461 8790"))))
# --8<-- [end:written-variants]
# --8<-- [start:plain-hash]
import hashlib
import hmac
import time

secret = "19900" + number(6)  # 攻击者知道前 5 位，猜后 6 位
space = [f"19900{i:06}" for i in range(10**6)]
plain = hashlib.sha256(secret.encode()).hexdigest()
keyed = hmac.new(rng.bytes(32), secret.encode(), "sha256").hexdigest()
start = time.perf_counter()
table = {hashlib.sha256(candidate.encode()).hexdigest(): candidate for candidate in space}
seconds = time.perf_counter() - start
print("普通哈希被还原：", table.get(plain) == secret, "；HMAC 被还原：", keyed in table)
print(f"枚举 {len(space)} 个用了 {seconds:.1f} 秒；全部 7×10^9 个约 {7e3 * seconds / 3600:.1f} 小时")
assert table[plain] == secret and keyed not in table
# --8<-- [end:plain-hash]
# --8<-- [start:word-boundary]
texts = {kind: [documents[i] for i, *_, k in truth if k == kind] for kind in ("手机", "邮箱")}
hits = [bool(re.search(r"\b1[3-9]\d{9}\b", text)) for text in texts["手机"]]
print(f"手机：用 \\b 作边界，召回率 {np.mean(hits):.2f}")
swallowed = [re.search(r"[\w.]+@[\w.]+", text)[0][0] > "\x7f" for text in texts["邮箱"]]
print(f"邮箱：用 \\w，把前面的汉字也吞进来的占 {np.mean(swallowed):.2f}")
print("\\d 认全角数字：", bool(re.fullmatch(r"\d+", "１３８")), "；[0-9] 认：", bool(re.match("[0-9]", "１")))
assert np.mean(hits) < 0.7 and np.mean(swallowed) > 0.3
# --8<-- [end:word-boundary]
# --8<-- [start:loaders-run-code]
import pickle
import pickletools
from pathlib import Path

class Payload:
    """反序列化时调用 open("executed", "w")：留下一个空文件。真正的攻击不会这么客气。"""
    def __reduce__(self):
        return open, ("executed", "w")

Path("model.pkl").write_bytes(pickle.dumps({"w": Payload()}, protocol=2))
torch.save({"w": Payload()}, "model.pt")
np.save("model.npy", np.array([Payload()], dtype=object))
loaders = {"pickle.loads": lambda: pickle.loads(Path("model.pkl").read_bytes()),
           "torch.load(weights_only=False)": lambda: torch.load("model.pt", weights_only=False),
           "np.load(allow_pickle=True)": lambda: np.load("model.npy", allow_pickle=True)}
for name, untrusted_load in loaders.items():
    Path("executed").unlink(missing_ok=True)
    untrusted_load()
    print(f"{name}：代码执行了 {Path('executed').exists()}")
    assert Path("executed").exists()
code = pickletools.genops(Path("model.pkl").read_bytes())
called = [argument for opcode, argument, _ in code if opcode.name == "GLOBAL"]
print("不加载，只反汇编，看它要调用谁：", called)
# --8<-- [end:loaders-run-code]
# --8<-- [start:weights-only]
import os

class Payload:
    """若被执行，会删掉装着它的文件。"""
    def __reduce__(self):
        return os.remove, ("model.pt",)

torch.save({"w": Payload()}, "model.pt")
torch.load("model.pt")  # weights_only 从 2.6 起默认为 True
# --8<-- [end:weights-only]
# --8<-- [start:save-object]
from safetensors.torch import save

save({"weight": torch.zeros(2), "note": "作者：某某"})
# --8<-- [end:save-object]
# --8<-- [start:batch-norm]
mixed = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.Linear(32, 10)).to(device)
params = {name: p.detach() for name, p in mixed.named_parameters()}
per_sample_gradients(params, mixed, x[:8], y[:8])
# --8<-- [end:batch-norm]
# --8<-- [start:dropout]
dropped = nn.Sequential(nn.Linear(64, 32), nn.Dropout(0.5), nn.Linear(32, 10)).to(device)
params = {name: p.detach() for name, p in dropped.named_parameters()}
per_sample_gradients(params, dropped, x[:8], y[:8])
# --8<-- [end:dropout]
