"""notebooks: a page as a notebook for one of its modules."""

from typing import Any

import nbformat

from tooling import notebooks
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import include, page, regions
from .test_scripts import LAUNCH, parts


def make(source: str, project: Project, module: str = "", preamble: str = "") -> Any:
    """The notebook of a page's module, held against the format."""
    blocks = published_blocks(project.docs / source, project)
    text = notebooks.notebook(source, blocks, module or notebooks.modules(blocks)[0], preamble, project)
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    return book


def cells(book: Any, kind: str) -> dict[str, str]:
    return {cell.id: cell.source for cell in book.cells if cell.cell_type == kind}


def test_the_same_page_gives_the_same_notebook(project: Project) -> None:
    assert make("namespace.md", project) == make("namespace.md", project)


def test_blocks_are_cells_and_pitfalls_run_on_a_copy(project: Project) -> None:
    book = make("namespace.md", project, preamble="# data")
    code = cells(book, "code")
    assert list(code) == ["setup-aside", "setup-data", "names", "pitfalls-shadow", "unshadowed"]
    blocks = published_blocks(project.docs / "namespace.md", project)
    assert code["names"] == blocks[0].text and code["unshadowed"] == blocks[3].text
    assert code["pitfalls-shadow"] == f"%%aside\n{blocks[1].text}"
    raising = next(cell for cell in book.cells if cell.id == "pitfalls-shadow")
    assert raising.metadata.tags == ["raises-exception"]
    assert [(out.ename, out.evalue) for out in raising.outputs] == [("ValueError", "no luck at 7")]


def test_a_cell_holds_the_output_of_the_page(project: Project) -> None:
    book = make("results.md", project)
    assert [cell.cell_type for cell in book.cells] == ["markdown", "code"]
    assert book.cells[1].outputs[0].text.startswith("rows 3\n") and "setup" not in book.cells[1].id
    assert book.cells[0].source.startswith("取自[") and book.cells[0].source.endswith("# Results")


def test_another_module_is_pointed_to(project: Project) -> None:
    book = make("concepts/twice.md", project, "snippets/concepts/twice_keras.py")
    assert list(cells(book, "code")) == ["count"]
    assert book.cells[1].outputs[0].text == "keras 1\n"
    words = book.cells[0].source
    assert "**Torch**" in words and "=== " not in words and "took 1.02" not in words
    assert words.count("concepts/twice/twice_torch.ipynb") == 1
    torch = make("concepts/twice.md", project)
    assert torch.cells[1].metadata.tolerance == "5%"


def test_scripts_and_commands(project: Project) -> None:
    text = include("start") + "\n" + parts("one", "two") + "\n" + LAUNCH + '\n```text title="输出"\n1\n```\n'
    page(project, text, M=regions(start="n = 1"), M_launch=regions(one="x = 1", two="print(x)"))
    book = make("made.md", project)
    assert cells(book, "code") == {
        "start": "n = 1",
        "made_launch-one": "%%writefile made_launch.py\nx = 1",
        "made_launch-two": "%%writefile -a made_launch.py\nprint(x)",
        "command-4": "%%bash\npython made_launch.py",
    }
    assert book.cells[-1].outputs[0].text == "1\n"


def test_of_a_listing_of_a_console_the_commands_are_run(project: Project) -> None:
    console = '``` { .console data-tolerance="any" }\n$ echo one \\\n>   two\none two\n$ echo 3\n3\n```\n'
    page(project, include("start") + "\n" + console, M=regions(start="n = 1"))
    cell = make("made.md", project).cells[-1]
    assert cell.source == "%%bash\necho one \\\n  two\necho 3"
    assert cell.metadata.tolerance == "any" and cell.outputs[0].text == "one two\n3\n"


def test_in_a_second_notebook_scripts_are_pointed_to(project: Project) -> None:
    text = (
        include("start") + "\n" + include("begin", module="made_more") + "\n" + parts("one") + "\n" + LAUNCH
    )
    page(
        project, text, M=regions(start="n = 1"), M_more=regions(begin="n = 2"), M_launch=regions(one="x = 1")
    )
    book = make("made.md", project, "snippets/made_more.py")
    assert list(cells(book, "code")) == ["begin"]
    assert [cell.source.count("made/made.ipynb") for cell in book.cells] == [1, 0, 1]


def test_words_lose_tabs_and_boxes(project: Project) -> None:
    text = (
        '!!! note "Mind"\n    inside\n\n- outside\n\n    kept\n\n=== "One"\n\n    before\n\n'
        '    ```python\n    --8<-- "snippets/made.py:start"\n    ```\n\n    after\n\n'
        "```json\n{}\n```\n"
    )
    page(project, text, M=regions(start="n = 1"))
    book = make("made.md", project)
    assert book.cells[0].source.partition("\n\n")[2] == (
        "**Mind**\n\ninside\n\n- outside\n\n    kept\n\n**One**\n\n\nbefore"
    )
    assert book.cells[2].source == "after\n\n```json\n{}\n```"
