# --8<-- [start:style-setup]
import numpy as np
import torch
from matplotlib import rcParams
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_sample_image
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
SIDE, CHANNELS, STEPS = 64, 48, 150  # 图的边长、每层的通道数、优化步数
rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "42"})

def shrink(name, box):
    """自带照片裁下 box，缩成 (1, 3, SIDE, SIDE) float32，值 0–1。"""
    photo = Image.fromarray(load_sample_image(name)).crop(box).resize((SIDE, SIDE), Image.LANCZOS)
    pixels = torch.tensor(np.asarray(photo) / 255, dtype=torch.float32, device=device)
    return pixels.movedim(2, 0)[None]

content = shrink("china.jpg", (100, 0, 527, 427))
style = shrink("flower.jpg", (200, 50, 500, 350))
# --8<-- [end:style-setup]

# --8<-- [start:style-features]
def random_features(seed):
    """三层随机卷积，不训练。返回函数：(1, 3, 64, 64) → 三层激活，各 (1, CHANNELS, 像素数)。"""
    source, filters = torch.Generator().manual_seed(seed), []
    for fan_in in (3, CHANNELS, CHANNELS):
        weight = torch.randn(CHANNELS, fan_in, 3, 3, generator=source) * (2 / (9 * fan_in)) ** 0.5
        if fan_in > 3:
            weight -= weight.mean(dim=(1, 2, 3), keepdim=True)  # 激活恒正，去掉均值才看得出差别
        filters.append(weight.to(device))

    def forward(image):
        h, layers = image * 4 - 2, []
        for level, weight in enumerate(filters):
            h = F.avg_pool2d(h, 2) if level else h  # 边长 64、32、16
            h = F.relu(F.conv2d(F.pad(h, (1,) * 4, mode="reflect"), weight))
            layers.append(h.flatten(2))
        return layers
    return forward

def gram(h):
    """(1, C, 像素数) → (1, C, C)：通道两两的内积，位置被求和消去。"""
    return h @ h.mT / h.shape[2]

def distances(features, image):
    """(到 style 的 Gram 距离, 到 content 的内容距离)，都是相对值，标量张量。"""
    now, target, origin = features(image), features(style), features(content)
    pairs = [(gram(a), gram(b)) for a, b in zip(now, target)]
    style_gap = sum((a - b).square().sum() / b.square().sum() for a, b in pairs) / len(pairs)
    return style_gap, (now[1] - origin[1]).square().mean() / origin[1].var()  # 第 2 层管内容
# --8<-- [end:style-features]

# --8<-- [start:style-optimise]
drawn = content.clone().requires_grad_()  # 优化的是像素，网络不动
pencil, features = torch.optim.Adam([drawn], lr=0.03), random_features(SEED)
for _ in range(STEPS):
    style_gap, content_gap = distances(features, drawn)
    rough = drawn.diff(dim=2).square().mean() + drawn.diff(dim=3).square().mean()
    pencil.zero_grad()
    (style_gap + 0.5 * content_gap + 1.5 * rough).backward()
    pencil.step()
    drawn.data.clamp_(0, 1)
# --8<-- [end:style-optimise]

# --8<-- [start:style-measure]
@torch.no_grad()
def score(image):
    """用另外三个没参与优化的随机网络量，取平均：(Gram 距离, 内容距离)。"""
    return np.mean([[float(v) for v in distances(random_features(SEED + k), image)]
                    for k in (100, 200, 300)], axis=0)

blends = [content.lerp(style, share) for share in np.linspace(0, 1, 21)]  # 基线：像素混合
scores = np.array([score(blend) for blend in blends])  # (21, 2)
before, after = score(content), score(drawn)
allowed = scores[scores[:, 1] <= after[1], 0].min()  # 内容差得不比我们多的混合里最好的
print(f"Gram 距离：原图 {before[0]:.2f}，迁移后 {after[0]:.2f}，同等内容距离的混合 {allowed:.2f}")
print(f"内容距离：迁移后 {after[1]:.2f}，整张换成风格图 {scores[-1, 1]:.2f}")
assert after[0] < 0.5 * allowed and after[0] < 0.25 * before[0]
assert after[1] < 0.5 * scores[-1, 1]
# --8<-- [end:style-measure]

# --8<-- [start:style-figure]
fig = Figure(figsize=(7, 2), layout="constrained")
half = content.lerp(style, 0.5)
for ax, name, image in zip(fig.subplots(1, 4), ("content", "style", "transfer", "50 % blend"),
                           (content, style, drawn.detach(), half)):
    pixels = (image[0].movedim(0, 2).cpu().numpy() * 31).round() / 31  # 32 级，图小一些
    ax.imshow(pixels, interpolation="none")
    ax.set(xticks=[], yticks=[], xlabel=name)
fig.savefig("image-generation-style.svg", metadata={"Date": None})
# --8<-- [end:style-figure]
