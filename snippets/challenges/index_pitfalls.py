# --8<-- [start:bigger-cluster]
def best_interval(mtbf, restart):
    """逐个试间隔（0.5 到 60 分钟），返回期望损耗最小的那个。"""
    return min(np.arange(0.5, 60, 0.1), key=lambda t: lost_share(t, mtbf, restart=restart))

short = mtbf / 10  # 卡数增到 10 倍，各自独立地坏，平均间隔就缩到十分之一
for restart in (RESTART, 0.5):
    by_rule = lost_share(math.sqrt(2 * SAVE * short), short, restart=restart)
    optimum = lost_share(best_interval(short, restart), short, restart=restart)
    print(f"重启 {restart:.1f} 分钟: Young 间隔白费 {by_rule:.1%}，最优间隔白费 {optimum:.1%}")
    assert 0 <= by_rule - optimum < 0.01
# --8<-- [end:bigger-cluster]

# --8<-- [start:hash-misses]
known = {image.tobytes() for image in test_images}
by_hash = sum(image.tobytes() in known for image in mixed)
by_distance = int((~keep).sum())
print(f"混入 {leaked} 份: 逐字节比对找到 {by_hash} 份，按距离找到 {by_distance} 份")
assert by_hash < 0.1 * leaked and by_distance == leaked
# --8<-- [end:hash-misses]

# --8<-- [start:unequal-shards]
sizes = [1000, 24]  # 最后一份不满：每份先在自己内部平均，再平等地平均
parts = [gradient(*part) for part in zip(x_train[:1024].split(sizes), y_train[:1024].split(sizes))]
equal = sum(parts) / 2
weighted = sum(n * part for n, part in zip(sizes, parts)) / sum(sizes)
for name, average in (("平等平均", equal), ("按条数加权", weighted)):
    print(f"{name}: 与整批梯度相差 {((average - full).norm() / full.norm()).item():.2f}")
assert (equal - full).norm() > 0.3 * full.norm() > 1e3 * (weighted - full).norm()
# --8<-- [end:unequal-shards]

# --8<-- [start:forgotten-optimizer]
def train(model, optimizer, steps):
    """在训练集上再走 steps 步，返回最后一步更新前的损失。"""
    for _ in range(steps):
        loss = F.cross_entropy(model(x_train), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()

torch.manual_seed(SEED)
model = nn.Sequential(nn.Linear(64, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 10)).to(device)
optimizer = torch.optim.Adam(model.parameters(), learning_rate)
train(model, optimizer, 100)
torch.save([model.state_dict(), optimizer.state_dict()], saved := io.BytesIO())
losses = {"不中断": train(model, optimizer, 5)}
for name, number in (("恢复权重和优化器", 2), ("只恢复权重", 1)):
    saved.seek(0)
    resumed = model, torch.optim.Adam(model.parameters(), learning_rate)
    for target, state in list(zip(resumed, torch.load(saved)))[:number]:
        target.load_state_dict(state)
    losses[name] = train(*resumed, 5)
print("，".join(f"{name} {loss:.3f}" for name, loss in losses.items()))
assert abs(losses["恢复权重和优化器"] - losses["不中断"]) < 1e-3
assert losses["只恢复权重"] > 4 * losses["不中断"]
# --8<-- [end:forgotten-optimizer]

# --8<-- [start:refused-checkpoint]
checkpoint.seek(0)
torch.load(checkpoint)  # 2.6 起 weights_only 默认为 True
# --8<-- [end:refused-checkpoint]

# --8<-- [start:no-process-group]
import torch.distributed as dist

dist.all_reduce(full)
# --8<-- [end:no-process-group]
