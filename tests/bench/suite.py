"""The whole suite on all cores beside its modules as scripts one after another, and cut into shards."""

import json
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.corpus import ROOT
from tests.bench.loops import CORES, MAKE
from tests.bench.timing import must, timed
from tooling import evidence
from tooling.project import Project

SHARDS = 8
PASSED = re.compile(r"^passed  (\S+)  seed 42  ([\d.]+) s$", re.MULTILINE)
MEASURED = {"seconds", "peak_rss_mb", "peak_vram_mb"}


def measure() -> dict[str, Any]:
    """Seconds of the suite, which also runs what must fail, and of `python snippets/….py` one by one."""
    project = Project(ROOT)
    command = [str(ROOT / ".venv/bin/python"), "-m", "tooling.claims", "--seeds", "42"]
    alone = must(timed(command, ROOT), "the modules as scripts").output
    one_by_one = {name: float(seconds) for name, seconds in PASSED.findall(alone)}
    pages = [project.relative(path) for path in project.page_paths()]
    # Named one by one, the pages run without coverage, as the scripts do.
    done = must(timed([*MAKE, "pages", f"PAGE={' '.join(pages)}", f"WORKERS={CORES}"], ROOT), "the suite")
    return {"suite": done.seconds, "workers": CORES, "scripts": one_by_one}


def measure_shards() -> dict[str, Any]:
    """Seconds and pages of each shard; their evidence, merged, must be that of one run but for times.

    Raises:
        RuntimeError: a page is in no shard or in two, or its blocks came out otherwise than in one run.
    """
    project = Project(ROOT)
    whole = _told(project.evidence)
    seconds: list[float] = []
    pages: list[list[str]] = []
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copytree(project.evidence, before := Path(temporary, "before"))
        for number in range(1, SHARDS + 1):
            # Each shard of a CI starts from the same state, and so is cut in the same way.
            shutil.rmtree(project.evidence)
            shutil.copytree(before, project.evidence)
            start = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            command = [*MAKE, "pages", f"SHARD={number}/{SHARDS}", f"WORKERS={CORES}"]
            seconds.append(must(timed(command, ROOT), f"shard {number}").seconds)
            run = [file for file in project.evidence.rglob("*.json") if _started(file) >= start]
            pages.append(sorted(json.loads(file.read_text(encoding="utf-8"))["page"] for file in run))
            for file in run:
                copy = Path(temporary, f"merged-{number}") / file.relative_to(project.evidence)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
        evidence.merge(sorted(Path(temporary).glob("merged-*")), project)
    if sorted(page for shard in pages for page in shard) != sorted(whole):
        raise RuntimeError(f"shards of {pages}, but pages with evidence: {sorted(whole)}")
    if other := [page for page, blocks in _told(project.evidence).items() if blocks != whole[page]]:
        raise RuntimeError(f"came out otherwise in a shard: {other}")
    return {"seconds": seconds, "pages": pages}


def _started(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["environment"]["started"])


def _told(folder: Path) -> dict[str, Any]:
    """What the evidence says of each page, without what a clock or a memory gauge said."""
    told = {}
    for file in sorted(folder.rglob("*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        blocks = [
            # What code printed, times and all, was held against the output below it, which is compared here.
            {k: v for k, v in b.items() if k not in MEASURED and (k != "printed" or b["kind"] == "output")}
            for b in record["blocks"]
        ]
        if blocks:
            told[record["page"]] = [record["key"], blocks]
    return told
