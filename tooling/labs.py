"""Labs: notebooks kept as percent scripts in `docs/labs/`, a page each.

mkdocs-jupyter runs a lab during `make site` and stops the build where a cell fails. Of the HTML that it
makes only what the cells gave is kept; prose and code go through the site's own Markdown, like those of
any other page, so that links, headings, formulas and code look and are checked alike.
"""

from dataclasses import dataclass
from pathlib import Path

from tooling.errors import PageError
from tooling.fences import Fence
from tooling.kinds import Block
from tooling.project import Project
from tooling.regions import MOST_LINES, Region

FENCE = "~" * 8
ATTRIBUTES = {"alt", "tolerance"}
SPACING = "lines_to_"  # how jupytext remembers blank lines around a cell
SEEN = "输出和图来自构建本站时的执行，每个单元格下面的小字来自另一次执行，两次的输出比对过。"
UNSEEN = "这是本地预览，实验没有执行，看不到输出和图；`make site` 会执行。"


@dataclass(frozen=True)
class Cell:
    """A cell of a lab.

    Attributes:
        kind: code or markdown.
        line: the line of its `# %%` in the script; `end` is its last line.
        start: the first line of its text.
        text: the code, or the Markdown without comment marks.
        data: what its author wrote beside `# %%` (`alt="…"`, `tolerance="0.05"`).
    """

    kind: str
    line: int
    start: int
    end: int
    text: str
    data: dict[str, str]


@dataclass(frozen=True)
class Output:
    """What a code cell gave when the build ran it: what it printed, and its figure as a PNG."""

    text: str
    figure: bytes | None


def is_lab(page: str) -> bool:
    """Whether a page, named from `docs/`, is a lab."""
    return page.startswith("labs/") and page.endswith(".py")


def cells(path: Path, project: Project) -> list[Cell]:
    """The cells of a lab as jupytext reads them, with their lines in the script.

    Raises:
        PageError: the script has text outside its cells, or a cell is not what it seems to be.
    """
    import jupytext  # 1.5 s: only a run of a lab pays for it

    source, name = project.read(path), project.relative(path)
    lines = source.splitlines()
    marks = [number for number, line in enumerate(lines, 1) if line.startswith("# %%")]
    read = jupytext.reads(source, fmt="py:percent").cells
    if len(marks) != len(read) or marks[0] != 1 or not lines[0].startswith("# %% [markdown]"):
        raise PageError(name, 1, "text outside the cells", "`# %% [markdown]` in the first line, then cells")
    found = []
    for mark, after, cell in zip(marks, [*marks[1:], len(lines) + 1], read, strict=True):
        filled = [number for number in range(mark + 1, after) if lines[number - 1].strip()] or [mark]
        data = {key: str(value) for key, value in cell.metadata.items() if not key.startswith(SPACING)}
        found.append(Cell(cell.cell_type, mark, filled[0], filled[-1], cell.source, data))
        _check(found[-1], lines, name)
    return found


def _check(cell: Cell, lines: list[str], name: str) -> None:
    """A cell is code that stands in the script as it is published, or Markdown."""
    if unknown := set(cell.data) - ATTRIBUTES:
        raise PageError(
            name, cell.line, f"unknown word {min(unknown)!r} beside # %%", 'alt="…" or tolerance="…"'
        )
    if cell.kind == "markdown":
        return
    if cell.kind != "code" or cell.text != "\n".join(lines[cell.start - 1 : cell.end]):
        raise PageError(
            name, cell.line, "a cell that a notebook would not run as it stands", "plain Python, no magics"
        )
    if (size := sum(bool(line.strip()) for line in cell.text.splitlines())) > MOST_LINES:
        raise PageError(name, cell.line, f"a cell of {size} lines", f"at most {MOST_LINES}: cut it in two")


def blocks(path: Path, project: Project) -> list[Block]:
    """The code cells of a lab as blocks to run, in order."""
    found: list[Block] = []
    for cell in cells(path, project):
        if cell.kind == "code":
            index = len(found) + 1
            region = Region(project.relative(path), f"cell-{index}", cell.start, cell.end, cell.text)
            fence = Fence(cell.line, cell.end, "", FENCE, "python", cell.text)
            found.append(
                Block(index, cell.line, cell.end, "run", "python", "", cell.text, region, fence, cell.data)
            )
    return found


def markdown(
    read: list[Cell], folder: str = "", outputs: list[Output] | None = None, online: str | None = None
) -> str:
    """A lab as one text of Markdown.

    Args:
        read: its cells.
        folder: the name of the folder of its downloads and figures; empty for the code and prose alone.
        outputs: what each code cell gave; None if nobody ran them.
        online: where Colab opens it; None if it does not.
    """
    parts, given = [], iter(outputs or [])
    for cell in read:
        if cell.kind == "markdown":
            parts.append(cell.text)
            continue
        parts.append(f"{FENCE}python\n{cell.text}\n{FENCE}")
        output = next(given, Output("", None))
        if output.text:
            parts.append(f'{FENCE} {{ .text .lab-output title="输出" }}\n{output.text}\n{FENCE}')
        if output.figure:
            parts.append(f"![{cell.data['alt']}]({folder}/figure-{cell.line}.png){{ .lab-figure }}")
    if folder:
        links = f"下载：[{folder}.ipynb]({folder}/{folder}.ipynb)、[{folder}.py]({folder}/{folder}.py)。"
        links += f"[在 Colab 打开]({online})。" if online else ""
        title, _, rest = parts[0].partition("\n")
        parts[0] = f"{title}\n\n{links}{UNSEEN if outputs is None else SEEN}\n{rest}"
    return "\n\n".join(parts) + "\n"
