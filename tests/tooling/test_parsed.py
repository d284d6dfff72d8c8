"""parsed: a page is read once, until something that it is made of changes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tooling import pages, parsed
from tooling.errors import PageError
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import include, page, regions


@pytest.fixture
def made(project: Project) -> Path:
    """A page that has been read before."""
    path = page(project, include("one"), M=regions(one="x = 1"))
    published_blocks(path, project)
    return path


def kept(project: Project) -> Path:
    return project.root / parsed.FOLDER / "made.md.json"


def test_the_blocks_come_back_as_they_were_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = project.page_paths()
    first = [published_blocks(path, project) for path in paths]
    monkeypatch.setattr(pages, "render", None)
    assert [published_blocks(path, project) for path in paths] == first


CHANGES: dict[str, Callable[[Project, Path], object]] = {
    "the page": lambda project, path: path.write_text(path.read_text() + "\nProse.\n"),
    "its module": lambda project, path: (project.snippets / "made.py").write_text(regions(one="x = 2")),
    "a module more": lambda project, path: (project.snippets / "made_more.py").write_text(regions(a="y = 1")),
    "the configuration": lambda project, path: (project.root / "mkdocs.yml").open("a").write("# changed\n"),
    "nothing, but it is no record": lambda project, path: kept(project).write_text("{}"),
    "nothing, but it is half a record": lambda project, path: kept(project).write_text("{"),
    "nothing, but it is gone": lambda project, path: kept(project).unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_noticed(what: str, made: Path, project: Project) -> None:
    assert parsed.load(made, project) is not None
    CHANGES[what](project, made)
    assert parsed.load(made, project) is None


def test_other_tools_make_other_blocks(made: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "_tools", lambda: b"another version")
    assert parsed.load(made, project) is None


def test_a_page_with_a_mistake_is_not_kept(made: Path, project: Project) -> None:
    made.write_text("```bash\n")
    for _ in range(2):
        with pytest.raises(PageError, match="never closed"):
            published_blocks(made, project)


def test_a_module_that_became_a_link_is_refused_though_its_text_is_the_same(
    made: Path, project: Project
) -> None:
    module = project.snippets / "made.py"
    module.rename(project.root / "elsewhere.py")
    module.symlink_to(project.root / "elsewhere.py")
    with pytest.raises(PageError, match="a symbolic link"):
        published_blocks(made, project)


def test_the_record_names_what_it_was_made_of(made: Path, project: Project) -> None:
    entry = json.loads(kept(project).read_text(encoding="utf-8"))
    assert set(entry["made_of"]) == {"docs/made.md", "snippets/made.py"}
