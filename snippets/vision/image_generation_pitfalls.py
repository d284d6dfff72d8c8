# --8<-- [start:samples-figure]
picks = np.concatenate([np.flatnonzero(held_labels == c)[:2] for c in range(10)])  # 每类两张
rows = {"real": held_images, "Gaussian": gaussian_images, "GAN": gan_images, "DDPM": ddpm_images}
fig = Figure(figsize=(7, 1.8), layout="constrained")
ax, grid = fig.subplots(), np.rint(np.concatenate([a[picks] for a in rows.values()])).clip(0, 16)
ax.imshow(tile(grid, 20), cmap="gray", interpolation="none")
ax.set(xticks=[], yticks=range(5, 45, 10), yticklabels=rows)
fig.savefig("image-generation-samples.svg", metadata={"Date": None})
# --8<-- [end:samples-figure]

# --8<-- [start:few-steps]
few = {steps: measure(f"扩散走 {steps:2d} 步", draw_ddpm(wanted, steps)) for steps in (1, 5, 20)}
assert few[1]["right"] < ddpm["right"] - 0.3 and few[5]["right"] > gaussian["right"]
assert few[1]["told"] > few[5]["told"] > few[20]["told"] > ddpm["told"]
assert few[20]["copied"] < ddpm["copied"]
# --8<-- [end:few-steps]

# --8<-- [start:export]
import tempfile
from pathlib import Path

from safetensors.torch import load_file, save_file

served = copy.deepcopy(average).eval()  # 上线的是滑动平均那一份，不是优化器手里的
example = torch.cat([torch.randn(len(wanted), NOISE_SIZE, device=device), wanted], dim=1)
with tempfile.TemporaryDirectory() as folder:
    weights, graph = Path(folder) / "generator.safetensors", Path(folder) / "generator.pt2"
    save_file(served.state_dict(), weights, metadata={"noise": "32", "image": "(x + 1) * 8"})
    served.load_state_dict(load_file(weights, device=device))  # 只读张量，不执行代码
    any_batch = ({0: torch.export.Dim.DYNAMIC},)  # 批大小留到调用时再定
    torch.export.save(torch.export.export(served, (example,), dynamic_shapes=any_batch), graph)
    program = torch.export.load(graph).module()  # 不再需要定义网络的那段源码
    print(f"生成器的权重 {weights.stat().st_size / 1e6:.2f} MB")
print(f"去噪网络的权重 {sum(p.nbytes for p in steady.parameters()) / 1e6:.2f} MB")
for n in (2, 64, 719):
    torch.testing.assert_close(program(example[:n]), served(example[:n]))
print("导出的图与原模型一致，批大小 2、64、719")
# --8<-- [end:export]

# --8<-- [start:latency]
import time

def clock(draw, n, repeats=5):
    """生成 n 张的耗时中位数，毫秒；结果取回 CPU 才算完。"""
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        draw(wanted[:n])
        spent.append((time.perf_counter() - start) * 1e3)
    return np.median(spent)

draws = {"GAN，1 次前向": draw_gan, "扩散，20 步": lambda w: draw_ddpm(w, 20),
         f"扩散，{NUM_TIMESTEPS} 步": draw_ddpm}
spent = {name: (clock(draw, 1), clock(draw, 64)) for name, draw in draws.items()}
for name, (single, batch) in spent.items():
    print(f"{name}：一张 {single:.2f} ms；64 张一批，每张 {batch / 64:.3f} ms")
assert spent[f"扩散，{NUM_TIMESTEPS} 步"][0] > 20 * spent["GAN，1 次前向"][0]
# --8<-- [end:latency]

# --8<-- [start:no-reject-class]
naive = MLPClassifier((256,), alpha=1e-3, learning_rate_init=2e-3, random_state=SEED)
for _ in range(100):
    naive.partial_fit(train_images / 16, train_labels, classes=range(10))
accuracy = naive.score(held_images / 16, held_labels)
fooled = (naive.predict_proba(noise).max(axis=1) > 0.9).mean()
print(f"留出准确率 {accuracy:.2f}；纯噪声里 p > 0.9 的占 {fooled:.1f}")
assert accuracy > 0.95 and fooled > 0.15
# --8<-- [end:no-reject-class]

# --8<-- [start:forgot-to-round]
from sklearn.ensemble import RandomForestClassifier

def forest_test(images):
    both, origin = np.concatenate([held_images, images]), np.repeat([0, 1], len(images))
    forest = RandomForestClassifier(30, random_state=SEED)
    return cross_val_score(forest, both, origin, cv=folds).mean()

copy_with_dust = siblings + rng.uniform(-0.4, 0.4, siblings.shape)  # 照抄，只加不到半级的灰
raw, rounded = forest_test(copy_with_dust), forest_test(np.rint(copy_with_dust).clip(0, 16))
print(f"随机森林的两样本准确率：不取整 {raw:.2f}，取整 {rounded:.2f}")
assert raw > 0.98 and rounded < 0.6
# --8<-- [end:forgot-to-round]

# --8<-- [start:target-shape]
logits = discriminator(torch.cat([x[:64], conditions[:64]], dim=1))  # (64, 1)
bce(logits, torch.ones(64, device=device))
# --8<-- [end:target-shape]

# --8<-- [start:label-lost]
import io
import json

from PIL import Image
from PIL.PngImagePlugin import PngInfo

picture = Image.fromarray(np.uint8(gan_images[0].reshape(8, 8).clip(0, 16) * 15))
info, first, second = PngInfo(), io.BytesIO(), io.BytesIO()
info.add_text("AIGC", json.dumps({"generated": True, "model": "digits-gan"}))
picture.save(first, "PNG", pnginfo=info)
Image.open(first).convert("RGB").save(second, "PNG")  # 任何一次转存
print("第一次保存：", Image.open(first).text.get("AIGC"))
print("转存以后：", Image.open(second).text.get("AIGC"))
assert "AIGC" in Image.open(first).text and "AIGC" not in Image.open(second).text
# --8<-- [end:label-lost]
