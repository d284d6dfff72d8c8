"""script: code that a command runs in processes of its own."""

import pytest

from tooling.errors import PageError
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import include, page, regions, run

FENCE = '``` {{ .python data-script="{}" }}'
SCRIPT = FENCE.format("made_launch.py")
LAUNCH = "```bash\npython made_launch.py\n```\n"


def parts(*names: str, fence: str = SCRIPT) -> str:
    return "\n".join(include(name, fence, "made_launch") for name in names)


def test_a_command_runs_the_script_as_a_whole(project: Project) -> None:
    text = parts("one", "two") + "\n" + LAUNCH + '\n```text title="输出"\n3 __main__\n```\n'
    path = page(project, text, M_launch=regions(one="x = 1", two="print(x + 2, __name__)"))
    blocks, page_run, failures = run(path, project)
    assert failures == {} and [b.kind for b in blocks] == ["script", "script", "shell", "output"]
    assert page_run.modules == {}  # nothing of it ran in this process


def test_what_fails_in_it_is_told_by_the_snippet(project: Project) -> None:
    path = page(project, parts("one") + "\n" + LAUNCH, M_launch=regions(one="1 / 0"))
    _, _, failures = run(path, project)
    assert list(failures) == [2] and "ZeroDivisionError" in failures[2]


def test_a_script_that_does_not_parse(project: Project) -> None:
    path = page(project, parts("one") + "\n" + LAUNCH, M_launch=regions(one="x = ("))
    _, _, failures = run(path, project)
    assert "SyntaxError" in failures[1] and "SyntaxError" in failures[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (parts("one", "two"), "docs/made.md:1: no command runs the script made_launch.py"),
        (
            parts("one") + "\n" + LAUNCH + "\n" + parts("two"),
            "docs/made.md:1: no command runs the script made_launch.py",
        ),
        (
            parts("one") + "\n" + include("two", module="made_launch") + "\n" + LAUNCH,
            "docs/made.md:5: a region of the script snippets/made_launch.py that is marked as run",
        ),
        (
            parts("one", "two", fence=FENCE.format("other.py")) + "\n" + LAUNCH,
            "docs/made.md:1: data-script='other.py'",
        ),
        (f"{SCRIPT}\nx = 1\n```\n\n{LAUNCH}", "docs/made.md:1: Python typed into the page"),
    ],
)
def test_what_is_refused(text: str, says: str, project: Project) -> None:
    path = page(project, text, M_launch=regions(one="x = 1", two="y = 2"))
    with pytest.raises(PageError) as caught:
        published_blocks(path, project)
    assert str(caught.value).startswith(says)
