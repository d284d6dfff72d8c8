"""figures: compared as a reader would, renewed on demand."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from tooling.figures import FigureError, Figures, difference


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    (tmp_path / "docs").mkdir()
    (tmp_path / "work").mkdir()
    return Figures(tmp_path / "docs/p.md", tmp_path / "work")


def svg(inner: str = "") -> bytes:
    """A drawing on a canvas of 200 by 100 points."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 200 100">{inner}</svg>'
    ).encode()


def dots(grey: int, size: tuple[int, int] = (4, 4), form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(file, form, lossless=True)
    return file.getvalue()


def embedded(picture: bytes) -> str:
    return f'<image xlink:href="data:image/png;base64,{base64.b64encode(picture).decode()}" x="1"/>'


def draw(figures: Figures, data: bytes, name: str = "p.svg") -> Path:
    (figures.directory / name).write_bytes(data)
    return figures.directory / name


def committed(figures: Figures, data: bytes, name: str = "p.svg") -> Path:
    (figures.page.parent / name).write_bytes(data)
    return figures.page.parent / name


PATH = '<path d="{}"/>'


@pytest.mark.parametrize(
    ("wanted", "got", "says"),
    [
        (PATH.format("M 1 2"), PATH.format("M 1 2"), ""),
        (PATH.format("M 10 20"), PATH.format("M 12 16"), ""),  # three points of 200: nobody sees it
        (PATH.format("M 10 20"), PATH.format("M 10 30"), "p.svg: a path is shifted by 5.0 points"),
        (PATH.format("M 0 0 L 90 90"), PATH.format("M 0 0 L 40 50 L 99 90"), ""),  # a curve that ends later
        (
            PATH.format("M 0 0 L 90 90"),
            PATH.format("M 0 0 L 40 50 L 150 90"),
            "p.svg: a path is shifted by 60.0 points",
        ),
        (PATH.format("M 1 2"), PATH.format("M 1 2") * 2, "p.svg has 3 shapes, not the 2"),
        ("<text>loss</text>", "<text>gain</text>", "p.svg: the words 'gain', not 'loss'"),
        ("<text>n = 3</text>", "<text>n = 4</text>", "p.svg: the words 'n = 4', not 'n = 3'"),
        ("<text>0.52</text>", "<text>0.54</text>", ""),
        ('<path id="a1" style="stroke: #ff0000"/>', '<path id="b2" style="stroke: #f00a00"/>', ""),
        (
            '<path style="stroke: #ff0000"/>',
            '<path style="stroke: #00ff00"/>',
            "p.svg: a path of another colour",
        ),
        ('<path style="stroke: #ff0000"/>', "<path/>", "p.svg: a path of another colour"),
        (embedded(dots(100)), embedded(dots(110)), ""),
        (embedded(dots(0)), embedded(dots(200)), "p.svg: a picture that differs by 78% of the range"),
        (embedded(dots(0)), embedded(dots(0, (5, 4))), "p.svg: a picture of (5, 4) pixels, not (4, 4)"),
    ],
)
def test_differences(wanted: str, got: str, says: str, figures: Figures) -> None:
    found = difference(committed(figures, svg(wanted)), draw(figures, svg(got)))
    assert found.startswith(says) if says else found == ""


def test_pictures_of_dots(figures: Figures) -> None:
    drawn = draw(figures, dots(9, form="WEBP"), "p.webp")
    assert difference(figures.page.parent / "p.webp", drawn) == "no figure p.webp beside the page"
    assert difference(committed(figures, dots(9, form="WEBP"), "p.webp"), drawn) == ""
    assert "differs by 96%" in difference(committed(figures, dots(255, form="WEBP"), "p.webp"), drawn)


def test_each_figure_is_collected_once(figures: Figures) -> None:
    draw(figures, b"text", "notes.txt")
    assert figures.collect(compare=True) == []
    draw(figures, svg())
    committed(figures, svg())
    assert figures.collect(compare=True) == ["p.svg"]
    assert figures.collect(compare=True) == []


def test_a_missing_figure(figures: Figures) -> None:
    draw(figures, svg())
    with pytest.raises(FigureError, match=r"no figure p.svg beside the page\nif the drawn figure is right"):
        figures.collect(compare=True)


def test_a_figure_that_is_too_large(figures: Figures) -> None:
    draw(figures, svg(PATH.format("M 1 2") * 5000))
    with pytest.raises(FigureError, match=r"p.svg has \d+ KB; at most 60"):
        figures.collect(compare=False)


def test_renewing(figures: Figures) -> None:
    new = svg("<text>new</text>")
    draw(figures, new)
    old = committed(figures, svg("<text>old</text>"))
    assert figures.collect(compare=False) == ["p.svg"]
    figures.commit()
    assert old.read_bytes() == new
