"""The real site: one page after an edit, a run with nothing to do, the preview."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.bench.corpus import ROOT
from tests.bench.timing import must, timed

PAGE, MODULE = "docs/challenges/index.md", "snippets/challenges/index.py"
MAKE = ["make", "--no-print-directory", "-o", ".venv/.ready", "-o", ".venv-site/.ready"]
PORT = 8765
EDITS = 5
CORES = len(os.sched_getaffinity(0))


def measure_page() -> dict[str, float]:
    """Seconds from an edit of a region to the result of its page, and how long its blocks themselves ran.

    Of several edits the one with the median difference: what the blocks take changes by more than that.
    """
    runs = []
    for number in range(EDITS + 1):
        with _edited(ROOT / MODULE, f"\n# {time.time()}\n# --8<-- [end:"):
            done = must(timed([*MAKE, "pages", f"PAGE={PAGE}"], ROOT), PAGE)
            record = json.loads((ROOT / f"evidence/cpu/{PAGE.removeprefix('docs/')}.json").read_text("utf-8"))
        blocks = round(sum(block["seconds"] for block in record["blocks"]), 2)
        if number:  # the first one fills the caches of the disk
            runs.append({"whole": done.seconds, "blocks": blocks})
    must(timed([*MAKE, "pages", f"PAGE={PAGE}"], ROOT), PAGE)  # the evidence of the page as it is
    return sorted(runs, key=lambda run: run["whole"] - run["blocks"])[EDITS // 2]


def measure_stale() -> dict[str, float]:
    """Seconds of a run with nothing to do."""
    must(timed([*MAKE, "pages", "STALE=1"], ROOT), "the stale pages")
    done = must(timed([*MAKE, "pages", "STALE=1"], ROOT), "no stale page")
    if "nothing to run" not in done.output:
        raise RuntimeError(done.output[-2000:])
    return {"seconds": done.seconds}


def measure_serve() -> dict[str, float]:
    """Seconds until the preview serves its first page, and from an edit until it serves that."""
    command = [*MAKE, "serve", f"PORT={PORT}"]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            _until("", start)
            first = time.perf_counter() - start
            mark = f"改于 {time.time()}"
            with _edited(ROOT / PAGE, f"\n\n{mark}\n\n## ", "\n## "):
                start = time.perf_counter()
                _until(mark, start)
                edit = time.perf_counter() - start
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    return {"first": round(first, 2), "edit": round(edit, 2)}


def _until(text: str, start: float, limit: float = 300) -> None:
    address = f"http://127.0.0.1:{PORT}/{PAGE.removeprefix('docs/').removesuffix('index.md')}"
    while time.perf_counter() - start < limit:
        with contextlib.suppress(OSError), urllib.request.urlopen(address) as answer:
            if text in answer.read().decode():
                return
        time.sleep(0.05)
    raise RuntimeError(f"{address}: not served within {limit} s")


@contextlib.contextmanager
def _edited(path: Path, new: str, old: str = "\n# --8<-- [end:") -> Iterator[None]:
    """A file with its first `old` replaced; as it was, whatever happens."""
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(before.replace(old, new, 1), encoding="utf-8")
        yield
    finally:
        path.write_text(before, encoding="utf-8")
