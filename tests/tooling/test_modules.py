"""modules: which ones belong to a page, and that the page is their script."""

from pathlib import Path

import pytest

from tooling.errors import PageError
from tooling.modules import base_module, module_paths
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.regions import Region

from .inside import include, page, regions


@pytest.mark.parametrize("name", ["a", "a_pitfalls"])
def test_pitfalls_run_beside_their_module(name: str) -> None:
    assert base_module(Region(f"snippets/{name}.py", "x", 1, 1, "")) == "snippets/a.py"


def names(path: Path, project: Project) -> list[str]:
    return [module.name for module in module_paths(path, project)]


def test_modules_are_named_like_the_page(project: Project) -> None:
    assert names(project.docs / "concepts/twice.md", project) == ["twice_keras.py", "twice_torch.py"]
    assert names(project.docs / "namespace.md", project) == ["namespace.py", "namespace_pitfalls.py"]
    assert names(project.docs / "shell.md", project) == []


def test_a_longer_page_name_keeps_its_modules(project: Project) -> None:
    for name in ("made", "made_more", "made_more_torch", "madeup"):
        (project.snippets / f"{name}.py").write_text("")
    (project.docs / "made-more.md").write_text("")
    assert names(project.docs / "made.md", project) == ["made.py"]
    assert names(project.docs / "made-more.md", project) == ["made_more.py", "made_more_torch.py"]


TWO = regions(one="x = 1", two="y = 2")
ONE_TWO = include("one") + "\n" + include("two")


def test_each_region_once_and_in_order(project: Project) -> None:
    assert len(published_blocks(page(project, ONE_TWO, M=TWO), project)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (include("two") + "\n" + include("one"), "docs/made.md:1: region 'two' of snippets/made.py out of"),
        (ONE_TWO + "\n" + include("two"), "docs/made.md:9: region 'two' twice"),
        (include("one"), "snippets/made.py:6: region 'two' is on no page"),
        ("Text.\n", "snippets/made.py:2: region 'one' is on no page"),
        (
            ONE_TWO + "\n" + include("draw", module="figure"),
            "docs/made.md:9: snippets/figure.py:draw belongs",
        ),
        (ONE_TWO + '\n```python\n--8<-- "snippets/made.py"\n```\n', "docs/made.md:9: the page publishes"),
    ],
)
def test_pages_that_are_no_script(text: str, says: str, project: Project) -> None:
    with pytest.raises(PageError) as caught:
        published_blocks(page(project, text, M=TWO), project)
    assert str(caught.value).startswith(says)


def test_a_page_without_a_module_may_not_borrow_one(project: Project) -> None:
    with pytest.raises(PageError, match="expected: a region of a module named like the page"):
        published_blocks(page(project, include("draw", module="figure")), project)
