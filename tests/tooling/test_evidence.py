"""evidence: what a record says, and when it is stale."""

import json
import platform
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tooling import evidence
from tooling.errors import PageError
from tooling.keys import SCHEMA
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.regions import Region
from tooling.runner import Result

from .inside import prove
from .sites import ROOT


def test_a_record_holds_each_block_and_its_result(project: Project) -> None:
    entry = prove(project.docs / "results.md", project)
    assert entry["page"] == "results.md" and entry["schema"] == SCHEMA
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
    before = evidence.known(path, blocks, project, "cpu")
    entry = evidence.complete(before, {1: Result("passed")}, {"device": "cpu"})
    assert [block["status"] for block in entry["blocks"]] == ["passed", "not run"]


def test_records_come_back_as_they_went(project: Project) -> None:
    entry = prove(project.docs / "concepts/twice.md", project)
    assert evidence.file_of("concepts/twice.md", project, "cpu").is_file()
    assert evidence.load("concepts/twice.md", project, "cpu") == entry
    assert evidence.load("concepts/twice.md", project, "cuda") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": 0}, "evidence of schema 0"),
        ({"page": "other.md"}, "evidence of other.md on cpu"),
        ({"environment": {"device": "cuda"}}, "evidence of results.md on cuda"),
        ({"environment": None}, "no evidence: TypeError"),
    ],
)
def test_a_file_that_is_not_the_evidence_of_its_page(
    change: dict[str, object], says: str, project: Project
) -> None:
    entry = prove(project.docs / "results.md", project)
    file = evidence.file_of("results.md", project, "cpu")
    file.write_text(json.dumps(entry | change))
    assert evidence.load("results.md", project, "cpu") is None
    with pytest.raises(PageError, match=says):
        evidence.read(file)
    file.write_text("{")
    with pytest.raises(PageError, match="no evidence: JSONDecodeError"):
        evidence.read(file)


def test_records_fit_the_published_schema(project: Project) -> None:
    schema = json.loads((ROOT / "docs/evidence.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    for name in ("results.md", "shown.md", "shell.md", "concepts/twice.md"):
        entry = prove(project.docs / name, project)
        Draft202012Validator(schema).validate(entry)
    entry["blocks"][0]["status"] = "skipped"
    assert not Draft202012Validator(schema).is_valid(entry)


def shards(project: Project) -> list[Path]:
    """Evidence of three pages, in two folders that share one."""
    folders = [project.root / "one", project.root / "two"]
    for name, owners in (("results.md", folders[:1]), ("shown.md", folders[1:]), ("shell.md", folders)):
        prove(project.docs / name, project)
        file = evidence.file_of(name, project, "cpu")
        for folder in owners:
            (folder / "cpu").mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / "cpu")
        file.unlink()
    return folders


def merge(project: Project, folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> int:
    arguments = ["evidence", "merge", *map(str, folders), "--root", str(project.root)]
    monkeypatch.setattr(sys, "argv", arguments)
    return evidence.main()


def names(project: Project) -> list[str]:
    return sorted(path.name for path in project.evidence.rglob("*.json"))


def test_shards_merge(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(project, shards(project), monkeypatch) == 0
    assert capsys.readouterr().out == "evidence: 3 records\n"
    assert names(project) == ["results.md.json", "shell.md.json", "shown.md.json"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text.replace('"passed"', '"failed"', 1), "not the evidence of"),
        (lambda text: text.replace('"schema": 2', '"schema": 1'), "evidence of schema 1"),
        (lambda text: "", "no evidence: JSONDecodeError"),
    ],
)
def test_runs_that_differ_do_not_merge(
    spoil: Callable[[str], str],
    says: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = shards(project)
    file = folders[1] / "cpu/shell.md.json"
    file.write_text(spoil(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert merge(project, folders, monkeypatch) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{file}:1: ") and says in error
    assert names(project) == []


def test_an_empty_folder_does_not_merge(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(project, [project.root / "absent"], monkeypatch) == 1
    assert "no evidence in this folder" in capsys.readouterr().err


def test_what_a_module_imports(project: Project) -> None:
    module = project.snippets / "m.py"
    module.write_text("import numpy as np\nfrom sklearn import svm\nimport json\n")
    (project.snippets / "m_pitfalls.py").write_text("import torch.nn\n")

    def imported(name: str) -> list[str]:
        return evidence.imports(Region(f"snippets/{name}.py", "r", 1, 1, ""), project)

    assert imported("m") == ["scikit-learn", "numpy"]
    assert imported("m_pitfalls") == ["torch", "scikit-learn", "numpy"]
    module.unlink()  # data files and the like have no module beside them
    assert imported("m_pitfalls") == ["torch"]


def test_the_versions_of_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = types.SimpleNamespace(version=types.SimpleNamespace(cuda="13.0"))
    monkeypatch.setitem(sys.modules, "torch", torch)
    done = types.SimpleNamespace(stdout="580.1\n580.1\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert evidence.cuda_versions() == {"driver": "580.1", "runtime": "13.0"}

    def absent(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", absent)
    assert evidence.cuda_versions() == {"driver": None, "runtime": "13.0"}


def test_fresh_until_a_block_changes(project: Project) -> None:
    path = project.docs / "results.md"
    entry = prove(path, project)
    assert evidence.fresh(entry, path, published_blocks(path, project), project)
    path.write_text(path.read_text(encoding="utf-8").replace("rows 3", "rows 4"), encoding="utf-8")
    assert not evidence.fresh(entry, path, published_blocks(path, project), project)


def test_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "PACKAGES", {"a": "pytest", "b": "no-such-package"})
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
    monkeypatch.setitem(sys.modules, "torch", torch)
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
