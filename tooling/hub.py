"""The stand-in model hub: tiny checkpoints under the real names, in the layout of the real cache.

A stand-in has the architecture and the tokenizer class of the real repository, and random
weights. The published code finds it where it would find the real one, and does not change.
"""

import functools
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from tooling.stand_ins import STAND_INS


def folder(root: Path) -> Path:
    """Where the stand-ins lie; another version of what makes them makes another folder."""
    makers = sorted(Path(__file__).parent.glob("stand_ins*.py"))
    version = hashlib.sha256(b"".join(path.read_bytes() for path in makers)).hexdigest()[:12]
    return root / ".hub" / version


def activate(root: Path) -> None:
    """Sets the environment of this process and its children: the stand-ins, and no network.

    With `HUB=real` in the environment the real hub is asked, as a reader's machine would.
    """
    if os.environ.get("HUB") == "real":
        return
    os.environ.update(
        {
            "HF_HUB_CACHE": str(folder(root)),
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
    )


CACHED = re.compile(r"models--(.+?)--([^/\\]+)")
_opened: set[str] = set()


@functools.cache  # a hook cannot be taken away again: one a process
def watch() -> None:
    """Notices from now on which repositories of the hub's cache this process opens."""

    def notice(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and (match := CACHED.search(str(arguments[0]))):
            _opened.add(f"{match[1]}/{match[2]}")

    sys.addaudithook(notice)


def opened() -> list[str]:
    """The repositories opened since the last call."""
    names = sorted(_opened)
    _opened.clear()
    return names


LOADED = re.compile(r"""from_pretrained\(\s*(?:["']([\w./-]+)["']|(\w+))""")


def hint(text: str, page: str) -> str:
    """What helps a block that could not load weights; empty where none are missing.

    Offline, transformers' own error does not say which repository it looked for; the name may
    be bound in an earlier block of the page.
    """
    cache = os.environ.get("HF_HUB_CACHE")
    if cache is None or os.environ.get("HUB") == "real":
        return ""
    bound = dict(re.findall(r"""\b(\w+)(?:, \w+)* = ["']([\w.-]+/[\w.-]+)["']""", page))
    names = [quoted or bound.get(name, "") for quoted, name in LOADED.findall(text)]
    missing = [
        n for n in names if "/" in n and not (Path(cache) / f"models--{n.replace('/', '--')}").is_dir()
    ]
    if not missing:
        return ""
    found = ", ".join(dict.fromkeys(missing))
    return f"\nno weights here of: {found}\n  expected: a stand-in in tooling/stand_ins.py, or HUB=real"


def build(root: Path) -> None:
    """Makes the stand-ins that are missing, each whole or not at all."""
    for name, make in STAND_INS.items():
        repository = folder(root) / f"models--{name.replace('/', '--')}"
        if repository.is_dir():
            continue
        draft = repository.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        revision = hashlib.sha1(name.encode()).hexdigest()
        snapshot = draft / "snapshots" / revision
        snapshot.mkdir(parents=True)
        make(snapshot)
        (draft / "refs").mkdir()
        (draft / "refs" / "main").write_text(revision)
        draft.rename(repository)
        print(f"stand-in for {name}: made")


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
