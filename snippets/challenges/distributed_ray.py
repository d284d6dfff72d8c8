# --8<-- [start:ray-local]
from pathlib import Path

import ray.train
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, prepare_model
from torch import manual_seed, nn, optim, randn
from torch.nn import functional as F

SEED = 42
NUM_STEPS, LEARNING_RATE = 60, 1e-2

def train_loop(settings):
    """每个进程都从头执行的训练函数；settings 是 train_loop_config 那个字典。"""
    manual_seed(SEED)
    x = randn(512, 64)
    y = (x @ randn(64, 10)).argmax(dim=1)  # 标签由一个随机的线性分类器给出
    model = prepare_model(nn.Linear(64, 10))  # 多于一个进程时，这里替你套上 DDP
    optimizer = optim.Adam(model.parameters(), settings["learning_rate"])
    for _ in range(NUM_STEPS):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ray.train.report({"loss": loss.item(), "workers": ray.train.get_context().get_world_size()})

trainer = TorchTrainer(
    train_loop, train_loop_config={"learning_rate": LEARNING_RATE},
    scaling_config=ScalingConfig(num_workers=0),  # 0：不要集群，就在本进程里跑，用来调试
    run_config=RunConfig(storage_path=str(Path.cwd() / "ray")))
metrics = trainer.fit().metrics
print(f"{metrics['workers']} 个进程，损失 {metrics['loss']:.2f}，启动了集群：{ray.is_initialized()}")
assert metrics["loss"] < 1.0 and not ray.is_initialized()
# --8<-- [end:ray-local]

# --8<-- [start:ray-config]
scaling = ScalingConfig(num_workers=8, use_gpu=True, resources_per_worker={"CPU": 4, "GPU": 1})
run = RunConfig(
    storage_path="/mnt/shared",  # 各台机器都能读写，换一台机器才接得上
    failure_config=FailureConfig(max_failures=3),  # 坏了最多重来几次
    checkpoint_config=CheckpointConfig(num_to_keep=2))
print("向集群要：", {name: int(scaling.total_resources[name]) for name in ("CPU", "GPU")})
for make in (lambda: ScalingConfig(num_workers=2, resources_per_worker={"GPU": 1}),
             lambda: CheckpointConfig(num_to_keep=0)):
    try:
        make()
    except ValueError as error:
        print("ValueError:", str(error).split(". ")[0])
assert scaling.total_resources["GPU"] == 8 and run.failure_config.max_failures == 3
# --8<-- [end:ray-config]
