"""Whether the assertions of a module hold beyond its own seed, and whether what a reader takes along runs."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tooling import hub, plain
from tooling.errors import PageError
from tooling.modules import module_paths
from tooling.project import Project
from tooling.shell import QUIET

SEEDS = (42, 1, 2, 3, 4)
SEED_LINE = re.compile(r"^SEED = 42$", re.MULTILINE)
SECONDS = 600


def with_seed(path: Path, seed: int, project: Project) -> str:
    """The module's text with another seed.

    Raises:
        PageError: the module has no line `SEED = 42`, or more than one.
    """
    text, count = SEED_LINE.subn(f"SEED = {seed}", project.read(path))
    if count != 1:
        raise PageError(
            project.relative(path), 1, f"{count} lines `SEED = 42`", "one, in the first region", "make claims"
        )
    return text


def repeat(path: Path, seed: int, project: Project) -> tuple[float, str]:
    """Runs a module, or a published script, once in a fresh interpreter.

    Returns:
        seconds, and the error, empty if none.
    """
    text = with_seed(path, seed, project)
    taken = path.is_relative_to(project.site)
    with tempfile.TemporaryDirectory(prefix="claims-") as folder:
        script = Path(folder) / project.relative(path)
        script.parent.mkdir(parents=True)
        script.write_text(text, encoding="utf-8")
        if (data := project.snippets / "data").is_dir():
            # A module finds its data beside its own folder, what is taken along in the working directory.
            (link := Path(folder) / ("data" if taken else "snippets/data")).parent.mkdir(exist_ok=True)
            link.symlink_to(data)
        start = time.perf_counter()
        try:
            done = subprocess.run(
                [sys.executable, str(script)],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                env=os.environ | QUIET | {"CUDA_VISIBLE_DEVICES": ""},
            )
        except subprocess.TimeoutExpired:
            return SECONDS, f"no end within {SECONDS} s"
        return time.perf_counter() - start, done.stderr if done.returncode else ""


def attempt(path: Path, seed: int, project: Project) -> tuple[float, str]:
    """As `repeat`; a module that cannot be repeated is an error like one that fails."""
    try:
        return repeat(path, seed, project)
    except PageError as problem:
        return 0.0, str(problem)


def modules(pages: list[Path], project: Project) -> list[Path]:
    """The modules that run as scripts: the pages' own, without the pitfalls."""
    found = {module for page in pages for module in module_paths(page, project)}
    return sorted(module for module in found if not module.stem.endswith("_pitfalls"))


def published(pages: list[Path], project: Project) -> list[Path]:
    """The scripts that the site offers to take along, one for each of `modules`; the build runs the labs."""
    return [
        project.site / plain.folder(page.relative_to(project.docs).as_posix()) / module.name
        for page in pages
        if page.suffix == ".md"
        for module in modules([page], project)
    ]


def report(names: list[str], outcomes: Iterable[tuple[float, str]]) -> int:
    """Prints each outcome, seconds and the error, as it comes; gives the exit status."""
    failed = 0
    for name, (seconds, error) in zip(names, outcomes, strict=True):
        failed += bool(error)
        print(f"{'failed' if error else 'passed'}  {name}  {seconds:.1f} s", flush=True)
        if error:
            print(error[-3000:])
    print(f"{failed} failed")
    return 1 if failed else 0


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="pages under docs/; all if none is named")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--workers", type=int, default=1, help="modules at a time")
    parser.add_argument(
        "--published", action="store_true", help="the scripts of the built site, not the modules"
    )
    arguments = parser.parse_args()
    project = Project(Path.cwd())
    if arguments.published and not project.site.is_dir():
        print("no built site; run: make site", file=sys.stderr)
        return 1
    hub.activate(project.root)
    pages = [page.resolve() for page in arguments.pages] or project.page_paths()
    find = published if arguments.published else modules
    tasks = [(path, int(seed)) for path in find(pages, project) for seed in arguments.seeds.split(",")]
    names = [f"{project.relative(path)}  seed {seed}" for path, seed in tasks]
    with ThreadPoolExecutor(arguments.workers) as pool:  # each thread waits for a process of its own
        return report(names, pool.map(lambda task: attempt(task[0], task[1], project), tasks))


if __name__ == "__main__":
    sys.exit(main())
