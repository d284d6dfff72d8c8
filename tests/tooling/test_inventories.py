"""inventories: which are there, and their renewal."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tooling import inventories

HEAD = b"# Sphinx inventory version 2\n# Project: P\n# Version: 7.1\n# zlib\n"
Answer = Callable[..., io.BytesIO]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of inventories, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories/README.md").write_text("| file |\n|---|\n| `torch.inv` | old |\n")
    return tmp_path / "inventories"


def answer(data: bytes) -> Answer:
    return lambda address, timeout: io.BytesIO(data)


def test_only_what_is_there(folder: Path) -> None:
    assert inventories.vendored(folder.parent) == []
    (folder / "numpy.inv").write_bytes(HEAD)
    (found,) = inventories.vendored(folder.parent)
    assert found["url"].startswith("file:///") and found["base_url"] == "https://numpy.org/doc/stable/"


def test_renewal_writes_files_and_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.urlopen", answer(HEAD))
    assert inventories.main() == 0
    assert sorted(path.name for path in folder.glob("*.inv")) == ["numpy.inv", "python.inv", "torch.inv"]
    rows = (folder / "README.md").read_text().splitlines()
    assert len(rows) == 5 and "old" not in "".join(rows)
    assert "| 7.1 | https://docs.python.org/3/objects.inv |" in rows[2]


def test_what_is_no_inventory_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", answer(b"<html>"))
    assert inventories.main() == 1
    assert not list(folder.glob("*.inv"))
    assert "gave no inventory" in capsys.readouterr().err
