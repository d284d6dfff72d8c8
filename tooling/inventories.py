"""The inventories of the documentation of Python, NumPy and PyTorch, by which references resolve.

They lie in `inventories/`, so that a build asks no other host; `make inventories` renews them.
"""

import hashlib
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

SOURCES = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
MARK = b"# Sphinx inventory version 2"
README = "README.md"


def vendored(root: Path) -> list[dict[str, str]]:
    """The inventories that are there, as mkdocstrings wants them: file and the address of what it lists."""
    files = {name: root / "inventories" / f"{name}.inv" for name in SOURCES}
    return [
        {"url": file.as_uri(), "base_url": SOURCES[name]} for name, file in files.items() if file.is_file()
    ]


def renew(name: str, folder: Path) -> str:
    """Downloads one inventory; gives its row of the table in the README.

    Raises:
        OSError: the host cannot be reached.
        ValueError: what came is no inventory.
    """
    address = f"{SOURCES[name]}objects.inv"
    with urllib.request.urlopen(address, timeout=60) as answer:
        data = answer.read()
    if not data.startswith(MARK):
        raise ValueError(f"{address} gave no inventory, but {data[:40]!r}")
    (folder / f"{name}.inv").write_bytes(data)
    version = data.split(b"\n", 3)[2].removeprefix(b"# Version: ").decode()
    day = datetime.now(UTC).date().isoformat()
    return f"| `{name}.inv` | {version} | {address} | {day} | `{hashlib.sha256(data).hexdigest()}` |"


def record(name: str, row: str, folder: Path) -> None:
    """Puts a row into the README, in place of the one that names the same file."""
    readme = folder / README
    lines = readme.read_text(encoding="utf-8").rstrip("\n").splitlines()
    kept = [line for line in lines if not line.startswith(f"| `{name}.inv`")]
    readme.write_text("\n".join([*kept, row]) + "\n", encoding="utf-8")


def main() -> int:
    """The command line; gives the exit status."""
    folder, failed = Path.cwd() / "inventories", 0
    for name in SOURCES:
        try:
            record(name, renew(name, folder), folder)
        except (OSError, ValueError) as error:
            print(f"{name}: {error}; the inventory stays as it is", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
