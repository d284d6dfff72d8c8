# --8<-- [start:which-dtype]
layer, norm = nn.Linear(8, 8), nn.LayerNorm(8)  # 固定在 CPU 上量：名单因设备而异
with torch.autocast("cpu", torch.bfloat16):
    h = layer(torch.randn(4, 8))
    probe = {"Linear": h, "矩阵乘": h @ h.T, "ReLU": h.relu(), "softmax": h.softmax(-1),
             "LayerNorm": norm(h), "sum": h.sum(), "h + float32": h + torch.ones(8),
             "cross_entropy": F.cross_entropy(h, torch.zeros(4, dtype=torch.long))}
for dtype in (torch.bfloat16, torch.float32):
    print(f"{str(dtype)[6:]}：", "，".join(k for k, t in probe.items() if t.dtype == dtype))
assert probe["Linear"].dtype == torch.bfloat16 and layer.weight.dtype == torch.float32
# --8<-- [end:which-dtype]

# --8<-- [start:unequal-lengths]
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(SEED)
llama = LlamaForCausalLM(LlamaConfig(  # 尺寸极小、权重随机：只看梯度对不对
    num_hidden_layers=1, hidden_size=32, intermediate_size=64, num_attention_heads=4,
    num_key_value_heads=2, vocab_size=64)).to(device)
ids = torch.randint(64, (4, 33), device=device)
labels = ids.clone()
for row, length in enumerate((33, 17, 9, 3)):  # 长短不一的四条；其余是填充，不计损失
    labels[row, length:] = -100
tokens = (labels[:, 1:] != -100).sum().item()  # 真正要预测的词元数
grads = {}
for name, rows, count in (("整批", 4, None), ("各份的平均再平均", 1, None), ("除以总词元数", 1, tokens)):
    llama.zero_grad()
    for part, target in zip(ids.split(rows), labels.split(rows), strict=True):
        loss = llama(part, labels=target, num_items_in_batch=count).loss
        (loss if count else loss * rows / 4).backward()
    grads[name] = flat_gradient(llama)
    print(f"{name}：与整批的梯度相差 {distance(grads[name], grads['整批']):.2f}")
assert distance(grads["除以总词元数"], grads["整批"]) < 1e-4
assert distance(grads["各份的平均再平均"], grads["整批"]) > 0.2
# --8<-- [end:unequal-lengths]

# --8<-- [start:cost]
for name, step in steps.items():
    seconds = timeit.timeit(step, number=1)  # 前面已经跑过，不用预热
    print(f"训练一步，{name:14} {seconds * 1e3:.1f} ms")
square = nn.Linear(2048, 2048).to(device)
layers = {"float32": square, "bfloat16": copy.deepcopy(square).bfloat16(),
          "int8": Int8Linear(square)}
for batch in (1, 256):  # 一次处理多少行
    for name, layer in layers.items():
        a = torch.randn(batch, 2048, device=device, dtype=layer.bias.dtype)
        with torch.inference_mode():  # 取回一个数，GPU 上等于同步
            seconds = min(timeit.repeat(lambda: layer(a)[0, 0].item(), number=1, repeat=4))
        stored = sum(t.nbytes for t in layer.state_dict().values())
        print(f"推理 {batch:3} 行，{name:8} 权重 {stored / 1e6:.1f} MB，{seconds * 1e3:.2f} ms，"
              f"{2 * batch * 2048**2 / seconds / 1e9:.1f} GFLOP/s")
# --8<-- [end:cost]

# --8<-- [start:outlier-weight]
for factor in (1, 100, 1000):
    outlier = copy.deepcopy(model)
    with torch.no_grad():
        for block in outlier.blocks:  # q 的第 0 维放大，k 的第 0 维缩小：内积不变
            for row, ratio in ((0, factor), (block.qkv.in_features, 1 / factor)):
                block.qkv.weight[row] *= ratio
                block.qkv.bias[row] *= ratio
    channel = compare(to_int8(outlier), outlier)
    tensor = compare(to_int8(outlier, partial(Int8Linear, dim=None)), outlier)
    print(f"放大 {factor:4} 倍：逐通道 误差 {channel[0]:.3f} 准确率 {channel[1]:.3f}；"
          f"整块 误差 {tensor[0]:.3f} 准确率 {tensor[1]:.3f}")
assert channel[0] < 0.02 and tensor[1] < channel[1] - 0.1
# --8<-- [end:outlier-weight]

# --8<-- [start:outlier-activation]
class Int8Both(nn.Module):
    """激活也量化：每行一个 scale，整数相乘。|x| 超过 threshold 的输入通道留在 float32。"""
    def __init__(self, linear, threshold=torch.inf):
        super().__init__()
        self.linear, self.threshold = linear, threshold

    def forward(self, x):
        """x (…, in) → (…, out)；离群的通道不量化，照原来的精度算。"""
        keep = x.abs().flatten(0, -2).amax(0) > self.threshold  # (in,)，离群的通道
        qx, sx = quantize(x * ~keep, -1)  # (…, in)，(…, 1)
        qw, sw = quantize(self.linear.weight * ~keep, 1)  # (out, in)，(out, 1)
        low = qx @ qw.T * sx * sw.T  # 整数积之和远小于 2^24，float32 能精确表示
        return low + F.linear(x[..., keep], self.linear.weight[:, keep], self.linear.bias)

for factor in (1, 60, 600):
    outlier = copy.deepcopy(model)
    with torch.no_grad():
        for block in outlier.blocks:  # 归一化的输出放大一个通道，下一层的权重除回来
            for norm, linear in ((block.norm1, block.qkv), (block.norm2, block.up)):
                norm.weight[0] *= factor
                norm.bias[0] *= factor
                linear.weight[:, 0] /= factor
    plain = compare(to_int8(outlier, Int8Both), outlier)
    split_up = compare(to_int8(outlier, partial(Int8Both, threshold=6.0)), outlier)
    print(f"放大 {factor:3} 倍：全用 int8 误差 {plain[0]:.3f} 准确率 {plain[1]:.3f}；"
          f"离群通道拆出 误差 {split_up[0]:.3f} 准确率 {split_up[1]:.3f}")
assert split_up[0] < 0.02 < plain[0] and plain[1] < split_up[1] - 0.03
# --8<-- [end:outlier-activation]

# --8<-- [start:one-segment]
for segment in (1, 2, 3, 6):
    deep = Encoder(**DEEP, segment=segment).to(device)
    step = partial(accumulate, deep, big_x, big_y, BIG_BATCH)
    with FlopCounterMode(display=False) as counter:
        step()
    deep.zero_grad()
    kept, more = peak_bytes(step) / base, counter.get_total_flops() / flops
    print(f"每 {segment} 层一段：峰值 {kept:.2f} 倍，运算 {more:.2f} 倍")
assert kept > 0.95 and more > 1.2  # 全部算一段：多算了一遍，一个字节也没省
# --8<-- [end:one-segment]

# --8<-- [start:bf16-weights]
for dtype in (torch.float32, torch.bfloat16):
    w = torch.ones(1, dtype=dtype, device=device)
    for _ in range(100):
        w -= 1e-3  # 100 次小更新
    print(f"{str(dtype)[6:]:8} 1 减去 100 次 0.001 得 {w.item():.3f}")
assert w.item() == 1
# --8<-- [end:bf16-weights]

# --8<-- [start:not-divided]
net = Encoder().to(device)
accumulate(net, big_x, big_y, BIG_BATCH)
whole = flat_gradient(net)
net.zero_grad()
for part, target in zip(big_x.split(16), big_y.split(16), strict=True):
    F.cross_entropy(net(part), target).backward()  # 每份各取平均，忘了除以份数 4
print(f"梯度是应有的 {(flat_gradient(net).norm() / whole.norm()).item():.2f} 倍")
# --8<-- [end:not-divided]

# --8<-- [start:clip-before-unscale]
norms = {}
for order in ("先裁剪，再还原", "先还原，再裁剪"):
    net = Encoder().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    scaler = torch.amp.GradScaler(device)  # 初始放大 2^16 倍
    scaler.scale(F.cross_entropy(net(big_x), big_y)).backward()
    if order == "先还原，再裁剪":
        scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    if order == "先裁剪，再还原":
        scaler.unscale_(optimizer)
    norms[order] = flat_gradient(net).norm().item()
    print(f"{order}：真正用来更新的梯度范数 {norms[order]:.6f}")
assert norms["先裁剪，再还原"] < 1e-4 * norms["先还原，再裁剪"]
# --8<-- [end:clip-before-unscale]

# --8<-- [start:half-everything]
net = Encoder().to(device).half()  # 参数也成了 fp16，梯度随之是 fp16
optimizer = torch.optim.SGD(net.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler(device)
scaler.scale(F.cross_entropy(net(big_x.half()).float(), big_y)).backward()
scaler.unscale_(optimizer)
# --8<-- [end:half-everything]

# --8<-- [start:half-overflow]
h = torch.full((64,), 300.0, device=device).half()  # 300² = 90,000，超过 fp16 的最大值 65,504
print("平方的平均:", h.square().mean().item(), "，先转 float32:", h.float().square().mean().item())
rms = h * h.square().mean().rsqrt()  # 手写的 RMSNorm
print("归一化的结果:", rms[0].item(), "，先转 float32:", (h * h.float().square().mean().rsqrt())[0].item())
e = torch.tensor([12.0, 0.0], device=device).half().exp()  # 手写的 softmax，没有先减最大值
print("手写 softmax:", (e / e.sum())[0].item(), "，65,520 个 1 之和:", h.new_ones(65520).sum().item())
assert rms[0] == 0
# --8<-- [end:half-overflow]

# --8<-- [start:dropout-recomputed]
dropping = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.5), nn.ReLU(), nn.Linear(64, 1)).to(device)
tall = torch.randn(32, 64, device=device)
for keep_rng in (True, False):
    grads = []
    for run in (dropping, partial(checkpoint, dropping, use_reentrant=False,
                                  preserve_rng_state=keep_rng)):
        torch.manual_seed(SEED)
        dropping.zero_grad()
        run(tall).sum().backward()
        grads.append(flat_gradient(dropping))
    print(f"preserve_rng_state={keep_rng}：梯度的相对误差 {distance(grads[1], grads[0]):.2f}")
assert distance(grads[1], grads[0]) > 0.1
# --8<-- [end:dropout-recomputed]

# --8<-- [start:reentrant]
frozen = Encoder(**DEEP).to(device)
frozen.embed.requires_grad_(False)
frozen.position.requires_grad_(False)
h = frozen.embed(big_x) + frozen.position  # 嵌入冻结了，h 不需要梯度
checkpoint(frozen.blocks, h, use_reentrant=True).sum().backward()
# --8<-- [end:reentrant]
