"""Wires Sybil: every code block that a page under docs/ publishes is a test."""

from pathlib import Path

import pytest
from sybil import Sybil

from tooling.sybil_parser import PageDocument, PublishedBlockParser, begin, close

pytest_plugins = ["tooling.plugin"]
ROOT = Path(__file__).parent
parser = PublishedBlockParser(ROOT)


def pytest_configure(config: pytest.Config) -> None:
    parser.update = config.getoption("--update-outputs")


def pytest_sessionfinish() -> None:
    parser.watchdog.stop()


pytest_collect_file = Sybil(
    [parser],
    path="docs",
    patterns=["*.md", "labs/*.py"],
    setup=begin,
    teardown=close,
    document_types={".md": PageDocument, ".py": PageDocument},
).pytest()
