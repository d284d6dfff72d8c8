# --8<-- [start:scaling-setup]
import os
import time
from datetime import timedelta

import torch
from torch import distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
NUM_STEPS = 5  # 每种情形量多少步，取中位数
defaults = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 0}
for name, value in defaults.items():
    os.environ.setdefault(name, str(value))
dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, world_size = dist.get_rank(), dist.get_world_size()
torch.set_num_threads(1)  # 每个进程一个线程：比的是进程数，不是线程数

def median_ms(action, repeats=NUM_STEPS):
    """action 的耗时，毫秒，取中位数；前两次是预热。"""
    seconds = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return 1e3 * sorted(seconds[2:])[repeats // 2]
# --8<-- [end:scaling-setup]

# --8<-- [start:strong-and-weak]
def step_ms(net, batch_size):
    """前向、反向、更新一步的耗时；数据随机，只看时间。"""
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    x = torch.randn(batch_size, 64, device=device)
    y = torch.randint(10, (batch_size,), device=device)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        y[0].item()  # 在 GPU 上等它算完

    return median_ms(step)

speedups = []
for name, width, batch_size in (("通信为主", 1024, 32), ("计算为主", 256, 2048)):
    torch.manual_seed(SEED)
    net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                        nn.Linear(width, 10)).to(device)
    single = step_ms(net, batch_size) if rank == 0 else 0.0  # 其余进程在下一行等着，不占核
    dist.barrier()
    ddp = DistributedDataParallel(net)
    strong = step_ms(ddp, batch_size // world_size)  # 强扩展：总量不变，各做一份
    weak = step_ms(ddp, batch_size)  # 弱扩展：每个进程的量不变，总量随进程数增长
    flat = torch.cat([p.detach().flatten() for p in net.parameters()])
    talk = median_ms(lambda flat=flat: dist.all_reduce(flat))
    speedups.append(single / strong)
    if rank == 0:
        print(f"{name}（{len(flat) * 4 / 1e6:.2f} MB 梯度，批 {batch_size}）")
        print(f"  一个进程 {single:.1f} ms；{world_size} 个进程 {strong:.1f} ms，"
              f"加速 {speedups[-1]:.2f} 倍")
        print(f"  单独一次 all-reduce {talk:.1f} ms；据此推算的加速 "
              f"{single / (single / world_size + talk):.2f} 倍；弱扩展效率 {single / weak:.2f}")
assert world_size == 1 or rank > 0 or speedups[0] < speedups[1]
# --8<-- [end:strong-and-weak]

# --8<-- [start:bucketing]
pieces = [torch.ones(256, device=device) for _ in range(64)]  # 64 个 1 KiB 的梯度
flat = torch.cat(pieces)
one_by_one = median_ms(lambda: [dist.all_reduce(piece) for piece in pieces], 1)
together = median_ms(lambda: dist.all_reduce(flat))
if rank == 0:
    print(f"{len(pieces)} 次各 1 KiB：{one_by_one:.2f} ms；合成一次：{together:.2f} ms")
assert one_by_one > 3 * together  # 每条消息都有固定的开销，所以 DDP 把梯度装桶
dist.barrier()
dist.destroy_process_group()
# --8<-- [end:bucketing]
