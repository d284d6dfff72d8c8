"""keys: what makes evidence stale, and what does not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tooling import keys, stand_ins
from tooling.pages import published_blocks
from tooling.project import Project

STAND_INS = ("stand_ins_shared.py", "stand_ins_sound.py", "stand_ins_text.py", "stand_ins_vision.py")


def key(project: Project, device: str = "cpu") -> str:
    path = project.docs / "results.md"
    return keys.key(path, published_blocks(path, project), project, device)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_changes_nothing(project: Project) -> None:
    before = key(project)
    replace(project.docs / "results.md", "# Results", "# Results\n\nA new paragraph with `code`.")
    (project.snippets / "data/other.csv").write_text("named in no block")
    (project.snippets / "data/table.csv.d").mkdir()
    (project.docs / "other-figure.svg").write_text("<svg/>")
    (project.root / "README.md").write_text("words")
    assert key(project) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("docs/results.md", "rows 3", "rows 4"),
        ("docs/results.md", '```text title="输出"', '``` { .text title="输出" data-tolerance="0.1" }'),
        ("docs/results.md", '```text title="输出"', '```text title="输出 2"'),
        ("docs/results-curve.svg", "1 2", "1 3"),
        ("snippets/results.py", "rows = 3", "rows = 4"),
        ("snippets/data/table.csv", "1,2", "1,3"),
        ("constraints.txt", "torch==2.13.0", "torch==2.13.1"),
    ],
)
def test_a_file_that_the_run_reads(file: str, old: str, new: str, project: Project) -> None:
    (project.root / "constraints.txt").write_text("torch==2.13.0\n")
    (project.docs / "results-curve.svg").write_text("<path d='M 1 2'/>")
    before = key(project)
    replace(project.root / file, old, new)
    assert key(project) != before


def test_a_directory_that_is_named_in_a_block_is_no_data_file(project: Project) -> None:
    replace(project.snippets / "results.py", '"table.csv"', '"tables"')
    before = key(project)
    (project.snippets / "data/tables").mkdir()
    assert key(project) == before


def test_new_constraints(project: Project) -> None:
    before = key(project)
    (project.root / "constraints.txt").write_text("torch\n")
    assert key(project) != before


def test_the_device(project: Project) -> None:
    assert key(project, "cuda") != key(project, "cpu")


def test_the_version_of_python(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(project)
    monkeypatch.setattr(sys, "version_info", (*sys.version_info[:2], 99))
    assert key(project) == before  # a patch release changes no result
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert key(project) != before


def test_the_schema(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(project)
    monkeypatch.setattr(keys, "SCHEMA", keys.SCHEMA + 1)
    assert key(project) != before


def copied_tooling(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the judging files and of the stand-ins, in the place of the tooling."""
    folder.mkdir()
    for name in (*keys.JUDGES, *STAND_INS):
        (folder / name).write_bytes((Path(keys.__file__).parent / name).read_bytes())
    monkeypatch.setattr(keys, "__file__", str(folder / "keys.py"))
    keys.judges.cache_clear()
    return folder


@pytest.mark.parametrize("name", keys.JUDGES)
def test_the_files_that_judge(name: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied_tooling(project.root / "tooling", monkeypatch)
    before = key(project)
    (folder / name).write_text("# other\n")
    assert key(project) == before  # this process goes on with the tooling that it has
    keys.judges.cache_clear()
    assert key(project) != before


@pytest.fixture(autouse=True)
def no_copies_left() -> Iterator[None]:
    yield
    keys.judges.cache_clear()


@pytest.mark.parametrize("name", STAND_INS)
def test_the_stand_ins_where_a_page_names_one(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied_tooling(project.root / "tooling", monkeypatch)
    before = key(project)
    (folder / name).write_text("# other\n")
    assert key(project) == before  # the page names none
    replace(project.snippets / "results.py", '"table.csv"', '"google-bert/bert-base-chinese"')
    before = key(project)
    (folder / name).write_text("# another\n")
    assert (key(project) != before) == (name in ("stand_ins_shared.py", "stand_ins_text.py"))


def test_another_stand_in_under_the_same_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "google-bert/bert-base-chinese"
    replace(project.snippets / "results.py", '"table.csv"', f'"{name}"')
    before = key(project)
    monkeypatch.setitem(stand_ins.STAND_INS, name, stand_ins.STAND_INS["hfl/chinese-pert-base-mrc"])
    assert key(project) != before
