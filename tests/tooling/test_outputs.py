"""outputs: the comparison with the page, and the rewriting of the page."""

from pathlib import Path

import pytest

from tooling.errors import PageError
from tooling.kinds import Block
from tooling.outputs import difference, replace_file, rewrite
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import include, page, regions


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance"),
    [
        ("a 1.50\nb", "a 1.50\nb\n", ""),
        ("a\n", "\na   \n", ""),  # blank lines around and blanks at the end of a line
        ("loss 0.30", "loss 0.28", "0.02"),
        ("loss 100.0", "loss 104.9", "5%"),
        ("took 0.1 s", "took 93.7 s", "any"),
        ("took  0.1 s", "took 93.7 s", "any"),  # padding that depends on the width
        ("1,234.5", "1,234.6", "0.2"),
        ("1.0e-05 and 2.0", "1.1e-05 and 2.0", "0.1"),
        ("-0.1", "0.1", "0.2"),
        ("mean  0.10", "mean -0.05", "0.2"),
    ],
)
def test_alike(expected: str, actual: str, tolerance: str) -> None:
    assert difference(expected, actual, tolerance) == ""


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance"),
    [
        ("a 1.50", "a 1.51", ""),
        ("loss 0.30", "loss 0.27", "0.02"),
        ("loss 100.0", "loss 105.1", "5%"),
        ("3 of 4", "2 of 4", "any"),  # integers are exact
        ("good 1.0", "bad 1.0", "any"),  # and words
        ("torch 2.13.0", "torch 2.14.0", "any"),  # and versions
        ("0.5 0.5", "0.5", "any"),
        ("a\n\nb", "a\nb", "any"),
    ],
)
def test_different(expected: str, actual: str, tolerance: str) -> None:
    assert difference(expected, actual, tolerance).startswith("line ")


def test_the_first_difference_is_shown_with_both_sides() -> None:
    assert difference("a\nb 1", "a\nb 2\nc") == "line 2 of the output\n  page: b 1\n  run:  b 2"


@pytest.mark.parametrize(
    ("expected", "actual", "says"),
    [
        ("a\nb", "a", "line 2 of the output\n  page: b\n  run:  (no such line)"),
        ("a", "a\nb", "line 2 of the output\n  page: (no such line)\n  run:  b"),
    ],
)
def test_the_number_of_lines_counts(expected: str, actual: str, says: str) -> None:
    assert difference(expected, actual, "any") == says


TABBED = (
    "# T\n\n"
    + '=== "A"\n\n    ```python\n    --8<-- "snippets/made.py:one"\n    ```\n\n'
    + '    ```text title="输出"\n    old\n    ```\n\nprose\n\n'
    + include("two")
    + '\n~~~ { .text title="输出" data-tolerance="0.1" }\nold\nolder\n~~~\n\nEnd.'
)
MODULE = regions(one="print(1)", two="print(2)")


def outputs_of(path: Path, project: Project, *texts: str) -> dict[int, tuple[Block, str]]:
    blocks = [block for block in published_blocks(path, project) if block.kind == "output"]
    return {block.index: (block, text) for block, text in zip(blocks, texts, strict=True)}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_only_the_lines_between_the_fences_change(ending: str, project: Project) -> None:
    path = page(project, "", M=MODULE)
    path.write_bytes(TABBED.replace("\n", ending).encode())
    assert rewrite(path, outputs_of(path, project, "1\n\n1 again\n", "2\n"))
    wanted = TABBED.replace("    old\n", "    1\n\n    1 again\n").replace("old\nolder\n", "2\n")
    assert path.read_bytes() == wanted.replace("\n", ending).encode()


def test_other_line_separators_stay(project: Project) -> None:
    text = TABBED.replace("prose", "one\u2028two\x0cthree")
    path = page(project, text, M=MODULE)
    assert rewrite(path, outputs_of(path, project, "old", "2"))
    assert path.read_text(encoding="utf-8") == text.replace("old\nolder\n", "2\n")


def test_a_page_that_is_right_is_not_written(project: Project) -> None:
    path = page(project, TABBED, M=MODULE)
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert not rewrite(path, outputs_of(path, project, "old", "old\nolder"))
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_an_output_that_would_close_its_fence(project: Project) -> None:
    path = page(project, TABBED, M=MODULE)
    with pytest.raises(PageError, match="the output holds the fence's own mark"):
        rewrite(path, outputs_of(path, project, "new", "~~~"))
    assert path.read_text(encoding="utf-8") == TABBED  # all outputs or none


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    replace_file(path, "new\n")
    assert path.read_text() == "new\n" and path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]
