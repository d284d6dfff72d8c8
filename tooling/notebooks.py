"""A page as a notebook for one of its modules: its prose, its blocks as cells, the outputs that it shows."""

import json
import posixpath
import re
from typing import Any

from tooling import plain
from tooling.kinds import Block
from tooling.modules import base_module
from tooling.project import Project
from tooling.shell import answers, commands

_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
LABEL = re.compile(r'^\s*(?:===|!!!|\?\?\?\+?)(?: \w+)? "(?P<title>.+)"$')
ASIDE = """\
# 页面上没有这一格。标着 %%aside 的格在名字空间的一份副本上执行，不弄乱后面的代码；页面也是这样执行它们的。
from IPython.core.magic import register_cell_magic


@register_cell_magic
def aside(line, cell):
    names = dict(get_ipython().user_ns)
    names.pop("open", None)  # IPython 换成了它自己的 open，那个不能序列化
    exec(compile(cell, "<aside>", "exec"), names)"""
KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}


def modules(blocks: list[Block]) -> list[str]:
    """The modules that have a notebook: those that the page itself runs."""
    found = [base_module(b.region) for b in blocks if b.kind == "run" and b.region is not None]
    return list(dict.fromkeys(found))


def name(module: str) -> str:
    """The file name of a module's notebook."""
    return posixpath.basename(module).removesuffix(".py") + ".ipynb"


def notebook(source: str, blocks: list[Block], module: str, preamble: str, project: Project) -> str:
    """The notebook as JSON; the same page gives the same bytes.

    A module has a kernel of its own, as it has a namespace of its own on the page: of other modules
    there is a pointer to their notebook. Scripts and commands stand in the first one.
    """
    book = _Book(source, blocks, module, project)
    book.text(
        f"取自[{project.config.site_name}]({plain.address(source, project)})。{project.config.copyright}",
        False,
    )
    inside = False
    for piece in plain.pieces(source, blocks, project):
        if isinstance(piece, Block):
            book.block(piece, preamble)
            inside = bool(piece.fence.prefix)
        else:
            book.text(plain.prose(piece, source, project), inside)
    book.flush()
    # A line a cell, and without nbformat's check: the tests hold each notebook against the schema.
    cells = ",\n".join(map(_json, book.cells))
    return f'{{"cells": [\n{cells}\n],\n"metadata": {_json(KERNEL)}, "nbformat": 4, "nbformat_minor": 5}}\n'


class _Book:
    """The cells of one notebook as they come."""

    def __init__(self, source: str, blocks: list[Block], module: str, project: Project) -> None:
        self.source, self.module, self.project = source, module, project
        self.home = modules(blocks)[0]
        self.first = self.home == module
        self.asides = any(
            _aside(block) and base_module(block.region) == module for block in blocks if block.region
        )
        self.cells: list[dict[str, Any]] = []
        self.words: list[str] = []
        self.written: set[str] = set()
        self.taken: Block | None = None  # the block whose cell is the last one, until prose follows

    def text(self, text: str, inside: bool) -> None:
        """Adds prose to the text cell that is being written."""
        if flat := _flat(text, inside).strip("\n"):
            self.words.append(flat)

    def flush(self) -> None:
        """Ends the text cell that is being written."""
        if self.words:
            number = sum(cell["cell_type"] == "markdown" for cell in self.cells)
            words, self.words = "\n\n".join(self.words), []
            self.cells.append(
                {"cell_type": "markdown", "id": f"text-{number}", "metadata": {}, "source": words}
            )

    def code(self, text: str, name: str, **metadata: Any) -> None:
        """Adds a code cell; its id is the name of the region, so that it stays when the page changes."""
        self.flush()
        empty: dict[str, Any] = {"execution_count": None, "outputs": []}
        self.cells.append({"cell_type": "code", "id": name, "metadata": metadata, "source": text} | empty)

    def block(self, block: Block, preamble: str) -> None:
        """Adds one block of the page: a cell, the output of a cell, or words."""
        previous, self.taken = self.taken, None
        if block.kind == "output":
            if previous is not None:
                self.cells[-1]["outputs"] = [_output(block, previous)]
                self.cells[-1]["metadata"] |= {k: v for k, v in block.data.items() if k == "tolerance"}
        elif block.kind == "shell" and self.first:
            self._command(block)
        elif block.kind == "script" and self.first:
            self._script(block)
        elif block.kind in ("run", "raises") and block.region and base_module(block.region) == self.module:
            self._begin(preamble)
            self._code(block)
            self.taken = block
        elif block.kind in ("run", "raises", "script", "shell"):
            self._elsewhere(block)
        else:
            self.words.append(plain.fenced(block).replace(f"\n{block.fence.prefix}", "\n").lstrip())

    def _begin(self, preamble: str) -> None:
        if self.asides:
            self.code(ASIDE, "setup-aside")
        if preamble and not self.written:
            self.code(preamble, "setup-data")
        self.asides = False
        self.written.add(self.module)

    def _code(self, block: Block) -> None:
        assert block.region is not None
        beside = "pitfalls-" if _aside(block) else ""
        metadata = {"tags": ["raises-exception"]} if block.kind == "raises" else {}
        text = f"%%aside\n{block.text}" if beside else block.text
        self.code(text, f"{beside}{block.region.name}", **metadata)

    def _command(self, block: Block) -> None:
        console = block.language == "console"
        self.code(
            f"%%bash\n{commands(block.text) if console else block.text}",
            f"command-{block.index}",
            **{name: value for name, value in block.data.items() if console and name == "tolerance"},
        )
        if console:
            self.cells[-1]["outputs"] = [_printed(answers(block.text))]
        else:
            self.taken = block

    def _script(self, block: Block) -> None:
        assert block.region is not None
        file = block.data["script"]
        more = "-a " if file in self.written else ""
        self.written.add(file)
        self.code(
            f"%%writefile {more}{file}\n{block.text}", f"{file.removesuffix('.py')}-{block.region.name}"
        )

    def _elsewhere(self, block: Block) -> None:
        """A pointer to the notebook of a block: its module's, or the first for scripts and commands."""
        own = base_module(block.region) if block.region and block.kind != "script" else self.home
        file = name(own)
        address = plain.address(posixpath.join(plain.folder(self.source), file), self.project)
        if (line := f"（这里的代码在 [{file}]({address}) 里。）") not in self.words[-1:]:
            self.words.append(line)


def _aside(block: Block) -> bool:
    """Whether a block runs on a copy of the names of its module."""
    return block.region is not None and block.region.path != base_module(block.region)


def _printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text + "\n"}


def _output(block: Block, of: Block) -> dict[str, Any]:
    if of.kind != "raises":
        return _printed(block.text)
    name, _, value = block.text.partition(": ")
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": [block.text]}


def _flat(text: str, inside: bool) -> str:
    """Prose without tabs and boxes: their titles in bold, what is indented below them brought out.

    Args:
        text: what stands between two blocks.
        inside: whether it begins inside a tab, below an indented block.
    """
    lines = []
    for line in text.splitlines():
        if label := LABEL.match(line):
            inside = True
            lines.append(f"**{label['title']}**\n")
            continue
        inside = inside and (not line or line.startswith("    "))
        lines.append(line[4:] if inside else line)
    return "\n".join(lines)
