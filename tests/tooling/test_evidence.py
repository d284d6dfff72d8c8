"""evidence: what a record says, and when it is stale."""

import json
import platform
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tooling import evidence
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.runner import Result

from .inside import prove


def key(project: Project, device: str = "cpu") -> str:
    path = project.docs / "results.md"
    return evidence.key(path, published_blocks(path, project), project, device)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_prose_does_not_make_evidence_stale(project: Project) -> None:
    before = key(project)
    replace(project.docs / "results.md", "# Results", "# Results\n\nA new paragraph with `code`.")
    (project.snippets / "data/other.csv").write_text("named in no block")
    (project.snippets / "data/table.csv.d").mkdir()
    assert key(project) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("docs/results.md", "rows 3", "rows 4"),
        ("docs/results.md", '```text title="输出"', '``` { .text title="输出" data-tolerance="0.1" }'),
        ("docs/results.md", '```text title="输出"', '```text title="输出 2"'),
        ("snippets/results.py", "rows = 3", "rows = 4"),
        ("snippets/data/table.csv", "1,2", "1,3"),
        ("constraints.txt", "torch==2.13.0", "torch==2.13.1"),
    ],
)
def test_what_makes_evidence_stale(file: str, old: str, new: str, project: Project) -> None:
    (project.root / "constraints.txt").write_text("torch==2.13.0\n")
    before = key(project)
    replace(project.root / file, old, new)
    assert key(project) != before


def test_a_directory_that_is_named_in_a_block_is_no_data_file(project: Project) -> None:
    replace(project.snippets / "results.py", '"table.csv"', '"tables"')
    before = key(project)
    (project.snippets / "data/tables").mkdir()
    assert key(project) == before


def test_each_device_and_its_constraints_have_a_key(project: Project) -> None:
    before = key(project)
    assert key(project, "cuda") != before
    (project.root / "constraints.txt").write_text("torch\n")
    assert key(project) != before


def test_a_record_holds_each_block_and_its_result(project: Project) -> None:
    entry = prove(project.docs / "results.md", project)
    assert entry["page"] == "results.md" and entry["schema"] == evidence.SCHEMA
    run, output = entry["blocks"]
    assert (run["kind"], run["status"], run["line"]) == ("run", "passed", 3)
    assert run["source"] == {"module": "snippets/results.py", "region": "result", "lines": [2, 7]}
    assert output["source"] is None and output["output"] == "exact"
    exempt = prove(project.docs / "shown.md", project)["blocks"][-1]
    assert (exempt["status"], exempt["until"]) == ("exempt", "2999-01-01")
    assert exempt["reason"] == "needs eight graphics cards"


def test_a_block_without_a_result_was_not_run(project: Project) -> None:
    path = project.docs / "results.md"
    blocks = published_blocks(path, project)
    entry = evidence.record(path, blocks, {1: Result("passed")}, project, {"device": "cpu"})
    assert [block["status"] for block in entry["blocks"]] == ["passed", "not run"]


def test_records_come_back_as_they_went(project: Project) -> None:
    entry = prove(project.docs / "concepts/twice.md", project)
    assert evidence.file_of("concepts/twice.md", project, "cpu").is_file()
    assert evidence.load("concepts/twice.md", project, "cpu") == entry
    assert evidence.load("concepts/twice.md", project, "cuda") is None


@pytest.mark.parametrize("change", [{"schema": 0}, {"page": "other.md"}])
def test_a_record_of_another_schema_or_page_is_none(change: dict[str, object], project: Project) -> None:
    entry = prove(project.docs / "results.md", project)
    evidence.file_of("results.md", project, "cpu").write_text(json.dumps(entry | change))
    assert evidence.load("results.md", project, "cpu") is None


def test_fresh_until_a_block_changes(project: Project) -> None:
    path = project.docs / "results.md"
    entry = prove(path, project)
    assert evidence.fresh(entry, path, published_blocks(path, project), project)
    replace(path, "rows 3", "rows 4")
    assert not evidence.fresh(entry, path, published_blocks(path, project), project)


def test_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "PACKAGES", ("pytest", "no-such-package"))
    monkeypatch.delenv("HUB", raising=False)
    found = evidence.environment(project, "cpu")
    assert found["packages"] == {"pytest": pytest.__version__}
    assert (found["device"], found["hub"], found["commit"]) == ("cpu", "stand-in", None)
    assert found["started"].endswith("Z")
    monkeypatch.setenv("HUB", "real")
    assert evidence.environment(project, "cpu")["hub"] == "real"


def test_the_name_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = "processor\t: 0\nmodel name\t: Fast One\n"
    monkeypatch.setattr(Path, "read_text", lambda path: cpuinfo)
    assert evidence.device_name("cpu") == "Fast One"

    def absent(path: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert evidence.device_name("cpu") is None
    torch = types.SimpleNamespace(cuda=types.SimpleNamespace(get_device_name=lambda: "Big One"))
    monkeypatch.setitem(sys.modules, "torch", torch)  # type: ignore[arg-type]
    assert evidence.device_name("cuda") == "Big One"


def test_the_commit_says_whether_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evidence.commit(tmp_path) is None
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
    (tmp_path / "a").write_text("1")
    for arguments in (["init", "-q"], ["add", "a"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    clean = evidence.commit(tmp_path)
    assert clean is not None and len(clean) == 40
    (tmp_path / "a").write_text("2")
    assert evidence.commit(tmp_path) == f"{clean}+"
