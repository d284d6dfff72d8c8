"""Typical mistakes of a first contribution, each made in a right page, and the message that it gets."""

import shutil
from pathlib import Path

import pytest

from tooling.errors import PageError
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import copy_behaviours
from .sites import ROOT, edit

PAGE, MODULE = "docs/nlp/character-entropy.md", "snippets/nlp/character_entropy.py"
INCLUDE = '--8<-- "snippets/nlp/character_entropy.py:measure"'
MISTAKES = {
    "a region's name misspelt": (
        PAGE,
        INCLUDE,
        INCLUDE.replace("measure", "measured"),
        "no region 'measured'",
    ),
    "a module's name misspelt": (PAGE, INCLUDE, INCLUDE.replace("character", "letter"), "no such file"),
    "code typed into the page": (PAGE, INCLUDE, "print(1)", "Python typed into the page"),
    "a region left out": (PAGE, f"```python\n{INCLUDE}\n```\n\n", "", "out of order"),
    "a fence never closed": (PAGE, f"{INCLUDE}\n```", INCLUDE, "an include among other lines"),
    "a fence without a language": (PAGE, f"```python\n{INCLUDE}", f"```\n{INCLUDE}", "unknown kind of block"),
    "an unknown attribute": (PAGE, 'data-tolerance="0.7"', 'data-tol="0.7"', "unknown attribute data-tol"),
    "a tolerance in words": (PAGE, 'data-tolerance="0.7"', 'data-tolerance="about"', "tolerance 'about'"),
    "an output before its block": (
        PAGE,
        "## 概念验证\n",
        '## 概念验证\n\n```text title="输出"\n1\n```\n',
        "without a run",
    ),
    "a block that is skipped": (
        PAGE,
        "## 落地\n",
        "<!-- skip: next -->\n\n## 落地\n",  # the mistake itself, which must be refused: skips nothing
        "a directive that would skip",
    ),
    "an exemption without a reason": (
        PAGE,
        f"```python\n{INCLUDE}",
        f'``` {{ .python data-exempt="" }}\n{INCLUDE}',
        "without a reason",
    ),
    "a line between the regions": (
        MODULE,
        "# --8<-- [end:measure]\n",
        "# --8<-- [end:measure]\nx = 1\n",
        "a line outside all regions",
    ),
    "a region never closed": (MODULE, "# --8<-- [end:wrong-base]\n", "", "never closed"),
    "a region's name in capitals": (MODULE, "[start:measure]", "[start:Measure]", "region name 'Measure'"),
    "code indented in the page": (PAGE, "## 落地\n", "## 落地\n\n    print(1)\n", "no fence (indented"),
}


@pytest.fixture
def newcomer(tmp_path: Path) -> Project:
    """A project with the newcomer's page."""
    project = copy_behaviours(tmp_path)
    for name in (PAGE, MODULE):
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests/samples/newcomer" / path.name, path)
    return project


def test_the_page_as_it_stands_is_right(newcomer: Project) -> None:
    assert len(published_blocks(newcomer.root / PAGE, newcomer)) == 8


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_a_message_that_helps(newcomer: Project, mistake: str) -> None:
    file, old, new, message = MISTAKES[mistake]
    edit(newcomer.root / file, old, new)
    with pytest.raises(PageError) as caught:
        published_blocks(newcomer.root / PAGE, newcomer)
    error = caught.value
    assert message in error.found
    assert error.path in (PAGE, MODULE) and error.line > 1 and error.expected
