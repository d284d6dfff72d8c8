"""Which pages a run takes: all, the stale ones, a shard, those of one framework."""

import argparse
import importlib.util
import re
import sys
from pathlib import Path

from tooling import evidence
from tooling.errors import PageError
from tooling.modules import module_paths
from tooling.pages import published_blocks
from tooling.project import Project

TENSORFLOW = re.compile(r"^\s*(?:import|from) (?:tensorflow|keras|keras_tuner)\b", re.MULTILINE)


def needs_tensorflow(path: Path, project: Project) -> bool:
    """Whether a module of the page imports TensorFlow or Keras."""
    return any(TENSORFLOW.search(project.read(module)) for module in module_paths(path, project))


def is_stale(path: Path, project: Project, device: str) -> bool:
    """Whether a run on this device would tell more than the evidence does."""
    entry = evidence.load(path.relative_to(project.docs).as_posix(), project, device)
    try:
        blocks = published_blocks(path, project)
    except PageError:
        return True  # its run says what is wrong with the page
    if entry is None:
        return bool(blocks)
    proven = all(block["status"] in ("passed", "exempt") for block in entry["blocks"])
    return not proven or not evidence.fresh(entry, path, blocks, project)


def weight(path: Path, project: Project, device: str) -> float:
    """How long a page may take: the seconds of its last run, else the size of its modules."""
    entry = evidence.load(path.relative_to(project.docs).as_posix(), project, device)
    if entry is not None:
        return sum(block["seconds"] or 0.0 for block in entry["blocks"])
    return sum(module.stat().st_size for module in module_paths(path, project)) / 500


def shard(weights: dict[Path, float], number: int, count: int) -> list[Path]:
    """The pages of one of several shards of about equal weight, the heaviest first: none begins at the end.

    Each page in turn, from the heaviest on, goes to the shard that is the lightest so far.
    """
    shards: list[list[Path]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for path in sorted(weights, key=lambda path: (-weights[path], path)):
        lightest = loads.index(min(loads))
        shards[lightest].append(path)
        loads[lightest] += weights[path]
    return shards[number - 1]


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="pages under docs/; all if none is named")
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--framework", choices=("torch", "tensorflow"), help="pages with TensorFlow, or without"
    )
    parser.add_argument("--shard", metavar="2/8", default="1/1")
    parser.add_argument("--stale", action="store_true", help="only pages without fresh evidence")
    arguments = parser.parse_args()
    if not (match := re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", arguments.shard)) or int(match[1]) > int(
        match[2]
    ):
        parser.error(f"--shard {arguments.shard}: expected a number out of a count, such as 2/8")
    project = Project(arguments.root.resolve())
    pages = [page.resolve() for page in arguments.pages] or project.page_paths()
    if arguments.framework:
        wanted = arguments.framework == "tensorflow"
        pages = [page for page in pages if needs_tensorflow(page, project) == wanted]
    elif arguments.device == "cuda" and importlib.util.find_spec("tensorflow") is None:
        absent = [page for page in pages if needs_tensorflow(page, project)]
        pages = [page for page in pages if page not in absent]
        for page in absent:
            print(f"not run on cuda, TensorFlow is absent: {project.relative(page)}", file=sys.stderr)
    if arguments.stale:
        pages = [page for page in pages if is_stale(page, project, arguments.device)]
    weights = {page: weight(page, project, arguments.device) for page in pages}
    for page in shard(weights, int(match[1]), int(match[2])):
        print(project.relative(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
