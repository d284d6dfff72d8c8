# --8<-- [start:setup]
SEED = 42
values = [1.5, 3.75]
# --8<-- [end:setup]

# --8<-- [start:add]
total = sum(values)
print(f"sum {total:.2f}")
# --8<-- [end:add]

# --8<-- [start:tab]
assert total == 5.25
# --8<-- [end:tab]

# --8<-- [start:tilde]
doubled = 2 * total
# --8<-- [end:tilde]

# --8<-- [start:annotated]
assert doubled == 10.5
# --8<-- [end:annotated]
