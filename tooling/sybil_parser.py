"""Published blocks as Sybil regions: Sybil finds, orders and runs them under pytest."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Document, Example, Region
from sybil.typing import Parser

from tooling import hub, leftovers
from tooling.errors import PageError
from tooling.kinds import Block
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.runner import BlockFailure, PageRun
from tooling.watchdog import Watchdog

PAGE_RUN = "page_run"  # where a document's namespace keeps the run of its page


class PublishedBlockParser:
    """A Sybil parser that yields one region for each block that the page publishes."""

    def __init__(self, root: Path, update: bool = False) -> None:
        self.project, self.update = Project(root), update
        self.watchdog = Watchdog()  # one for all pages: to stop and start it takes as long as some blocks

    def __call__(self, document: Document) -> Iterator[Region]:
        path = Path(document.path)
        starts = [0]
        for line in document.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        try:
            blocks = published_blocks(path, self.project)
        except PageError as error:
            # A page that cannot be read is one failing test of its own: the other pages go on.
            yield Region(0, 0, parsed=None, evaluator=_Failing(error))
            return
        document.namespace[PAGE_RUN] = PageRun(path, blocks, self.project, self.watchdog, self.update)
        for block in blocks:
            yield Region(starts[block.line - 1], starts[block.end], parsed=block, evaluator=evaluate)


class PageDocument(Document):
    """A page as Sybil reads it; what is not UTF-8 is left to the parser, which says where it is."""

    @classmethod
    def parse(cls, path: str, *parsers: Parser, encoding: str = "utf-8") -> Document:
        """Reads a page and gives it to the parsers."""
        document = cls(Path(path).read_text(encoding=encoding, errors="replace"), path)
        for parser in parsers:
            for region in parser(document):
                document.add(region)
        return document


class _Failing:
    def __init__(self, error: PageError) -> None:
        self.error = error

    def __call__(self, example: Example) -> str:
        return str(self.error)


def evaluate(example: Example) -> str:
    """Runs one block; an empty text means that it passed."""
    run: PageRun = example.namespace[PAGE_RUN]
    block: Block = example.parsed
    try:
        run.run(block)
    except BlockFailure as failure:
        page = "\n".join(other.text for other in run.blocks)
        return run.report(block, str(failure)) + hub.hint(block.text, page)
    except (pytest.fail.Exception, pytest.skip.Exception) as failure:  # pytest-timeout; no block skips
        return run.report(block, str(failure))
    return ""


def begin(_: dict[str, object]) -> None:
    """Sybil's setup of a document."""
    leftovers.clear()


def close(namespace: dict[str, object]) -> None:
    """Sybil's teardown of a document."""
    run = namespace.get(PAGE_RUN)
    if isinstance(run, PageRun):
        try:
            run.close()
        except PageError as error:
            pytest.fail(str(error), pytrace=False)
