# --8<-- [start:finetune-setup]
import csv
import timeit
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.metrics import precision_recall_fscore_support
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from transformers import (AutoModelForSequenceClassification, AutoTokenizer, BertConfig,
                          BertForSequenceClassification, DataCollatorWithPadding, PrinterCallback,
                          Trainer, TrainingArguments, get_linear_schedule_with_warmup, set_seed)

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"
CHECKPOINT, NAMES = "google-bert/bert-base-chinese", {0: "差评", 1: "好评"}
path = Path(__file__).resolve().parents[1] / "data" / "reviews-zh.tsv"
with path.open(encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
items = [dict(tokenizer(row["text"], truncation=True, max_length=64), labels=int(row["label"]))
         for row in rows]
held = [item for item, row in zip(items, rows) if row["domain"] == "软件"]  # 68 条
used = [item for i, (item, row) in enumerate(zip(items, rows)) if row["domain"] != "软件"
        and (row["label"] == "1" or i % 4 == 0)]  # 差评只留四分之一
counts = np.bincount([item["labels"] for item in used])
class_weights = torch.tensor(len(used) / (2 * counts), dtype=torch.float32, device=device)
collate = DataCollatorWithPadding(tokenizer)  # 每批补齐到批内最长，并给出 attention_mask

def load():
    set_seed(SEED)  # 分类头是随机初始化的，先定种子再加载
    return AutoModelForSequenceClassification.from_pretrained(
        CHECKPOINT, num_labels=2, id2label=NAMES, label2id={v: k for k, v in NAMES.items()})

def moved(model):
    """训练过的模型，词嵌入与分类头是否都离开了出发点；没有更新多半是漏了 step 或冻结了参数。"""
    old, new = load().state_dict(), model.state_dict()
    return not any(torch.equal(old[name], new[name].cpu()) for name in (
        "bert.embeddings.word_embeddings.weight", "classifier.weight"))

print("差评、好评各", counts.tolist(), "条，类权重", [f"{w:.2f}" for w in class_weights])
# --8<-- [end:finetune-setup]

# --8<-- [start:trainer-fit]
def weighted_loss(outputs, labels, num_items_in_batch=None):
    """加权交叉熵之和，除以条数；有梯度累积时，Trainer 给的是几个小批合计的条数。"""
    total = F.cross_entropy(outputs.logits, labels, class_weights, reduction="sum")
    return total / (num_items_in_batch or len(labels))

def metrics(prediction):
    """EvalPrediction → 各类的精确率、召回率、F1；验证集小，所以连条数一起记下。"""
    guess = prediction.predictions.argmax(-1)
    table = precision_recall_fscore_support(prediction.label_ids, guess, labels=[0, 1],
                                            zero_division=0)
    return {f"{NAMES[c]}{name}": float(column[c]) for c in NAMES
            for name, column in zip(("精确率", "召回率", "F1", "条数"), table)}

args = TrainingArguments(
    "checkpoints", max_steps=16, per_device_train_batch_size=16, per_device_eval_batch_size=64,
    learning_rate=5e-5, warmup_steps=2, weight_decay=0.01, seed=SEED,
    train_sampling_strategy="group_by_length", dataloader_pin_memory=False,
    save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True)
trainer = Trainer(load(), args, data_collator=collate,
                  train_dataset=used, eval_dataset=held, compute_loss_func=weighted_loss,
                  compute_metrics=metrics)
trainer.remove_callback(PrinterCallback)  # 它往标准输出打印日志
trainer_start = trainer.evaluate(used)["eval_loss"]  # 训练前，留给另一种写法核对
trainer.train()
report = trainer.evaluate()
print("词嵌入与分类头都更新了：", moved(trainer.model))
print("留出领域的各项：", *(key.removeprefix("eval_") for key in report if "评" in key))
assert moved(trainer.model)
# --8<-- [end:trainer-fit]

# --8<-- [start:plain-evaluate]
def summed_loss(logits, y):
    """加权交叉熵之和；用时再除以条数。reduction="mean" 除的是权重之和，分几份累积时会算错。"""
    return F.cross_entropy(logits, y, class_weights, reduction="sum")

@torch.no_grad()
def evaluate(model, data):
    """→ (平均加权损失, 预测 (N,), 标签 (N,))；评估模式，逐批累加，最后才除一次。"""
    model.eval()
    total, guess, truth = 0.0, [], []
    for batch in DataLoader(data, batch_size=64, collate_fn=collate):
        y = batch.pop("labels").to(device)
        logits = model(**batch.to(device)).logits
        total += summed_loss(logits, y).item()
        guess += logits.argmax(-1).tolist()
        truth += y.tolist()
    return total / len(data), guess, truth
# --8<-- [end:plain-evaluate]

# --8<-- [start:plain-fit]
model = load().to(device)
flat = [p for p in model.parameters() if p.ndim < 2]  # 偏置与归一化层不做权重衰减
matrices = [p for p in model.parameters() if p.ndim > 1]
optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01},
                               {"params": flat, "weight_decay": 0.0}], lr=5e-5)
schedule = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=2, num_training_steps=16)
start, *_ = evaluate(model, used)
model.train()
for batch in DataLoader(used, batch_size=16, shuffle=True, collate_fn=collate):  # 一遍，16 步
    y = batch.pop("labels").to(device)
    (summed_loss(model(**batch.to(device)).logits, y) / len(y)).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
_, guess, truth = evaluate(model, held)
report = precision_recall_fscore_support(truth, guess, labels=[0, 1], zero_division=0)
print("词嵌入与分类头都更新了：", moved(model))
print("训练前的加权损失与 Trainer 的相同：", abs(start - trainer_start) < 1e-3)
print("留出领域的各项：精确率、召回率、F1、条数，各", len(report[0]), "类")
assert moved(model) and abs(start - trainer_start) < 1e-3
# --8<-- [end:plain-fit]

# --8<-- [start:onnx]
class Logits(nn.Module):
    """只交出 logits (B, 2)，输入写成位置参数，导出时才好给它们起名字。"""
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

def tensors(items):
    batch = tokenizer.pad([{"input_ids": item["input_ids"]} for item in items],
                          return_tensors="pt")
    return {name: batch[name] for name in ("input_ids", "attention_mask")}

exported, example = Logits(model.cpu()).eval(), tensors(items[:3])
dynamic = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}  # 条数与长度都可变
torch.onnx.export(exported, tuple(example.values()), "classifier.onnx", dynamo=True, verbose=False,
                  input_names=list(example), output_names=["logits"],
                  dynamic_shapes=(dynamic, dynamic))
session = onnxruntime.InferenceSession("classifier.onnx", providers=["CPUExecutionProvider"])
other = tensors(items[40:67])  # 27 条，长度也与导出时不同
with torch.no_grad():
    ours = exported(**other).numpy()
theirs, = session.run(None, {name: value.numpy() for name, value in other.items()})
print(f"形状 {theirs.shape}，logits 最多差 {abs(ours - theirs).max():.4f}")
for name, run in (("torch", lambda: exported(**other)), ("ONNX Runtime", lambda: session.run(
        None, {name: value.numpy() for name, value in other.items()}))):
    print(f"{name}：27 条一批 {min(timeit.repeat(run, number=5, repeat=3)) / 5 * 1e3:.1f} ms")
assert abs(ours - theirs).max() < 1e-3
# --8<-- [end:onnx]

# --8<-- [start:batching]
with torch.device(device):
    base = BertForSequenceClassification(BertConfig(vocab_size=21128)).eval()  # 真实尺寸，随机权重

@torch.inference_mode()
def milliseconds(batch):
    batch = {name: value.to(device) for name, value in batch.items()}
    run = lambda: base(**batch).logits.cpu()  # 取回结果，GPU 上才算跑完
    return 1e3 * min(timeit.repeat(run, number=1, repeat=2))

sample = sorted(items[:32], key=lambda item: len(item["input_ids"]))[12:16]
short = tensors(sample)  # 补齐到批内最长
padded = {name: F.pad(value, (0, 128 - value.shape[1])) for name, value in short.items()}
one = milliseconds(tensors(sample[-1:]))
dynamic_ms, fixed_ms = milliseconds(short), milliseconds(padded)
print(f"一条 {one:.1f} ms")
print(f"4 条，补齐到 {short['input_ids'].shape[1]}：每条 {dynamic_ms / 4:.1f} ms")
print(f"4 条，一律补齐到 128：每条 {fixed_ms / 4:.1f} ms")
assert device == "cuda" or dynamic_ms < 0.6 * fixed_ms
# --8<-- [end:batching]
