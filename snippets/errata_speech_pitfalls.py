# --8<-- [start:undefined-num-epochs]
range(num_epochs)
# --8<-- [end:undefined-num-epochs]

# --8<-- [start:undefined-train-loader]
iter(train_loader)
# --8<-- [end:undefined-train-loader]

# --8<-- [start:undefined-test-loader]
iter(test_loader)
# --8<-- [end:undefined-test-loader]

# --8<-- [start:fixed-flatten]
fixed = nn.Sequential(build_features(), nn.Flatten(), nn.Linear(64 * 6 * 6, 10))
assert all(fixed(torch.zeros(2, 1, size, size)).shape == (2, 10) for size in fitting)
fixed(torch.zeros(2, 1, 28, 28))
# --8<-- [end:fixed-flatten]

# --8<-- [start:same-product]
fixed = nn.Sequential(build_features(), nn.Flatten(), nn.Linear(64 * 6 * 6, 10))
assert fixed(torch.zeros(2, 1, 16, 36)).shape == (2, 10)
print("16×36 的输入展平前", feature_size(16, 36), "，不报错")
# --8<-- [end:same-product]

# --8<-- [start:lazy-second-size]
lazy(torch.zeros(2, 1, 32, 32))  # 宽度已经定成 64 × 7 × 7
# --8<-- [end:lazy-second-size]

# --8<-- [start:no-transformer]
called_transformer = nn.Sequential(build_features(), nn.Flatten(), nn.Linear(64 * 6 * 6, 10))
kinds = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.MultiheadAttention)
found = [m for m in called_transformer.modules() if isinstance(m, kinds)]

assert found == []
print("Transformer 层或自注意力模块的个数", len(found))
print("模块的种类", sorted({type(m).__name__ for m in called_transformer.modules()}))
# --8<-- [end:no-transformer]

# --8<-- [start:not-pretrained]
weights = []
for seed in (1, 2):
    torch.manual_seed(seed)
    weights.append(build_features()[0].weight.detach())

assert not torch.isclose(weights[0], weights[1]).all()
print("两个种子下，相同的权重个数", int((weights[0] == weights[1]).sum()), "/", weights[0].numel())
# --8<-- [end:not-pretrained]

# --8<-- [start:unmasked-mean]
no_mask = torch.zeros(1, len(longer), dtype=torch.bool, device=device)  # 补的零也当成声音
with torch.no_grad():
    unmasked = model(longer[None].to(device), no_mask)

assert not torch.allclose(short, unmasked, atol=0.01)
print("补零前后 logits 相同：", torch.allclose(short, unmasked, atol=0.01))
print(f"最大相差 {(short - unmasked).abs().max().item():.2f}")
# --8<-- [end:unmasked-mean]

# --8<-- [start:train-mode]
normalised = nn.Sequential(nn.Linear(num_mels, 16), nn.BatchNorm1d(16), nn.Dropout(0.5))
test_batch = torch.randn(16, num_mels) + 3.0  # 与训练时分布不同的测试数据
seen_mean = normalised[1].running_mean.clone()
with torch.no_grad():  # 没有 normalised.eval()
    first, second = normalised(test_batch), normalised(test_batch)

assert not torch.allclose(first, second)
assert not torch.allclose(normalised[1].running_mean, seen_mean)
print("同一批两次的输出相同：", torch.allclose(first, second))
print("批归一化的均值没有变：", torch.allclose(normalised[1].running_mean, seen_mean))
# --8<-- [end:train-mode]

# --8<-- [start:one-label-a-clip]
for frames in (24, 200):
    clip = torch.zeros(1, 1, 24, frames)
    print(frames, "帧的录音，输出", tuple(adaptive(clip).shape))
# --8<-- [end:one-label-a-clip]
