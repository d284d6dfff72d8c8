"""Expected output against captured output, and the rewriting of it in place."""

import os
import re
from pathlib import Path

from tooling.errors import PageError
from tooling.kinds import Block

# A number with a decimal point, not part of a version such as 2.13.0 or of a name.
DECIMAL = re.compile(r"(?<![\w.])[-+]?\d[\d,]*\.\d+(?:[eE][-+]?\d+)?(?![\d.]*\.\d)")


def difference(expected: str, actual: str, tolerance: str = "") -> str:
    """What differs between two texts; empty where nothing does.

    Args:
        expected: the text on the page.
        actual: the text that was printed.
        tolerance: how far numbers with a decimal point may differ: "0.02" (absolute), "5%"
            (of the expected number) or "any" (times and memory of the machine). The number of
            decimals, integers and all words are compared exactly, whatever the tolerance.

    Examples:
        >>> difference("loss 0.31", "loss 0.30", "0.02")
        ''
        >>> print(difference("3 epochs", "4 epochs", "0.02"))
        line 1 of the output
          page: 3 epochs
          run:  4 epochs
    """
    wanted, got = expected.strip("\n").splitlines(), actual.strip("\n").splitlines()
    for number in range(max(len(wanted), len(got))):
        left = wanted[number].rstrip() if number < len(wanted) else "(no such line)"
        right = got[number].rstrip() if number < len(got) else "(no such line)"
        if not _alike(left, right, tolerance):
            return f"line {number + 1} of the output\n  page: {left}\n  run:  {right}"
    return ""


def _alike(expected: str, actual: str, tolerance: str) -> bool:
    if expected == actual:
        return True
    if not tolerance or _skeleton(expected) != _skeleton(actual):
        return False
    pairs = zip(DECIMAL.findall(expected), DECIMAL.findall(actual), strict=True)
    return all(_near(_number(left), _number(right), tolerance) for left, right in pairs)


def _skeleton(line: str) -> str:
    """The line without its numbers and without the padding that depends on their width."""
    return re.sub(r"\s+", " ", DECIMAL.sub("#", line))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _near(expected: float, actual: float, tolerance: str) -> bool:
    if tolerance == "any":
        return True
    if tolerance.endswith("%"):
        return abs(actual - expected) <= abs(expected) * float(tolerance[:-1]) / 100
    # Half a unit in the last place would reject 0.30 against 0.28 at 0.02: allow for rounding.
    return abs(actual - expected) <= float(tolerance) + 1e-9


def rewrite(path: Path, outputs: dict[int, tuple[Block, str]]) -> bool:
    """Puts captured outputs into a page, all or none of them; says whether the page changed.

    Args:
        path: the page.
        outputs: for each output block its captured text, by the block's index.

    Raises:
        PageError: an output would close its own fence.
    """
    before = path.read_bytes().decode()
    lines = before.splitlines(keepends=True)
    for block, text in sorted(outputs.values(), key=lambda pair: -pair[0].line):
        if any(line.strip().startswith(block.fence.mark) for line in text.splitlines()):
            raise PageError(path, block.line, "the output holds the fence's own mark", "a longer fence")
        fence = lines[block.line - 1]
        ending = fence[len(fence.rstrip("\r\n")) :]
        body = [(block.fence.prefix + line).rstrip() + ending for line in text.strip("\n").splitlines()]
        lines[block.line : block.end - 1] = body
    after = "".join(lines)
    if after != before:
        replace_file(path, after)
    return after != before


def replace_file(path: Path, text: str) -> None:
    """Writes a file so that a reader sees the old text or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)
