"""The fences of a page's source: where each one stands and what its author typed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tooling.errors import PageError

OPENING = re.compile(r"^(?P<prefix>[ \t>]*)(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")


@dataclass(frozen=True)
class Fence:
    """One fenced block of the source.

    Attributes:
        line: the line of the opening fence, counted from 1; `end` is that of the closing one.
        prefix: what stands before the fence on its line (indentation, quote marks).
        mark: the fence itself, such as three backticks.
        info: what follows the opening fence.
        text: the lines between, without the prefix.
    """

    line: int
    end: int
    prefix: str
    mark: str
    info: str
    text: str


def scan(source: str, page: str) -> list[Fence]:
    """All fences of a page, in order.

    Raises:
        PageError: a fence is not closed.
    """
    return list(_scan(source.splitlines(), page))


def _scan(lines: list[str], page: str) -> Iterator[Fence]:
    number = 0
    while number < len(lines):
        opening = OPENING.match(lines[number])
        number += 1
        if opening is None:
            continue
        start, body = number, []
        while number < len(lines) and not _closes(lines[number], opening):
            body.append(_without_prefix(lines[number], opening["prefix"]))
            number += 1
        if number == len(lines):
            raise PageError(
                page,
                start,
                f"the fence {opening['mark']} is never closed",
                "a closing fence of the same characters and indentation",
            )
        number += 1
        yield Fence(
            start, number, opening["prefix"], opening["mark"], opening["info"].strip(), "\n".join(body)
        )


def _closes(line: str, opening: re.Match[str]) -> bool:
    rest = _without_prefix(line, opening["prefix"]).rstrip()
    return rest.startswith(opening["mark"]) and not rest.strip(opening["mark"][0])


def _without_prefix(line: str, prefix: str) -> str:
    return line[len(prefix) :] if line.startswith(prefix) else line.lstrip()
