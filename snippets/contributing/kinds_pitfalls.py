# --8<-- [start:empty]
rng.choice([])
# --8<-- [end:empty]

# --8<-- [start:copy]
NUM_TOSSES = 0  # 只在这一份副本里改了
print(f"副本里是 {NUM_TOSSES}")
# --8<-- [end:copy]
