"""kernels: the published notebooks in fresh kernels."""

import sys

import pytest

from tooling import kernels, takeaway
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import include, page, regions

RAISES = '``` { .python data-raises="ValueError: no" }'
OUTPUT = '\n``` {{ .text title="输出" data-tolerance="0.1" }}\n{}\n```\n'


def call(project: Project, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(sys, "argv", ["kernels", *arguments])
    monkeypatch.setenv("HUB", "real")  # leaves the environment of the tests alone
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    return kernels.main()


def publish(project: Project, text: str, **snippets: str) -> None:
    path = page(project, text, **snippets)
    takeaway.publish("made.md", published_blocks(path, project), project, project.site)


def test_a_notebook_that_does_what_its_page_says(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(project, monkeypatch, "docs/made.md") == 1 and "make site" in capsys.readouterr().err
    publish(
        project,
        include("start")
        + OUTPUT.format("1.02")
        + "\n"
        + include("slip", RAISES, "made_pitfalls")
        + '\n```text title="报错"\nValueError: no\n```\n\n'
        + include("after"),
        M=regions(
            start="n = 1.0\nprint(f'{n:.2f}')", after="assert n == 1.0 and open('data/table.csv').read()"
        ),
        M_pitfalls=regions(slip="n = 2\nraise ValueError('no')"),
    )
    assert call(project, monkeypatch, "docs/made.md") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("passed  site/made/made.ipynb") and printed.endswith("0 failed\n")


def test_a_notebook_that_does_not(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(
        project,
        include("start")
        + OUTPUT.format("2.02")
        + "\n"
        + include("slip", RAISES, "made_pitfalls")
        + '\n```text title="报错"\nValueError: no\n```\n\n',
        M=regions(start="print('1.02')"),
        M_pitfalls=regions(slip="raise KeyError('no')"),
    )
    assert call(project, monkeypatch, "docs/made.md") == 1
    printed = capsys.readouterr().out
    assert "start: line 1 of the output" in printed
    assert "pitfalls-slip: raised ['KeyError'], not ValueError" in printed


def test_a_cell_that_fails(project: Project) -> None:
    publish(project, include("start"), M=regions(start="1 / 0"))
    [path] = kernels.published([project.docs / "made.md"], project)
    assert "ZeroDivisionError" in kernels.run(path, project)[1]
