"""project: the folders, the configuration, and the reading of files."""

from pathlib import Path

import pytest

from tooling.errors import PageError
from tooling.project import Project


def test_folders(project: Project) -> None:
    assert project.docs == project.root / "docs"
    assert project.snippets == project.root / "snippets"
    assert project.evidence == project.root / "evidence"
    assert project.site == project.root / "site"


def test_relative_names_use_forward_slashes(project: Project) -> None:
    assert project.relative(project.docs / "concepts" / "twice.md") == "docs/concepts/twice.md"
    assert project.relative(Path("/elsewhere/a.md")) == "/elsewhere/a.md"


def test_pages_come_from_all_folders_in_order(project: Project) -> None:
    names = [project.relative(path) for path in project.page_paths()]
    assert names == sorted(names) and {"docs/concepts/twice.md", "docs/shell.md"} < set(names)


def test_the_converter_is_configured_like_the_site(project: Project) -> None:
    assert "pymdownx.superfences" in project.config.markdown_extensions
    assert "language-bash" in project.markdown.convert("```bash\ntrue\n```")


def test_reading_a_plain_file(project: Project) -> None:
    assert project.read(project.docs / "shell.md").startswith("# Shell")


def test_a_missing_file(project: Project) -> None:
    with pytest.raises(PageError, match=r"^docs/gone.md:1: no such file\n  expected: an existing file"):
        project.read(project.docs / "gone.md")


def test_bytes_that_are_not_utf8_are_named_by_line(project: Project) -> None:
    path = project.docs / "latin.md"
    path.write_bytes(b"# One\n\ncaf\xe9\n")
    with pytest.raises(PageError, match=r"^docs/latin.md:3: not UTF-8 text"):
        project.read(path)


def test_a_link_and_a_way_out_are_refused(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("text")
    inside = project.docs / "link.md"
    inside.symlink_to(project.docs / "shell.md")
    for path in (inside, project.docs / ".." / ".." / "outside.md"):
        with pytest.raises(PageError, match="a symbolic link or a path out of the project"):
            project.read(path)
