"""The key of a page's evidence: the fingerprint of all that can change what its run shows."""

import functools
import hashlib
import json
import sys
from pathlib import Path

from tooling import stand_ins
from tooling.kinds import Block
from tooling.modules import module_paths
from tooling.project import Project

SCHEMA = 2  # of the records; a record of another schema proves nothing
# The part of the tooling that decides whether a block passed.
JUDGES = ("figures.py", "outputs.py", "runner.py", "shell.py")


def key(path: Path, blocks: list[Block], project: Project, device: str) -> str:
    """The fingerprint of what a run of the page depends on."""
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "big") + data)

    add(str(SCHEMA), device, ".".join(map(str, sys.version_info[:2])))
    add(json.dumps([[b.kind, b.language, b.title, b.text, b.data] for b in blocks], sort_keys=True))
    text = "\n".join(block.text for block in blocks)
    named = stand_ins.named_in(text)
    for name, make in named.items():
        add(name, make.__name__)
    makers = {make.__module__.removeprefix("tooling.") for make in named.values()}
    for file in _files(path, text, makers, project):
        add(file.name, file.read_bytes())
    add(judges())
    return digest.hexdigest()


@functools.cache
def judges() -> bytes:
    """The fingerprint of the files that judge; taken once a process, which goes on with what it has."""
    texts = [Path(__file__).with_name(name).read_bytes() for name in JUDGES]
    return hashlib.sha256(b"\0".join(texts)).digest()


def _files(path: Path, text: str, makers: set[str], project: Project) -> list[Path]:
    """The files that a run of the page reads: modules, data, figures, constraints, tooling."""
    tooling = Path(__file__).parent
    data = [file for file in (project.snippets / "data").rglob("*") if file.is_file() and file.name in text]
    beside = [name for name in project.names(path.parent) if name.startswith(f"{path.stem}-")]
    figures = [path.parent / name for name in beside if name.endswith((".svg", ".webp"))]
    constraints = [file for file in [project.root / "constraints.txt"] if file.is_file()]
    weights = [tooling / f"{name}.py" for name in sorted(makers | {"stand_ins_shared"} if makers else makers)]
    # The blocks of a lab are in already.
    modules = [module for module in module_paths(path, project) if module != path]
    return [*modules, *sorted(data), *sorted(figures), *constraints, *weights]
