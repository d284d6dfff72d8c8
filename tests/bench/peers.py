"""How this project and its peers run a folder of pages under pytest, each with its own plugin alone."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.timing import Timed, timed

SYBIL = """\
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"], path="docs").pytest()
"""
MKTESTDOCS = """\
from pathlib import Path

import pytest
from mktestdocs import check_md_file


@pytest.mark.parametrize("page", sorted(Path("docs").rglob("*.md")), ids=str)
def test_page(page):
    check_md_file(fpath=page, memory={memory})
"""
EXAMPLES = """\
import pytest
from pytest_examples import find_examples


@pytest.mark.parametrize("example", find_examples("docs"), ids=str)
def test_example(example, eval_example):
    eval_example.run(example)
"""


@dataclass(frozen=True)
class Peer:
    """A harness: what it is called with, and the file that makes it find the pages."""

    arguments: tuple[str, ...]
    file: str = ""
    text: str = ""
    flat: bool = True  # it reads code that is typed into the page


PEERS = {
    "本项目": Peer(("docs", "-p", "xdist.plugin", "-p", "pytest_timeout"), flat=False),
    "sybil": Peer(("docs",), "conftest.py", SYBIL),
    "pytest-markdown-docs": Peer(("docs", "--markdown-docs", "-p", "pytest_markdown_docs.plugin")),
    "pytest-codeblocks": Peer(("docs", "--codeblocks", "-p", "pytest_codeblocks.plugin")),
    "mktestdocs": Peer(("test_pages.py",), "test_pages.py", MKTESTDOCS.format(memory=False)),
    "pytest-examples": Peer(("test_pages.py", "-p", "pytest_examples"), "test_pages.py", EXAMPLES),
}
OURS, STOCK = "本项目", "sybil"


def run(name: str, folder: Path, *options: str) -> Timed:
    """Runs all pages of the folder with one harness, in one process."""
    peer = PEERS[name]
    if peer.file:
        (folder / peer.file).write_text(peer.text, encoding="utf-8")
    if peer.flat:
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *peer.arguments, *options]
    return timed(command, folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")


def counts(output: str) -> dict[str, int]:
    """Passed, failed and errors of a run, as pytest's last lines say them."""
    found = dict.fromkeys(("passed", "failed", "error"), 0)
    for number, word in re.findall(r"(\d+) (passed|failed|error)s?\b", output[-400:]):
        found[word] = int(number)
    return found
