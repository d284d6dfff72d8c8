# --8<-- [start:forgotten-zero-grad]
careless = build_model(32).eval()
norms = []
for _ in range(3):  # 三步都不清零，参数也不动：每一步的梯度本该相同
    F.cross_entropy(careless(x_batch), y_batch).backward()
    norms.append(careless[0].weight.grad.norm().item())
print("梯度是应有的几倍：", *(f"{norm / norms[0]:.2f}" for norm in norms))
assert abs(norms[2] / norms[0] - 3) < 0.01
# --8<-- [end:forgotten-zero-grad]

# --8<-- [start:softmax-twice]
twice = nn.Sequential(*build_model(best_size), nn.Softmax(dim=1)).to(device)
train(twice, train_idx, val_idx, epochs=10)
floor = math.log(1 + 9 / math.e)  # 全部答对、每次都给满概率，损失也只能低到这里
loss, accuracy = evaluate(twice, train_idx)
print(f"训练损失 {loss:.2f}，下限 {floor:.2f}；训练准确率 {accuracy:.2f}")
assert loss > floor
# --8<-- [end:softmax-twice]

# --8<-- [start:forgotten-eval]
noisy = copy.deepcopy(model).train()  # 忘了 eval()：dropout 还开着
with torch.no_grad():
    answers = [noisy(x[val_idx]).argmax(dim=1) for _ in range(2)]
changed = (answers[0] != answers[1]).float().mean().item()
print(f"同一批图答两次，不一样的占 {changed:.3f}")
assert changed > 0
# --8<-- [end:forgotten-eval]

# --8<-- [start:unflattened-image]
build_model(32)(torch.zeros(1, 8, 8, device=device))
# --8<-- [end:unflattened-image]
