"""plugin: time limits, the environment of a run, and the evidence at its end."""

import importlib
import importlib.util
import os
import socket
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from tooling import evidence, hub, plugin
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.runner import SECONDS
from tooling.scheduling import PageScheduling
from tooling.sybil_parser import PAGE_RUN

from .inside import include, page, prove, regions, run


class Config:
    """As much of pytest's configuration as the plugin asks for."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.rootpath, self.options = root, {"--device": "cpu", "--update-outputs": False} | options
        self.pluginmanager = self
        self.registered: dict[str, object] = {}

    def getoption(self, name: str) -> Any:
        return self.options[name]

    def register(self, plugin: object, name: str) -> None:
        self.registered[name] = plugin


def test_the_options() -> None:
    added: dict[str, Any] = {}
    group = types.SimpleNamespace(addoption=lambda name, **options: added.setdefault(name, options))
    plugin.pytest_addoption(types.SimpleNamespace(getgroup=lambda name: group))  # type: ignore[arg-type]
    assert added["--device"]["default"] == "cpu" and added["--update-outputs"]["action"] == "store_true"


def test_the_environment_of_a_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "0"}
    monkeypatch.setattr(os, "environ", environment)
    config = Config(project.root)
    plugin.pytest_configure(config)  # type: ignore[arg-type]
    assert environment["CUDA_VISIBLE_DEVICES"] == "" and environment["MPLBACKEND"] == "Agg"
    assert environment["HF_HUB_CACHE"] == str(hub.folder(project.root))
    assert isinstance(config.registered["evidence-recorder"], plugin.Recorder)


def test_a_worker_records_nothing_and_a_gpu_stays_visible(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "0"}
    monkeypatch.setattr(os, "environ", environment)
    config = Config(project.root, **{"--device": "cuda"})
    config.workerinput = {}  # type: ignore[attr-defined]
    torch = types.SimpleNamespace(cuda=types.SimpleNamespace(is_available=lambda: True))
    monkeypatch.setitem(sys.modules, "torch", torch)
    plugin.pytest_configure(config)  # type: ignore[arg-type]
    assert environment["CUDA_VISIBLE_DEVICES"] == "0" and config.registered == {}
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


@pytest.mark.parametrize("absent", ["", "triton", "tensorflow"])
def test_triton_is_loaded_before_tensorflow(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name != absent)
    monkeypatch.setattr(importlib, "import_module", loaded.append)
    plugin._load_triton_first()
    assert loaded == ([] if absent else ["triton"])


def test_a_machine_without_a_gpu_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = types.SimpleNamespace(
        cuda=types.SimpleNamespace(is_available=lambda: False), __version__="2.13.0+cpu"
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    with pytest.raises(pytest.UsageError, match=r"torch 2\.13\.0\+cpu sees no CUDA device"):
        plugin.pytest_configure(Config(project.root, **{"--device": "cuda"}))  # type: ignore[arg-type]


def test_the_scheduler_is_the_mended_one() -> None:
    options = types.SimpleNamespace(tx=["popen"], maxprocesses=None, px=[], dist="loadfile")
    config = types.SimpleNamespace(option=options, getvalue=lambda name: getattr(options, name))
    config.getoption = config.getvalue
    assert isinstance(plugin.pytest_xdist_make_scheduler(config, None), PageScheduling)  # type: ignore[arg-type]


class Item:
    def __init__(self, example: object = None, parent: "Item | None" = None) -> None:
        self.example, self.parent = example, parent
        self.markers: list[pytest.Mark] = []
        self.user_properties: list[tuple[str, Any]] = []
        self.config = Config(Path())

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        self.markers.append(marker.mark)


def test_each_block_has_a_time_limit(project: Project) -> None:
    blocks = published_blocks(project.docs / "shell.md", project)
    page, other = Item(), Item()
    items = [Item(types.SimpleNamespace(parsed=block), page) for block in blocks]
    collected = [*items, Item(parent=other), object()]
    plugin.pytest_collection_modifyitems(collected)  # type: ignore[arg-type]  # stand-ins of pytest's items
    limits = [[(mark.name, *mark.args) for mark in item.markers] for item in (page, *items, other)]
    assert limits == [[("timeout", SECONDS)], [], [], [("timeout", 5)], [], []]


@pytest.mark.parametrize("fails", [False, True])
def test_a_result_travels_with_its_report(fails: bool, project: Project) -> None:
    blocks, page_run, _ = run(project.docs / "results.md", project)
    namespace = {PAGE_RUN: page_run}
    item = Item(types.SimpleNamespace(parsed=blocks[0], namespace=namespace))
    call = plugin.pytest_runtest_call(item)  # type: ignore[arg-type]
    next(call)
    with pytest.raises(ValueError if fails else StopIteration):
        call.throw(ValueError()) if fails else call.send(None)
    (name, (index, result)), (other, known) = item.user_properties
    assert (name, index, result["status"]) == ("block", 1, "passed")
    # With the first block of a page travels what its worker knows of the page, once.
    assert (other, known) == ("page", evidence.known(page_run.path, blocks, project, "cpu"))
    later = Item(types.SimpleNamespace(parsed=blocks[1], namespace=namespace))
    for _ in plugin.pytest_runtest_call(later):  # type: ignore[arg-type]  # a stand-in for pytest's item
        pass
    assert [name for name, _ in later.user_properties] == ["block"]


def test_what_a_worker_knew_of_a_page_is_not_read_again(
    three: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = evidence.known(three, published_blocks(three, project), project, "cpu")
    monkeypatch.setattr(plugin, "published_blocks", None)
    told = passed(1)
    told.user_properties.append(("page", known))
    assert record(project, told, passed(2), passed(3)) == ["passed"] * 3


def test_no_block_reaches_another_host() -> None:
    with pytest.raises(pytest_socket.SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), 2)


def test_a_test_that_is_no_block_carries_nothing() -> None:
    item = Item()
    call = plugin.pytest_runtest_call(item)  # type: ignore[arg-type]
    next(call)
    with pytest.raises(StopIteration):
        call.send(None)
    assert item.user_properties == []


def report(line: int, page: str = "docs/made.md", when: str = "call", **result: Any) -> Any:
    properties = [("block", [result.pop("index"), result])] if result else [("other", 1)]
    return types.SimpleNamespace(
        nodeid=f"{page}::line:{line},column:1",
        when=when,
        passed=when != "???",
        user_properties=properties,
    )


def record(project: Project, *reports: Any, update: bool = False) -> list[str] | None:
    """The statuses in the evidence of `made.md` after these reports; None where there is no evidence."""
    recorder = plugin.Recorder(project, Config(project.root, **{"--update-outputs": update}))  # type: ignore[arg-type]
    recorder.pytest_collection()
    for one in reports:
        recorder.pytest_runtest_logreport(one)
    recorder.pytest_sessionfinish()
    entry = evidence.load("made.md", project, "cpu")
    return None if entry is None else [block["status"] for block in entry["blocks"]]


@pytest.fixture
def three(project: Project) -> Path:
    """A page with blocks at the lines 1, 5 and 9."""
    text = "\n".join(include(name) for name in ("one", "two", "three"))
    return page(project, text, M=regions(one="x = 1", two="y = 1", three="z = 1"))


def passed(index: int) -> Any:
    return report(4 * index - 3, index=index, status="passed")


def test_all_results_of_a_page_are_recorded(three: Path, project: Project) -> None:
    assert record(project, *map(passed, (1, 2, 3))) == ["passed"] * 3


def test_a_block_without_a_report_was_not_run(three: Path, project: Project) -> None:
    assert record(project, passed(1)) == ["passed", "not run", "not run"]


def test_a_block_that_ended_its_process_failed(three: Path, project: Project) -> None:
    later = report(9, index=3, status="not run")
    assert record(project, passed(1), report(5, when="???"), later) == ["passed", "failed", "not run"]


def test_what_surrounds_a_block_says_nothing_of_it(three: Path, project: Project) -> None:
    before, after = (report(1, when=when, index=1, status="failed") for when in ("setup", "teardown"))
    assert record(project, before, passed(1), after) == ["passed", "not run", "not run"]


def test_tests_that_are_no_pages_leave_no_record(project: Project) -> None:
    assert record(project, report(1, page="tests/test_a.py")) is None


def test_a_page_that_cannot_be_read_loses_its_evidence(three: Path, project: Project) -> None:
    prove(three, project)
    three.write_text("```bash\n")
    assert record(project, report(1)) is None


def test_an_update_that_failed_proves_nothing(three: Path, project: Project) -> None:
    prove(three, project)
    failed = report(9, index=3, status="failed")
    assert record(project, passed(1), passed(2), failed, update=True) is None
    assert record(project, *map(passed, (1, 2, 3)), update=True) == ["passed"] * 3


def test_the_summary_says_where_the_evidence_lies(project: Project) -> None:
    recorder = plugin.Recorder(project, Config(project.root))  # type: ignore[arg-type]
    lines: list[str] = []
    terminal = types.SimpleNamespace(write_line=lines.append)
    recorder.pytest_terminal_summary(terminal)
    assert lines == []
    recorder.pytest_runtest_logreport(passed(1))
    recorder.pytest_terminal_summary(terminal)
    assert lines == [f"evidence: 1 pages in {project.evidence}"]
