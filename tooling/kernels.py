"""The published notebooks, each run in a fresh kernel, its outputs held against those of the page."""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat

from tooling import hub, notebooks, outputs, plain, takeaway
from tooling.claims import SECONDS, report
from tooling.project import Project
from tooling.shell import QUIET, offline_environment

# As a reader's, without a network and without noise: figures go into the notebook.
AS_READERS = {name: value for name, value in QUIET.items() if name != "MPLBACKEND"}


def published(pages: list[Path], project: Project) -> list[Path]:
    """The notebooks that the built site offers."""
    found = []
    for page in pages:
        source = page.relative_to(project.docs).as_posix()
        blocks = takeaway.blocks_of(source, project) or []
        place = project.site / plain.folder(source)
        found += [place / notebooks.name(module) for module in notebooks.modules(blocks)]
    return found


def run(path: Path, project: Project) -> tuple[float, str]:
    """Runs a notebook in a directory of its own; gives seconds and what went wrong, empty if nothing."""
    from nbclient import NotebookClient  # of the tests; the site is built without it
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    book = nbformat.read(path, as_version=4)
    expected = [cell.get("outputs", []) for cell in book.cells]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        if (data := project.snippets / "data").is_dir():
            (Path(folder) / "data").symlink_to(data)
        client = NotebookClient(
            book,
            timeout=SECONDS,
            resources={"metadata": {"path": folder}},
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
        try:
            client.execute(env=offline_environment() | AS_READERS | {"CUDA_VISIBLE_DEVICES": ""})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return time.perf_counter() - start, str(error)
    pairs = zip(book.cells, expected, strict=True)
    problems = [problem for cell, wanted in pairs if (problem := compare(cell, wanted))]
    return time.perf_counter() - start, "\n".join(problems)


def compare(cell: Any, wanted: list[Any]) -> str:
    """What differs between the outputs of a cell that has run and those that the page shows."""
    if cell.cell_type != "code" or not wanted:
        return ""
    if wanted[0].output_type == "error":
        raised = [out.ename for out in cell.outputs if out.output_type == "error"]
        return "" if raised == [wanted[0].ename] else f"{cell.id}: raised {raised}, not {wanted[0].ename}"
    printed = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
    different = outputs.difference(wanted[0].text, printed, cell.metadata.get("tolerance", ""))
    return f"{cell.id}: {different}" if different else ""


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="pages under docs/; all if none is named")
    parser.add_argument("--workers", type=int, default=1, help="notebooks at a time")
    arguments = parser.parse_args()
    project = Project(Path.cwd())
    if not project.site.is_dir():
        print("no built site; run: make site", file=sys.stderr)
        return 1
    hub.activate(project.root)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # the debugger of the kernel complains otherwise
    paths = published([page.resolve() for page in arguments.pages] or project.page_paths(), project)
    names = [project.relative(path) for path in paths]
    with ThreadPoolExecutor(arguments.workers) as pool:  # each thread waits for a kernel of its own
        return report(names, pool.map(lambda path: run(path, project), paths))


if __name__ == "__main__":
    sys.exit(main())
