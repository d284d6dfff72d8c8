# --8<-- [start:result]
from pathlib import Path

DATA = "table.csv"
rows = 3
print("rows", rows)
print("结论｜Counting｜method 3|<4>｜baseline 2")
# --8<-- [end:result]
