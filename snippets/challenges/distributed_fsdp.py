# --8<-- [start:fsdp-setup]
import copy
import os
from datetime import timedelta

from torch import distributed as dist
from torch import manual_seed, nn, optim, randn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

SEED = 42
WIDTH, BLOCKS, BATCH_SIZE = 128, 4, 32  # 宽度、块数、全局批
defaults = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 0}
for name, value in defaults.items():
    os.environ.setdefault(name, str(value))
dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, world_size = dist.get_rank(), dist.get_world_size()
mesh = init_device_mesh("cpu", (world_size,))  # 多卡的机器上写 "cuda"，后端用 nccl
manual_seed(SEED)
alone = nn.Sequential(*(
    nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(),
                  nn.Linear(4 * WIDTH, WIDTH)) for _ in range(BLOCKS)))
x, goal = randn(BATCH_SIZE, WIDTH), randn(BATCH_SIZE, WIDTH)
# --8<-- [end:fsdp-setup]

# --8<-- [start:fsdp-step]
sharded = copy.deepcopy(alone)
for block in sharded:
    fully_shard(block, mesh=mesh)  # 每块是一个通信单位：用到它时才凑齐，用完即放
fully_shard(sharded, mesh=mesh)

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
adam, alone_adam = (optim.AdamW(m.parameters(), 1e-3, eps=1e-5) for m in (sharded, alone))
with Traffic() as traffic:
    F.mse_loss(sharded(x[rank::world_size]), goal[rank::world_size]).backward()
F.mse_loss(alone(x), goal).backward()
pairs = list(zip(sharded.parameters(), alone.parameters(), strict=True))
grad_gap = max((s.grad.full_tensor() - a.grad).abs().max().item() for s, a in pairs)
adam.step()
alone_adam.step()
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
total = sum(a.numel() for a in alone.parameters())
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
    alone.load_state_dict(state)
assert naive * world_size == total and (rank > 0) == (state == {})
dist.barrier()
dist.destroy_process_group()
# --8<-- [end:fsdp-save]
