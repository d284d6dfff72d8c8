# --8<-- [start:setup]
import io
import time
from pathlib import Path

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_images
from torch import nn
from torch.nn import functional as F
from transformers import AutoImageProcessor, Swin2SRConfig, Swin2SRForImageSuperResolution

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
SIGMA = 25 / 255  # 噪声的标准差，像素值在 0–1
WIDTH, DEPTH = 24, 4  # 卷积的通道数与层数
STEPS, BATCH_SIZE, CROP = 400, 16, 24  # 每步 16 块，每块 24×24（网络输入一侧）
LEARNING_RATE = 2e-3
# --8<-- [end:setup]
# --8<-- [start:load-photos]
samples = load_sample_images()
photos = {}  # 名字 → (1, 3, 426, 640) float32，0–1
for path, pixels in zip(samples.filenames, samples.images, strict=True):
    even = torch.from_numpy(pixels[:426].copy())  # 高 427，裁成偶数
    photos[Path(path).stem] = even.permute(2, 0, 1)[None].float().to(device) / 255
other = {"china": "flower", "flower": "china"}
for name, photo in photos.items():
    print(name, tuple(photo.shape), f"相邻像素平均差 {photo.diff(dim=-1).abs().mean():.3f}")
# --8<-- [end:load-photos]
# --8<-- [start:metrics]
def psnr(estimate, truth, peak=1.0):
    """峰值信噪比，dB。两个形状相同的浮点张量；peak 是像素的最大可能值，不是实际的最大值。"""
    return (10 * torch.log10(peak**2 / (estimate - truth).square().mean())).item()

def ssim(estimate, truth, peak=1.0):
    """结构相似度（Wang 等，2004）：(B, C, H, W) 浮点 → 各通道、各位置的平均，至多为 1。
    窗口 11×11，高斯，标准差 1.5；只算窗口完整的位置，四边各少 5 个像素。
    """
    window = torch.exp(-torch.arange(-5, 6).to(truth) ** 2 / (2 * 1.5**2))
    window = (window / window.sum()).view(1, 1, 1, -1)
    def local_mean(x):
        x = x.flatten(0, 1).unsqueeze(1)  # (B·C, 1, H, W)，通道之间不混
        return F.conv2d(F.conv2d(x, window), window.mT)
    mean_e, mean_t = local_mean(estimate), local_mean(truth)
    var_e, var_t = local_mean(estimate**2) - mean_e**2, local_mean(truth**2) - mean_t**2
    covariance = local_mean(estimate * truth) - mean_e * mean_t
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    luminance = (2 * mean_e * mean_t + c1) / (mean_e**2 + mean_t**2 + c1)
    structure = (2 * covariance + c2) / (var_e + var_t + c2)
    return (luminance * structure).mean().item()
# --8<-- [end:metrics]
# --8<-- [start:shrink-and-enlarge]
def shrink(photo):
    """(B, 3, H, W) → (B, 3, H/2, W/2)：先抗混叠再抽样，与 Pillow 的 BICUBIC 相同。"""
    small = F.interpolate(photo, scale_factor=0.5, mode="bicubic", antialias=True)
    return small.clamp(0, 1)

def enlarge(small, **options):
    """small (B, 3, H, W) → 双三次放大一倍 (B, 3, 2H, 2W)。"""
    return F.interpolate(small, scale_factor=2, mode="bicubic", **options)

smalls = {name: shrink(photo) for name, photo in photos.items()}
bicubics = {name: enlarge(small).clamp(0, 1) for name, small in smalls.items()}
baseline = {name: psnr(bicubics[name], photo) for name, photo in photos.items()}
# --8<-- [end:shrink-and-enlarge]
# --8<-- [start:network]
class Enhancer(nn.Module):
    """残差式的卷积网络：(B, 3, H, W) → (B, 3, scale·H, scale·W)。
    scale=1 去噪，输出 x + f(x)；scale=2 超分辨率，输出双三次(x) + 亚像素(f(x))（Shi 等，2016）。
    f 的末层从零开始，所以没训练的网络恰好等于基线。
    """
    def __init__(self, scale, residual=True):
        super().__init__()
        self.scale, self.residual = scale, residual
        layers = [nn.Conv2d(3, WIDTH, 3, padding=1), nn.ReLU()]
        for _ in range(DEPTH - 2):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(WIDTH, 3 * scale**2, 3, padding=1)
        if residual:
            for p in last.parameters():
                nn.init.zeros_(p)
        self.body = nn.Sequential(*layers, last, nn.PixelShuffle(scale))

    def forward(self, x):
        """x (B, 3, H, W) → (B, 3, scale·H, scale·W)。"""
        detail = self.body(x)  # 末层 (B, 3·s², H, W)，重排成 (B, 3, s·H, s·W)
        base = x if self.scale == 1 else enlarge(x)
        return base + detail if self.residual else detail

with torch.no_grad():
    torch.testing.assert_close(Enhancer(2).to(device)(smalls["china"]), enlarge(smalls["china"]))
# 亚像素重排：第 4c + 2i + j 个通道去到每个 2×2 方格的第 i 行第 j 列
channels = torch.arange(4.0).view(1, 4, 1, 1)
assert F.pixel_shuffle(channels, 2).squeeze().tolist() == [[0, 1], [2, 3]]
for scale in (1, 2):
    print(f"scale={scale}：{sum(p.numel() for p in Enhancer(scale).parameters()):,} 个参数")
# --8<-- [end:network]
# --8<-- [start:train]
def add_noise(image, generator, sigma=SIGMA):
    """加上标准差 sigma 的高斯噪声；不截断。"""
    return image + sigma * torch.randn(image.shape, generator=generator).to(image)

def train(scale, photo, steps=STEPS, residual=True):
    """在一张照片的随机小块上训练；scale=2 学放大，scale=1 学去噪。返回评估模式的网络。"""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    network = Enhancer(scale, residual).to(device, memory_format=torch.channels_last)  # CPU 上更快
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    source = shrink(photo) if scale == 2 else photo  # 缩小整张再取块，块的四边没有假边界
    def crop(image, y, x, s=1):
        return image[..., s * y : s * (y + CROP), s * x : s * (x + CROP)]
    for _ in range(steps):
        ys, xs = (torch.randint(n - CROP + 1, (BATCH_SIZE,), generator=generator)
                  for n in source.shape[-2:])
        corners = torch.stack((ys, xs), dim=1).tolist()  # (B, 2)，每块左上角的行与列
        inputs = torch.cat([crop(source, *corner) for corner in corners])  # (B, 3, 24, 24)
        target = torch.cat([crop(photo, *corner, scale) for corner in corners])
        if scale == 1:  # 对比度乘 1/4–4 倍：一张照片里的纹理强弱不够多样
            contrast = 4 ** (2 * torch.rand(BATCH_SIZE, 1, 1, 1, generator=generator) - 1).to(photo)
            mean = target.mean((2, 3), keepdim=True)
            target = mean + contrast * (target - mean)
            inputs = add_noise(target, generator)
        turns, flips = torch.randint(4, (2,), generator=generator).tolist()  # 旋转、翻转
        inputs, target = (t.rot90(turns, (2, 3)).flip([3] * (flips % 2)) for t in (inputs, target))
        loss = F.l1_loss(network(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)
# --8<-- [end:train]
# --8<-- [start:super-resolve]
def restore(network, degraded):
    """整张图过网络，截到 0–1；(1, 3, H, W) → (1, 3, s·H, s·W)。"""
    with torch.no_grad():
        return network(degraded).clamp(0, 1)

upscalers = {name: train(2, photo) for name, photo in photos.items()}  # 键是训练用的照片
gains, similarity = {}, {}  # (训练, 测试) → 比双三次高多少：PSNR（dB）、SSIM
for test, truth in photos.items():
    before = ssim(bicubics[test], truth)
    print(f"测试 {test}：双三次 {baseline[test]:.2f} dB，SSIM {before:.3f}")
    for name in (test, other[test]):
        output = restore(upscalers[name], smalls[test])
        gains[name, test] = psnr(output, truth) - baseline[test]
        similarity[name, test] = ssim(output, truth) - before
    print(f"  用 {name} 训练：{gains[name, test]:+.2f} dB，SSIM {similarity[name, test]:+.3f}")
up_flower, up_china = gains["china", "flower"], gains["flower", "china"]
assert up_flower > 0.2 and up_china > 0.15
assert similarity["flower", "china"] > 0.015 and abs(similarity["china", "flower"]) < 0.01
print(f"结论｜×2 超分辨率，两张照片互为训练与测试｜测 flower {up_flower:+.2f} dB，测 china "
      f"{up_china:+.2f} dB｜最强的双三次：{baseline['flower']:.2f} 与 {baseline['china']:.2f} dB")
# --8<-- [end:super-resolve]
# --8<-- [start:sr-figure]
def panels(filename, titles, images, corner, size=48):
    """把同一处裁出的小图并排存成 SVG；images 各 (1, 3, H, W)，corner 是 (行, 列)。"""
    top, left = corner
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
        fig = Figure(figsize=(7.2, 1.75), layout="constrained")
        for ax, title, image in zip(fig.subplots(1, len(images)), titles, images, strict=True):
            crop = image[0, :, top : top + size, left : left + size].clamp(0, 1)
            ax.imshow(crop.permute(1, 2, 0).mul(255).byte().cpu().numpy(), interpolation="none")
            ax.set_title(title, fontsize=10)
            ax.axis("off")
        fig.savefig(filename, metadata={"Date": None})

restored = {name: restore(upscalers[other[name]], smalls[name]) for name in photos}
truth, before, after = photos["flower"], bicubics["flower"], restored["flower"]
panels("image-enhancement-super-resolution.svg",
       ("original", "bicubic", "network", "bicubic error ×4", "network error ×4"),
       (truth, before, after, 4 * (before - truth).abs(), 4 * (after - truth).abs()), (200, 280))
# --8<-- [end:sr-figure]
# --8<-- [start:denoise-filters]
def gaussian(noisy, width):
    """scipy 的高斯滤波，只沿高、宽两轴；width 是标准差，单位像素。"""
    blurred = gaussian_filter(noisy.cpu().numpy(), (0, 0, width, width))
    return torch.from_numpy(blurred).to(noisy).clamp(0, 1)

def non_local_means(noisy, strength, search=4):
    """非局部均值（Buades 等，2005）：在 9×9 邻域里按 3×3 小块的相似程度加权平均。
    strength 是衰减尺度 h 与噪声标准差之比；小块的距离先减去噪声自身的 2σ²。
    """
    height, width = noisy.shape[-2:]
    padded = F.pad(noisy, (search,) * 4, mode="reflect")
    total, weights = torch.zeros_like(noisy), torch.zeros_like(noisy[:, :1])
    for dy in range(2 * search + 1):
        for dx in range(2 * search + 1):
            shifted = padded[..., dy : dy + height, dx : dx + width]
            distance = (noisy - shifted).square().mean(1, keepdim=True)
            distance = F.avg_pool2d(distance, 3, 1, 1, count_include_pad=False)
            weight = torch.exp(-(distance - 2 * SIGMA**2).clamp(min=0) / (strength * SIGMA) ** 2)
            total += weight * shifted
            weights += weight
    return (total / weights).clamp(0, 1)
# --8<-- [end:denoise-filters]
# --8<-- [start:choose-on-training-photo]
noise = torch.Generator().manual_seed(SEED + 1)
noisy = {name: add_noise(photo, noise) for name, photo in photos.items()}
widths, strengths = (0.4, 0.6, 0.8, 1.0, 1.2, 1.5), (0.6, 0.8, 1.0)
tuned = {}  # 训练照片 → 在它上面最好的 (高斯宽度, 非局部均值强度)
for name, photo in photos.items():
    width = max(widths, key=lambda w: psnr(gaussian(noisy[name], w), photo))
    part, whole = noisy[name][..., 100:300, 200:400], photo[..., 100:300, 200:400]  # 省时间
    strength = max(strengths, key=lambda s: psnr(non_local_means(part, s), whole))
    tuned[name] = width, strength
    print(f"在 {name} 上挑出：高斯宽度 {width:.1f}，非局部均值强度 {strength:.1f}")
# --8<-- [end:choose-on-training-photo]
# --8<-- [start:denoise]
denoisers = {name: train(1, photo, steps=300) for name, photo in photos.items()}
cleaned, scores = {}, {}
for test, truth in photos.items():
    source = other[test]  # 训练网络、挑选滤波参数，都只用这一张
    width, strength = tuned[source]
    cleaned[test] = {"噪声图": noisy[test].clamp(0, 1), "高斯": gaussian(noisy[test], width),
                     "非局部均值": non_local_means(noisy[test], strength),
                     "网络": restore(denoisers[source], noisy[test])}
    scores[test] = {key: psnr(image, truth) for key, image in cleaned[test].items()}
    for key, image in cleaned[test].items():
        print(f"测试 {test}，{key}：{scores[test][key]:.1f} dB，SSIM {ssim(image, truth):.2f}")
    assert scores[test]["高斯"] + 1 < scores[test]["网络"] < scores[test]["非局部均值"] - 1
pairs = {key: " 与 ".join(f"{scores[test][key]:.1f}" for test in photos) for key in cleaned["china"]}
print(f"结论｜去噪（σ=25），测 china 与测 flower｜网络 {pairs['网络']} dB｜"
      f"高斯滤波 {pairs['高斯']}，非局部均值 {pairs['非局部均值']} dB")
# --8<-- [end:denoise]
# --8<-- [start:swin2sr]
REPOSITORY = "caidas/swin2SR-classical-sr-x2-64"
processor = AutoImageProcessor.from_pretrained(REPOSITORY)
swin = Swin2SRForImageSuperResolution.from_pretrained(REPOSITORY).to(device).eval()
pixels = samples.images[0][:44, :60]  # (44, 60, 3) uint8，原样给处理器
inputs = processor(pixels, return_tensors="pt").to(device)
with torch.inference_mode():
    output = swin(**inputs).reconstruction  # (1, 3, 2·48, 2·64)
enlarged = output[..., : 2 * 44, : 2 * 60].clamp(0, 1)  # 补的边在右、下，必须裁掉
for step, tensor in {"补边": inputs["pixel_values"], "输出": output, "裁边": enlarged}.items():
    print(step, tuple(tensor.shape))
assert enlarged.shape[-2:] == (88, 120) and inputs["pixel_values"].max() <= 1
# --8<-- [end:swin2sr]
