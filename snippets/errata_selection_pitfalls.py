# --8<-- [start:on-test]
rng = np.random.default_rng(SEED)
reported, fresh = [], []
for _ in range(num_repeats):
    test_accuracies, fresh_accuracies = coin_flip_accuracies(rng, (60, 600))
    best = test_accuracies.argmax()
    reported.append(test_accuracies[best])
    fresh.append(fresh_accuracies[best])

assert np.mean(reported) - np.mean(fresh) > 0.08
print(f"用测试集挑，在同一测试集上报告 {np.mean(reported):.2f}")
print(f"同一批模型在 600 个新样本上 {np.mean(fresh):.2f}，真实准确率 {chance:.2f}")
# --8<-- [end:on-test]
