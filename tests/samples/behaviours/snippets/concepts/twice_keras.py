# --8<-- [start:count]
SEED = 42
assert "calls" not in globals()
print("keras", 1)
# --8<-- [end:count]
