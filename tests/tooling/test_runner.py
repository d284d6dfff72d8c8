"""runner: the blocks of a page in one process, and what is said of one that fails."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

from tooling.project import Project
from tooling.runner import BlockFailure, PageRun, trace
from tooling.sybil_parser import begin
from tooling.watchdog import Watchdog

from .inside import include, is_cleared, page, regions, run

OUTPUT = '```text title="输出"\n{}\n```\n'


def statuses(page_run: PageRun) -> list[str]:
    return [result.status for _, result in sorted(page_run.results.items())]


@pytest.mark.parametrize("name", ["figure", "namespace", "concepts/twice", "shell", "shown", "results"])
def test_the_behaviours_pass(name: str, project: Project) -> None:
    blocks, page_run, failures = run(project.docs / f"{name}.md", project)
    assert failures == {}
    for block in blocks:
        result = page_run.results[block.index]
        assert result.status == ("exempt" if block.kind == "exempt" else "passed")
        assert result.seconds is not None and result.seconds < 60 and (result.peak_rss_mb or 0) > 0
    folder = page_run.figures.directory
    page_run.close()
    assert is_cleared(folder)


def test_what_a_block_printed_and_drew_is_recorded(project: Project) -> None:
    _, figure, _ = run(project.docs / "figure.md", project)
    assert figure.results[1].figures == ["figure-points.svg"]
    _, twice, _ = run(project.docs / "concepts/twice.md", project)
    assert twice.results[1].printed == "took 1.00 of 3\n"
    assert [twice.results[n].output for n in (2, 4)] == ["tolerance 5%", "exact"]
    _, names, _ = run(project.docs / "namespace.md", project)
    assert names.results[2].printed == "ValueError: no luck at 7"  # the first line, as the page shows it


def test_a_failure_is_reported_by_page_line_and_snippet_line(project: Project) -> None:
    path = page(project, "# T\n\n" + include("one"), M=regions(one="x = 1\n\ny = x / 0"))
    _, page_run, failures = run(path, project)
    assert statuses(page_run) == ["failed"]
    assert failures[1].startswith(
        "docs/made.md:3: block 1 (run), snippets/made.py:2-4 [one]\n"
        "    2 | x = 1\n    3 | \n    4 | y = x / 0\nZeroDivisionError: division by zero\nTraceback"
    )
    assert f'File "{project.snippets}/made.py", line 4, in <module>' in failures[1]
    assert "runner.py" not in failures[1]


def test_what_a_page_sets_in_its_libraries_ends_before_the_next_one(project: Project) -> None:
    code = 'import matplotlib.pyplot as plt\n\nplt.rcParams["font.size"] = 5\nfigure = plt.figure()'
    path = page(project, "# T\n\n" + include("one"), M=regions(one=code))
    _, page_run, failures = run(path, project)
    assert failures == {} and plt.rcParams["font.size"] == 5 and plt.get_fignums()
    page_run.close()
    begin({})
    assert plt.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"] and not plt.get_fignums()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = (", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("assert 1 == 2, 'no'", "AssertionError: no"),
    ],
)
def test_every_way_to_stop_is_a_failure(code: str, says: str, project: Project) -> None:
    _, page_run, failures = run(page(project, include("one"), M=regions(one=code)), project)
    assert says in failures[1] and statuses(page_run) == ["failed"]


def test_blocks_that_need_a_failed_one_are_not_run(project: Project) -> None:
    path = page(
        project,
        "\n".join(
            [
                include("one"),
                include("two"),
                OUTPUT.format("2"),
                include("trap", '``` { .python data-raises="NameError: name" }', "made_pitfalls"),
                '```text title="报错"\nNameError: name\n```\n',
                include("other", module="made_keras"),
                "```bash\ntrue\n```\n",
            ]
        ),
        M=regions(one="x = gone", two="print(2)"),
        M_pitfalls=regions(trap="print(gone)"),
        M_keras=regions(other="y = 1"),
    )
    _, page_run, failures = run(path, project)
    assert statuses(page_run) == ["failed", "not run", "failed", "not run", "failed", "passed", "passed"]
    assert "not run: the block at line 1, which it needs, did not pass in this process" in failures[2]
    assert "not compared: the block above it did not pass" in failures[3]
    assert page_run.results[2].printed == "" and page_run.results[4].printed == ""


def test_a_replacement_process_does_not_run_the_rest_of_a_module(project: Project) -> None:
    path = page(project, include("one") + "\n" + include("two"), M=regions(one="x = 1", two="y = 2"))
    blocks, _, failures = run(path, project)
    assert failures == {}
    # As after a crash: the first block did not run in here.
    fresh = PageRun(path, blocks, project, Watchdog())
    with pytest.raises(BlockFailure, match="not run: the block at line 1"):
        fresh.run(blocks[1])
    assert statuses(fresh) == ["not run", "not run"]


def test_what_is_printed_must_be_shown(project: Project) -> None:
    path = page(project, include("one") + "\n" + include("two"), M=regions(one="print()", two="print(1)"))
    _, _, failures = run(path, project)
    assert list(failures) == [2] and 'put a ```text title="输出"``` fence below it\n1' in failures[2]


def test_an_output_that_differs(project: Project) -> None:
    path = page(project, include("one") + "\n" + OUTPUT.format("3"), M=regions(one="print(2)"))
    _, _, failures = run(path, project)
    assert "line 1 of the output\n  page: 3\n  run:  2" in failures[2]
    assert failures[2].endswith("if the run is right: make update PAGE=docs/made.md")


TRAP = '``` { .python data-raises="ValueError: no \\w+" }'


@pytest.mark.parametrize(
    ("code", "after", "says"),
    [
        (
            "pass",
            '```text title="报错"\nx\n```\n',
            "the block raised nothing; the page promises ValueError: no",
        ),
        (
            "raise KeyError('no luck')",
            '```text title="报错"\nx\n```\n',
            "the block raised KeyError: 'no luck'",
        ),
        ("raise ValueError('yes')", '```text title="报错"\nx\n```\n', "the block raised ValueError: yes"),
        ("raise ValueError('no luck')", "", "the page does not show the error"),
    ],
)
def test_promised_errors_that_do_not_come(code: str, after: str, says: str, project: Project) -> None:
    path = page(project, include("one", TRAP) + "\n" + after, M=regions(one=code))
    _, _, failures = run(path, project)
    assert says in failures[1]


def test_the_traceback_begins_in_the_snippet(project: Project) -> None:
    try:
        raise KeyError("elsewhere")
    except KeyError as error:
        assert trace(error, project) == "KeyError: 'elsewhere'"  # no frame lies in a snippet


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```bash\necho before; ls absent.txt\n```\n", "exit status 2\nbefore\nls: "),
        ("```console\n$ echo 1\n2\n```\n", "page: 2\n  run:  1"),
        ("```console\n$ echo '1\n> 2'\n1\n3\n```\n", "page: 3\n  run:  2"),
        ('```json\n{"a": 1,}\n```\n', "not valid json"),
        ("```toml\na = \n```\n", "not valid toml"),
        ("```yaml\na: [1\n```\n", "not valid yaml"),
        (
            '``` { .bash data-exempt="needs a cluster" data-until="2020-01-31" }\nx\n```\n',
            "the exemption ended on 2020-01-31: needs a cluster",
        ),
    ],
)
def test_blocks_without_a_module_that_fail(text: str, says: str, project: Project) -> None:
    _, page_run, failures = run(page(project, text), project)
    assert failures[1].startswith("docs/made.md:1: block 1 (") and says in failures[1]
    assert statuses(page_run) == ["failed"]


def test_a_figure_that_differs(project: Project) -> None:
    (project.docs / "figure-points.svg").write_text("<svg/>")
    _, _, failures = run(project.docs / "figure.md", project)
    assert "figure-points.svg has 3 shapes, not the 1" in failures[1]


STALE = "# T\n\n" + include("one") + "\n" + OUTPUT.format("old") + "\n" + include("two")


def stale(project: Project, last: str) -> Path:
    code = "print('new')\nopen('made.svg', 'w').write('<svg>new</svg>')"
    (project.docs / "made.svg").write_text("<svg>old</svg>")
    return page(project, STALE, M=regions(one=code, two=last))


def test_an_update_renews_outputs_and_figures(project: Project) -> None:
    path = stale(project, "x = 1")
    _, page_run, failures = run(path, project, update=True)
    assert failures == {} and path.read_text(encoding="utf-8") == STALE  # not before the page is through
    page_run.close()
    assert path.read_text(encoding="utf-8") == STALE.replace("old", "new")
    assert (project.docs / "made.svg").read_text() == "<svg>new</svg>"


def test_an_update_that_fails_half_way_changes_nothing(project: Project) -> None:
    path = stale(project, "raise ValueError")
    before = path.read_bytes()
    _, page_run, failures = run(path, project, update=True)
    page_run.close()
    assert list(failures) == [3] and path.read_bytes() == before
    assert (project.docs / "made.svg").read_text() == "<svg>old</svg>"


def test_an_update_keeps_an_output_that_is_near_enough(project: Project) -> None:
    path = project.docs / "concepts/twice.md"
    before = path.read_bytes()
    _, page_run, failures = run(path, project, update=True)
    page_run.close()
    assert failures == {} and path.read_bytes() == before
