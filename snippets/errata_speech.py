# --8<-- [start:setup]
"""语音分类：每处缺陷的修正各成一段，缺陷本身在 errata_speech_pitfalls.py。"""

import io

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"

num_mels = 20  # 每帧的频带数
num_tones = 4  # 类数：四种音高
hidden_size = 32
batch_size = 16

torch.manual_seed(SEED)
# --8<-- [end:setup]

# --8<-- [start:make-loaders]
def make_clips(count, generator):
    """返回 count 段 (features, label)：features (T, num_mels) float32，T 从 20 到 40；label int。

    规则：第 label 种音高在频带 3 + 4 × label 上高出 2，其余是标准正态噪声。
    """
    clips = []
    for index in range(count):
        label = index % num_tones
        frames = int(torch.randint(20, 41, (1,), generator=generator))
        features = torch.randn(frames, num_mels, generator=generator)
        features[:, 3 + 4 * label] += 2.0
        clips.append((features, label))
    return clips


def collate(clips):
    """补零成批：返回 inputs (B, T, num_mels)、mask (B, T) bool（True 是补的）、targets (B,)。"""
    inputs = pad_sequence([features for features, _ in clips], batch_first=True)
    lengths = torch.tensor([len(features) for features, _ in clips])
    mask = torch.arange(inputs.shape[1]) >= lengths[:, None]  # (B, T)
    return inputs.to(device), mask.to(device), torch.tensor([y for _, y in clips]).to(device)


num_epochs = 5
generator = torch.Generator().manual_seed(SEED)
train_clips, val_clips, test_clips = (make_clips(n, generator) for n in (160, 60, 60))
train_loader = DataLoader(
    train_clips, batch_size=batch_size, shuffle=True, generator=generator, collate_fn=collate
)
val_loader = DataLoader(val_clips, batch_size=batch_size, collate_fn=collate)
test_loader = DataLoader(test_clips, batch_size=batch_size, collate_fn=collate)

inputs, mask, targets = next(iter(test_loader))
assert inputs.shape[:2] == mask.shape and len(targets) == batch_size
assert (inputs[mask] == 0).all()
print("训练、验证、测试的批数", len(train_loader), len(val_loader), len(test_loader))
# --8<-- [end:make-loaders]

# --8<-- [start:conv-features]
def build_features():
    """返回两层卷积加两次减半的特征提取：(B, 1, H, W) float32 -> (B, 64, H // 4, W // 4)。"""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    )


def feature_size(height, width):
    """返回 (1, 1, height, width) 的输入经 build_features 之后的形状 (tuple)，不含批那一维。"""
    return tuple(build_features()(torch.zeros(1, 1, height, width)).shape[1:])


fitting = [size for size in range(16, 41) if feature_size(size, size)[1:] == (6, 6)]
assert fitting == [24, 25, 26, 27]
print("展平前恰为 6×6 的正方形边长", fitting)
# --8<-- [end:conv-features]

# --8<-- [start:adaptive-pool]
adaptive = nn.Sequential(
    build_features(), nn.AdaptiveAvgPool2d((6, 6)), nn.Flatten(), nn.Linear(64 * 6 * 6, 10)
)
for height, width in ((24, 24), (28, 28), (40, 100)):
    assert adaptive(torch.zeros(2, 1, height, width)).shape == (2, 10)
print("24×24、28×28、40×100 都能算")
# --8<-- [end:adaptive-pool]

# --8<-- [start:lazy-linear]
lazy = nn.Sequential(build_features(), nn.Flatten(), nn.LazyLinear(10))
assert lazy(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
print("首次前向定下的输入宽度", lazy[-1].in_features, "=", 64 * 7 * 7)
# --8<-- [end:lazy-linear]

# --8<-- [start:transformer]
class SpeechTransformer(nn.Module):
    """Transformer 编码器，对有效的帧取平均后分类。

    输入 inputs (B, T, num_mels) float32、mask (B, T) bool（True 是补的），T ≤ 64。
    输出 logits (B, num_tones) float32；encode 给出每帧的 (B, T, hidden_size)。
    异常：T > 64 时相加的形状不合，抛出 RuntimeError。来源：Vaswani 等，2017，arXiv:1706.03762。
    """

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(num_mels, hidden_size)
        self.position = nn.Parameter(0.02 * torch.randn(64, hidden_size))
        layer = nn.TransformerEncoderLayer(
            hidden_size, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.head = nn.Linear(hidden_size, num_tones)

    def encode(self, inputs, mask):
        """返回每帧的表示 (B, T, hidden_size)。"""
        x = self.project(inputs) + self.position[: inputs.shape[1]]  # (B, T, C)
        return self.encoder(x, src_key_padding_mask=mask)

    def forward(self, inputs, mask):
        """返回每段的 logits (B, num_tones)。"""
        keep = (~mask).unsqueeze(-1).float()  # (B, T, 1)
        pooled = (self.encode(inputs, mask) * keep).sum(dim=1) / keep.sum(dim=1)  # (B, C)
        return self.head(pooled)


torch.manual_seed(SEED)
model = SpeechTransformer().to(device)
attention_modules = [m for m in model.modules() if isinstance(m, nn.MultiheadAttention)]
assert len(attention_modules) == 2
print("自注意力模块数", len(attention_modules))
# --8<-- [end:transformer]

# --8<-- [start:load-weights]
buffer = io.BytesIO()  # 代替从仓库下载的权重文件
torch.save(model.state_dict(), buffer)

restored = []
for seed in (1, 2):
    torch.manual_seed(seed)
    restored.append(SpeechTransformer())
    buffer.seek(0)
    restored[-1].load_state_dict(torch.load(buffer, map_location="cpu", weights_only=True))

pairs = list(zip(restored[0].parameters(), restored[1].parameters(), strict=True))
assert all(torch.equal(a, b) for a, b in pairs)
print("种子不同，加载之后参数逐个相同：", all(torch.equal(a, b) for a, b in pairs))
# --8<-- [end:load-weights]

# --8<-- [start:pad-clip]
model.eval()
alone, _ = val_clips[0]  # (T, num_mels)
longer = nn.functional.pad(alone, (0, 0, 0, 20))  # 末尾再补 20 帧零
nothing_padded = torch.zeros(1, len(alone), dtype=torch.bool, device=device)
with torch.no_grad():
    short = model(alone[None].to(device), nothing_padded)
# --8<-- [end:pad-clip]

# --8<-- [start:masked-mean]
mask = torch.arange(len(longer), device=device)[None] >= len(alone)  # (1, T + 20)
with torch.no_grad():
    masked = model(longer[None].to(device), mask)

assert torch.allclose(short, masked, atol=1e-4)
print("补零前后 logits 相同：", torch.allclose(short, masked, atol=1e-4))
# --8<-- [end:masked-mean]

# --8<-- [start:train-loop]
def evaluate(model, loader):
    """在评估模式下返回准确率 (float)；按个数算，返回前恢复模型原来的模式。"""
    was_training = model.training
    model.eval()  # 关掉 dropout，批归一化改用累计的均值
    correct, total = 0, 0
    with torch.no_grad():  # 只关梯度，不换模式
        for inputs, mask, targets in loader:
            correct += int((model(inputs, mask).argmax(dim=-1) == targets).sum())
            total += len(targets)
    model.train(was_training)
    return correct / total


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
best_accuracy, best_state = -1.0, None
for _ in range(num_epochs):
    model.train()
    for inputs, mask, targets in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs, mask), targets).backward()
        optimizer.step()
    val_accuracy = evaluate(model, val_loader)
    if val_accuracy > best_accuracy:  # 只用验证集挑
        best_accuracy = val_accuracy
        best_state = {name: value.clone() for name, value in model.state_dict().items()}

model.load_state_dict(best_state)
test_accuracy = evaluate(model, test_loader)  # 测试集只看这一次
assert test_accuracy > 0.9 and evaluate(model, test_loader) == test_accuracy
print(f"挑中那一遍：验证 {best_accuracy:.2f}，测试 {test_accuracy:.2f}")
# --8<-- [end:train-loop]

# --8<-- [start:eval-mode]
normalised = nn.Sequential(nn.Linear(num_mels, 16), nn.BatchNorm1d(16), nn.Dropout(0.5))
test_batch = torch.randn(16, num_mels) + 3.0  # 与训练时分布不同的测试数据
seen_mean = normalised[1].running_mean.clone()
normalised.eval()
with torch.no_grad():
    first, second = normalised(test_batch), normalised(test_batch)
normalised.train()  # 下一遍训练之前换回来

assert torch.equal(first, second) and torch.equal(normalised[1].running_mean, seen_mean)
print("同一批两次的输出相同：", torch.equal(first, second))
print("批归一化的均值没有变：", torch.equal(normalised[1].running_mean, seen_mean))
# --8<-- [end:eval-mode]

# --8<-- [start:frame-logits]
frame_head = nn.Linear(hidden_size, 11).to(device)  # 十个数字，再加一个空白
inputs, mask, _ = next(iter(test_loader))
frame_logits = frame_head(model.encode(inputs, mask))  # (B, T, 11)
spoken = torch.tensor([[3, 1, 2]] * len(inputs), device=device)  # 每段念了三个数字
ctc = nn.CTCLoss()(
    frame_logits.log_softmax(dim=-1).transpose(0, 1),  # CTC 要 (T, B, 11)
    spoken,
    (~mask).sum(dim=1),  # 各段的有效帧数
    torch.full((len(inputs),), 3, device=device),
)
assert frame_logits.shape == (*inputs.shape[:2], 11) and torch.isfinite(ctc)
print("每帧的分数", frame_logits.ndim, "维，CTC 损失有限：", bool(torch.isfinite(ctc)))
# --8<-- [end:frame-logits]
