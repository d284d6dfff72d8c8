# --8<-- [start:setup]
import numpy as np
import torch
from matplotlib import rcParams
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.svm import SVC
from torch import nn
from torch.nn import functional as F
from transformers import AutoImageProcessor, ViTConfig, ViTForImageClassification

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
PATCH_SIZE = 4  # 图块边长：8×8 的图切成 4 块
HIDDEN_SIZE, NUM_LAYERS, NUM_HEADS = 64, 2, 4
BATCH_SIZE, STEPS, LEARNING_RATE = 64, 600, 3e-3  # 固定步数，不看时间
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})
# --8<-- [end:setup]
# --8<-- [start:load-data]
digits = load_digits()
train_idx, test_idx = train_test_split(
    np.arange(len(digits.target)), test_size=540, random_state=SEED, stratify=digits.target)
raw = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]  # (N, 1, 8, 8)，0–1
mean, std = raw[train_idx].mean().item(), raw[train_idx].std().item()  # 只从训练集估计
pixels = ((raw - mean) / std).to(device)
labels = torch.from_numpy(digits.target).to(device)  # (N,) int64
x_train, y_train, x_test, y_test = (pixels[train_idx], labels[train_idx],
                                    pixels[test_idx], labels[test_idx])
print(f"训练 {len(x_train)} 张，测试 {len(x_test)} 张")
# --8<-- [end:load-data]
# --8<-- [start:baselines]
def flat(images):
    """(N, 1, 8, 8) 的张量 → (N, 64) 的 numpy 数组，给 scikit-learn 用。"""
    return images.flatten(1).cpu().numpy()

truth = digits.target[test_idx]  # (540,)
grids = {"逻辑回归": (LogisticRegression(max_iter=2000), {"C": [0.03, 0.1, 1]}),
         "SVM": (SVC(), {"C": [1, 10], "gamma": ["scale", 0.03]})}
models = {name: GridSearchCV(estimator, grid, cv=3).fit(flat(x_train), digits.target[train_idx])
          for name, (estimator, grid) in grids.items()}
predict = {name: lambda images, model=model: model.predict(flat(images))
           for name, model in models.items()}  # 名字 → 函数：(N, 1, 8, 8) → (N,) 的类别
# --8<-- [end:baselines]
# --8<-- [start:patchify]
def patchify(images, patch_size):
    """(B, 1, H, W) → (B, T, P²)，T = HW/P²，按行排列；边长不能整除就报错。"""
    tiles = images.unflatten(3, (-1, patch_size)).unflatten(2, (-1, patch_size))
    return tiles.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

embed = nn.Linear(PATCH_SIZE**2, HIDDEN_SIZE, device=device)
kernel = embed.weight.unflatten(1, (1, PATCH_SIZE, PATCH_SIZE))
strided = F.conv2d(x_test, kernel, embed.bias, stride=PATCH_SIZE)  # (B, C, H/P, W/P)
torch.testing.assert_close(embed(patchify(x_test, PATCH_SIZE)), strided.flatten(2).mT,
                           atol=1e-3, rtol=1e-3)  # GPU 上卷积可能用 TF32
# --8<-- [end:patchify]
# --8<-- [start:vit]
class Block(nn.Module):
    """前置归一化的编码器层：x (B, T, C) → 前 Q 个词元 (B, Q, C) 和注意力权重 (B, num_heads, Q, T)。"""
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(HIDDEN_SIZE), nn.LayerNorm(HIDDEN_SIZE)
        self.qkv = nn.Linear(HIDDEN_SIZE, 3 * HIDDEN_SIZE)
        self.proj = nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE)
        self.mlp = nn.Sequential(nn.Linear(HIDDEN_SIZE, 4 * HIDDEN_SIZE), nn.GELU(),
                                 nn.Linear(4 * HIDDEN_SIZE, HIDDEN_SIZE))

    def forward(self, x, queries=None):
        """x (B, T, C) → (B, Q, C) 和 (B, num_heads, Q, T)；queries 是 Q，缺省为 T：每个词元都算。"""
        qkv = self.qkv(self.norm1(x)).unflatten(-1, (3, NUM_HEADS, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # 各 (B, num_heads, T, C/num_heads)
        scores = q[:, :, :queries] @ k.mT * q.shape[-1] ** -0.5
        weights = scores.softmax(-1)  # 没有因果掩码：图块互相都看得见
        x = x[:, :queries] + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x)), weights

class ViT(nn.Module):
    """Dosovitskiy 等（2020）的骨架：图块嵌入、类别词元、可学的位置嵌入、编码器、线性头。"""
    def __init__(self, patch_size=PATCH_SIZE, num_outputs=10, num_pixels=64, positions=True):
        super().__init__()
        self.patch_size, tokens = patch_size, 1 + num_pixels // patch_size**2
        self.embed = nn.Linear(patch_size**2, HIDDEN_SIZE)
        self.class_token = nn.Parameter(torch.zeros(1, 1, HIDDEN_SIZE))
        self.position = nn.Parameter(0.5 * torch.randn(tokens, HIDDEN_SIZE) * positions,
                                     requires_grad=positions)
        self.blocks = nn.ModuleList(Block() for _ in range(NUM_LAYERS))
        self.norm, self.head = nn.LayerNorm(HIDDEN_SIZE), nn.Linear(HIDDEN_SIZE, num_outputs)

    def forward(self, images, attention=False):
        """images (B, 1, H, W) → logits (B, num_outputs)；attention=True 另给末层的权重。"""
        x = self.embed(patchify(images, self.patch_size))  # (B, T-1, C)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1) + self.position
        for block in self.blocks[:-1]:
            x, _ = block(x)
        x, weights = self.blocks[-1](x, queries=1)  # 末层只有类别词元要读，别的不必算
        logits = self.head(self.norm(x[:, 0]))
        return (logits, weights) if attention else logits
# --8<-- [end:vit]
# --8<-- [start:train-loop]
def shift(images, generator, share):
    """以概率 share 把每张图在两个方向各移 −1、0 或 1 像素；空出的边补背景。"""
    (batch, _, height, width), background = images.shape, images.amin()
    moved = torch.rand(batch, generator=generator) < share
    dy, dx = torch.randint(-1, 2, (2, batch, 1), generator=generator) * moved[:, None] + 1
    padded = F.pad(images, (1, 1, 1, 1), value=background.item())[:, 0]  # (B, H+2, W+2)
    rows, columns = dy + torch.arange(height), dx + torch.arange(width)  # (B, H)、(B, W)
    return padded[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None]][:, None]

def train(make, x, y, share=0.5, steps=STEPS, loss_function=F.cross_entropy):
    """建一个 make() 并训练 steps 步：AdamW，学习率先升后降；share 是平移增广的比例。"""
    torch.manual_seed(SEED)
    model, generator = make().to(device), torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, steps, pct_start=0.15, cycle_momentum=False)
    order = torch.cat([torch.randperm(len(x), generator=generator)
                       for _ in range(1 + steps * BATCH_SIZE // len(x))])
    for batch in order[: steps * BATCH_SIZE].split(BATCH_SIZE):
        loss = loss_function(model(shift(x[batch], generator, share)), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()

def predictor(model):
    """分类网络 → 函数：(N, 1, 8, 8) → (N,) 的类别，numpy。"""
    @torch.no_grad()
    def answer(images):
        return model(images).argmax(dim=1).cpu().numpy()
    return answer
# --8<-- [end:train-loop]
# --8<-- [start:train-both]
def make_cnn():
    """三层卷积，每层后有批归一化；(B, 1, 8, 8) → (B, 10)。"""
    layers, channels = [], (1, 24, 48, 48)
    for fan_in, fan_out in zip(channels, channels[1:]):
        layers += [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.BatchNorm2d(fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:6], nn.MaxPool2d(2), *layers[6:], nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(4 * 48, 10))

vit = train(ViT, x_train, y_train)
cnn = train(make_cnn, x_train, y_train, steps=STEPS // 2)
predict |= {"ViT": predictor(vit), "CNN": predictor(cnn)}
print("参数个数：", *(sum(p.numel() for p in model.parameters()) for model in (vit, cnn)))
# --8<-- [end:train-both]
# --8<-- [start:compare]
right = {name: answer(x_test) == truth for name, answer in predict.items()}  # 各 (540,) bool
score = {name: r.mean() for name, r in right.items()}
rng = np.random.default_rng(SEED)
resample = rng.integers(540, size=(2000, 540))  # 同一批重采样用于所有比较
for name in ("逻辑回归", "SVM", "CNN"):
    gain = right["ViT"].astype(int) - right[name]  # 每张图 +1、0 或 −1
    low, high = np.quantile(gain[resample].mean(axis=1), (0.025, 0.975))
    print(f"ViT {score['ViT']:.3f}，{name} {score[name]:.3f}：差 {gain.mean():+.3f}，"
          f"95% 配对自助区间 [{low:+.3f}, {high:+.3f}]")
print(f"结论｜手写数字图像分类｜小 ViT 测试准确率 {score['ViT']:.3f}，与 SVM 打平"
      f"｜逻辑回归 {score['逻辑回归']:.3f}，SVM {score['SVM']:.3f}")
assert score["ViT"] >= 0.97 and score["ViT"] > score["逻辑回归"]
assert abs(score["ViT"] - score["SVM"]) <= 0.015 and score["CNN"] >= score["ViT"] - 0.01
# --8<-- [end:compare]
# --8<-- [start:patch-size]
vits = {PATCH_SIZE: vit} | {p: train(lambda p=p: ViT(p), x_train, y_train) for p in (2, 8)}
for p, model in sorted(vits.items()):
    accuracy = (predictor(model)(x_test) == truth).mean()
    print(f"{p}×{p} 的图块：{64 // p**2:2d} 个词元，测试准确率 {accuracy:.3f}")
    assert accuracy >= 0.95
# --8<-- [end:patch-size]
# --8<-- [start:identities]
def make_numbers(pool, identities, copies):
    """身份是两位数 00–99，由 pool 里的两张手写数字左右拼成：图 (N, 1, 8, 16)，编号 (N,)。"""
    by_digit = [pool[digits.target[pool] == d] for d in range(10)]
    number = np.repeat(identities, copies)
    halves = [pixels[[rng.choice(by_digit[d]) for d in side]] for side in divmod(number, 10)]
    who = np.repeat(np.arange(len(identities)), copies)
    return torch.cat(halves, dim=3), torch.from_numpy(who).to(device)

identities = rng.permutation(100)  # 前 70 个用来训练，后 30 个从未见过
x_seen, who_seen = make_numbers(train_idx, identities[:70], copies=30)
x_new, who_new = make_numbers(test_idx, identities[70:], copies=10)
x_moved = shift(x_new, torch.Generator().manual_seed(SEED), share=1.0)
# --8<-- [end:identities]
# --8<-- [start:metric-learning]
class Verifier(nn.Module):
    """编码器输出 32 维嵌入；训练时与各身份的中心比余弦，验证时只用编码器。"""
    def __init__(self):
        super().__init__()
        self.encoder = ViT(num_outputs=32, num_pixels=128)
        self.centres = nn.Parameter(torch.randn(70, 32))

    def forward(self, images):
        """images → 与 70 个类中心的余弦相似度 (B, 70)。"""
        return F.normalize(self.encoder(images)) @ F.normalize(self.centres).T  # (B, 70)

def margin_loss(cosine, who):
    """CosFace（Wang 等，2018）：自己那一类的余弦先减 0.2 再比，逼同类更紧。"""
    return F.cross_entropy(16 * (cosine - 0.2 * F.one_hot(who, 70)), who)

encoder = train(Verifier, x_seen, who_seen, steps=400, loss_function=margin_loss).encoder
# --8<-- [end:metric-learning]
# --8<-- [start:verify]
def roc(features, who):
    """两两配对，按余弦相似度判「同一身份」：返回 FPR、TPR 两条曲线和等错误率。"""
    z, (i, j) = F.normalize(features.flatten(1)), np.triu_indices(len(who), 1)
    fpr, tpr, _ = roc_curve((who[i] == who[j]).cpu(), (z @ z.T)[i, j].cpu())
    at = np.argmin(abs(fpr + tpr - 1))  # 误识率与拒识率相等处
    return fpr, tpr, (fpr[at] + 1 - tpr[at]) / 2

ax = (fig := Figure(figsize=(6, 3.4), layout="constrained")).subplots()
rates, eer = np.geomspace(1e-3, 1, 60), {}
for condition, label, images, style in (("居中", "centred", x_new, "-"),
                                        ("平移", "shifted", x_moved, "--")):
    with torch.no_grad():
        pairs = (("像素", "pixels", images, "C1"), ("嵌入", "embedding", encoder(images), "C0"))
    for name, english, features, color in pairs:
        fpr, tpr, eer[name, condition] = roc(features, who_new)
        ax.semilogx(rates, np.interp(rates, fpr, tpr), style, color=color,
                    label=f"{english}, {label}")
        print(f"{condition}，比{name}：等错误率 {eer[name, condition]:.2f}，"
              f"误识率 1% 时的通过率 {np.interp(0.01, fpr, tpr):.2f}")
ax.set(xlim=(1e-3, 1), ylim=(0, 1), xlabel="false accept rate", ylabel="true accept rate")
ax.legend(loc="upper left")
fig.savefig("image-classification-roc.svg", metadata={"Date": None})
assert eer["嵌入", "居中"] < eer["像素", "居中"] - 0.03 and eer["像素", "平移"] > 0.4
# --8<-- [end:verify]
# --8<-- [start:processor]
NAME = "google/vit-base-patch16-224"
processor = AutoImageProcessor.from_pretrained(NAME, backend="pil")  # 不需要 torchvision
photos = load_sample_images().images  # scikit-learn 自带的两张照片，(427, 640, 3) uint8
batch = processor(photos, return_tensors="pt")["pixel_values"]  # (2, 3, 224, 224) float32
by_hand = [np.array(Image.fromarray(photo).resize((224, 224), Image.Resampling.BILINEAR))
           for photo in photos]  # 不裁剪：长宽比会变
by_hand = torch.tensor(np.stack(by_hand)).permute(0, 3, 1, 2) / 127.5 - 1
torch.testing.assert_close(batch, by_hand, atol=1e-4, rtol=0)
original = ViTForImageClassification.from_pretrained(NAME).to(device).eval()
with torch.no_grad():
    logits = original(batch.to(device)).logits
print(tuple(batch.shape), "→", tuple(logits.shape))
# --8<-- [end:processor]
