# --8<-- [start:setup]
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
SIZE, NUM_CLASSES = 40, 10  # 场景的边长，像素；类的个数，下标 10 留给「没有目标」
NUM_TRAIN, NUM_TEST = 6000, 400  # 场景数
NUM_QUERIES, HIDDEN_SIZE, NUM_HEADS = 16, 48, 2  # 每个场景最多答 16 个框；宽度；头数
STEPS, BATCH_SIZE, LEARNING_RATE = 500, 16, 5e-3  # 两个模型共用；学习率是峰值
# --8<-- [end:setup]
# --8<-- [start:overlap]
def to_xyxy(boxes):
    """(…, 4) 的 (中心 x, 中心 y, 宽, 高) → (左, 上, 右, 下)；都以图的边长为单位。"""
    center, side = boxes[..., :2], boxes[..., 2:]
    return torch.cat([center - side / 2, center + side / 2], dim=-1)

def overlap(a, b):
    """xyxy 的框 a、b，形状可广播；返回 IoU 与 GIoU（Rezatofighi 等，2019）。"""
    (low_a, high_a), (low_b, high_b) = a.chunk(2, dim=-1), b.chunk(2, dim=-1)
    inner = torch.minimum(high_a, high_b) - torch.maximum(low_a, low_b)
    outer = torch.maximum(high_a, high_b) - torch.minimum(low_a, low_b)  # 包住两者的最小矩形
    intersection, hull, area_a, area_b = (  # 宽乘高；prod(-1) 也对，但梯度算得慢
        torch.mul(*x.unbind(-1)) for x in (inner.clamp(min=0), outer, high_a - low_a, high_b - low_b))
    union = area_a + area_b - intersection
    return intersection / union, intersection / union - (hull - union) / hull
# --8<-- [end:overlap]
# --8<-- [start:compose-scenes]
digits = load_digits()
train_ids, test_ids = np.split(np.random.default_rng(SEED).permutation(len(digits.target)), [1200])
glyphs = torch.from_numpy(digits.images / 16).float()[:, None]  # (1797, 1, 8, 8)，0–1
patches = {side: F.interpolate(glyphs, size=side, mode="bilinear")[:, 0].numpy()
           for side in range(8, 29)}  # 各种边长的数字
rng = np.random.default_rng(SEED)

def compose(ids, count, objects=(2, 4), sides=(12, 20), max_iou=0.35):
    """返回 images (N, 1, 40, 40)、boxes (N, M, 4) cxcywh、labels (N, M)；空位的标签是 -1。"""
    images = 0.2 * rng.standard_normal((count, SIZE, SIZE), np.float32)  # 噪声
    here = np.arange(objects[1]) < rng.integers(objects[0], objects[1] + 1, (count, 1))  # (N, M)
    side, low = np.zeros((*here.shape, 1), int), np.zeros((*here.shape, 2), int)  # 边长；左上角
    todo = np.arange(count)
    while len(todo):  # 任意两框的 IoU 都不许超过 max_iou，否则整个场景重摆
        s = here[todo, :, None] * rng.integers(sides[0], sides[1] + 1, side[todo].shape)
        end = s + (at := rng.integers(0, SIZE - s + 1, low[todo].shape))
        inner = np.minimum(end[:, :, None], end[:, None]) - np.maximum(at[:, :, None], at[:, None])
        iou = (shared := inner.clip(0).prod(-1)) / (s**2 + s.swapaxes(1, 2)**2 - shared).clip(1)
        side[todo], low[todo] = s, at
        todo = todo[np.triu(iou, 1).max((1, 2)) > max_iou]  # IoU (n, M, M)，同 overlap
    chosen, ink = rng.choice(ids, here.shape), np.zeros_like(images)
    for n, m in np.argwhere(here):
        (left, top), s = low[n, m], side[n, m, 0]
        part = ink[n, top:top + s, left:left + s]  # 深浅随机，重叠处取深的
        np.maximum(part, rng.uniform(0.5, 1) * patches[s][chosen[n, m]], out=part)
    boxes = np.concatenate([low + side / 2, side, side], axis=2).astype(np.float32) / SIZE
    labels = np.where(here, digits.target[chosen], -1)
    return [torch.from_numpy(x).to(device) for x in ((images + ink)[:, None], boxes, labels)]

def truth_of(scenes):
    """每个场景一对：(n, 4) 的 xyxy 框与 (n,) 的标签，放在 CPU 上。"""
    return [(to_xyxy(b[k >= 0]).cpu(), k[k >= 0].cpu()) for b, k in zip(*scenes[1:])]

train_set, test_set = compose(train_ids, NUM_TRAIN), compose(test_ids, NUM_TEST)  # 没有同一张数字
truth = truth_of(test_set)
# --8<-- [end:compose-scenes]
# --8<-- [start:average-precision]
def precision_recall(found, truth, label, threshold=0.5):
    """一类的 (recall, precision, score)，各 (n,)，按分数从高到低累计；没有这类目标时返回 None。"""
    (boxes, score, kind), (true_boxes, true_kind) = (  # 所有场景的框接在一起
        [torch.cat(each) for each in zip(*group)] for group in (found, truth))
    scene, true_scene = (torch.repeat_interleave(torch.tensor([len(each[-1]) for each in group]))
                         for group in (found, truth))  # 每个框属于第几个场景
    mine, targets = (kind == label).nonzero()[:, 0], (true_kind == label).nonzero()[:, 0]
    mine = mine[score[mine].argsort(descending=True, stable=True)]
    iou = overlap(boxes[mine][:, None], true_boxes[targets])[0]  # (n, 这类目标的个数)
    iou = iou.where(scene[mine][:, None] == true_scene[targets], 0).numpy()
    hits = np.zeros(len(mine), dtype=bool)
    for i, row in enumerate(iou if len(targets) else []):  # 没有这类目标：谁也不中
        if row[best := row.argmax()] >= threshold:
            hits[i], iou[i + 1:, best] = True, 0  # 一个目标只认一次，再中就算误报
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(mine) + 1)
    return (right / len(targets), precision, score[mine].numpy()) if len(targets) else None

def mean_average_precision(found, truth):
    """COCO 的 mAP@0.5：召回率取 0, 0.01, …, 1 共 101 点，各点取其右边最高的精确率，再对类平均。"""
    averages = []
    for label in range(NUM_CLASSES):
        if curve := precision_recall(found, truth, label):
            envelope = np.maximum.accumulate(curve[1][::-1])[::-1]
            at = np.searchsorted(curve[0], np.linspace(0, 1, 101))
            averages.append(np.append(envelope, 0)[at].mean())  # 达不到的召回率记 0
    return float(np.mean(averages))
# --8<-- [end:average-precision]
# --8<-- [start:train-loop]
def fit(model, batch_loss, steps=STEPS, batch_size=BATCH_SIZE):
    """就地训练：AdamW，学习率先升后降（OneCycle）；返回最后停在评估模式的 model。"""
    model.to(memory_format=torch.channels_last)  # 通道存在最后一维，CPU 上的卷积更快
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.1)
    for _ in range(steps):
        picked = torch.randint(NUM_TRAIN, (batch_size,), device=device)
        loss = batch_loss(model.train(), *(x[picked] for x in train_set))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()
# --8<-- [end:train-loop]
# --8<-- [start:window-classifier]
STRIDE = 3  # 窗口的边长和位置都每隔 3 像素取一个
windows = torch.tensor([(left + side / 2, top + side / 2, side, side)
                        for side in range(12, 21, STRIDE)
                        for top in range(0, SIZE - side + 1, STRIDE)
                        for left in range(0, SIZE - side + 1, STRIDE)], device=device) / SIZE

def crop(images, boxes):
    """images (B, 1, 40, 40)、boxes (B, W, 4) cxcywh → (B·W, 1, 12, 12)，双线性采样。"""
    x, y, w, h = boxes.flatten(0, 1).unbind(-1)
    zero = torch.zeros_like(x)
    warp = torch.stack([w, zero, 2 * x - 1, zero, h, 2 * y - 1], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(warp, (len(x), 1, 12, 12), align_corners=False).view(len(boxes), -1, 12, 2)
    return F.grid_sample(images, grid, align_corners=False).view(-1, 1, 12, 12)  # 窗口竖着接，一次采完

def window_loss(net, images, boxes, labels):
    """每个场景取 5 个压中目标的窗口（IoU ≥ 0.6）、5 个没压中的（IoU < 0.5），做 11 类的分类。"""
    iou = overlap(to_xyxy(windows)[:, None], to_xyxy(boxes)[:, None])[0]  # (B, W, M)
    best, which = iou.masked_fill(labels[:, None] < 0, 0).max(dim=2)
    kind = torch.where(best >= 0.6, labels.gather(1, which), NUM_CLASSES)  # (B, W)
    picked = torch.cat([torch.rand_like(best).masked_fill(~ok, -1).topk(5).indices
                        for ok in (best >= 0.6, best < 0.5)], dim=1)
    return F.cross_entropy(net(crop(images, windows[picked])), kind.gather(1, picked).flatten())

torch.manual_seed(SEED)
window_net = fit(nn.Sequential(
    nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 9, 64),
    nn.ReLU(), nn.Linear(64, NUM_CLASSES + 1)).to(device), window_loss)
# --8<-- [end:window-classifier]
# --8<-- [start:window-detector]
@torch.no_grad()
def slide(images, floor=0.1):
    """每个场景一组 (xyxy 框, 分数, 标签)，在 CPU 上：分数高于 floor 的窗口，还没有去重。"""
    found, at = [], to_xyxy(windows).cpu()
    for chunk in images.split(5):  # 一次 5 个场景
        guess = window_net(crop(chunk, windows.expand(len(chunk), -1, -1))).softmax(-1)[:, :-1]
        for score, label in zip(*(x.view(len(chunk), -1).cpu() for x in guess.max(dim=1))):
            found.append(tuple(x[score > floor] for x in (at, score, label)))
    return found

def nms(boxes, score, label, limit):
    """贪心非极大值抑制：从高分到低分，与已留下的同类框 IoU 超过 limit 就丢。"""
    rival = (overlap(boxes[:, None], boxes)[0] > limit) & (label[:, None] == label)
    alive, kept = torch.ones(len(score), dtype=torch.bool), []
    for i in score.argsort(descending=True).tolist():
        if alive[i]:
            kept.append(i)
            alive &= ~rival[i]
    return boxes[kept], score[kept], label[kept]

window_raw = slide(test_set[0])  # 基线占便宜：NMS 的阈值取测试集上最好的
window_found = {limit: [nms(*each, limit) for each in window_raw] for limit in (0.2, 0.3, 0.4)}
window_map = {k: mean_average_precision(v, truth) for k, v in window_found.items()}
print(f"{len(windows)} 个窗口；" + "，".join(f"NMS {k}：{v:.3f}" for k, v in window_map.items()))
# --8<-- [end:window-detector]
# --8<-- [start:model]
def conv(channels_in, channels_out, stride):
    """3×3 卷积、批归一化、ReLU；stride 为 2 时边长减半。"""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
                         nn.BatchNorm2d(channels_out), nn.ReLU())
class Detector(nn.Module):
    """小 DETR：images (B, 1, 40, 40) → 两级的 [(logits (B, Q, 11), boxes (B, Q, 4) cxcywh)]。"""
    def __init__(self, C=HIDDEN_SIZE, grid=SIZE // 4):
        super().__init__()
        self.stem = nn.Sequential(conv(1, 32, 2), conv(32, C, 2), *(conv(C, C, 1) for _ in range(3)))
        self.position = nn.Parameter(0.02 * torch.randn(grid**2, C))
        shape = dict(dim_feedforward=2 * C, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoderLayer(C, NUM_HEADS, **shape)
        self.decoder = nn.TransformerDecoderLayer(C, NUM_HEADS, **shape)
        self.classify = nn.Sequential(nn.LayerNorm(C), nn.Linear(C, NUM_CLASSES + 1))  # 两级共用
        self.locate = nn.ModuleList(nn.Sequential(
            nn.LayerNorm(C), nn.Linear(C, C), nn.ReLU(), nn.Linear(C, 4)) for _ in range(2))
        at, third = (torch.arange(grid) + 0.5) / grid, torch.full((grid**2,), 1 / 3)
        anchors = torch.stack([at.repeat(grid), at.repeat_interleave(grid), third, third], dim=1)
        self.register_buffer("anchors", anchors.logit())  # 每个词元先猜身边有个边长 1/3 的框
    def forward(self, images, num_queries=NUM_QUERIES):
        """images (B, 1, 40, 40) → 编码器、解码器两级的 [(logits, boxes)]。"""
        memory = self.encoder(self.stem(images).flatten(2).mT + self.position)  # 10×10 → (B, 100, C)
        logits, place = self.classify(memory), self.locate[0](memory) + self.anchors
        likely = logits.softmax(-1)[..., -1].topk(num_queries, largest=False).indices[..., None]
        query, start = (x.take_along_dim(likely, 1) for x in (memory, place))  # 最像目标的词元
        return [(logits, place.sigmoid()), self.decode(query, memory, start.detach())]
    def decode(self, query, memory, start):
        """query (B, Q, C)，memory (B, T, C)，start 是起点的 logit → (logits, boxes)。"""
        query = self.decoder(query, memory)  # 查询互相看，再看全图；框在起点上修正
        return self.classify(query), (start + self.locate[1](query)).sigmoid()
# --8<-- [end:model]
# --8<-- [start:set-loss]
class_weight = torch.tensor([1.0] * NUM_CLASSES + [0.3], device=device)  # 末位：没有目标

@torch.no_grad()
def match(logits, boxes, true_boxes, labels):
    """匈牙利匹配；返回 (3, K) 的下标：第几个场景、第几个查询、第几个目标。"""
    kind = labels.clamp(min=0)[:, None].expand(-1, logits.shape[1], -1)
    distance = (boxes[:, :, None] - true_boxes[:, None]).abs().sum(-1)  # (B, Q, M)
    giou = overlap(to_xyxy(boxes)[:, :, None], to_xyxy(true_boxes)[:, None])[1]
    cost = (5 * distance - 2 * giou - 4 * logits.softmax(-1).gather(2, kind)).cpu().numpy()
    triples = []
    for b, real in enumerate((labels >= 0).cpu().numpy()):
        q, j = linear_sum_assignment(cost[b][:, real])
        triples.append(np.stack([np.full_like(q, b), q, real.nonzero()[0][j]]))
    return torch.from_numpy(np.concatenate(triples, axis=1)).to(device)

def set_loss(logits, boxes, true_boxes, labels):
    """配上的查询学类与框，没配上的学「没有目标」；系数 4、5、2 与匹配的代价相同。"""
    b, q, j = match(logits, boxes, true_boxes, labels)
    kind = torch.full(logits.shape[:2], NUM_CLASSES, device=device)
    kind[b, q] = labels[b, j]
    giou = overlap(to_xyxy(boxes[b, q]), to_xyxy(true_boxes[b, j]))[1]
    return (4 * F.cross_entropy(logits.flatten(0, 1), kind.flatten(), class_weight)
            + 5 * (boxes[b, q] - true_boxes[b, j]).abs().sum(-1).mean() + 2 * (1 - giou).mean())

def detection_loss(model, images, boxes, labels, copies=2):
    """末级一对一；编码器一级每个目标配 copies 个词元，信号更密（Jia 等，2022 的混合匹配）。"""
    *proposals, final = model(images)
    many = boxes.repeat(1, copies, 1), labels.repeat(1, copies)
    return set_loss(*final, boxes, labels) + sum(set_loss(*each, *many) for each in proposals)
# --8<-- [end:set-loss]
# --8<-- [start:train-detector]
@torch.no_grad()
def detect(model, images, **options):
    """每个场景一组 (xyxy 框, 分数, 标签)，在 CPU 上；没有 NMS。"""
    found = []
    for chunk in images.split(100):
        logits, boxes = model.eval()(chunk, **options)[-1]
        score, label = logits.softmax(-1)[..., :-1].max(-1)
        found += zip(to_xyxy(boxes).cpu(), score.cpu(), label.cpu())
    return found

torch.manual_seed(SEED)
detector = fit(Detector().to(device), detection_loss)
found = detect(detector, test_set[0])
detector_map, window_best = mean_average_precision(found, truth), max(window_map.values())
print("参数个数：", sum(p.numel() for p in detector.parameters()))
print(f"结论｜目标检测｜DETR mAP@0.5 {detector_map:.3f}｜滑动窗口 {window_best:.3f}")
assert detector_map >= 0.7 and detector_map > window_best
# --8<-- [end:train-detector]
