"""The kinds of code block, and what each asks of its author. There is no silent state."""

import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from tooling import regions
from tooling.errors import PageError
from tooling.fences import Fence
from tooling.regions import Region

PYTHON = {"python", "py", "python3"}
SHELL = {"bash", "console"}
SHOWN = {
    "css",
    "csv",
    "diff",
    "dockerfile",
    "html",
    "http",
    "ini",
    "javascript",
    "json",
    "latex",
    "makefile",
    "markdown",
    "mermaid",
    "sql",
    "text",
    "toml",
    "xml",
    "yaml",
}
ATTRIBUTES = {"raises", "script", "tolerance", "timeout", "reason", "exempt", "until"}


@dataclass(frozen=True)
class Block:
    """One code block of a page.

    Attributes:
        index: its place among the page's blocks, counted from 1.
        line: the line of its opening fence in the page; `end` is that of the closing one.
        kind: run, raises, script, output, shell, shown or exempt.
        text: what is published, without blank lines around it.
        region: the lines that it includes, if it includes any.
        data: the attributes that its author gave it (`data-tolerance="0.02"`).
        fence: how it is written in the source.
    """

    index: int
    line: int
    end: int
    kind: str
    language: str
    title: str
    text: str
    region: Region | None
    fence: Fence
    data: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The fingerprint of the published text, as hexadecimal digits."""
        return regions.sha256(self.text)


def classify(block: Block, before: list[Block], page: str) -> Block:
    """The block with its kind.

    Args:
        block: a block whose kind is not set.
        before: the blocks above it.
        page: the page, as messages name it.

    Raises:
        PageError: the kind is not known, or the block lacks what its kind asks for.
    """
    if unknown := set(block.data) - ATTRIBUTES:
        raise PageError(
            page,
            block.line,
            f"unknown attribute data-{min(unknown)}",
            "one of: " + ", ".join(f"data-{name}" for name in sorted(ATTRIBUTES)),
        )
    block = replace(block, kind=_kind(block, page))
    if problem := _missing(block, before[-1] if before else None):
        raise PageError(page, block.line, *problem)
    return block


def _kind(block: Block, page: str) -> str:
    if "exempt" in block.data:
        return "exempt"
    if block.language in PYTHON:
        return next((kind for kind in ("raises", "script") if kind in block.data), "run")
    if block.language in SHELL:
        return "shell"
    if block.language == "text" and block.title.startswith(("输出", "报错")):
        return "output"
    if block.language in SHOWN and block.fence.info:
        return "shown"
    raise PageError(
        page,
        block.line,
        f"unknown kind of block: language {block.fence.info or 'not given'!r}",
        f"one of: {', '.join(sorted({'python'} | SHELL | SHOWN))}",
    )


def _missing(block: Block, previous: Block | None) -> tuple[str, str] | None:
    """What a block lacks, and what was expected instead."""
    if block.kind in ("run", "raises", "script") and block.region is None:
        return "Python typed into the page", "an include of a region of the page's snippet module"
    if block.kind == "script" and block.region and block.data["script"] != Path(block.region.path).name:
        return f"data-script={block.data['script']!r}", f'data-script="{Path(block.region.path).name}"'
    if block.kind == "raises" and not re.match(r"^[\w.]+: .", block.data["raises"]):
        return "data-raises without a message", "data-raises=\"NameError: name 'x' is not defined\""
    if "timeout" in block.data and not (block.data["timeout"].isdigit() and block.data.get("reason")):
        return "a time limit without a reason", 'data-timeout="300" data-reason="why it takes so long"'
    if block.kind == "output":
        return _missing_before(block, previous)
    if block.kind == "exempt":
        return _missing_exemption(block)
    return None


def _missing_before(block: Block, previous: Block | None) -> tuple[str, str] | None:
    tolerance = block.data.get("tolerance", "any")
    if tolerance != "any" and not re.fullmatch(r"\d+(\.\d+)?%?", tolerance):
        return f"tolerance {tolerance!r}", 'such as "0.02", "5%" or "any"'
    if previous is None or previous.kind not in ("run", "raises", "shell"):
        return "an output block without a run block before it", "the block that prints it, right above"
    if (previous.kind == "raises") != block.title.startswith("报错"):
        return f"title {block.title!r} after a {previous.kind} block", "输出 below prints, 报错 below errors"
    return None


def _missing_exemption(block: Block) -> tuple[str, str] | None:
    if not block.data["exempt"].strip():
        return "an exemption without a reason", 'data-exempt="why nobody can run it"'
    try:
        date.fromisoformat(block.data.get("until", ""))
    except ValueError:
        return "an exemption without a review date", 'data-until="YYYY-MM-DD"'
    return None
