# --8<-- [start:accelerate-train]
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn, optim, randn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

SEED = 42
BATCH_SIZE, EPOCHS, LEARNING_RATE = 32, 3, 3e-3  # 批是每个进程的，不是全局的
set_seed(SEED)
accelerator = Accelerator(cpu=True)  # 读取启动器设的环境变量；有卡时不写 cpu=True
x = randn(1797, 64)  # 1797 是奇数，两个进程分不匀
dataset = TensorDataset(x, (x[:, 0] > x[:, 1]).long())  # 规则：第 0 个数比第 1 个大
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 2))
optimizer = optim.Adam(model.parameters(), LEARNING_RATE)
loader = DataLoader(dataset, BATCH_SIZE, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for _ in range(EPOCHS):
    for images, labels in loader:  # 已经按进程分好，也会自己换次序
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
raw = kept = right = 0
for images, labels in loader:
    hits = model(images).argmax(dim=1) == labels
    raw += len(accelerator.gather(hits))
    hits = accelerator.gather_for_metrics(hits)  # 去掉为凑整而重复的
    kept, right = kept + len(hits), right + int(hits.sum())
accelerator.print(f"{accelerator.num_processes} 个进程，每遍 {len(loader)} 步；"
                  f"收回 {raw} 个结果，去掉凑整的剩 {kept} 个，准确率 {right / kept:.2f}")
assert kept == len(dataset) and right / kept > 0.85
accelerator.wait_for_everyone()  # 都做完了再拆，免得先走的断了别人的连接
accelerator.end_training()
# --8<-- [end:accelerate-train]
