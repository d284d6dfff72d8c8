"""How the build and the ledger grow with the site, and what the project's hooks add to the build."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import corpus
from tests.bench.peers import OURS, run
from tests.bench.timing import Timed, must, timed

SIZES = (30, 300, 3_000)
REPEATS = {30: 5, 300: 5, 3_000: 2}


def measure() -> dict[str, Any]:
    """Seconds and MiB of a build with and without hooks and of the ledger, by number of pages."""
    found: dict[str, Any] = {}
    for pages in SIZES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = corpus.make(Path(temporary), pages)
            must(run(OURS, folder, "-n", "2", "--dist", "loadfile"), f"{pages} pages")
            bare, hooked = [], []
            # In turn, as the machine is not equally fast all the time; each to a folder of its own, as in a
            # clean checkout: ext4 looks for long where thousands of files were deleted a moment ago.
            for turn in range(REPEATS[pages]):
                bare.append(_build(folder, "mkdocs-without-hooks.yml", f"bare-{turn}"))
                hooked.append(_build(folder, "mkdocs.yml", f"site-{turn}"))
            (folder / "site-0").rename(folder / "site")  # for the ledger
            ledger = must(
                timed([sys.executable, "-m", "tooling.ledger", "--devices", "cpu"], folder), "ledger"
            )
            if " 0 unaccounted" not in ledger.output or f"{pages * corpus.BLOCKS} run" not in ledger.output:
                raise RuntimeError(f"ledger of {pages} pages: {ledger.output}")
            found[str(pages)] = {
                "without_hooks": _best(bare),
                "with_hooks": _best(hooked),
                "ledger": {"seconds": ledger.seconds, "mb": ledger.mb},
            }
    return found


def _build(folder: Path, config: str, site: str) -> Timed:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", config, "-d", site]
    return must(timed(command, folder, NO_MKDOCS_2_WARNING="1"), f"build with {config}")


def _best(runs: list[Timed]) -> dict[str, float]:
    best = min(runs, key=lambda done: done.seconds)
    return {"seconds": best.seconds, "mb": best.mb}
