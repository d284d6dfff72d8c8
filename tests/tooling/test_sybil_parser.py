"""sybil_parser: a page as Sybil and pytest see it."""

from pathlib import Path

import pytest
from sybil.document import Document
from sybil.example import SybilFailure

from tooling.project import Project
from tooling.runner import PageRun
from tooling.sybil_parser import PAGE_RUN, PageDocument, PublishedBlockParser, close

from .inside import include, is_cleared, page, regions


def parse(path: Path, project: Project, update: bool = False) -> Document:
    return PageDocument.parse(str(path), PublishedBlockParser(project.root, update))


def page_run(document: Document) -> PageRun:
    found = document.namespace[PAGE_RUN]
    assert isinstance(found, PageRun)
    return found


def test_each_block_is_an_example_at_its_line(project: Project) -> None:
    document = parse(project.docs / "namespace.md", project)
    examples = list(document)
    assert [example.line for example in examples] == [3, 7, 11, 15]
    assert [example.parsed.kind for example in examples] == ["run", "raises", "output", "run"]
    assert document.text[examples[2].start : examples[2].end].startswith('```text title="报错"\n')
    for example in examples:
        example.evaluate()
    assert [result.status for result in page_run(document).results.values()] == ["passed"] * 4
    folder = page_run(document).figures.directory
    close(document.namespace)
    assert is_cleared(folder)


def test_a_failing_block_does_not_stop_the_page(project: Project) -> None:
    document = parse(page(project, "```bash\nfalse\n```\n\n```bash\ntrue\n```\n"), project)
    bad, good = document
    with pytest.raises(
        SybilFailure, match=r"docs/made.md:1: block 1 \(shell\)\n    1 | false\nexit status 1"
    ):
        bad.evaluate()
    good.evaluate()
    close(document.namespace)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"# T\n\n```bash\n", "docs/made.md:3: the fence ``` is never closed"),
        (b"# T\n\n\xff\xfe\n", "docs/made.md:3: not UTF-8 text"),
    ],
)
def test_a_page_that_cannot_be_read_is_one_failing_example(
    content: bytes, says: str, project: Project
) -> None:
    path = page(project, "")
    path.write_bytes(content)
    document = parse(path, project)
    (example,) = document
    with pytest.raises(SybilFailure, match=f"{says}\n  expected: .*\n  then run: make pages"):
        example.evaluate()
    close(document.namespace)  # nothing ran: nothing to close
    assert path.read_bytes() == content


@pytest.mark.parametrize("code", ["pytest.fail('time is up')", "pytest.skip('time is up')"])
def test_neither_a_time_limit_nor_a_skip_leaves_a_block_untold(code: str, project: Project) -> None:
    path = page(project, include("one"), M=regions(one=f"import pytest\n{code}"))
    document = parse(path, project)
    (example,) = document
    with pytest.raises(SybilFailure, match=r"made.md:1: block 1 \(run\)(.|\n)*time is up"):
        example.evaluate()
    assert page_run(document).results[1].status == "failed"


UPDATED = include("one") + '\n```text title="输出"\nold\n```\n'


def test_an_update_is_written_at_the_end(project: Project) -> None:
    path = page(project, UPDATED, M=regions(one="print('new')"))
    document = parse(path, project, update=True)
    for example in document:
        example.evaluate()
    assert path.read_text(encoding="utf-8") == UPDATED
    close(document.namespace)
    assert path.read_text(encoding="utf-8") == UPDATED.replace("old", "new")


def test_an_update_that_cannot_be_written_is_told_without_a_traceback(project: Project) -> None:
    path = page(project, UPDATED, M=regions(one="print('```')"))
    document = parse(path, project, update=True)
    for example in document:
        example.evaluate()
    folder = page_run(document).figures.directory
    with pytest.raises(pytest.fail.Exception, match=r"made.md:5: the output holds the fence's own") as caught:
        close(document.namespace)
    assert caught.value.pytrace is False
    assert path.read_text(encoding="utf-8") == UPDATED and is_cleared(folder)
