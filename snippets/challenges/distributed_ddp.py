# --8<-- [start:ddp-setup]
import copy
import os
from datetime import timedelta

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"  # 几个进程可以共用一张卡
BATCH_SIZE = 64  # 全局批：所有进程合起来，每步看多少张图
hidden_size, num_steps, learning_rate = 128, 20, 0.1
WIDTH, BLOCKS, ROWS = 128, 4, 32  # FSDP 一节：宽度、块数、全局批
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
# --8<-- [end:ddp-traffic]

# --8<-- [start:fsdp-model]
mesh = init_device_mesh("cpu", (world_size,))  # 多卡的机器上写 "cuda"，后端用 nccl
torch.manual_seed(SEED)
dense = nn.Sequential(*(
    nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(),
                  nn.Linear(4 * WIDTH, WIDTH)) for _ in range(BLOCKS)))
inputs, goal = torch.randn(ROWS, WIDTH), torch.randn(ROWS, WIDTH)
sharded = copy.deepcopy(dense)
for block in sharded:
    fully_shard(block, mesh=mesh)  # 每块是一个通信单位：用到它时才凑齐，用完即放
fully_shard(sharded, mesh=mesh)
# --8<-- [end:fsdp-model]

# --8<-- [start:fsdp-step]
class Traffic(TorchDispatchMode):
    """记下其间每次集合通信的名字，和完整一侧张量的字节数。"""
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        for name, full in (("_allgather_base_", 0), ("_reduce_scatter_base_", 1)):
            if func.__name__.startswith(name):
                self.calls.append((name, args[full].nbytes))
        return func(*args, **(kwargs or {}))

# eps 取 1e-5：接近 0 的梯度经 g / (|g| + eps) 会把舍入误差放大，默认的 1e-8 太小，没法比对
adam, dense_adam = (torch.optim.AdamW(m.parameters(), 1e-3, eps=1e-5) for m in (sharded, dense))
with Traffic() as traffic:
    F.mse_loss(sharded(inputs[rank::world_size]), goal[rank::world_size]).backward()
F.mse_loss(dense(inputs), goal).backward()
pairs = list(zip(sharded.parameters(), dense.parameters(), strict=True))
grad_gap = max((s.grad.full_tensor() - a.grad).abs().max().item() for s, a in pairs)
adam.step()
dense_adam.step()
step_gap = max((s.full_tensor() - a).abs().max().item() for s, a in pairs)
if rank == 0:
    print(f"与一个进程相比：梯度最多差 {grad_gap:.8f}，走一步后参数最多差 {step_gap:.8f}")
assert grad_gap < 1e-6 and step_gap < 1e-5
# --8<-- [end:fsdp-step]

# --8<-- [start:fsdp-bytes]
def local_bytes(tensors):
    """DTensor 在本进程实际占的字节数之和。"""
    return sum(t.to_local().nbytes for t in tensors)

moments = [state[key] for state in adam.state.values() for key in ("exp_avg", "exp_avg_sq")]
held = [local_bytes(part) for part in ((s for s, _ in pairs), (s.grad for s, _ in pairs), moments)]
total = sum(a.numel() for a in dense.parameters())
gathered, scattered = ([size for name, size in traffic.calls if kind in name]
                       for kind in ("allgather", "reduce_scatter"))
if rank == 0:
    print(f"{total} 个参数；每个进程存 参数 {held[0]}、梯度 {held[1]}、Adam {held[2]} 字节")
    print(f"每参数 {sum(held) / total:.2f} 字节，公式 16 / {world_size} = {16 / world_size:.2f}")
    print(f"一步：all-gather {len(gathered)} 次，共 {sum(gathered) / total / 4:.2f} 份参数；"
          f"reduce-scatter {len(scattered)} 次，共 {sum(scattered) / total / 4:.2f} 份")
assert world_size == 1 or (sum(gathered), sum(scattered)) == (8 * total, 4 * total)
assert sum(held) == 16 * total // world_size
# --8<-- [end:fsdp-bytes]

# --8<-- [start:fsdp-save]
naive = sum(t.to_local().numel() for t in sharded.state_dict().values())  # 直接存：只有自己那份
whole = StateDictOptions(full_state_dict=True, cpu_offload=True)
state = get_model_state_dict(sharded, options=whole)
if rank == 0:  # 凑齐要所有进程一起调用，写盘只要 0 号
    print(f"0 号直接存下 {naive} 个参数；凑齐之后 {sum(t.numel() for t in state.values())} 个")
    dense.load_state_dict(state)
assert naive * world_size == total and (rank > 0) == (state == {})
dist.barrier()  # 都做完了再拆，免得先走的断了别人的连接
dist.destroy_process_group()
# --8<-- [end:fsdp-save]
