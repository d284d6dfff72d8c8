"""The blocks of pages that were read before: a page is rendered once, until something it is made of changes.

A run, a build and the ledger all ask for the blocks of a page. What one of them found lies in `.cache/`,
beside the fingerprint of all that decided it; with any other fingerprint it is not there.
"""

import functools
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from tooling.errors import PageError
from tooling.fences import Fence
from tooling.kinds import Block
from tooling.modules import module_paths
from tooling.outputs import replace_file
from tooling.project import Project, T
from tooling.regions import Region

FOLDER = ".cache/pages"
RENDERERS = ("markdown", "pymdown-extensions", "lxml", "jupytext")


@dataclass(frozen=True)
class Reader(Project):
    """A project that reads each file once, remembers which it has read, and what was found for what."""

    texts: dict[Path, str] = field(default_factory=dict, compare=False)
    known: dict[Hashable, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, project: Project) -> "Reader":
        """A reader with the configuration and the converter of a project."""
        reader = cls(project.root)
        reader.__dict__.update(config=project.config, markdown=project.markdown)
        return reader

    def found(self, key: Hashable, find: Callable[[], T]) -> T:
        """What was found for a key as it was first asked for."""
        if key not in self.known:
            self.known[key] = find()
        return cast(T, self.known[key])

    def read(self, path: Path) -> str:
        """The text of a file, as it was when it was first asked for; raises what the project raises."""
        if path not in self.texts:
            self.texts[path] = super().read(path)
        return self.texts[path]

    def forget(self) -> None:
        """Reads everything anew from now on."""
        self.texts.clear()
        self.known.clear()


def load(path: Path, project: Project) -> list[Block] | None:
    """The blocks of a page as they were found before; None if something has changed since."""
    try:
        entry = json.loads(_file(path, project).read_bytes())
        if entry["made_by"] != _made_by(project) or entry["made_of"] != _made_of(
            [project.root / name for name in entry["made_of"]], path, project
        ):
            return None
    except (OSError, ValueError, KeyError, TypeError, PageError):
        return None
    return [_block(fields) for fields in entry["blocks"]]


def store(path: Path, blocks: list[Block], read: list[Path], project: Project) -> None:
    """Keeps the blocks of a page for the next one who asks; `read` are the files that they were found in."""
    entry = {
        "made_by": _made_by(project),
        "made_of": _made_of(read, path, project),
        "blocks": [asdict(block) for block in blocks],
    }
    file = _file(path, project)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, json.dumps(entry, ensure_ascii=False))


def _file(path: Path, project: Project) -> Path:
    return project.root / FOLDER / f"{path.relative_to(project.docs).as_posix()}.json"


def _made_of(files: list[Path], path: Path, project: Project) -> dict[str, str]:
    """The files by the fingerprints of their content; the modules of the page are always among them."""
    found = {path, *files, *module_paths(path, project)}
    return {project.relative(f): hashlib.sha256(project.read(f).encode()).hexdigest() for f in sorted(found)}


def _made_by(project: Project) -> str:
    return hashlib.sha256((project.root / "mkdocs.yml").read_bytes() + _tools()).hexdigest()


@functools.cache
def _tools() -> bytes:
    """The tooling and the libraries that make blocks of a page."""
    parts = [file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))]
    parts += [importlib.metadata.version(name).encode() for name in RENDERERS]
    return hashlib.sha256(b"\0".join([sys.version.encode(), *parts])).digest()


def _block(fields: dict[str, Any]) -> Block:
    region = fields["region"] and Region(**fields["region"])
    return Block(**fields | {"region": region, "fence": Fence(**fields["fence"])})
