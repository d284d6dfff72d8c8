# --8<-- [start:unused-parameters]
class TwoHeads(nn.Module):
    """两个输出头，前向只用其中一个；另一个拿不到梯度。"""
    def __init__(self):
        super().__init__()
        self.used, self.spare = nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x):
        """x (B, 4) → (B, 2)；spare 没有用上。"""
        return self.used(x)

with one_process_group():
    ddp = DistributedDataParallel(TwoHeads())
    for _ in range(2):  # 第一步不报错，第二步才发现上一步没有归约完
        ddp(torch.ones(1, 4)).sum().backward()
# --8<-- [end:unused-parameters]

# --8<-- [start:module-prefix]
nn.Linear(4, 2).load_state_dict(wrapped.state_dict())  # 应当保存 wrapped.module.state_dict()
# --8<-- [end:module-prefix]

# --8<-- [start:missing-worker]
from datetime import timedelta

dist.TCPStore("127.0.0.1", 0, world_size=2, is_master=True, timeout=timedelta(milliseconds=500))
# --8<-- [end:missing-worker]
