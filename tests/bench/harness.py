"""What a block costs that does next to nothing: this project beside its peers, at growing sizes."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import corpus
from tests.bench.peers import OURS, PEERS, STOCK, counts, run
from tests.bench.timing import must

START = 10  # one page: what pytest takes to start, in essence
SIZES = (100, 1_000, 10_000)
REPEATS = 3
FIRST = f"{OURS}（第一次）"


def measure() -> dict[str, Any]:
    """Milliseconds that one more block costs, by harness and number of blocks; seconds of the whole commands.

    The fastest of three runs at each size: what else the machine does only ever adds. One run of the peers
    that are not compared with, at the largest size.
    """
    whole: dict[str, dict[int, float]] = {name: {} for name in (FIRST, *PEERS)}
    memory: dict[str, int] = {}
    for size in (START, *SIZES):
        with tempfile.TemporaryDirectory() as temporary:
            ours, flat = Path(temporary, "ours"), Path(temporary, "flat")
            corpus.make(ours, size // corpus.BLOCKS)
            corpus.make_flat(flat, size // corpus.BLOCKS)
            seconds: dict[str, list[float]] = {name: [] for name in PEERS}
            for repeat in range(REPEATS):
                for name, peer in PEERS.items():
                    if repeat and size == max(SIZES) and name not in (OURS, STOCK):
                        continue
                    where = _copy(flat, Path(temporary, "peer")) if peer.flat else ours
                    done = must(run(name, where), f"{name} on {size} blocks")
                    expected = size // corpus.BLOCKS if name == "mktestdocs" else size
                    if counts(done.output)["passed"] != expected:
                        raise RuntimeError(f"{name}: not {expected} tests\n{done.output[-500:]}")
                    seconds[name].append(done.seconds)
                    memory[name] = done.mb
            for name, taken in seconds.items():
                whole[name][size] = min(taken)
            whole[FIRST][size] = seconds[OURS][0]  # it renders each page
    marginal = {
        name: {str(size): round((taken[size] - taken[START]) / (size - START) * 1000, 3) for size in SIZES}
        for name, taken in whole.items()
    }
    memory[FIRST] = memory[OURS]
    return {"marginal": marginal, "seconds": whole, "mb": memory}


def _copy(flat: Path, to: Path) -> Path:
    """The pages without what another peer's run has left beside them."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(flat, to)
    return to
