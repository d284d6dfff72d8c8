"""fences: where each one stands and what its author typed."""

import pytest

from tooling.errors import PageError
from tooling.fences import scan


def test_lines_info_and_text() -> None:
    (fence,) = scan('text\n\n```python title="x" hl_lines="1"\na\n\nb\n```\nmore\n', "p.md")
    assert (fence.line, fence.end, fence.prefix, fence.mark) == (3, 7, "", "```")
    assert (fence.info, fence.text) == ('python title="x" hl_lines="1"', "a\n\nb")


def test_tildes_and_longer_fences_hold_shorter_ones() -> None:
    source = "~~~python\n```\n~~~\n\n````markdown\n```python\nx\n```\n````\n"
    assert [(fence.mark, fence.text) for fence in scan(source, "p.md")] == [
        ("~~~", "```"),
        ("````", "```python\nx\n```"),
    ]


@pytest.mark.parametrize("prefix", ["    ", "\t", "> ", ">     "])
def test_the_prefix_is_taken_off(prefix: str) -> None:
    source = f"{prefix}```bash\n{prefix}if true\n{prefix}  then\n\n{prefix}```\n"
    (fence,) = scan(source, "p.md")
    assert (fence.prefix, fence.text) == (prefix, "if true\n  then\n")


def test_a_code_span_is_no_fence() -> None:
    assert scan("``` inline ``` text\n", "p.md") == []


def test_an_unclosed_fence() -> None:
    with pytest.raises(
        PageError, match=r"^p.md:3: the fence ~~~ is never closed\n  expected: a closing fence"
    ):
        scan("text\n\n~~~bash\n```\n", "p.md")
