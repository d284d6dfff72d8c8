# --8<-- [start:undefined]
print(undefined)
# --8<-- [end:undefined]
