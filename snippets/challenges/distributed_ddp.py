# --8<-- [start:ddp-setup]
import copy
import os
from datetime import timedelta

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"  # 几个进程可以共用一张卡
BATCH_SIZE = 64  # 全局批：所有进程合起来，每步看多少张图
hidden_size, num_steps, learning_rate = 128, 20, 0.1
# torchrun 会设好这几个变量；直接用 python 运行就补上：一个进程，端口 0 表示任选一个空闲的
defaults = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 0}
for name, value in defaults.items():
    os.environ.setdefault(name, str(value))
dist.init_process_group("gloo", timeout=timedelta(seconds=60))  # 有人掉队时 60 秒后报错，不会一直等
rank, world_size = dist.get_rank(), dist.get_world_size()
# --8<-- [end:ddp-setup]

# --8<-- [start:ddp-model]
torch.manual_seed(SEED)
x = torch.randn(1024, 64).to(device)  # 数据随机，各进程相同：这里只比梯度，不比准确率
y = x[:, :10].argmax(dim=1)  # (1024,) int64，前 10 个数里最大的是第几个
torch.manual_seed(SEED + rank)  # 故意让各进程的初始参数不同
model = nn.Sequential(nn.Linear(64, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 10)).to(device)
ddp = DistributedDataParallel(model)  # 构造时把 0 号进程的参数发给所有进程
alone = copy.deepcopy(ddp.module)  # 对照：一个进程，整批，没有通信

def gradient(batch):
    """对照模型在下标 batch 上的平均交叉熵（标量）和它的梯度，拉平成 (P,)；不经过 DDP。"""
    loss = F.cross_entropy(alone(x[batch]), y[batch])
    return loss.detach(), torch.cat(
        [grad.flatten() for grad in torch.autograd.grad(loss, list(alone.parameters()))])

def worst(*values):
    """每个量在所有进程里的最大值，list[float]。"""
    values = torch.stack([torch.as_tensor(value, device=device) for value in values])
    dist.all_reduce(values, op=dist.ReduceOp.MAX)
    return values.tolist()
# --8<-- [end:ddp-model]

# --8<-- [start:ddp-gradient]
shuffler = torch.Generator().manual_seed(SEED)  # 各进程同一个种子，因此抽到同一批
batch = torch.randperm(len(x), generator=shuffler)[:BATCH_SIZE]
mine = batch[rank::world_size]  # 再按编号分开：每个进程 BATCH_SIZE / world_size 张，互不重复
loss = F.cross_entropy(ddp(x[mine]), y[mine])
loss.backward()  # 反向途中，DDP 已经把梯度换成了各进程的平均
averaged = torch.cat([p.grad.flatten() for p in ddp.parameters()])
mean_loss = loss.detach().clone()
dist.all_reduce(mean_loss)  # 损失不会自动平均：各进程只有自己那一份的
mean_loss /= world_size
full_loss, full = gradient(batch)
_, own = gradient(mine)  # 基线：不通信，只用自己那一份
gap, loss_gap, own_gap = worst(
    (averaged - full).abs().max(), (mean_loss - full_loss).abs(), (own - full).abs().max())
if rank == 0:
    print(f"{world_size} 个进程，每个 {len(mine)} 张；一个进程，{len(batch)} 张")
    print(f"损失最多差 {loss_gap:.8f}，梯度最多差 {gap:.8f}；不通信的梯度差到 {own_gap:.2f}")
    print(f"结论｜{world_size} 个进程分担一批｜梯度与整批最多差 {gap:.8f}"
          f"｜不通信，各用自己那份，差到 {own_gap:.2f}")
assert gap < 1e-6 and loss_gap < 1e-6
assert world_size == 1 or own_gap > 1e-2
# --8<-- [end:ddp-gradient]

# --8<-- [start:ddp-training]
optimizers = [torch.optim.SGD(m.parameters(), learning_rate) for m in (ddp, alone)]
for _ in range(num_steps):
    batch = torch.randperm(len(x), generator=shuffler)[:BATCH_SIZE]
    for optimizer, net, part in zip(optimizers, (ddp, alone), (batch[rank::world_size], batch)):
        optimizer.zero_grad()
        F.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
weights, reference = (torch.cat([p.detach().flatten() for p in net.parameters()])
                      for net in (ddp, alone))
from_zero = weights.clone()
dist.broadcast(from_zero, src=0)  # 取来 0 号进程的参数
gap, between = worst((weights - reference).abs().max(), (weights - from_zero).abs().max())
if rank == 0:
    print(f"走 {num_steps} 步，参数与一个进程最多差 {gap:.8f}，进程之间最多差 {between:.8f}")
assert gap < 1e-5 and between == 0  # 各进程加的是同一个平均梯度，所以一位不差
# --8<-- [end:ddp-training]

# --8<-- [start:ddp-traffic]
buckets = []  # 每次 all-reduce 的字节数

def counting_hook(state, bucket):
    """先记下这一桶的大小，再照常求平均；bucket.buffer() 是拉平的一段梯度。"""
    buckets.append(bucket.buffer().nbytes)
    return allreduce_hook(state, bucket)

ddp.register_comm_hook(None, counting_hook)
with ddp.no_sync():  # 梯度累积：前 3 个小批只累加，不通信
    for part in mine.chunk(4)[:3]:
        (F.cross_entropy(ddp(x[part]), y[part]) / 4).backward()
assert buckets == []
(F.cross_entropy(ddp(x[mine.chunk(4)[3]]), y[mine.chunk(4)[3]]) / 4).backward()
if rank == 0:
    print(f"累积 4 个小批只通信 {len(buckets)} 次，共 {sum(buckets)} 字节 = 4 × {full.numel()} 个参数")
assert sum(buckets) == 4 * full.numel()
dist.barrier()  # 都做完了再拆，免得先走的断了别人的连接
dist.destroy_process_group()
# --8<-- [end:ddp-traffic]
