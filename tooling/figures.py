"""Figures that a block draws: compared with the committed ones beside the page, or renewed."""

import base64
import io
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from tooling.outputs import difference as text_difference

SUFFIXES = (".svg", ".webp")
LARGEST = 60  # KB; what a reader on a phone should not notice
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
COLOUR = re.compile(r"#([0-9a-f]{6})")
# The last bits of a training run differ from processor to processor, and a curve with them: what is
# compared is what a reader sees, words exactly and shapes within these shares of the canvas.
SHIFT = 0.02  # points of one shape, on average
BOUNDS = 0.10  # the box around a shape, where a curve has more or fewer points
WORDS = "10%"  # numbers with a decimal point in labels
COLOURS = 64  # of 255, one channel
PIXELS = 0.15  # of the range, an embedded picture's average


class FigureError(Exception):
    """A figure is missing beside the page, or differs from the one that was drawn."""


class Figures:
    """The figures that the blocks of one page leave in their working directory."""

    def __init__(self, page: Path, directory: Path) -> None:
        self.page, self.directory = page, directory
        self._seen: dict[Path, int] = {}

    def _drawn(self) -> list[Path]:
        names = sorted(os.listdir(self.directory))  # noqa: PTH208  # asked for after each block: iterdir is slower
        return [self.directory / name for name in names if name.endswith(SUFFIXES)]

    def collect(self, compare: bool) -> list[str]:
        """The names of the figures drawn since the last call.

        Args:
            compare: hold each against the committed one.

        Raises:
            FigureError: a figure is too large, differs from the committed one, or there is none.
        """
        new = [path for path in self._drawn() if self._seen.get(path) != path.stat().st_mtime_ns]
        for path in new:
            self._seen[path] = path.stat().st_mtime_ns
            if (size := path.stat().st_size / 1000) > LARGEST:
                raise FigureError(f"{path.name} has {size:.0f} KB; at most {LARGEST}: draw fewer points")
            if compare and (problem := difference(self.page.parent / path.name, path)):
                raise FigureError(f"{problem}\nif the drawn figure is right: make update PAGE=…")
        return [path.name for path in new]

    def commit(self) -> None:
        """Copies the drawn figures beside the page."""
        for figure in self._drawn():
            shutil.copyfile(figure, self.page.parent / figure.name)


@dataclass(frozen=True)
class Shape:
    """One element of an SVG: its kind, its words, its points, its colours, its picture."""

    tag: str
    words: str
    points: list[float]
    colours: list[int]
    picture: bytes


def shapes(svg: Path) -> list[Shape]:
    """The elements of an SVG in drawing order; identifiers and metadata count for nothing."""
    found = []
    for node in etree.parse(svg).iter("{*}svg", "{*}path", "{*}use", "{*}text", "{*}image", "{*}rect"):
        tag = etree.QName(node).localname
        link = next((value for name, value in node.attrib.items() if str(name).endswith("href")), "")
        places = " ".join(
            node.get(name, "") for name in ("d", "x", "y", "width", "height", "viewBox", "transform")
        )
        colours = [
            int(code[i : i + 2], 16) for code in COLOUR.findall(node.get("style", "")) for i in (0, 2, 4)
        ]
        found.append(
            Shape(
                tag,
                "".join(node.itertext()).strip() if tag == "text" else "",
                [float(number) for number in NUMBER.findall(places)],
                colours,
                base64.b64decode(link.split("base64,")[1]) if "base64," in link else b"",
            )
        )
    return found


def difference(committed: Path, drawn: Path) -> str:
    """What differs between two figures; empty where nothing does that a reader would see."""
    if not committed.is_file():
        return f"no figure {committed.name} beside the page"
    if drawn.suffix != ".svg":
        problem = _pictures(committed.read_bytes(), drawn.read_bytes())
        return f"{drawn.name}: {problem}" if problem else ""
    wanted, got = shapes(committed), shapes(drawn)
    if [shape.tag for shape in wanted] != [shape.tag for shape in got]:
        return (
            f"{drawn.name} has {len(got)} shapes, not the {len(wanted)} of the committed one, or other kinds"
        )
    canvas = max(wanted[0].points, default=100.0) if wanted else 100.0
    for left, right in zip(wanted, got, strict=True):
        if problem := _shapes(left, right, canvas):
            return f"{drawn.name}: {problem}"
    return ""


def _shapes(wanted: Shape, got: Shape, canvas: float) -> str:
    if text_difference(wanted.words, got.words, WORDS):
        return f"the words {got.words!r}, not {wanted.words!r}"
    if len(wanted.colours) != len(got.colours) or any(
        abs(left - right) > COLOURS for left, right in zip(wanted.colours, got.colours, strict=True)
    ):
        return f"a {got.tag} of another colour"
    if len(wanted.points) == len(got.points):
        pairs = zip(wanted.points, got.points, strict=True)
        shift = sum(abs(left - right) for left, right in pairs) / max(len(got.points), 1)
        limit = SHIFT * canvas
    else:
        shift = max(abs(a - b) for a, b in zip(_box(wanted.points), _box(got.points), strict=True))
        limit = BOUNDS * canvas
    if shift > limit:
        return f"a {got.tag} is shifted by {shift:.1f} points"
    return _pictures(wanted.picture, got.picture)


def _box(points: list[float]) -> tuple[float, float, float, float]:
    x, y = points[::2] or [0.0], points[1::2] or [0.0]
    return min(x), max(x), min(y), max(y)


def _pictures(wanted: bytes, got: bytes) -> str:
    if wanted == got:
        return ""
    from PIL import Image, ImageChops, ImageStat  # only a page that draws pictures needs Pillow

    left, right = (Image.open(io.BytesIO(data)).convert("RGB") for data in (wanted, got))
    if left.size != right.size:
        return f"a picture of {right.size} pixels, not {left.size}"
    mean = sum(ImageStat.Stat(ImageChops.difference(left, right)).mean) / 3 / 255
    return f"a picture that differs by {mean:.0%} of the range" if mean > PIXELS else ""
