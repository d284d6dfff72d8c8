"""The Makefile: which commands a target would run, and what it says of a page that is not there."""

import os
import subprocess

import pytest

from tooling.project import Project

from .sites import ROOT

HIDDEN = ("MAKE", "MFLAGS", "DEVICE", "PAGE", "STALE", "SHARD", "FRAMEWORK")  # told to the tests


def dry_run(*arguments: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    done = subprocess.run(
        ["make", "--dry-run", "-o", ".venv/.ready", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("target", ["pages", "update", "claims", "scripts", "notebooks"])
def test_a_page_that_is_not_there_is_an_error(target: str) -> None:
    code, says = dry_run(target, "PAGE=challenges/index.md")
    assert code == 2 and "PAGE=challenges/index.md: no such page; expected its path" in says
    assert dry_run(target, "PAGE=docs/challenges/index.md")[0] == 0


def test_a_new_page_need_not_be_there() -> None:
    code, says = dry_run("new", "PAGE=nlp/none", "TITLE=T")
    assert code == 0 and 'tooling.scaffold "nlp/none" "T"' in says


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        ([], True),
        (["PAGE=docs/index.md"], False),
        (["PAGE=docs/index.md", "STALE=1"], True),
        (["PAGE=docs/index.md", "DEVICE=cuda"], True),
        (["SHARD=1/2"], True),
        (["PAGE=docs/index.md docs/evidence.md"], True),  # the longest one first
    ],
)
def test_one_named_page_is_not_selected(arguments: list[str], selected: bool) -> None:
    code, says = dry_run("pages", *arguments)
    assert code == 0 and ("tooling.selection" in says) == selected
    assert ("pages=docs/index.md ||" in says) != selected


def test_the_preview_watches_the_snippets() -> None:
    assert str(ROOT / "snippets") in Project(ROOT).config.watch
