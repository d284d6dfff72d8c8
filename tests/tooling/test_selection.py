"""selection: which pages a run takes."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tooling import evidence, selection
from tooling.project import Project

from .inside import page, prove


def select(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["selection", "--root", str(project.root), *arguments])
    assert selection.main() == 0
    return capsys.readouterr().out.split()


def test_all_pages(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = select(project, capsys, monkeypatch)
    assert sorted(found) == [project.relative(path) for path in project.page_paths()]
    weights = [selection.weight(project.root / name, project, "cpu") for name in found]
    assert weights == sorted(weights, reverse=True) and weights[0] > weights[-1]
    one = str(project.docs / "shell.md")
    assert select(project, capsys, monkeypatch, one) == ["docs/shell.md"]


def test_frameworks(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = project.snippets / "concepts/twice_keras.py"
    module.write_text(module.read_text().replace("]\n", "]\nfrom keras import layers\n", 1))
    twice = ["docs/concepts/twice.md"]
    assert select(project, capsys, monkeypatch, "--framework", "tensorflow") == twice
    rest = select(project, capsys, monkeypatch, "--framework", "torch")
    assert len(rest) == len(project.page_paths()) - 1 and not set(twice) & set(rest)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["selection", "--root", str(project.root), "--device", "cuda"])
    assert selection.main() == 0
    printed = capsys.readouterr()
    assert printed.out.split() == rest
    assert printed.err == "not run on cuda, TensorFlow is absent: docs/concepts/twice.md\n"


def test_stale_pages(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale() -> set[str]:
        return set(select(project, capsys, monkeypatch, "--stale"))

    everything = stale()
    assert "docs/shell.md" in everything and "docs/index.md" not in everything  # no code, nothing to prove
    prove(project.docs / "shell.md", project)
    prove(project.docs / "results.md", project)
    assert everything - stale() == {"docs/shell.md", "docs/results.md"}
    module = project.snippets / "results.py"
    module.write_text(module.read_text().replace("rows = 3", "rows = 1 + 2"))
    assert "docs/results.md" in stale()
    entry = evidence.load("shell.md", project, "cpu")
    assert entry is not None
    entry["blocks"][0]["status"] = "failed"
    evidence.write(entry, project)
    assert "docs/shell.md" in stale()
    page(project, "```zsh\n```\n")
    assert "docs/made.md" in stale()  # its run says what is wrong


def test_the_weight_of_a_page(project: Project) -> None:
    path = project.docs / "results.md"
    size = (project.snippets / "results.py").stat().st_size
    assert selection.weight(path, project, "cpu") == size / 500
    entry = prove(path, project)
    for seconds, block in zip((2.5, None), entry["blocks"], strict=True):
        block["seconds"] = seconds
    evidence.write(entry, project)
    assert selection.weight(path, project, "cpu") == 2.5


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_shards_are_disjoint_complete_and_even(count: int) -> None:
    weights = {Path(f"p{number}"): float(number) for number in range(1, 25)}
    shards = [selection.shard(weights, number, count) for number in range(1, count + 1)]
    assert sorted(path for shard in shards for path in shard) == sorted(weights)
    loads = [sum(weights[path] for path in shard) for shard in shards]
    assert max(loads) <= 1.1 * sum(loads) / count


@pytest.mark.parametrize("text", ["0/2", "3/2", "two", "1"])
def test_a_shard_that_is_none(text: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["selection", "--root", str(project.root), "--shard", text])
    with pytest.raises(SystemExit):
        selection.main()
