"""claims: the modules as scripts, with other seeds."""

import sys
from pathlib import Path

import pytest

from tooling import claims
from tooling.errors import PageError
from tooling.project import Project

from .inside import page

SCRIPT = "SEED = 42\nassert SEED != {}\n"


def script(project: Project, bad_seed: int) -> Path:
    page(project, "# T\n", M=SCRIPT.format(bad_seed))
    return project.snippets / "made.py"


def test_the_seed_is_changed(project: Project) -> None:
    assert claims.with_seed(script(project, 7), 3, project) == "SEED = 3\nassert SEED != 7\n"


@pytest.mark.parametrize(("text", "count"), [("x = 1\n", 0), ("SEED = 42\nSEED = 42\n", 2)])
def test_a_module_has_one_seed(text: str, count: int, project: Project) -> None:
    page(project, "# T\n", M=text)
    with pytest.raises(PageError, match=rf"^snippets/made.py:1: {count} lines `SEED = 42`"):
        claims.with_seed(project.snippets / "made.py", 3, project)


def test_a_run_says_how_long_and_what_went_wrong(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, error = claims.repeat(script(project, 7), 3, project)
    assert 0 < seconds < 60 and error == ""
    _, error = claims.repeat(script(project, 7), 7, project)
    assert error.rstrip().endswith("AssertionError") and "line 2" in error
    monkeypatch.setattr(claims, "SECONDS", 0.2)
    page(project, "# T\n", M="SEED = 42\nimport time\ntime.sleep(60)\n")
    assert claims.repeat(project.snippets / "made.py", 3, project) == (0.2, "no end within 0.2 s")


def test_a_script_finds_its_data(project: Project) -> None:
    page(
        project,
        "# T\n",
        M="SEED = 42\nfrom pathlib import Path\nassert (Path(__file__).parent / 'data').is_dir()\n",
    )
    assert claims.repeat(project.snippets / "made.py", 42, project)[1] == ""


def test_pitfalls_are_no_scripts(project: Project) -> None:
    found = claims.modules(project.page_paths(), project)
    assert [module.stem for module in found] == [
        "twice_keras",
        "twice_torch",
        "figure",
        "namespace",
        "results",
    ]


def call(project: Project, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(sys, "argv", ["claims", *arguments])
    monkeypatch.setenv("HUB", "real")  # leaves the environment of the tests alone
    return claims.main()


def test_one_page_over_two_seeds(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(project, 2)
    assert call(project, monkeypatch, "docs/made.md", "--seeds", "1,2") == 1
    printed = capsys.readouterr().out
    assert "passed  snippets/made.py  seed 1" in printed and "failed  snippets/made.py  seed 2" in printed
    assert "AssertionError" in printed and printed.endswith("1 failed\n")


def test_all_pages(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("figure", "namespace", "results"):  # they have no seed
        (project.docs / f"{name}.md").unlink()
    assert call(project, monkeypatch, "--seeds", "42") == 0
    printed = capsys.readouterr().out
    assert printed.count("passed  snippets/concepts/twice_") == 2 and printed.endswith("0 failed\n")


def test_what_the_site_offers_is_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page(project, "# T\n", M="not what is offered")
    assert call(project, monkeypatch, "docs/made.md", "--published") == 1
    assert capsys.readouterr().err == "no built site; run: make site\n"
    taken = project.site / "made/made.py"
    taken.parent.mkdir(parents=True)
    taken.write_text("SEED = 42\nassert open('data/table.csv').read()\n")
    assert call(project, monkeypatch, "docs/made.md", "--published", "--seeds", "42") == 0
    assert capsys.readouterr().out.startswith("passed  site/made/made.py  seed 42")
    taken.unlink()
    assert call(project, monkeypatch, "docs/made.md", "--published", "--seeds", "42") == 1
    assert "site/made/made.py:1: no such file" in capsys.readouterr().out


def test_a_module_without_a_seed_fails_with_where_and_why(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(project, monkeypatch, "docs/results.md", "--seeds", "42") == 1
    assert "snippets/results.py:1: 0 lines `SEED = 42`\n  expected: one" in capsys.readouterr().out
