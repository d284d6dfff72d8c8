"""Figures that a block draws: compared with the committed ones beside the page, or renewed."""

import re
import shutil
from pathlib import Path

SUFFIXES = {".svg", ".webp"}
NUMBER = re.compile(r"(?<![\w#.])-?\d+(?:\.\d+)?")
IDENTIFIER = re.compile(r"\b[a-z][0-9a-f]{10}\b")  # matplotlib derives them from the shapes
POINTS = 6.0  # of a canvas of some hundred points: a shift that nobody sees


class FigureError(Exception):
    """A figure is missing beside the page, or differs from the one that was drawn."""


class Figures:
    """The figures that the blocks of one page leave in their working directory."""

    def __init__(self, page: Path, directory: Path) -> None:
        self.page, self.directory = page, directory
        self._seen: dict[Path, int] = {}

    def _drawn(self) -> list[Path]:
        return sorted(path for path in self.directory.iterdir() if path.suffix in SUFFIXES)

    def collect(self, compare: bool) -> list[str]:
        """The names of the figures drawn since the last call.

        Args:
            compare: hold each against the committed one.

        Raises:
            FigureError: a figure differs from the committed one, or there is none.
        """
        new = [path for path in self._drawn() if self._seen.get(path) != path.stat().st_mtime_ns]
        for path in new:
            self._seen[path] = path.stat().st_mtime_ns
            if compare and (problem := difference(self.page.parent / path.name, path)):
                raise FigureError(f"{problem}\nif the drawn figure is right: make update PAGE=…")
        return [path.name for path in new]

    def commit(self) -> None:
        """Copies the drawn figures beside the page."""
        for figure in self._drawn():
            shutil.copyfile(figure, self.page.parent / figure.name)


def difference(committed: Path, drawn: Path) -> str:
    """What differs between two figures; empty where nothing does that a reader would see."""
    if not committed.is_file():
        return f"no figure {committed.name} beside the page"
    if drawn.suffix != ".svg":
        return "" if committed.read_bytes() == drawn.read_bytes() else f"{drawn.name} differs"
    wanted, got = (path.read_text(encoding="utf-8") for path in (committed, drawn))
    if NUMBER.sub("#", IDENTIFIER.sub("id", wanted)) != NUMBER.sub("#", IDENTIFIER.sub("id", got)):
        return f"{drawn.name} has other shapes or words"
    pairs = zip(
        NUMBER.findall(IDENTIFIER.sub("id", wanted)), NUMBER.findall(IDENTIFIER.sub("id", got)), strict=True
    )
    shift = max((abs(float(left) - float(right)) for left, right in pairs), default=0.0)
    return f"{drawn.name} is shifted by {shift:.1f} points" if shift > POINTS else ""
