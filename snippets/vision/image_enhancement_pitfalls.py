# --8<-- [start:which-bicubic]
def pillow(photo, size):
    """Pillow 的双三次插值，逐通道、浮点；size 是 (宽, 高)。"""
    planes = [Image.fromarray(plane.cpu().numpy()) for plane in photo[0]]
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BICUBIC)) for p in planes])

VARIANTS = {"缺省": {}, "antialias": dict(antialias=True), "align_corners": dict(align_corners=True)}
for name, photo in photos.items():
    small, by_pillow = smalls[name], pillow(photo, (320, 213)).clip(0, 1)
    assert np.abs(by_pillow - small[0].cpu().numpy()).max() < 1e-5  # 缩小与 Pillow 相同
    by_pillow, by_torch = pillow(small, (640, 426)), enlarge(small, antialias=True)
    assert np.abs(by_pillow - by_torch[0].cpu().numpy()).max() < 1e-5  # 放大也相同
    scores = {key: psnr(enlarge(small, **v).clamp(0, 1), photo) for key, v in VARIANTS.items()}
    print(name, "，".join(f"{key} {score:.2f} dB" for key, score in scores.items()))
    assert baseline[name] == max(scores.values())  # 拿最强的当基线
# --8<-- [end:which-bicubic]

# --8<-- [start:where-the-error-is]
def error_share(estimate, truth, top=0.1):
    """平方误差最大的 top 比例的像素，占去总平方误差的几成。"""
    error = (estimate - truth).square().mean(1).flatten().sort(descending=True).values
    return (error[: int(top * len(error))].sum() / error.sum()).item()

for name, photo in photos.items():
    recovered = {key: 1 - 10 ** (-gains[key, name] / 10) for key in photos}
    print(f"{name}：一成像素占双三次误差的 {error_share(bicubics[name], photo):.2f}；网络消去的误差："
          f"另一张训练 {recovered[other[name]]:.2f}，自己训练 {recovered[name]:.2f}"
          f"（SSIM {similarity[name, name]:+.3f}）")
assert gains["flower", "flower"] > gains["china", "china"] + 1
# --8<-- [end:where-the-error-is]

# --8<-- [start:denoise-own-photo]
similar = {}  # (测试, 方法) → SSIM
for test, truth in photos.items():
    own = restore(denoisers[test], noisy[test])  # 训练时见过这张照片，没见过这一份噪声
    better = psnr(own, truth) - scores[test]["网络"]
    print(f"测试 {test}，换成自己训练：{psnr(own, truth):.1f} dB，多 {better:.1f} dB，"
          f"SSIM {ssim(own, truth):.2f}")
    assert better > 1.5 and (test == "flower" or psnr(own, truth) > scores[test]["非局部均值"])
    similar |= {(test, key): ssim(image, truth) for key, image in cleaned[test].items()}
    assert similar[test, "网络"] < similar[test, "非局部均值"] - 0.1
assert abs(similar["china", "网络"] - similar["china", "高斯"]) < 0.05
assert similar["flower", "网络"] > similar["flower", "高斯"] + 0.04
# --8<-- [end:denoise-own-photo]

# --8<-- [start:denoise-figure]
titles = ("original", "noisy", "Gaussian", "non-local means", "network")
panels("image-enhancement-denoise.svg", titles, (photos["china"], *cleaned["china"].values()),
       (84, 174), size=44)
# --8<-- [end:denoise-figure]

# --8<-- [start:export]
upscaler, small = upscalers["china"], smalls["flower"]
free = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}  # 高、宽不固定
program, buffer = torch.export.export(upscaler, (small,), dynamic_shapes=(free,)), io.BytesIO()
torch.export.save(program, buffer)
buffer.seek(0)
loaded = torch.export.load(buffer).module()
piece = small[..., :100, :76]  # 与导出时的尺寸不同
torch.testing.assert_close(loaded(piece), upscaler(piece), atol=1e-4, rtol=1e-4)
print(f"导出文件 {len(buffer.getvalue()) / 1024:.1f} KiB，换一种尺寸输出相同")
# --8<-- [end:export]

# --8<-- [start:tiling]
def enhance_tiled(network, x, tile, overlap):
    """分块处理 (1, 3, H, W)：每块四周多读 overlap 个像素，算完裁掉；结果与整图同形。"""
    s, (height, width) = network.scale, x.shape[-2:]
    output = x.new_empty(1, 3, s * height, s * width)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            y, x0 = max(top - overlap, 0), max(left - overlap, 0)
            result = network(x[..., y : top + tile + overlap, x0 : left + tile + overlap])
            rows, columns = min(tile, height - top), min(tile, width - left)
            dy, dx = s * (top - y), s * (left - x0)
            output[..., s * top : s * (top + rows), s * left : s * (left + columns)] = result[
                ..., dy : dy + s * rows, dx : dx + s * columns]
    return output

upscaler, small = upscalers["china"], smalls["flower"]
whole = upscaler(small)
for overlap in (0, DEPTH - 1, DEPTH):  # 每层 3×3 卷积往外多看 1 个像素，共 DEPTH 个
    seam = (enhance_tiled(upscaler, small, 64, overlap) - whole).abs().max().item()
    print(f"每块 64×64，重叠 {overlap}：与整图最多差 {255 * seam:.1f} 个灰度级")
    assert (seam < 1e-4) == (overlap == DEPTH)
# --8<-- [end:tiling]

# --8<-- [start:swin2sr-padding]
for height, width in ((44, 60), (48, 64)):
    padded = processor(samples.images[0][:height, :width], return_tensors="pt")["pixel_values"]
    print(f"{height}×{width} 补成 {padded.shape[2]}×{padded.shape[3]}")
# --8<-- [end:swin2sr-padding]

# --8<-- [start:cost]
def peak_megabytes(work):
    """work() 途中同时占用的张量最多有多少 MB：把分析器记下的分配与释放累加起来。"""
    with torch.profiler.profile(profile_memory=True) as trace:
        work()
    records = [e for e in trace.profiler.kineto_results.events() if e.name() == "[memory]"]
    records.sort(key=lambda record: record.start_ns())
    return np.cumsum([record.nbytes() for record in records]).max() / 1e6

full = Swin2SRForImageSuperResolution(Swin2SRConfig()).to(device).eval()  # 真实尺寸，随机权重
networks = {"本页的网络": (upscalers["china"], 96, 192),
            "Swin2SR": (lambda x: full(x).reconstruction, 16, 32)}
print(f"Swin2SR {sum(p.numel() for p in full.parameters()):,} 个参数")
per_pixel = {}  # 每个输入像素的秒数，取大的那个尺寸
for name, (network, *sizes) in networks.items():
    for size in sizes:
        x = torch.rand(1, 3, size, size, device=device)
        with torch.inference_mode():
            network(x)  # 预热
            start = time.perf_counter()
            network(x).sum().item()  # 取回一个数，GPU 上等于同步
            seconds = time.perf_counter() - start
            memory = peak_megabytes(lambda: network(x))
        per_pixel[name] = seconds / size**2
        print(f"{name} {size}×{size}：{1e3 * seconds:.1f} ms，峰值 {memory:.1f} MB")
print(f"按像素计，Swin2SR 的耗时是 {per_pixel['Swin2SR'] / per_pixel['本页的网络']:.1f} 倍；"
      f"放大一张 1920×1080 约 {per_pixel['Swin2SR'] * 1920 * 1080 / 60:.1f} 分钟")
# --8<-- [end:cost]

# --8<-- [start:no-residual]
plain = train(2, photos["china"], steps=120, residual=False)
for name, photo in photos.items():
    gap = psnr(restore(plain, smalls[name]), photo) - baseline[name]
    print(f"不加双三次，用 china 训练，测 {name}：比双三次 {gap:+.1f} dB")
    assert gap < (-5 if name == "flower" else 0)
# --8<-- [end:no-residual]

# --8<-- [start:another-noise]
levels = {}
for level in (10, 25, 50):
    noise = torch.Generator().manual_seed(SEED + 2)
    at_level = {name: add_noise(photo, noise, level / 255) for name, photo in photos.items()}
    for test, truth in photos.items():
        source = other[test]
        width = max(widths + (2.0, 3.0),
                    key=lambda w: psnr(gaussian(at_level[source], w), photos[source]))
        images = (at_level[test].clamp(0, 1), gaussian(at_level[test], width),
                  restore(denoisers[source], at_level[test]))
        raw, smooth, net = levels[level, test] = [psnr(image, truth) for image in images]
        print(f"噪声 {level}，测 {test}：噪声图 {raw:.1f}，高斯 {smooth:.1f}，网络 {net:.1f} dB")
assert levels[10, "china"][2] < levels[10, "china"][0] - 2  # 越去越差
assert levels[50, "flower"][2] < levels[50, "flower"][1] - 2  # 输给高斯
# --8<-- [end:another-noise]

# --8<-- [start:another-kernel]
def jpeg(image, quality):
    """(1, 3, H, W) 0–1 → 存成 JPEG 再读回。"""
    buffer = io.BytesIO()
    pixels = image[0].permute(1, 2, 0).mul(255).round().byte().cpu().numpy()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    back = torch.from_numpy(np.array(Image.open(buffer))).to(device)
    return back.permute(2, 0, 1)[None].float() / 255

def aliased(photo):
    """缩小一半，不抗混叠。"""
    return F.interpolate(photo, scale_factor=0.5, mode="bicubic").clamp(0, 1)

kernels = {"与训练相同": shrink, "2×2 平均": lambda photo: F.avg_pool2d(photo, 2),
           "先高斯模糊": lambda photo: shrink(gaussian(photo, 1.6)), "不抗混叠": aliased,
           "JPEG 质量 40": lambda photo: jpeg(shrink(photo), 40)}
changed = {}
for name, kernel in kernels.items():
    for test, truth in photos.items():
        degraded = kernel(truth)
        bicubic = psnr(enlarge(degraded).clamp(0, 1), truth)
        changed[name, test] = psnr(restore(upscalers[other[test]], degraded), truth) - bicubic
    print(f"{name}：网络比双三次 " + "，".join(f"{changed[name, t]:+.2f} dB（{t}）" for t in photos))
for test in photos:
    assert changed["不抗混叠", test] < -0.5
    assert max(changed[name, test] for name in list(kernels)[1:]) < changed["与训练相同", test] - 0.1
# --8<-- [end:another-kernel]

# --8<-- [start:same-psnr]
truth = photos["china"]
target = 24.0  # dB
amount = 10 ** (-target / 20)  # 均方根误差
generator = torch.Generator().manual_seed(SEED)
width = min(np.arange(0.4, 1.2, 0.02), key=lambda w: abs(psnr(gaussian(truth, w), truth) - target))
equal = {"brighter": truth + amount, "blurred": gaussian(truth, width),
         "noisy": truth + amount * torch.randn(truth.shape, generator=generator).to(device)}
similar = {name: ssim(image, truth) for name, image in equal.items()}
for name, image in equal.items():
    print(f"{name:8} PSNR {psnr(image, truth):.1f} dB，SSIM {similar[name]:.2f}")
assert similar["brighter"] > similar["blurred"] + 0.1 > similar["noisy"] + 0.3
shifted = truth.roll(1, dims=3)[..., 1:]  # 整体右移一个像素，丢掉绕回来的那一列
after = psnr(shifted, truth[..., 1:])
print(f"shifted  PSNR {after:.1f} dB，SSIM {ssim(shifted, truth[..., 1:]):.2f}")
assert after < target - 4
panels("image-enhancement-same-psnr.svg", ("original", *equal, "shifted"),
       (truth, *equal.values(), truth.roll(1, dims=3)), (84, 174), size=44)
# --8<-- [end:same-psnr]

# --8<-- [start:invented-detail]
def sharpness(image):
    """水平与竖直差分的均方：越大越锐。"""
    return (image.diff(dim=-1).square().mean() + image.diff(dim=-2).square().mean()).item()

for test, truth in photos.items():
    output = restored[test]
    missing = truth - output  # 网络没补上的细节
    invented = output + missing.flip(3)  # 统计量逼真的细节，放错了地方
    drop = psnr(invented, truth) - psnr(output, truth)
    print(f"{test}：锐度与原图之比，网络 {sharpness(output) / sharpness(truth):.2f}，"
          f"编造 {sharpness(invented) / sharpness(truth):.2f}；PSNR {drop:+.1f} dB")
    assert -3.6 < drop < -2.4
# --8<-- [end:invented-detail]

# --8<-- [start:uint8-wrap]
clean = samples.images[0][:426]  # (426, 640, 3) uint8
estimate = restored["china"][0].permute(1, 2, 0).mul(255).byte().cpu().numpy()
wrong = 10 * np.log10(255**2 / ((estimate - clean) ** 2).mean())  # uint8 相减、平方都绕回
right = 10 * np.log10(255**2 / ((estimate.astype(float) - clean) ** 2).mean())
print(f"在 uint8 上算：{wrong:.1f} dB；先转成浮点：{right:.1f} dB")
assert wrong > right + 3
# --8<-- [end:uint8-wrap]

# --8<-- [start:wrong-peak]
wrong, right = (psnr(restored["china"], photos["china"], peak) for peak in (255, 1))
print(f"0–1 的图配 peak=255：{wrong:.1f} dB；配 peak=1：{right:.1f} dB；差 {wrong - right:.2f}")
blurred = gaussian(photos["china"], 3.0)
print(f"SSIM 也会失真：模糊的图 {ssim(blurred, photos['china']):.2f}，peak=255 时 "
      f"{ssim(blurred, photos['china'], peak=255):.2f}")
assert ssim(blurred, photos["china"], peak=255) > 0.99
# --8<-- [end:wrong-peak]

# --8<-- [start:which-protocol]
luma = torch.tensor([65.481, 128.553, 24.966], device=device).view(1, 3, 1, 1) / 255  # BT.601
for test, truth in photos.items():
    output = restored[test]
    inner = (..., slice(2, -2), slice(2, -2))  # 四边各裁 2 个像素
    y_output, y_truth = ((image * luma).sum(1, keepdim=True)[inner] for image in (output, truth))
    print(f"{test}：RGB {psnr(output, truth):.2f} dB，裁边 {psnr(output[inner], truth[inner]):.2f} dB，"
          f"裁边且只看亮度 {psnr(y_output, y_truth):.2f} dB")
    raw = psnr(noisy[test], truth)
    print(f"  噪声图：不截断 {raw:.2f} dB，截到 0–1 {psnr(noisy[test].clamp(0, 1), truth):.2f} dB")
    assert psnr(y_output, y_truth) > psnr(output, truth) + 0.5
# --8<-- [end:which-protocol]

# --8<-- [start:pixel-shuffle-channels]
nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.PixelShuffle(2)).to(device)(smalls["china"])
# --8<-- [end:pixel-shuffle-channels]
