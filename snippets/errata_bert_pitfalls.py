# --8<-- [start:undefined-train-dataset]
DataLoader(train_dataset, batch_size=batch_size)
# --8<-- [end:undefined-train-dataset]

# --8<-- [start:undefined-optimizer]
torch.zeros(1, requires_grad=True).sum().backward()  # 前向、反向都已经做完
optimizer.step()
# --8<-- [end:undefined-optimizer]

# --8<-- [start:undefined-test-dataset]
DataLoader(test_dataset, batch_size=batch_size)
# --8<-- [end:undefined-test-dataset]

# --8<-- [start:tokenize-each-epoch]
tokenized = {"循环内": 0, "编码一次": len(train_dataset)}
for _ in range(3):
    for batch in DataLoader(train_dataset, batch_size=batch_size):
        tokenized["循环内"] += len(tokenizer(batch["text"], padding=True)["input_ids"])

assert tokenized["循环内"] == 3 * tokenized["编码一次"]
print("三遍里切分的句数", tokenized)
# --8<-- [end:tokenize-each-epoch]

# --8<-- [start:default-collate]
encoded = [{"input_ids": tokenizer(text)["input_ids"]} for text in ("手机好", "电影非常好")]
next(iter(DataLoader(encoded, batch_size=2)))  # 5 个编号和 7 个编号
# --8<-- [end:default-collate]

# --8<-- [start:no-shuffle]
labels_in_order = sorted(item["labels"] for item in train_items)  # 文件里常按类排好
loader = DataLoader(labels_in_order, batch_size=batch_size)
one_class = sum(len(labels.unique()) == 1 for labels in loader)

assert isinstance(loader.sampler, SequentialSampler)  # 缺省就是照原来的次序
assert one_class >= len(loader) - 1  # 至多一批跨在两类的交界上
print(f"{len(loader)} 批里，只含一类的有 {one_class} 批")
# --8<-- [end:no-shuffle]

# --8<-- [start:batch-accuracy]
is_correct = torch.tensor([1.0] * 64 + [0.0] * 6)  # 70 句：前 64 句对，后 6 句错
shown = [batch.mean().item() for batch in is_correct.split(batch_size)]

print("逐批打印的“准确率”", shown)
print(f"最后一行 {shown[-1]:.3f}，各批平均 {sum(shown) / len(shown):.3f}")
print(f"按个数算 {is_correct.sum().item() / len(is_correct):.3f}")
assert abs(sum(shown) / len(shown) - is_correct.mean()) > 0.2
# --8<-- [end:batch-accuracy]

# --8<-- [start:epoch-leaks]
for epoch in range(3):
    pass  # 训练在这里
for first_row in range(0, len(test_dataset), batch_size):  # 评估在循环之外
    print("Epoch:", epoch, "第一句的序号:", first_row)
# --8<-- [end:epoch-leaks]

# --8<-- [start:epoch-undefined]
for epoch in range(0): print("训练第", epoch, "遍")  # 续训：还要跑的遍数算出来是 0
print("Epoch:", epoch)
# --8<-- [end:epoch-undefined]

# --8<-- [start:third-label]
two_way = build_model(BertConfig().num_labels)  # 缺省是 2；留在 CPU 上
two_way(input_ids=torch.tensor([[2, 7, 3]]), labels=torch.tensor([2]))
# --8<-- [end:third-label]

# --8<-- [start:unused-loss]
print(unused_imports("from torch.nn import CrossEntropyLoss, Linear\nlayer = Linear(2, 2)"))
# --8<-- [end:unused-loss]

# --8<-- [start:english-vocab]
words = [*special_tokens, "the", "movie", "is", "good", "bad", "电"]
english = BertTokenizer(vocab={word: index for index, word in enumerate(words)})

print(english.tokenize("the movie is good"), english.tokenize("电影很好"))
same = english("电影很好")["input_ids"] == english("电影很差")["input_ids"]
assert same, "好评与差评编成了同一串编号"
print("好评与差评的编号相同：", same)
# --8<-- [end:english-vocab]
