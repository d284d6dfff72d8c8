# --8<-- [start:count]
SEED = 42
calls = [3]
print(f"took 1.00 of {calls[0]}")
# --8<-- [end:count]
