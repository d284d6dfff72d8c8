"""The reference as it is built: complete, honest about its sources, made without torch."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tooling import listings

from .conftest import ROOT
from .test_facts import CONTENT, PROJECT

SOURCES = sorted([*PROJECT.snippets.rglob("*.py"), *(ROOT / "tooling").glob("*.py")])
# An environment without the frameworks, and what `mkdocs` on the command line calls.
WITHOUT_FRAMEWORKS = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "tensorflow", "keras", "transformers"):
            raise ImportError(f"the site build imports {name}")
sys.meta_path.insert(0, Blocker())
from mkdocs.__main__ import cli
cli(["build", "--strict", "--quiet", "--site-dir", sys.argv[1]])
"""
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: list[ast.stmt], owner: str) -> Iterator[tuple[str, Definition]]:
    """The public functions, classes and methods below a module or class, with their dotted names."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield f"{owner}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{owner}.{node.name}")


def objects(path: Path) -> dict[str, Definition]:
    owner = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    return dict(public(ast.parse(path.read_text(encoding="utf-8")).body, owner))


@pytest.fixture(scope="module")
def listed() -> set[str]:
    """The names that the built reference has a heading for."""
    pages = (PROJECT.site / "reference").rglob("index.html")
    heading = re.compile(r'<h\d id="([\w.]+)" class="doc doc-heading">')
    return {name for page in pages for name in heading.findall(page.read_text(encoding="utf-8"))}


def test_everything_public_is_listed(listed: set[str]) -> None:
    assert {name for path in SOURCES for name in objects(path)} == listed


def test_examples_stand_in_the_tooling_alone() -> None:
    """Where they are run; the examples of the snippets are the pages."""
    with_examples = {
        name
        for path in SOURCES
        for name, node in objects(path).items()
        if ">>>" in (ast.get_docstring(node) or "")
    }
    assert with_examples and all(name.startswith("tooling.") for name in with_examples)
    shown = {
        kind: sum(
            listings.check(page.read_text(encoding="utf-8"), page.name, PROJECT)[0][kind]
            for page in (PROJECT.site / "reference").rglob("index.html")
        )
        for kind in ("example", "listing")
    }
    assert shown["example"] == len(with_examples)
    assert shown["listing"] >= len({name for path in SOURCES for name in objects(path)}) / 2


@pytest.mark.parametrize("page", CONTENT, ids=lambda path: path.stem)
def test_a_page_leads_to_its_reference(page: Path) -> None:
    relative = page.relative_to(PROJECT.docs)
    folder = relative.parent if page.stem == "index" else relative.with_suffix("")
    built = (PROJECT.site / folder / "index.html").read_text(encoding="utf-8")
    anchor = "-".join(relative.with_suffix("").parts)
    assert f'reference/{relative.parts[0]}/#{anchor}">代码参考</a>' in built


def test_a_reference_into_python_leads_to_its_documentation() -> None:
    built = (PROJECT.site / "reference/tooling/index.html").read_text(encoding="utf-8")
    assert 'href="https://docs.python.org/3/library/resource.html#resource.getrusage"' in built


def test_the_build_needs_no_framework_and_no_reference_is_broken(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_FRAMEWORKS, str(tmp_path / "site")],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site/reference/nlp/index.html").is_file()
