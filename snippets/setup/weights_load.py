# --8<-- [start:load-folder]
import shutil
from pathlib import Path

from accelerate import init_empty_weights
from huggingface_hub import ModelCard, snapshot_download
from transformers import (AutoModel, AutoTokenizer, BertConfig, BertForPreTraining, Qwen2Config,
                          Qwen2ForCausalLM)

SEED = 42
CHECKPOINT, local = "google-bert/bert-base-chinese", Path("models", "bert-base-chinese")
snapshot = snapshot_download(CHECKPOINT, allow_patterns=["*.json", "*.txt", "*.safetensors"])
shutil.copytree(snapshot, local)  # 一个普通文件夹，没有 refs 与 blobs
weights = [AutoModel.from_pretrained(place).state_dict() for place in (CHECKPOINT, local)]
tokens = [AutoTokenizer.from_pretrained(place)("权重在手")["input_ids"]
          for place in (CHECKPOINT, local)]
print("权重相同：", all(weights[0][key].equal(value) for key, value in weights[1].items()))
print("分词相同：", tokens[0] == tokens[1])
# --8<-- [end:load-folder]
# --8<-- [start:disk-budget]
MODELS = {  # 配置抄自各自的 config.json；末位是每个参数的字节：float32 占 4，bfloat16 占 2
    "google-bert/bert-base-chinese": (BertForPreTraining, BertConfig(vocab_size=21128), 4),
    "Qwen/Qwen2.5-0.5B-Instruct": (Qwen2ForCausalLM, Qwen2Config(
        vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
        num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True), 2),
    "Qwen/Qwen2.5-7B-Instruct": (Qwen2ForCausalLM, Qwen2Config(
        vocab_size=152064, hidden_size=3584, intermediate_size=18944, num_hidden_layers=28,
        num_attention_heads=28, num_key_value_heads=4), 2)}
for name, (model_class, config, width) in MODELS.items():
    with init_empty_weights():  # 只有形状，不占内存
        model = model_class(config)
    model.tie_weights()  # 输入与输出共用一张词表时，文件里只有一份
    size = model.num_parameters() * width
    print(f"{name}：{model.num_parameters():,} 个参数，{size / 1e9:.2f} GB，"
          f"每秒 10 MB 要 {size / 10e6 / 60:.1f} 分钟")
# --8<-- [end:disk-budget]
# --8<-- [start:licence]
ALLOWED = {"apache-2.0", "mit", "bsd-3-clause"}  # 名单由懂的人定

def licence_problem(card):
    """模型卡的全文 → 为什么还不能用；没有问题就是空字符串。"""
    data = ModelCard(card).data
    if not data.license:
        return "没有写许可，先问作者"
    return "" if data.license in ALLOWED else f"{data.get('license_name') or data.license}，先读全文"

for card in ("---\nlicense: apache-2.0\n---\n", "---\nlanguage: zh\n---\n",
             "---\nlicense: other\nlicense_name: research-only\n---\n"):
    print(licence_problem(card) or "在名单里")
# --8<-- [end:licence]
