"""history: the day of a page's last change."""

import subprocess

import pytest

from tooling.history import last_change
from tooling.project import Project


def git(project: Project, *arguments: str) -> None:
    name = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(project.root), *name, *arguments], check=True, capture_output=True)


def test_the_last_commit_of_page_and_module(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    page = project.docs / "results.md"
    assert last_change(page, project) is None  # no repository
    git(project, "init", "-q")
    assert last_change(page, project) is None  # no commit
    for day, file in [("02", "results.md"), ("03", "../snippets/results.py"), ("04", "shown.md")]:
        with (project.docs / file).open("a") as changed:
            changed.write("\n")
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2030-01-{day}T12:00:00+0000")
        git(project, "add", str(project.docs / file))
        git(project, "commit", "-qm", day)
    assert last_change(page, project) == "2030-01-03"
    (project.root / ".git/shallow").write_text(
        subprocess.run(
            ["git", "-C", str(project.root), "rev-parse", "HEAD"], capture_output=True, text=True
        ).stdout
    )
    assert last_change(page, project) is None  # the history ends too early to know


def test_without_git(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert last_change(project.docs / "results.md", project) is None
