# --8<-- [start:giou-by-hand]
pairs = {"重合": [0, 0, 2, 2], "错开一半": [1, 0, 3, 2], "隔一个宽": [4, 0, 6, 2], "隔两个宽": [6, 0, 8, 2]}
iou, giou = overlap(torch.tensor([0.0, 0, 2, 2]), torch.tensor(list(pairs.values())).float())
for name, i, g in zip(pairs, iou.tolist(), giou.tolist()):
    print(f"{name}：IoU {i:.3f}，GIoU {g:+.3f}")
torch.testing.assert_close(iou, torch.tensor([1, 1 / 3, 0, 0]))  # 手算
torch.testing.assert_close(giou, torch.tensor([1, 1 / 3, -1 / 3, -1 / 2]))
# --8<-- [end:giou-by-hand]
# --8<-- [start:draw-scenes]
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(7.2, 2.1), layout="constrained")
    for ax, image, (boxes, labels), guess in zip(fig.subplots(1, 4), test_set[0], truth, found):
        ax.imshow(image[0].cpu(), cmap="gray", vmin=-0.3, vmax=1.3, interpolation="nearest")
        top = guess[1].topk(len(labels)).indices  # 有几个目标，就画分数最高的几个框
        for color, style, group in (("#4caf50", "-", boxes), ("#ff7043", "--", guess[0][top])):
            for left, up, right, down in (group * SIZE - 0.5).tolist():
                ax.add_patch(Rectangle((left, up), right - left, down - up, fill=False,
                                       edgecolor=color, linestyle=style, linewidth=1.5))
        ax.set_rasterization_zorder(2)  # 图和框存成一张位图：框随机器差几个像素，不该算不同的图
        ax.set(title="true: " + " ".join(map(str, labels.tolist())), xticks=[], yticks=[])
    fig.savefig("object-detection-scenes.svg", metadata={"Date": None}, dpi=95)
# --8<-- [end:draw-scenes]
# --8<-- [start:precision-recall-figure]
from matplotlib import rc_context
from matplotlib.figure import Figure

with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(5.6, 3.2), layout="constrained")
    ax, grid = fig.subplots(), np.linspace(0, 1, 101)
    best = window_found[max(window_map, key=window_map.get)]
    for name, style, answers in (("DETR", "-", found), ("sliding window", "--", best)):
        envelopes = []
        for label in range(NUM_CLASSES):
            recall, precision, _ = precision_recall(answers, truth, label)
            envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
            envelopes.append(envelope[np.searchsorted(recall, grid)])
        ax.plot(grid, np.mean(envelopes, axis=0), style, label=name)  # 线下的面积就是 mAP
    ticks = [0, 0.25, 0.5, 0.75, 1]
    ax.set(xlabel="recall", ylabel="precision, mean of 10 classes", xlim=(0, 1), ylim=(0, 1.02),
           xticks=ticks, yticks=ticks)
    ax.legend(loc="lower left")
    fig.savefig("object-detection-precision-recall.svg", metadata={"Date": None})
# --8<-- [end:precision-recall-figure]
# --8<-- [start:pretrained]
from PIL import Image
from sklearn.datasets import load_sample_images
from transformers import AutoImageProcessor, AutoModelForObjectDetection

NAME = "hustvl/yolos-tiny"
processor = AutoImageProcessor.from_pretrained(NAME)
yolos = AutoModelForObjectDetection.from_pretrained(NAME).to(device).eval()
photos = [Image.fromarray(photo) for photo in load_sample_images().images]  # 427×640 的两张照片
inputs = processor(images=photos, return_tensors="pt").to(device)
with torch.inference_mode():
    outputs = yolos(**inputs)
sizes = [(photo.height, photo.width) for photo in photos]  # 后处理要原图的 (高, 宽)
everything, likely = (processor.post_process_object_detection(
    outputs, threshold=threshold, target_sizes=sizes) for threshold in (0.0, 0.9))
print("像素", tuple(inputs["pixel_values"].shape), "logits", tuple(outputs.logits.shape))
print("每张图的候选框：", [len(each["scores"]) for each in everything])
by_hand = to_xyxy(outputs.pred_boxes.cpu()) * torch.tensor([640, 427, 640, 427])
for each, more, boxes in zip(likely, everything, by_hand):
    assert len(each["scores"]) <= len(more["scores"]) and (each["scores"] > 0.9).all()
    torch.testing.assert_close(more["boxes"].cpu(), boxes, atol=1e-2, rtol=1e-4)
# --8<-- [end:pretrained]
# --8<-- [start:latency]
import time

from transformers import YolosConfig, YolosForObjectDetection

def median_ms(run, repeat):
    """执行 repeat 次的中位数，毫秒。"""
    seconds = []
    for _ in range(repeat + 1):  # 第一次是预热
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds[1:]))

one, many = test_set[0][:1], test_set[0][:32]
print(f"小 DETR，批 1：{median_ms(lambda: detect(detector, one), 20):.1f} ms 一张")
print(f"小 DETR，批 32：{median_ms(lambda: detect(detector, many), 5) / 32:.1f} ms 一张")
print(f"滑动窗口加 NMS：{median_ms(lambda: nms(*slide(one)[0], 0.3), 20):.1f} ms 一张")
sized = YolosForObjectDetection(YolosConfig(  # yolos-tiny 的真实尺寸，随机权重
    hidden_size=192, num_attention_heads=3, intermediate_size=768, image_size=[800, 1333],
    num_labels=91, use_mid_position_embeddings=False)).to(device).eval()
print(f"YOLOS-tiny 的尺寸，{sized.num_parameters() / 1e6:.1f} M 个参数")
for height, width in ((192, 288), (384, 576)):
    pixels = torch.rand(1, 3, height, width, device=device)
    with torch.inference_mode():
        ms = median_ms(lambda x=pixels: sized(x).pred_boxes.cpu(), 2)
    print(f"  {height}×{width}：{ms:.1f} ms 一张")
# --8<-- [end:latency]
# --8<-- [start:choose-threshold]
half = NUM_TEST // 2  # 前一半挑阈值，后一半验收
reached = []
for label in range(NUM_CLASSES):
    recall, precision, score = precision_recall(found[:half], truth[:half], label)
    enough = np.flatnonzero(precision >= 0.9)
    threshold = score[enough[-1]] if len(enough) else 1.0  # 精确率还有 0.9 的最低分数
    recall, precision, score = precision_recall(found[half:], truth[half:], label)
    count = np.sum(score >= threshold)  # 一个也不答时，精确率记 1，召回率记 0
    reached.append((threshold, np.append(1, precision)[count], np.append(0, recall)[count]))
lowest, highest = np.min(reached, axis=0)[0], np.max(reached, axis=0)[0]
print(f"十类的阈值从 {lowest:.2f} 到 {highest:.2f}")
assert highest - lowest > 0.1
print("验收：平均精确率 {:.2f}，平均召回率 {:.2f}".format(*np.mean(reached, axis=0)[1:]))
# --8<-- [end:choose-threshold]
# --8<-- [start:no-nms-needed]
both = {"DETR": found, "滑动窗口": window_raw}
for name, answers in both.items():
    without = mean_average_precision(answers, truth)
    within = mean_average_precision([nms(*each, 0.4) for each in answers], truth)
    print(f"{name}：不做 NMS {without:.3f}，做 NMS {within:.3f}，差 {within - without:+.3f}")
    assert within - without < 0.08 if name == "DETR" else within - without > 0.2
# --8<-- [end:no-nms-needed]
# --8<-- [start:recall-by-overlap]
crowding = [overlap(boxes[:, None], boxes)[0].fill_diagonal_(0).amax(1) for boxes, _ in truth]
crowding = torch.cat(crowding)  # 每个目标与别的目标的最大 IoU
rates = {}
for name, answers in {"DETR": found, "滑动窗口": window_found[0.3]}.items():
    caught = []
    for (boxes, score, label), (true_boxes, true_label) in zip(answers, truth):
        top = score.topk(min(len(true_label), len(score))).indices  # 有几个目标就取几个框
        right = overlap(true_boxes[:, None], boxes[top])[0] >= 0.5
        caught.append((right & (true_label[:, None] == label[top])).any(dim=1))
    caught = torch.cat(caught).float()
    bins = [crowding == 0, (crowding > 0) & (crowding <= 0.15), crowding > 0.15]
    rates[name] = [caught[each].mean().item() for each in bins]
    print(name, "不相碰 {:.2f}，IoU ≤ 0.15 {:.2f}，更密 {:.2f}".format(*rates[name]))
    assert rates[name][0] > rates[name][2]
# --8<-- [end:recall-by-overlap]
# --8<-- [start:true-neighbours]
crowd = truth_of(compose(test_ids, 300, objects=(3, 4), sides=(16, 20), max_iou=0.6))
total = sum(len(labels) for _, labels in crowd)
for limit in (0.2, 0.3, 0.5):  # 把标准答案当作检测结果，全归一类（好比都是行人）
    left = sum(len(nms(boxes, torch.ones(len(boxes)), torch.zeros(len(boxes)), limit)[1])
               for boxes, _ in crowd)
    print(f"NMS {limit}：{total} 个真框丢了 {1 - left / total:.1%}")
    assert left < total
# --8<-- [end:true-neighbours]
# --8<-- [start:few-queries]
total = sum(len(labels) for _, labels in truth)
for num_queries in (2, 3, NUM_QUERIES):
    ceiling = sum(min(num_queries, len(labels)) for _, labels in truth) / total
    few = detect(detector, test_set[0], num_queries=num_queries)
    recall = np.mean([precision_recall(few, truth, label)[0][-1] for label in range(NUM_CLASSES)])
    print(f"{num_queries} 个查询：召回率的上限 {ceiling:.2f}，各类平均召回率 {recall:.2f}")
    assert recall <= ceiling + 0.03  # 各类平均与总的比例略有出入
# --8<-- [end:few-queries]
# --8<-- [start:scale-shift]
shifted = {}
for sides in ((8, 11), (12, 20), (22, 28)):
    scenes = compose(test_ids, 200, objects=(2, 2), sides=sides)
    shifted[sides] = mean_average_precision(detect(detector, scenes[0]), truth_of(scenes))
    print(f"边长 {sides[0]}–{sides[1]}：mAP@0.5 {shifted[sides]:.2f}")
assert max(shifted[8, 11], shifted[22, 28]) < shifted[12, 20] - 0.1
# --8<-- [end:scale-shift]
# --8<-- [start:learned-queries]
class LearnedQueries(Detector):
    """原版 DETR 的查询：一组学出来的向量，与图无关；框从图的正中猜起。"""
    def __init__(self):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(NUM_QUERIES, HIDDEN_SIZE))

    def forward(self, images):
        """images (B, 1, 40, 40) → [(logits, boxes)]，只有解码器一级。"""
        memory = self.encoder(self.stem(images).flatten(2).mT + self.position)
        return [self.decode(self.queries.expand(len(images), -1, -1), memory, 0.0)]

trained = {name: x for name, x in detector.state_dict().items()
           if not name.startswith(("decoder", "locate.1"))}  # 卷积、编码器和分类的那一层
short = {}
for kind in (Detector, LearnedQueries):
    torch.manual_seed(SEED)
    model = kind().to(device)
    model.load_state_dict(trained, strict=False)  # 两边都用训练好的，冻住；解码器从头学
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in trained)
    fit(model, detection_loss, steps=50)
    short[kind] = mean_average_precision(detect(model, test_set[0]), truth)
print(f"解码器学 50 步：编码器提议 {short[Detector]:.2f}，学出来的查询 {short[LearnedQueries]:.2f}")
assert short[LearnedQueries] < short[Detector] - 0.4
# --8<-- [end:learned-queries]
# --8<-- [start:misread-boxes]
with torch.no_grad():
    raw = torch.cat([detector(chunk)[-1][1] for chunk in test_set[0].split(100)]).cpu()
wrong = [(boxes, *rest) for boxes, (_, *rest) in zip(raw, found)]  # 忘了 to_xyxy
wrong_map = mean_average_precision(wrong, truth)
print(f"把 cxcywh 当 xyxy：mAP@0.5 {wrong_map:.3f}，应为 {detector_map:.3f}")
assert wrong_map < 0.1
# --8<-- [end:misread-boxes]
# --8<-- [start:pixel-boxes]
in_pixels = [(boxes * SIZE, score, label) for boxes, score, label in found]
print(f"答案用像素、真值归一化：mAP@0.5 {mean_average_precision(in_pixels, truth):.3f}")
assert mean_average_precision(in_pixels, truth) == 0
# --8<-- [end:pixel-boxes]
# --8<-- [start:degenerate-iou]
dot = torch.tensor([0.5, 0.5, 0.5, 0.5])  # 宽和高都是 0 的标注
iou, giou = overlap(dot, dot)
print("IoU", iou.item(), "GIoU", giou.item())
assert iou.isnan() and giou.isnan()
# --8<-- [end:degenerate-iou]
# --8<-- [start:degenerate-match]
boxes = torch.tensor([[[0.5, 0.5, 0.0, 0.0], [0.2, 0.2, 0.1, 0.1]]], device=device)  # 宽高为 0
logits = torch.zeros(1, 2, NUM_CLASSES + 1, device=device)
match(logits, boxes, boxes[:, :1], torch.zeros(1, 1, dtype=torch.long, device=device))
# --8<-- [end:degenerate-match]
# --8<-- [start:no-object-weight]
torch.manual_seed(SEED)
logits, boxes = Detector().to(device)(train_set[0][:100])[0]  # 还没训练，100 个词元
b, q, j = match(logits, boxes, *(x[:100] for x in train_set[1:]))
kind = torch.full(logits.shape[:2], NUM_CLASSES, device=device)
kind[b, q] = train_set[2][b, j]
for weight in (1.0, 0.3, 0.1):
    class_weight = torch.tensor([1.0] * NUM_CLASSES + [weight], device=device)
    loss = F.cross_entropy(logits.flatten(0, 1), kind.flatten(), class_weight)
    slope, = torch.autograd.grad(loss, logits, retain_graph=True)
    share = (slope[b, q].abs().sum() / slope.abs().sum()).item()
    print(f"「没有目标」的权重 {weight}：目标占分类梯度的 {share:.2f}")
print(f"全答「没有目标」，准确率 {(kind == NUM_CLASSES).float().mean().item():.2f}")
# --8<-- [end:no-object-weight]
# --8<-- [start:fixed-threshold]
for threshold in (0.0, 0.5, 0.9):
    kept = [tuple(x[each[1] >= threshold] for x in each) for each in found]
    cut_map = mean_average_precision(kept, truth)
    print(f"先丢掉分数低于 {threshold} 的：mAP@0.5 {cut_map:.3f}")
assert cut_map < detector_map - 0.05
# --8<-- [end:fixed-threshold]
