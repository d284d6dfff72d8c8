"""regions: from an include to the lines that it publishes."""

import pytest

from tooling.errors import PageError
from tooling.project import Project
from tooling.regions import MOST_LINES, MOST_MODULE_LINES, cut, cut_module, resolve, sha256

from .inside import regions


def write(project: Project, text: str | bytes) -> None:
    (project.snippets / "made.py").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_the_fingerprint_ignores_blank_lines_around() -> None:
    assert sha256("\n\na\n b\n\n") == sha256("a\n b") != sha256(" a\n b")


def test_a_region_knows_its_lines(project: Project) -> None:
    write(project, "# --8<-- [start:one]\na = 1\n\nb = 2\n# --8<-- [end:one]\n")
    region = resolve('--8<-- "snippets/made.py:one"', "p.md", 4, project)
    assert (region.path, region.name, region.start, region.end) == ("snippets/made.py", "one", 2, 4)
    assert region.text == "a = 1\n\nb = 2" and region.sha256 == sha256("a = 1\n\nb = 2")


def test_a_whole_file(project: Project) -> None:
    write(project, "a = 1\nb = 2\n")
    region = resolve('--8<-- "snippets/made.py"', "p.md", 4, project)
    assert (region.name, region.start, region.end, region.text) == ("", 1, 2, "a = 1\nb = 2\n")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--8<-- 'snippets/made.py:one'", "not an include of one region"),
        ('--8<-- "snippets/made.py:1:3"', "not an include of one region"),
        ('--8<-- "snippets/../mkdocs.yml"', "the include leaves the project: snippets/../mkdocs.yml"),
        ('--8<-- "/etc/hostname"', "the include leaves the project: /etc/hostname"),
        ('--8<-- "snippets/gone.py:one"', "no such file: snippets/gone.py"),
        ('--8<-- "snippets/made.py:two"', "no region 'two' in snippets/made.py\n  expected: one of: one"),
    ],
)
def test_includes_that_are_refused(line: str, says: str, project: Project) -> None:
    write(project, regions(one="a = 1"))
    with pytest.raises(PageError) as caught:
        resolve(line, "docs/p.md", 9, project)
    assert str(caught.value).startswith(f"docs/p.md:9: {says}")


def test_a_file_without_regions(project: Project) -> None:
    write(project, "a = 1\n")
    with pytest.raises(PageError, match="none, the file has no regions"):
        resolve('--8<-- "snippets/made.py:one"', "p.md", 1, project)


def test_a_link_to_another_place(project: Project) -> None:
    (project.snippets / "made.py").symlink_to(project.root / "mkdocs.yml")
    with pytest.raises(PageError, match=r"^snippets/made.py:1: a symbolic link"):
        resolve('--8<-- "snippets/made.py:one"', "p.md", 1, project)


START, END = "# --8<-- [start:a]\n", "# --8<-- [end:a]\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"{START}x = 1\n", 1, "region 'a' is never closed"),
        (f"{START}{END}", 1, "region 'a' is empty"),
        (f"{START}\n   \n{END}", 1, "region 'a' is empty"),
        (f"{START}x = 1\n{END}{START}y = 1\n{END}", 4, "region 'a' is there already"),
        (f"{START}x = 1\n# --8<-- [start:b]\n", 3, "region 'b' starts inside 'a' (line 1)"),
        (f"{START}x = 1\n# --8<-- [end:b]\n", 3, "[end:b] closes nothing"),
        (f"x = 1\n{END}", 2, "[end:a] closes nothing"),
        ("# --8<-- [start:Upper_case]\n", 1, "region name 'Upper_case'"),
        ("# --8<-- [start: a]\n", 1, "region name ' a'"),
        (b"x = 1\ny = '\xe9'\n", 2, "not UTF-8 text"),
    ],
)
def test_files_that_cannot_be_cut(text: str | bytes, line: int, says: str, project: Project) -> None:
    write(project, text)
    with pytest.raises(PageError) as caught:
        cut(project.snippets / "made.py", project)
    assert str(caught.value).startswith(f"snippets/made.py:{line}: {says}")
    assert "\n  expected: " in str(caught.value)


@pytest.mark.parametrize("line", ["print(1)", "# --8<--[start:b]"])  # the site wants the blank, too
def test_a_line_outside_all_regions(line: str, project: Project) -> None:
    write(project, f"{START}x = 1\n{END}\n{line}\n")
    with pytest.raises(PageError, match=r"^snippets/made.py:5: a line outside all regions"):
        cut_module(project.snippets / "made.py", project)


def test_modules_stay_readable(project: Project) -> None:
    path = project.snippets / "made.py"
    write(project, regions(a="x = 1\n" * MOST_LINES))
    assert [region.name for region in cut_module(path, project)] == ["a"]
    write(project, regions(a="x = 1\n" * (MOST_LINES + 1)))
    with pytest.raises(PageError, match=rf"^snippets/made.py:2: region 'a' has {MOST_LINES + 1} lines"):
        cut_module(path, project)
    write(project, regions(a="x = 1") + "\n" * MOST_MODULE_LINES)
    with pytest.raises(PageError, match=rf"lines\n  expected: at most {MOST_MODULE_LINES} in a module"):
        cut_module(path, project)
