# --8<-- [start:shadow]
assert name == "main"
name = "pitfall"
raise ValueError("no luck at 7\nsecond line")
# --8<-- [end:shadow]
