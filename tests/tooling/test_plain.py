"""plain: a page as Markdown that stands alone."""

from tooling import plain
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import include, page, regions


def markdown(text: str, project: Project, **snippets: str) -> str:
    path = page(project, text, **snippets)
    return plain.markdown("made.md", published_blocks(path, project), project)


def test_includes_are_expanded(project: Project) -> None:
    text = (
        "# T\n\n" + include("start") + '\n``` { .text title="输出" data-tolerance="0.1" }\n1.0\n```\n\nEnd.\n'
    )
    assert markdown(text, project, M=regions(start="print(1.0)")) == (
        '# T\n\n```python\nprint(1.0)\n```\n\n```text title="输出"\n1.0\n```\n\nEnd.\n'
    )


def test_indentation_is_kept_and_empty_lines_are_empty(project: Project) -> None:
    text = '=== "A"\n\n    ```python\n    --8<-- "snippets/made.py:start"\n    ```\n'
    assert markdown(text, project, M=regions(start="x = 1\n\ny = 2")) == (
        '=== "A"\n\n    ```python\n    x = 1\n\n    y = 2\n    ```\n'
    )


def test_an_include_that_is_shown_is_shown(project: Project) -> None:
    text = '````markdown\n```python\n;--8<-- "a.py:b"\n```\n````\n'
    assert markdown(text, project) == text.replace(";", "")


def test_links_are_absolute(project: Project) -> None:
    text = "[a](results.md#x) ![b](figure-points.svg) [c](data/table.csv) [d](#here) [e](none.md) [f](https://g.org/)"
    home = project.config.site_url
    assert markdown(text, project) == (
        f"[a]({home}results/#x) ![b]({home}figure-points.svg) [c]({home}data/table.csv) "
        f"[d]({home}made/#here) [e](none.md) [f](https://g.org/)\n"
    )


def test_what_only_the_build_understands(project: Project) -> None:
    text = '---\nhide: toc\n---\n\n# T { #t }\n\n<div data-evidence="totals"></div>\n'
    home = project.config.site_url
    assert markdown(text, project) == f"# T\n\n（这里的内容由构建生成，见 {home}made/ 。）\n"
