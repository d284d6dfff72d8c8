"""messages: the catalogue is what the code says, and knows which of it no test has raised."""

from pathlib import Path

import pytest
from coverage import CoverageData

from tooling import messages
from tooling.messages import Message, catalogue, main, table, unraised

MODULE = """USAGE = "make new"
def check(page, name):
    if name:
        raise PageError(page, 1, f"the name {name!r}", "another" + " one", USAGE)
    if page:
        raise PageError(page, 2, *problem())
    raise ValueError("not for contributors")

def problem():
    return f"a {USAGE}", "a <thing>"
"""


def test_both_forms_are_read(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text(MODULE)
    assert catalogue(tmp_path) == [
        Message("checks.py", 4, "the name …", "another one", "make new"),
        Message("checks.py", 10, "a make new", "a <thing>", "make pages"),
    ]


def test_the_table_holds_every_message_of_the_tooling() -> None:
    rows = table().split("<tr>")[2:]
    assert len(rows) == len(catalogue()) > 40
    assert all(m.file in row for m, row in zip(catalogue(), rows, strict=True))


def test_what_no_test_raised_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checks.py").write_text(MODULE)
    monkeypatch.setattr(messages, "HERE", tmp_path)
    monkeypatch.setattr(messages, "catalogue", lambda: catalogue(tmp_path))
    file = tmp_path / ".coverage"
    data = CoverageData(str(file))
    data.add_lines({str(tmp_path / "checks.py"): [4]})
    data.write()
    assert [m.line for m in unraised(file)] == [10]
    monkeypatch.setattr("sys.argv", ["messages", str(file)])
    assert main() == 1
    printed = capsys.readouterr()
    assert "tooling/checks.py:10: no test raises: a make new" in printed.err
    assert "1 of 2" in printed.out
