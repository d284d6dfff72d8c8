# --8<-- [start:processes]
import math
import multiprocessing
import random

SEED = 42

if __name__ == "__main__":  # 新的进程会再导入这个文件
    numbers = random.Random(SEED).sample(range(10_000), 4)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        roots = pool.map(math.isqrt, numbers)
    print(f"两个进程开了 {len(roots)} 个平方根")
    assert all(root**2 <= number < (root + 1) ** 2 for root, number in zip(roots, numbers))
# --8<-- [end:processes]
