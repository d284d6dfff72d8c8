# --8<-- [start:names]
from pathlib import Path

name = "main"
here = Path(__file__).name
# --8<-- [end:names]

# --8<-- [start:unshadowed]
assert name == "main"
assert here == "namespace.py"
assert __name__ == "__main__"
# --8<-- [end:unshadowed]
