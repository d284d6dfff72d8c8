"""Evidence: what ran, where, how long and with what, one JSON record a page and device."""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tooling.kinds import Block
from tooling.modules import module_paths
from tooling.outputs import replace_file
from tooling.project import Project
from tooling.runner import Result

SCHEMA = 1
PACKAGES = (
    "torch",
    "tensorflow",
    "keras",
    "transformers",
    "accelerate",
    "numpy",
    "scipy",
    "scikit-learn",
    "matplotlib",
)
Record = dict[str, Any]


def environment(project: Project, device: str) -> Record:
    """What a reader needs to know about the machine and the versions of a run."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "device_name": device_name(device),
        "hub": "real" if os.environ.get("HUB") == "real" else "stand-in",
        "packages": packages,
        "commit": commit(project.root),
        "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def device_name(device: str) -> str | None:
    """The model name of the processor or graphics card; None where the system does not say."""
    if device == "cuda":
        import torch  # only a run on a GPU pays for the import

        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def commit(root: Path) -> str | None:
    """The commit that is checked out, with a plus sign if files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True
        ).stdout.strip()

    head = git("rev-parse", "HEAD")
    return f"{head}{'+' if git('status', '--porcelain', '-uno') else ''}" if head else None


def key(path: Path, blocks: list[Block], project: Project, device: str) -> str:
    """The fingerprint of all that can change the result of a page's run."""
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "big") + data)

    add(str(SCHEMA), device, ".".join(map(str, sys.version_info[:2])))
    for block in blocks:
        add(block.kind, block.language, block.title, block.text, json.dumps(block.data, sort_keys=True))
    for module in module_paths(path, project):
        add(project.relative(module), module.read_bytes())
    text = "\n".join(block.text for block in blocks)
    for file in sorted((project.snippets / "data").glob("*")):
        if file.is_file() and file.name in text:
            add(file.name, file.read_bytes())
    constraints = project.root / "constraints.txt"
    add(constraints.read_bytes() if constraints.is_file() else b"")
    return digest.hexdigest()


def record(
    path: Path, blocks: list[Block], results: dict[int, Result], project: Project, env: Record
) -> Record:
    """One page's evidence on one device."""
    entries = []
    for block in blocks:
        result = asdict(results.get(block.index, Result()))
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
                "reason": block.data.get("exempt"),
                "until": block.data.get("until"),
                **result,
            }
        )
    return {
        "schema": SCHEMA,
        "page": path.relative_to(project.docs).as_posix(),
        "environment": env,
        "key": key(path, blocks, project, env["device"]),
        "blocks": entries,
    }


def file_of(page: str, project: Project, device: str) -> Path:
    return project.evidence / device / f"{page}.json"


def write(entry: Record, project: Project) -> None:
    path = file_of(entry["page"], project, entry["environment"]["device"])
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(entry, ensure_ascii=False, indent=1) + "\n")


def load(page: str, project: Project, device: str) -> Record | None:
    """The record of a page; None where there is none, or where it is not of this schema."""
    path = file_of(page, project, device)
    if not path.is_file():
        return None
    entry: Record = json.loads(path.read_text(encoding="utf-8"))
    return entry if entry.get("schema") == SCHEMA and entry.get("page") == page else None


def fresh(entry: Record, path: Path, blocks: list[Block], project: Project) -> bool:
    """Whether nothing that could change the result has changed since the run."""
    return bool(entry["key"] == key(path, blocks, project, entry["environment"]["device"]))
