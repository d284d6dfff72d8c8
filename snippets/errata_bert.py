# --8<-- [start:setup]
"""句子分类：每处缺陷的修正各成一段，缺陷本身在 errata_bert_pitfalls.py。"""

import ast
import random

import torch
from torch.utils.data import DataLoader, SequentialSampler
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"

batch_size = 32  # 一批的句子数
learning_rate = 2e-3  # 从零训练的小模型，步子比微调大得多
num_epochs = 8  # 共 64 步

random.seed(SEED)
torch.manual_seed(SEED)
# --8<-- [end:setup]

# --8<-- [start:make-reviews]
things = ["电影", "酒店", "手机", "这家店的菜", "昨天买的书", "楼下的健身房"]
degrees = ["", "很", "真", "太", "非常", "实在", "确实", "总的来说"]
adjectives = {"好": 1, "棒": 1, "赞": 1, "值": 1, "差": 0, "糟": 0, "烂": 0, "亏": 0}

reviews = [
    {"text": thing + degree + adjective, "label": label}
    for thing in things
    for degree in degrees
    for adjective, label in adjectives.items()
]
random.shuffle(reviews)
train_dataset = reviews[:256]  # 训练
val_dataset = reviews[256:314]  # 58 句，每遍看它
test_dataset = reviews[314:]  # 70 句 = 32 + 32 + 6，只看一次

characters = sorted(set("".join(review["text"] for review in reviews)))
special_tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
vocab = {token: index for index, token in enumerate(special_tokens + characters)}
tokenizer = BertTokenizer(vocab=vocab)

assert len(test_dataset) == 70
assert "[UNK]" not in tokenizer.tokenize("".join(review["text"] for review in reviews))
print("训练、验证、测试句数", len(train_dataset), len(val_dataset), len(test_dataset))
print("词表大小", len(vocab))
# --8<-- [end:make-reviews]

# --8<-- [start:build-model]
def build_model(num_labels):
    """返回从零初始化的小 BERT 分类器；num_labels 是类数 (int)。

    输入 input_ids (B, T) int64、attention_mask (B, T)，输出 logits (B, num_labels) float32。
    异常：labels 里有不小于 num_labels 的数时，CPU 上的 forward 抛出 IndexError。
    来源：transformers 的 BertForSequenceClassification，未加载任何预训练权重。
    """
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=24,  # 最长的句子加上 [CLS]、[SEP] 也放得下
        hidden_dropout_prob=0.0,  # 模型太小，不用 dropout
        attention_probs_dropout_prob=0.0,
        num_labels=num_labels,
    )
    return BertForSequenceClassification(config)


model = build_model(num_labels=2).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
# --8<-- [end:build-model]

# --8<-- [start:encode-once]
def encode(dataset):
    """把 {"text": str, "label": int} 的列表编码一次，返回同样长的列表，ids 不定长。"""
    encoded = tokenizer([item["text"] for item in dataset])["input_ids"]
    return [
        {"input_ids": ids, "labels": item["label"]}
        for ids, item in zip(encoded, dataset, strict=True)
    ]


def collate(items):
    """把不定长的一批补齐：返回 input_ids、attention_mask (B, T) 与 labels (B,)，都是 int64。"""
    ids = [{"input_ids": item["input_ids"]} for item in items]
    batch = tokenizer.pad(ids, return_tensors="pt")
    batch["labels"] = torch.tensor([item["labels"] for item in items])
    return batch.to(device)


train_items, val_items, test_items = map(encode, (train_dataset, val_dataset, test_dataset))
first = next(iter(DataLoader(train_items, batch_size=batch_size, collate_fn=collate)))
assert first["input_ids"].shape == first["attention_mask"].shape
assert (first["attention_mask"].sum(dim=1) >= 4).all()  # [CLS]、至少两个字、[SEP]
print("一批里有", sorted(first))
# --8<-- [end:encode-once]

# --8<-- [start:shuffle]
generator = torch.Generator().manual_seed(SEED)
train_loader = DataLoader(
    train_items, batch_size=batch_size, shuffle=True, generator=generator, collate_fn=collate
)
val_loader = DataLoader(val_items, batch_size=batch_size, collate_fn=collate)
test_loader = DataLoader(test_items, batch_size=batch_size, collate_fn=collate)

sorted_items = sorted(range(len(train_items)), key=lambda i: train_items[i]["labels"])
shuffled = DataLoader(
    [train_items[i]["labels"] for i in sorted_items],
    batch_size=batch_size,
    shuffle=True,
    generator=generator,
)
assert not isinstance(train_loader.sampler, SequentialSampler)
assert all(0 < labels.sum() < len(labels) for labels in shuffled)
print("打乱以后，只含一类的批数", sum(len(labels.unique()) == 1 for labels in shuffled))
# --8<-- [end:shuffle]

# --8<-- [start:count-correct]
@torch.no_grad()
def evaluate(model, loader):
    """在评估模式下数对错，返回 (对的个数, 总个数)，都是 int；返回前恢复模型原来的模式。"""
    was_training = model.training
    model.eval()
    correct, total = 0, 0
    for batch in loader:
        predictions = model(**batch).logits.argmax(dim=-1)  # (B,)
        correct += int((predictions == batch["labels"]).sum())
        total += len(batch["labels"])
    model.train(was_training)
    return correct, total


counts = {
    size: evaluate(model, DataLoader(test_items, batch_size=size, collate_fn=collate))
    for size in (7, 32, 70)
}
assert len(set(counts.values())) == 1, "个数之比与批的大小无关"
assert counts[32][1] == len(test_dataset)
print("三种批大小数出来的结果一样：", len(set(counts.values())) == 1)
# --8<-- [end:count-correct]

# --8<-- [start:train-loop]
for epoch in range(1, num_epochs + 1):
    model.train()  # evaluate 之后恢复训练模式，这里再写明一次
    for batch in train_loader:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
    correct, total = evaluate(model, val_loader)  # 在循环之内，每遍一次
    if epoch in (1, num_epochs):
        print(f"第 {epoch} 遍 验证集 {total} 句，准确率 {correct / total:.2f}")

correct, total = evaluate(model, test_loader)  # 选完了才看测试集
assert correct / total > 0.9
print(f"测试集 {total} 句，准确率 {correct / total:.2f}")
# --8<-- [end:train-loop]

# --8<-- [start:num-labels]
three_way = build_model(num_labels=3)
output = three_way(input_ids=torch.tensor([[2, 7, 3]]), labels=torch.tensor([2]))
assert output.logits.shape == (1, 3) and torch.isfinite(output.loss)
print("logits 的形状", tuple(output.logits.shape))
# --8<-- [end:num-labels]

# --8<-- [start:unused-imports]
def unused_imports(source):
    """返回源码 (str) 里导入了却从未用到的名字，排好序的列表；不合语法时抛出 SyntaxError。"""
    nodes = list(ast.walk(ast.parse(source)))
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return sorted(imported - used)
# --8<-- [end:unused-imports]

# --8<-- [start:loss-inside]
model.eval()
output = model(**first)
by_hand = torch.nn.functional.cross_entropy(output.logits, first["labels"])
assert torch.allclose(output.loss, by_hand)
assert unused_imports("from torch import nn\nlayer = nn.Linear(2, 2)") == []
print("outputs.loss 就是交叉熵：", torch.allclose(output.loss, by_hand))
# --8<-- [end:loss-inside]

# --8<-- [start:chinese-vocab]
good_ids = tokenizer("电影很好")["input_ids"]
bad_ids = tokenizer("电影很差")["input_ids"]
assert good_ids != bad_ids and vocab["[UNK]"] not in good_ids + bad_ids
print(tokenizer.convert_ids_to_tokens(good_ids))
print(tokenizer.convert_ids_to_tokens(bad_ids))
# --8<-- [end:chinese-vocab]
