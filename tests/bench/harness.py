"""What a block costs that does next to nothing: this project beside its peers, at growing sizes."""

import shutil
import tempfile
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

from tests.bench import corpus
from tests.bench.peers import OURS, PEERS, STOCK, counts, run
from tests.bench.timing import must

START = 10  # one page: what pytest takes to start, in essence
SIZES = (100, 1_000, 10_000)
REPEATS = 7
FIRST = f"{OURS}（第一次）"


def measure() -> dict[str, Any]:
    """Milliseconds that one more block costs, by harness and number of blocks; seconds of the whole commands.

    The fastest of several runs at each size: what else the machine does only ever adds. The sizes take
    turns, as the machine is not equally fast all the time. One run of the peers that are not compared with,
    at the largest size.
    """
    seconds: dict[str, dict[int, list[float]]] = {name: defaultdict(list) for name in PEERS}
    memory: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in (START, *SIZES):
            corpus.make(Path(temporary, f"ours-{size}"), size // corpus.BLOCKS)
            corpus.make_flat(Path(temporary, f"flat-{size}"), size // corpus.BLOCKS)
        for repeat, size, (name, peer) in product(range(REPEATS), (START, *SIZES), PEERS.items()):
            if repeat and size == max(SIZES) and name not in (OURS, STOCK):
                continue
            where = Path(temporary, f"ours-{size}")
            if peer.flat:
                where = _copy(Path(temporary, f"flat-{size}"), Path(temporary, "peer"))
            done = must(run(name, where), f"{name} on {size} blocks")
            expected = size // corpus.BLOCKS if name == "mktestdocs" else size
            if counts(done.output)["passed"] != expected:
                raise RuntimeError(f"{name}: not {expected} tests\n{done.output[-500:]}")
            seconds[name][size].append(done.seconds)
            memory[name] = done.mb
    whole = {name: {size: min(taken) for size, taken in sizes.items()} for name, sizes in seconds.items()}
    first = {size: taken[0] for size, taken in seconds[OURS].items()}  # it renders each page
    whole = {FIRST: first, **whole}
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
