"""How the build and the ledger grow with the site, and what the project's hooks add to the build."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import corpus
from tests.bench.peers import OURS, run
from tests.bench.timing import Timed, must, timed

SIZES = (30, 300, 3_000)
REPEATS = 5


def measure() -> dict[str, Any]:
    """Seconds and MiB of a build with and without hooks, of the ledger and of the archive, by pages."""
    # One folder for all, and nothing is deleted before the end: for minutes ext4 gives no file the place of
    # one that was deleted, and to look for another took ten times as long as to write the file.
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        return {str(n): _measure(corpus.make(folder / str(n), n), n) for n in SIZES}


def _measure(folder: Path, pages: int) -> dict[str, Any]:
    must(run(OURS, folder, "-n", "2", "--dist", "loadfile"), f"{pages} pages")
    bare, hooked = [], []
    # In turn, as the machine is not equally fast all the time; each to a folder of its own.
    for turn in range(REPEATS):
        bare.append(_build(folder, "mkdocs-without-hooks.yml", f"bare-{turn}"))
        hooked.append(_build(folder, "mkdocs.yml", f"site-{turn}"))
    (folder / "site-0").rename(folder / "site")  # for what `make site` does next
    ledger = must(timed([sys.executable, "-m", "tooling.ledger", "--devices", "cpu"], folder), "ledger")
    if " 0 unaccounted" not in ledger.output or f"{pages * corpus.BLOCKS} run" not in ledger.output:
        raise RuntimeError(f"ledger of {pages} pages: {ledger.output}")
    pack = must(timed([sys.executable, "-m", "tooling.offline"], folder), "archive")
    return {
        "without_hooks": _best(bare),
        "with_hooks": _best(hooked),
        "ledger": _best([ledger]),
        "pack": _best([pack]),
    }


def _build(folder: Path, config: str, site: str) -> Timed:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", config, "-d", site]
    return must(timed(command, folder, NO_MKDOCS_2_WARNING="1"), f"build with {config}")


def _best(runs: list[Timed]) -> dict[str, float]:
    best = min(runs, key=lambda done: done.seconds)
    return {"seconds": best.seconds, "mb": best.mb}
