# --8<-- [start:attention-map]
samples = [int(np.flatnonzero(truth == d)[0]) for d in range(10)]  # 每个数字取测试集里的第一张
with torch.no_grad():
    weights = vits[2](x_test[samples], attention=True)[1]  # (10, num_heads, 1, 17)
looks = weights.mean(dim=1)[:, 0, 1:].unflatten(1, (4, 4)).cpu()  # 类别词元看各图块，头取平均
mosaics = {"input": (torch.cat(list(raw[test_idx[samples], 0]), dim=1).numpy(), 1.0),
           "attention": (torch.cat(list(looks), dim=1).numpy(), 0.5)}
fig = Figure(figsize=(7, 1.9), layout="constrained")
for ax, (title, (mosaic, top)) in zip(fig.subplots(2), mosaics.items()):
    ax.imshow(mosaic, cmap="viridis", vmin=0, vmax=top, interpolation="nearest")
    ax.set(xticks=[], yticks=[], ylabel=title)
fig.savefig("image-classification-attention.svg", metadata={"Date": None})
# --8<-- [end:attention-map]

# --8<-- [start:attention-deletion]
tiles = patchify(x_test, 2)  # (540, 16, 4)
with torch.no_grad():
    looked = vits[2](x_test, attention=True)[1].mean(dim=1)[:, 0, 1:]  # (540, 16)
noise = torch.rand(looked.shape, generator=torch.Generator().manual_seed(SEED)).to(device)
left = {}
for name, ranking in (("注意力最高", looked), ("笔画最多", tiles.sum(dim=2)), ("随机", noise),
                      ("注意力最低", -looked)):
    chosen = ranking.topk(4, dim=1).indices[:, :, None].expand(-1, -1, 4)
    erased = F.fold(tiles.scatter(1, chosen, x_test.amin().item()).mT, 8, 2, stride=2)
    left[name] = (predictor(vits[2])(erased) == truth).mean()
    print(f"抹掉{name}的 4 块：准确率 {left[name]:.2f}")
assert left["笔画最多"] < min(left["注意力最高"], left["随机"])
# --8<-- [end:attention-deletion]

# --8<-- [start:replace-head]
id2label = {k: f"数字 {k}" for k in range(10)}
tuned = ViTForImageClassification.from_pretrained(
    NAME, id2label=id2label, label2id={name: k for k, name in id2label.items()},
    ignore_mismatched_sizes=True).to(device)  # 1000 类的头换成随机的 10 类头
tuned.vit.requires_grad_(False)  # 冻结主干
images = [Image.fromarray(np.uint8(digits.images[i] * 15.9)).convert("RGB")
          for i in train_idx[:40]]
inputs = processor(images, return_tensors="pt")["pixel_values"].to(device)
with torch.no_grad():  # 主干不变，特征只算一次
    features = tuned.vit(inputs).last_hidden_state[:, 0]  # (40, hidden_size)
optimizer, losses = torch.optim.AdamW(tuned.classifier.parameters(), lr=1e-2), []
for _ in range(50):
    loss = F.cross_entropy(tuned.classifier(features), y_train[:40])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print("可训练的只有", *(name for name, p in tuned.named_parameters() if p.requires_grad))
assert losses[-1] < losses[0] and tuned.config.id2label[7] == "数字 7"
# --8<-- [end:replace-head]

# --8<-- [start:latency]
import timeit

sized = ViTForImageClassification(ViTConfig(num_labels=1000)).to(device).eval()  # 真实尺寸，随机权重
count = sized.num_parameters()
print(f"ViT-B/16：{count:,} 个参数，float32 权重 {count * 4 // 10**6} MB")
for name, model, images, sizes in (("小 ViT", vit, x_test, (1, 64)),
                                   ("ViT-B/16", sized, batch, (1, 2))):
    for size in sizes:
        inputs = images[:1].repeat(size, 1, 1, 1).to(device)
        with torch.inference_mode():  # 取最大值再取回 CPU，GPU 上等于同步；第一次是预热
            seconds = timeit.repeat(lambda: torch.as_tensor(getattr(
                output := model(inputs), "logits", output)).argmax(1).tolist(), number=1, repeat=3)
        best = min(seconds[1:])
        print(f"{name} 批 {size:2d}：{best * 1e3:.1f} ms，每张 {best / size * 1e3:.2f} ms")
# --8<-- [end:latency]

# --8<-- [start:save-and-check]
import json
import tempfile
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_model, save_model

def check(image):
    """服务入口：只收 (8, 8)、uint8、0–16、不空白的图，其余报 ValueError。"""
    for wrong, message in ((image.shape != (8, 8), f"形状是 {image.shape}，应为 (8, 8)"),
                           (image.dtype != np.uint8, f"类型是 {image.dtype}，应为 uint8"),
                           (image.max() > 16, f"最大值 {image.max()}，应在 0–16"),
                           (np.ptp(image) == 0, "整张图一个颜色")):
        if wrong:
            raise ValueError(message)
    return image

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "vit.safetensors"
    settings = {"patch_size": PATCH_SIZE, "mean": mean, "std": std}  # 预处理随权重走
    save_model(vit, path, metadata={"settings": json.dumps(settings)})
    with safe_open(path, "pt") as file:
        settings = json.loads(file.metadata()["settings"])
    served = ViT(settings["patch_size"]).to(device).eval()
    load_model(served, path)
image = check(digits.images[test_idx[0]].astype(np.uint8))
ready = torch.tensor(image / 16, dtype=torch.float32)[None, None]
ready = ((ready - settings["mean"]) / settings["std"]).to(device)
torch.testing.assert_close(served(ready), vit(x_test[:1]), atol=1e-3, rtol=1e-3)
for bad in (np.zeros((28, 28), np.uint8), image / 16, image * 15, image * 0):
    try:
        check(bad)
    except ValueError as error:
        print(error)
# --8<-- [end:save-and-check]

# --8<-- [start:positions]
blind = predictor(train(lambda: ViT(positions=False), x_train, y_train))
shuffled = F.fold(patchify(x_test, PATCH_SIZE)[:, [3, 2, 1, 0]].mT, 8, PATCH_SIZE,
                  stride=PATCH_SIZE)  # 左上与右下、右上与左下对调
hits = {name: [(answer(images) == truth).mean() for images in (x_test, shuffled)]
        for name, answer in (("有位置", predict["ViT"]), ("无位置", blind))}
for name, (ordered, mixed) in hits.items():
    print(f"{name}：原图 {ordered:.3f}，图块对调后 {mixed:.3f}")
assert hits["无位置"][0] == hits["无位置"][1] and hits["无位置"][0] < hits["有位置"][0]
assert hits["有位置"][1] < 0.6
# --8<-- [end:positions]

# --8<-- [start:augmentation]
plain = predictor(train(ViT, x_train, y_train, share=0.0))
moved = shift(x_test, torch.Generator().manual_seed(SEED), share=1.0)
copies = [shift(x_train, torch.Generator().manual_seed(k), share=1.0) for k in range(4)]
virtual = SVC(C=10).fit(flat(torch.cat([x_train, *copies])),
                        np.tile(digits.target[train_idx], 5))
answers = {"ViT，不增广": plain, "ViT，增广": predict["ViT"], "SVM，不增广": predict["SVM"],
           "SVM，加平移副本": lambda images: virtual.predict(flat(images))}
hits = {name: [(answer(images) == truth).mean() for images in (x_test, moved)]
        for name, answer in answers.items()}
for name, (still, shifted) in hits.items():
    print(f"{name}：原图 {still:.3f}，平移后 {shifted:.3f}")
assert hits["ViT，不增广"][1] < 0.6 < 0.9 < hits["ViT，增广"][1]
assert abs(hits["ViT，增广"][0] - hits["ViT，不增广"][0]) < 0.015
# --8<-- [end:augmentation]

# --8<-- [start:distribution-shift]
from scipy import ndimage
from sklearn.metrics import confusion_matrix

original = raw[test_idx].numpy()
turned = {f"转 {a}°": ndimage.rotate(original, a, axes=(2, 3), reshape=False, order=1)
          for a in (15, 30)}
changed = {"原图": original, **turned, "反色": 1 - original,
           "右移 2 像素": ndimage.shift(original, (0, 0, 0, 2), order=0),
           "噪声 σ=0.25": original + 0.25 * rng.standard_normal(original.shape)}
inputs = {name: ((torch.tensor(images, dtype=torch.float32) - mean) / std).to(device)
          for name, images in changed.items()}
for name, images in inputs.items():
    print(name, *(f"{who} {(answer(images) == truth).mean():.2f}"
                  for who, answer in predict.items()))
fig = Figure(figsize=(7, 3.4), layout="constrained")
for ax, (title, name) in zip(fig.subplots(1, 2),
                             (("original", "原图"), ("rotated by 30 degrees", "转 30°"))):
    table = confusion_matrix(truth, predict["ViT"](inputs[name]), normalize="true")
    ax.imshow(table, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=range(10), yticks=range(10), xlabel="predicted", ylabel="true", title=title)
fig.savefig("image-classification-confusion.svg", metadata={"Date": None})
assert all((answer(inputs["反色"]) == truth).mean() < 0.4 for answer in predict.values())
# --8<-- [end:distribution-shift]

# --8<-- [start:few-images]
gaps = []  # SVM 比 ViT 高出多少
for n in (100, 400):
    few, _ = train_test_split(np.arange(len(train_idx)), train_size=n, random_state=SEED,
                              stratify=digits.target[train_idx])
    svm = SVC(C=10).fit(flat(x_train[few]), digits.target[train_idx[few]])
    small = predictor(train(ViT, x_train[few], y_train[few], steps=300))
    hits = [(small(x_test) == truth).mean(), svm.score(flat(x_test), truth)]
    gaps.append(hits[1] - hits[0])
    print(f"{n} 张：ViT {hits[0]:.3f}，SVM {hits[1]:.3f}")
assert sum(gaps) > 0  # 两档合起来，SVM 领先
# --8<-- [end:few-images]

# --8<-- [start:overconfidence]
crops = []
for photo in load_sample_images().images:  # 照片缩小后切成 8×8：里面没有数字
    grey = np.array(Image.fromarray(photo).convert("L").resize((160, 104))) / 255
    crops += [grey[y:y + 8, x:x + 8] for y in range(0, 104, 8) for x in range(0, 160, 8)]
crops = torch.tensor(np.stack(crops), dtype=torch.float32)[:, None]  # (520, 1, 8, 8)
photo_crops = ((crops - mean) / std).to(device)
moved = shift(x_test, torch.Generator().manual_seed(SEED), share=1.0)
nearest = lambda images: torch.cdist(images.flatten(1), x_train.flatten(1)).amin(dim=1)
limit = nearest(x_test).quantile(0.99)
for name, images in (("测试数字", x_test), ("照片碎片", photo_crops), ("平移的数字", moved)):
    with torch.no_grad():
        sure = [model(images).softmax(dim=1).amax(dim=1).mean().item() for model in (vit, cnn)]
    refused = (nearest(images) > limit).float().mean().item()
    print(f"{name}：平均最高概率 ViT {sure[0]:.2f}，CNN {sure[1]:.2f}；按距离拒收 {refused:.2f}")
    assert name != "照片碎片" or (min(sure) > 0.2 and refused > 0.9)  # 均分十类只有 0.1
# --8<-- [end:overconfidence]

# --8<-- [start:wrong-normalisation]
for name, images in (("训练时的预处理", x_test), ("忘了标准化（0–1）", raw[test_idx].to(device)),
                     ("原始灰度（0–16）", 16 * raw[test_idx].to(device))):
    accuracy = (predict["ViT"](images) == truth).mean()
    print(f"{name}：准确率 {accuracy:.2f}")
    assert (accuracy > 0.9) == (images is x_test)
# --8<-- [end:wrong-normalisation]

# --8<-- [start:forgotten-eval]
import copy

forgotten = copy.deepcopy(cnn).train()  # 没有 eval() 就上线的模型
print(f"上线时：准确率 {(predictor(cnn)(x_test) == truth).mean():.2f}")
white = torch.full_like(x_test, x_test.amax())  # 相机过曝：整张全白
with torch.no_grad():
    for _ in range(20):  # 没有一步训练，只是推理
        forgotten(white)
accuracy = (predictor(forgotten.eval())(x_test) == truth).mean()
print(f"收过 20 批白图，再 eval()：准确率 {accuracy:.2f}")
assert accuracy < 0.8
# --8<-- [end:forgotten-eval]

# --8<-- [start:indivisible]
wide = F.pad(x_test[:1], (1, 1, 1, 1))  # (1, 1, 10, 10)：4 除不尽 10
print(F.conv2d(wide, kernel, stride=PATCH_SIZE).shape)  # 卷积写法不报错，丢掉右边和下边 2 像素
# --8<-- [end:indivisible]

# --8<-- [start:indivisible-raises]
patchify(F.pad(x_test[:1], (1, 1, 1, 1)), PATCH_SIZE)
# --8<-- [end:indivisible-raises]

# --8<-- [start:grey-image]
processor(Image.new("L", (28, 28)), return_tensors="pt")  # 灰度图，只有一个通道
# --8<-- [end:grey-image]

# --8<-- [start:channels-last]
original(batch.permute(0, 2, 3, 1).to(device))  # (2, 224, 224, 3)
# --8<-- [end:channels-last]

# --8<-- [start:rescaled-twice]
twice = processor([photo / 255 for photo in photos], return_tensors="pt")["pixel_values"]
right = processor([photo / 255 for photo in photos], do_rescale=False, return_tensors="pt")
print(f"又除一次 255：{twice.min():.2f} 到 {twice.max():.2f}；"
      f"do_rescale=False：{right['pixel_values'].min():.2f} 到 {right['pixel_values'].max():.2f}")
# --8<-- [end:rescaled-twice]

# --8<-- [start:mismatched-head]
ViTForImageClassification.from_pretrained(NAME, num_labels=10)
# --8<-- [end:mismatched-head]

# --8<-- [start:nameless-labels]
nameless = ViTForImageClassification.from_pretrained(NAME, num_labels=10,
                                                     ignore_mismatched_sizes=True)
print(nameless.config.id2label[7])
# --8<-- [end:nameless-labels]
