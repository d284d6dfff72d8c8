# %% [markdown]
# # 注意力里面有什么
#
# ## 问题
#
# 见 [小 GPT](../concepts/mini-gpt.md#_1)，$x^2$。

# %%
import matplotlib.pyplot as plt

SEED = 42
device = 1

# %% tolerance="0.05"
print("均值", 0.5)

# %% alt="一条从左下到右上的直线"
fig, ax = plt.subplots()
ax.plot([1, 2])
fig.tight_layout()
