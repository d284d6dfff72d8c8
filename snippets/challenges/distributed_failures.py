# --8<-- [start:failures-setup]
import os
from datetime import timedelta

import torch
from torch import distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
defaults = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 0}
for name, value in defaults.items():
    os.environ.setdefault(name, str(value))
dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, world_size = dist.get_rank(), dist.get_world_size()
torch.manual_seed(SEED)
x = torch.randn(64, 64).to(device)  # 全局批：64 个样本，数据随机，只比梯度
y = torch.randint(10, (64,)).to(device)

def build(norm=nn.Identity):
    """小网络，各进程初始参数相同；norm 是隐藏层之后的归一化。"""
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Linear(64, 128), norm(128), nn.ReLU(), nn.Linear(128, 10)).to(device)

def gap(part, reference, norm=nn.Identity, scale=1.0):
    """DDP 在各自的 part 上求得的梯度，与一个进程在 reference 上求得的，相对差多少。"""
    flat = []
    for net, idx, factor in ((DistributedDataParallel(build(norm)), part, scale),
                             (build(norm), reference, 1.0)):
        (factor * F.cross_entropy(net(x[idx]), y[idx])).backward()
        flat.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    return ((flat[0] - flat[1]).norm() / flat[1].norm()).item()
# --8<-- [end:failures-setup]

# --8<-- [start:unequal-batches]
everything = torch.arange(64)
short = everything[48 * rank : 48 if rank < world_size - 1 else 64]  # 两个进程：48 个与 16 个
plain = gap(short, everything)
mended = gap(short, everything, scale=world_size * len(short) / 64)
if rank == 0:
    print(f"各进程个数不等：与整批相对差 {plain:.3f}；乘以 进程数 × 本地个数 ÷ 总个数 后 {mended:.3f}")
assert mended < 1e-4 and (plain > 0.05) == (world_size > 1)
# --8<-- [end:unequal-batches]

# --8<-- [start:no-sampler]
same = everything[:32]  # 忘了 DistributedSampler：每个进程都从头取同样的 32 个
against_half, against_all = gap(same, same), gap(same, everything)
if rank == 0:
    print(f"各进程数据相同：与只用 32 个相对差 {against_half:.3f}，与整批相对差 {against_all:.3f}")
assert against_half < 1e-4 and against_all > 0.05  # 加了进程，等于没加
# --8<-- [end:no-sampler]

# --8<-- [start:batch-norm]
mine = everything[rank::world_size]
by_norm = {norm: gap(mine, everything, norm) for norm in (nn.BatchNorm1d, nn.LayerNorm)}
probe = build(nn.BatchNorm1d)
probe(x[mine])  # 不套 DDP：看各进程自己的统计量
means = [torch.empty(128, device=device) for _ in range(world_size)]
dist.all_gather(means, probe[1].running_mean)
apart = (means[0] - means[-1]).abs().max().item()
if rank == 0:
    print(f"BatchNorm：梯度相对差 {by_norm[nn.BatchNorm1d]:.3f}，进程之间均值差到 {apart:.3f}")
    print(f"LayerNorm：梯度相对差 {by_norm[nn.LayerNorm]:.3f}")
assert by_norm[nn.LayerNorm] < 1e-4 and (by_norm[nn.BatchNorm1d] > 0.01) == (world_size > 1)
# --8<-- [end:batch-norm]

# --8<-- [start:lone-collective]
groups = [dist.new_group(timeout=timedelta(seconds=2)) for _ in range(2)]  # 超时的组就此作废，另开两组
calls = {"all_reduce": lambda: dist.all_reduce(torch.ones(1), group=groups[0]),
         "monitored_barrier": lambda: dist.monitored_barrier(groups[1], timedelta(seconds=1))}
complaints = {}
for name in list(calls)[: len(calls) * (rank == 0)]:  # 只有 0 号进程调用，其余的已经走到最后一行
    try:
        calls[name]()
    except RuntimeError as error:
        complaints[name] = str(error).splitlines()[0]
if rank == 0:
    print("all_reduce 等不到人：", "Timed out waiting 2000ms" in complaints.get("all_reduce", ""))
    print("monitored_barrier：", complaints.get("monitored_barrier", ""))
assert bool(complaints) == (world_size > 1 and rank == 0)
dist.barrier()
dist.destroy_process_group()
# --8<-- [end:lone-collective]
