"""listings: what the reference shows, against the source."""

import pytest

from tooling import listings
from tooling.project import Project

from .inside import page, regions

LISTING = (
    '<div class="doc"><details class="mkdocstrings-source"><summary>in <code>{file}</code></summary>'
    '<table><tr><td class="linenos"><pre>1</pre></td><td class="code"><pre>{text}</pre></td></tr></table>'
    "</details></div>"
)
EXAMPLE = (
    '<div class="doc doc-object"><h3 class="doc-heading" id="{name}">n</h3>'
    '<div class="doc doc-contents"><pre>{text}</pre></div></div>'
)
METHOD = "class Model:\n    def run(self):\n        return 1"


def check(html: str, project: Project) -> tuple[dict[str, int], list[str]]:
    kinds, problems = listings.check(html, "site/made/index.html", project)
    return dict(kinds), problems


def test_a_listing_stands_in_its_file(project: Project) -> None:
    page(project, "", M=regions(model=METHOD))
    html = LISTING.format(file="snippets/made.py", text="def run(self):\n    return 1")
    assert check(html, project) == ({"listing": 1}, [])


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("snippets/made.py", "def run(self):\n    return 2", "does not stand in snippets/made.py"),
        ("snippets/gone.py", "def run(self):", "no such file"),
        ("conftest.py", "import pytest", "a listing of conftest.py"),
    ],
)
def test_a_listing_from_nowhere(file: str, text: str, problem: str, project: Project) -> None:
    page(project, "", M=regions(model=METHOD))
    kinds, (found,) = check(LISTING.format(file=file, text=text), project)
    assert kinds == {"listing": 1} and problem in found and found.startswith("site/made/index.html: ")


def test_an_example_prints_what_it_shows(project: Project) -> None:
    html = EXAMPLE.format(name="tooling.reference.anchor", text="&gt;&gt;&gt; anchor('a/b.md')\n'a-b'\n")
    assert check(html, project) == ({"example": 1}, [])


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("tooling.reference.anchor", "&gt;&gt;&gt; anchor('a/b.md')\n'a_b'\n", "the example of"),
        ("tooling.reference.anchor", "anchor('a/b.md')\n", "no example of the tooling"),
        ("snippets.made.run", "&gt;&gt;&gt; 1\n1\n", "no example of the tooling"),
    ],
)
def test_an_example_that_proves_nothing(name: str, text: str, problem: str, project: Project) -> None:
    kinds, (found,) = check(EXAMPLE.format(name=name, text=text), project)
    assert kinds == {"example": 1} and problem in found


def test_other_code_is_none_of_its_business(project: Project) -> None:
    assert check("<pre>a</pre>", project) == ({}, [])
