"""The pytest plugin: time limits, the run's environment, and the evidence at its end."""

import gc
import importlib
import importlib.util
import os
import re
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from tooling import evidence, hub, labs
from tooling.errors import PageError
from tooling.kinds import Block
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.runner import SECONDS, PageRun, Result
from tooling.scheduling import PageScheduling
from tooling.shell import QUIET
from tooling.sybil_parser import PAGE_RUN


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares `--device` and `--update-outputs`."""
    group = parser.getgroup("pages")
    group.addoption("--device", choices=("cpu", "cuda"), default="cpu", help="where the blocks run")
    group.addoption("--update-outputs", action="store_true", help="rewrite expected outputs and figures")


def pytest_configure(config: pytest.Config) -> None:
    """Sets the environment of the run, before a block imports anything."""
    root = Path(config.rootpath)
    if config.getoption("--device") == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the blocks' own device line then says "cpu"
    else:
        _need_cuda()
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # TensorFlow would take all memory of the card
    os.environ.update(QUIET)
    # A block may talk to itself (two processes on one machine), never to another host.
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)
    _load_triton_first()
    hub.activate(root)
    hub.watch()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(Project(root), config), "evidence-recorder")


def _load_triton_first() -> None:
    """A CUDA build of torch brings triton, and triton dies if TensorFlow was loaded before it.

    Both carry an LLVM (seen: triton of torch 2.13 with TensorFlow 2.21, a segmentation fault).
    """
    if all(importlib.util.find_spec(name) for name in ("triton", "tensorflow")):
        importlib.import_module("triton")


def _need_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise pytest.UsageError(
            f"--device cuda: torch {torch.__version__} sees no CUDA device; "
            "expected a CUDA build of torch and a driver; without one run: make pages DEVICE=cpu"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> PageScheduling | None:
    """Keeps the blocks of a page on one worker; None leaves the choice to xdist."""
    return PageScheduling(config, log) if config.getoption("dist") == "loadfile" else None


TOLD = "page_told"  # where a document's namespace keeps whether its page is known to the recorder


class NoTests(pytest.Module):
    """A lab in the eyes of pytest itself, which would import a script that is named on the command line."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Nothing: Sybil runs a lab, cell by cell."""
        return []


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Keeps pytest from importing a lab; None leaves other scripts to it."""
    lab = labs.is_lab("/".join(module_path.parts[-2:]))
    return NoTests.from_parent(parent, path=module_path) if lab else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives each page the time limit of a block, in seconds, and a block that asks for it its own."""
    for page in {item.parent for item in items if _block_of(item) and item.parent}:
        page.add_marker(pytest.mark.timeout(SECONDS))
    for item in items:
        if (block := _block_of(item)) and "timeout" in block.data:
            item.add_marker(pytest.mark.timeout(int(block.data["timeout"])))


def _block_of(item: pytest.Item) -> Block | None:
    block = getattr(getattr(item, "example", None), "parsed", None)
    return block if isinstance(block, Block) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spares the garbage collector what collection makes: it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Lets a block's result travel with its report, from a worker to the recorder.

    So does, with the first one of a page, what the worker knows of the page: it need not be rendered again.
    """
    try:
        return (yield)
    finally:
        example = getattr(item, "example", None)
        if example is not None and isinstance(run := example.namespace.get(PAGE_RUN), PageRun):
            result = dict(vars(run.results[example.parsed.index]))
            item.user_properties.append(("block", [example.parsed.index, result]))
            if not example.namespace.get(TOLD):
                example.namespace[TOLD] = True
                device = item.config.getoption("--device")
                item.user_properties.append(
                    ("page", evidence.known(run.path, run.blocks, run.project, device))
                )


def pytest_unconfigure() -> None:
    """Spares the collector, at the end of a process, the objects that end with it: a second with torch."""
    gc.freeze()


class Recorder:
    """Gathers the results of all workers and writes one record a page."""

    def __init__(self, project: Project, config: pytest.Config) -> None:
        self.project, self.config = project, config
        self.results: dict[str, dict[int, Result]] = defaultdict(dict)
        self.known: dict[str, evidence.Record] = {}
        self.crashed: dict[str, set[int]] = defaultdict(set)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Notes machine, versions and time before the first block, while the workers start."""
        self.environment = evidence.environment(self.project, self.config.getoption("--device"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes one block's result from its report."""
        if report.when != "call" and report.passed:
            return  # what surrounds a block, and says nothing of it
        page = report.nodeid.split("::")[0]
        if not page.endswith(".md") and not labs.is_lab(page.removeprefix("docs/")):
            return
        results = self.results[page]
        told: dict[str, Any] = dict(report.user_properties)
        if "block" in told:
            results[told["block"][0]] = Result(**told["block"][1])
        if "page" in told:
            self.known.setdefault(page, told["page"])
        report.user_properties.clear()  # pytest keeps all reports to its end
        if str(report.when) == "???":  # xdist: the worker's process ended while it ran this block
            self.crashed[page].add(int(re.findall(r"::line:(\d+)", report.nodeid)[0]))

    def pytest_sessionfinish(self) -> None:
        """Writes the records; a page that cannot be read loses its old one."""
        update = self.config.getoption("--update-outputs")
        for page, results in self.results.items():
            path = self.project.root / page
            name = path.relative_to(self.project.docs).as_posix()
            file = evidence.file_of(name, self.project, self.environment["device"])
            try:
                # An update has rewritten the page; nothing is known of one whose first block crashed.
                known = self.known.get(page) if not update else None
                known = known or evidence.known(
                    path, published_blocks(path, self.project), self.project, self.environment["device"]
                )
            except PageError:
                file.unlink(missing_ok=True)
                continue  # its own failing test has said why; old evidence proves nothing now
            for block in known["blocks"]:
                if block["line"] in self.crashed[page]:
                    results[block["index"]] = Result(status="failed")
            record = evidence.complete(known, results, self.environment)
            passed = all(block["status"] in ("passed", "exempt") for block in record["blocks"])
            if update and not passed:
                file.unlink(missing_ok=True)
                continue  # nothing was rewritten: the page does not show the outputs of this run
            evidence.write(record, self.project)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says how many records were written, and where."""
        if self.results:
            terminalreporter.write_line(f"evidence: {len(self.results)} pages in {self.project.evidence}")
