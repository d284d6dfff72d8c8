"""Evidence: what ran, where, how long and with what, one JSON record a page and device."""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tooling.errors import PageError
from tooling.keys import SCHEMA, key
from tooling.kinds import Block
from tooling.modules import base_module
from tooling.outputs import replace_file
from tooling.project import Project
from tooling.regions import Region
from tooling.runner import Result

# Distributions whose versions a reader wants to know, by the name under which a block imports them.
PACKAGES = {
    "torch": "torch",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "transformers": "transformers",
    "accelerate": "accelerate",
    "optuna": "optuna",
    "sklearn": "scikit-learn",
    "scipy": "scipy",
    "numpy": "numpy",
    "matplotlib": "matplotlib",
}
Record = dict[str, Any]
_json = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes an encoder for each block


def environment(project: Project, device: str) -> Record:
    """What a reader needs to know about the machine and the versions of a run."""
    packages = {}
    for name in PACKAGES.values():
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "device_name": device_name(device),
        "cuda": cuda_versions() if device == "cuda" else None,
        "hub": "real" if os.environ.get("HUB") == "real" else "stand-in",
        "packages": packages,
        "commit": commit(project.root),
        "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def device_name(device: str) -> str | None:
    """The model name of the processor or graphics card; None where the system does not say."""
    if device == "cuda":
        import torch  # only a run on a GPU pays for the import

        return str(torch.cuda.get_device_name())
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def cuda_versions() -> dict[str, str | None]:
    """The versions of the driver and of CUDA; None where the system does not say."""
    import torch

    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(query, capture_output=True, text=True).stdout.strip().splitlines()
    except FileNotFoundError:
        driver = []
    return {"driver": driver[0] if driver else None, "runtime": torch.version.cuda}


def commit(root: Path) -> str | None:
    """The commit that is checked out, with a plus sign if files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True
        ).stdout.strip()

    head = git("rev-parse", "HEAD")
    return f"{head}{'+' if git('status', '--porcelain', '-uno') else ''}" if head else None


def known(path: Path, blocks: list[Block], project: Project, device: str) -> Record:
    """What a page's evidence says before anything has run: its key, and where each block comes from."""
    imported = {region.path: imports(region, project) for region in _one_a_file(blocks)}
    entries = []
    for block in blocks:
        source = block.region and {
            "module": block.region.path,
            "region": block.region.name,
            "lines": [block.region.start, block.region.end],
        }
        entries.append(
            {
                "index": block.index,
                "line": block.line,
                "kind": block.kind,
                "language": block.language,
                "sha256": block.sha256,
                "source": source,
                "imports": imported[block.region.path] if block.region else [],
                "reason": block.data.get("exempt"),
                "until": block.data.get("until"),
            }
        )
    return {
        "schema": SCHEMA,
        "page": path.relative_to(project.docs).as_posix(),
        "key": key(path, blocks, project, device),
        "blocks": entries,
    }


def complete(before: Record, results: dict[int, Result], env: Record) -> Record:
    """One page's evidence on one device: what was known, and what became of each block."""
    blocks = [b | vars(results.get(b["index"], Result())) for b in before["blocks"]]
    return {
        "schema": before["schema"],
        "page": before["page"],
        "environment": env,
        "key": before["key"],
        "blocks": blocks,
    }


def imports(region: Region, project: Project) -> list[str]:
    """The distributions of `PACKAGES` that a region's module imports, or the one that its pitfalls run on."""
    found = set()
    for path in {project.root / region.path, project.root / base_module(region)}:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        found |= set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    return [package for name, package in PACKAGES.items() if name in found]


def _one_a_file(blocks: list[Block]) -> list[Region]:
    return list({block.region.path: block.region for block in blocks if block.region}.values())


def file_of(page: str, project: Project, device: str) -> Path:
    """The file of a page's record on one device; `page` is relative to `docs/`."""
    return project.evidence / device / f"{page}.json"


def write(entry: Record, project: Project) -> None:
    """Puts a record where it belongs, in one step."""
    path = file_of(entry["page"], project, entry["environment"]["device"])
    path.parent.mkdir(parents=True, exist_ok=True)
    head = _json({name: value for name, value in entry.items() if name != "blocks"})
    blocks = ",\n".join(map(_json, entry["blocks"]))
    # A line a block: as fast to write as one line, and still to be read by eyes and by grep.
    replace_file(path, f'{head[:-1]},\n"blocks": [\n{blocks}\n]}}\n')


def read(file: Path) -> Record:
    """A record from its file.

    Raises:
        PageError: the file is no record of this schema, or lies where another page's belongs.
    """
    try:
        entry: Record = json.loads(file.read_text(encoding="utf-8"))
        schema, page, device = entry["schema"], entry["page"], entry["environment"]["device"]
    except (ValueError, KeyError, TypeError) as error:
        raise PageError(file, 1, f"no evidence: {error!r}", "a file that `make pages` wrote") from None
    if schema != SCHEMA:
        raise PageError(file, 1, f"evidence of schema {schema}", f"schema {SCHEMA}")
    if not file.as_posix().endswith(f"{device}/{page}.json"):
        raise PageError(
            file, 1, f"evidence of {page} on {device}", "evidence of the page that it is named after"
        )
    return entry


def load(page: str, project: Project, device: str) -> Record | None:
    """The record of a page; None where there is none that could prove anything."""
    try:
        return read(file_of(page, project, device))
    except (PageError, OSError):
        return None


def fresh(entry: Record, path: Path, blocks: list[Block], project: Project) -> bool:
    """Whether nothing that could change the result has changed since the run."""
    return bool(entry["key"] == key(path, blocks, project, entry["environment"]["device"]))


def merge(folders: list[Path], project: Project) -> int:
    """Puts the records of several runs into `evidence/`, all or none; gives their number.

    Raises:
        PageError: a file is no record, or two runs differ about one page on one device.
    """
    found: dict[tuple[str, str], tuple[Path, Record]] = {}
    for folder in folders:
        files = sorted(folder.rglob("*.json"))
        if not files:
            raise PageError(folder, 1, "no evidence in this folder", "a folder that `make pages` wrote")
        for file in files:
            entry = read(file)
            name = entry["page"], entry["environment"]["device"]
            first = found.setdefault(name, (file, entry))
            if first[1] != entry:
                raise PageError(
                    file, 1, f"not the evidence of {first[0]}", "one run for each page and device"
                )
    for _, entry in found.values():
        write(entry, project)
    return len(found)


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    merging = commands.add_parser("merge", help="put the records of several runs into evidence/")
    merging.add_argument("folders", nargs="+", type=Path)
    merging.add_argument("--root", type=Path, default=Path.cwd())
    arguments = parser.parse_args()
    try:
        count = merge(arguments.folders, Project(arguments.root.resolve()))
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"evidence: {count} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
