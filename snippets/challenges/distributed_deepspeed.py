# --8<-- [start:deepspeed-config]
import json
import os
from pathlib import Path

os.environ["DS_ACCELERATOR"] = "cpu"  # 只校验配置；不写则自行探测
from deepspeed import DeepSpeedConfig

SEED = 42
CONFIG = {
    "train_micro_batch_size_per_gpu": 8,
    "gradient_accumulation_steps": 4,
    "bf16": {"enabled": True},
    "zero_optimization": {"stage": 3, "overlap_comm": True},
    "gradient_clipping": 1.0,
}
Path("ds_config.json").write_text(json.dumps(CONFIG, indent=2), encoding="utf-8")
config = DeepSpeedConfig("ds_config.json")
print(f"阶段 {int(config.zero_config.stage)}，"
      f"全局批 {config.train_batch_size} = 8 × 4 × {config.world_size} 个进程")
assert config.zero_config.stage == 3
# --8<-- [end:deepspeed-config]

# --8<-- [start:deepspeed-mistakes]
def verdict(**changes):
    """改动几项后再校验：收下，或者报什么错。"""
    try:
        DeepSpeedConfig(CONFIG | changes)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split()).split(' [type')[0]}"
    return "收下"

print("没有的阶段：", verdict(zero_optimization={"stage": 4}))
print("里层拼错：", verdict(zero_optimization={"stage": 3, "overlap_com": True}))
print("批对不上：", verdict(train_batch_size=64))
misspelt = {name.replace("zation", "sation"): value for name, value in CONFIG.items()}
stage = int(DeepSpeedConfig(misspelt).zero_config.stage)  # zero_optimisation，英式拼法
print("外层拼错： 收下，阶段", stage)
assert verdict() == "收下" and stage == 0
# --8<-- [end:deepspeed-mistakes]
