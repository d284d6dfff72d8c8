# --8<-- [start:setup]
import random
import time

import matplotlib.pyplot as plt

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "kinds"})  # 每次画出同样的字节
SEED = 42
NUM_TOSSES = 400  # 掷多少次硬币
rng = random.Random(SEED)
# --8<-- [end:setup]

# --8<-- [start:toss]
heads = [rng.random() < 0.5 for _ in range(NUM_TOSSES)]  # True 是正面
# --8<-- [end:toss]

# --8<-- [start:exact]
print(f"掷了 {len(heads)} 次")
# --8<-- [end:exact]

# --8<-- [start:absolute]
share = sum(heads) / NUM_TOSSES
print(f"正面占 {share:.2f}")
assert abs(share - 0.5) < 0.125  # 标准差 0.025，留出五倍
# --8<-- [end:absolute]

# --8<-- [start:any]
start = time.perf_counter()
total = sum(range(100_000))
print(f"求和 {1000 * (time.perf_counter() - start):.1f} ms，得 {total}")
# --8<-- [end:any]

# --8<-- [start:figure]
shares = [sum(heads[:n]) / n for n in range(1, NUM_TOSSES + 1)]
fig, ax = plt.subplots(figsize=(4, 2.5), layout="constrained")
ax.plot(range(1, NUM_TOSSES + 1), shares)
ax.axhline(0.5, color="#888888", linestyle=":")
ax.set(xlabel="tosses", ylabel="share of heads", ylim=(0, 1))
fig.savefig("kinds-share.svg", metadata={"Date": None})
# --8<-- [end:figure]
