# --8<-- [start:esm-load]
import time

import numpy as np
import torch
from transformers import EsmConfig, EsmForMaskedLM, EsmTokenizer

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(SEED)

NAME = "facebook/esm2_t6_8M_UR50D"
tokenizer = EsmTokenizer.from_pretrained(NAME)
esm = EsmForMaskedLM.from_pretrained(NAME).eval().to(device)
GLOBIN = "MVHLTPEEKSAVTALWGKV"  # 人 β 珠蛋白的开头
inputs = tokenizer(GLOBIN, return_tensors="pt")
print(f"词表 {len(tokenizer)}，{len(GLOBIN)} 个残基 → {inputs['input_ids'].shape[1]} 个词元")
print(tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])[:4])
# --8<-- [end:esm-load]

# --8<-- [start:esm-score]
@torch.no_grad()
def mutation_score(sequence, place, mutant):
    """遮住第 place 位（从 1 数），log p(突变) − log p(原来)；place 正好跳过 <cls>。"""
    tokens = tokenizer(sequence, return_tensors="pt").to(device)
    tokens["input_ids"][0, place] = tokenizer.mask_token_id
    chance = esm(**tokens).logits[0, place].log_softmax(-1)
    wild, other = tokenizer.convert_tokens_to_ids([sequence[place - 1], mutant])
    return (chance[other] - chance[wild]).item()

score = mutation_score(GLOBIN, 7, "V")  # 含起始 M 时是第 7 位，成熟蛋白里叫 E6V
assert GLOBIN[6] == "E" and np.isfinite(score) and mutation_score(GLOBIN, 7, "E") == 0
# --8<-- [end:esm-score]

# --8<-- [start:esm-cost]
config = EsmConfig(vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=320,
                   num_hidden_layers=6, num_attention_heads=20, intermediate_size=1280,
                   max_position_embeddings=1026, position_embedding_type="rotary",
                   token_dropout=True)
real = EsmForMaskedLM(config).eval().to(device)  # 真实尺寸，随机权重：只用来量
count = sum(weight.numel() for weight in real.parameters())
print(f"参数 {count / 1e6:.1f} M，float32 {count * 4 / 2**20:.1f} MiB")
for size in (128, 512):
    tokens = torch.full((1, size), 5, device=device)
    with torch.no_grad():
        real(input_ids=tokens)  # 预热
        began = time.perf_counter()
        real(input_ids=tokens).logits[0, 0, 0].item()  # 取回一个数，GPU 才算完
    print(f"{size} 个残基：{(time.perf_counter() - began) * 1e3:.1f} ms")
# --8<-- [end:esm-cost]

# --8<-- [start:dna-into-protein]
dna = tokenizer("ATGGTGCATCTGACT")["input_ids"]
print(tokenizer.convert_ids_to_tokens(dna)[1:7], "未知词元：", dna.count(tokenizer.unk_token_id))
assert tokenizer.unk_token_id not in dna
# --8<-- [end:dna-into-protein]
