"""figures: compared as a reader would, renewed on demand."""

from pathlib import Path

import pytest

from tooling.figures import FigureError, Figures, difference


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    (tmp_path / "docs").mkdir()
    (tmp_path / "work").mkdir()
    return Figures(tmp_path / "docs/p.md", tmp_path / "work")


def draw(figures: Figures, text: str, name: str = "p.svg") -> Path:
    (figures.directory / name).write_text(text)
    return figures.directory / name


def committed(figures: Figures, text: str, name: str = "p.svg") -> Path:
    (figures.page.parent / name).write_text(text)
    return figures.page.parent / name


@pytest.mark.parametrize(
    ("wanted", "got", "says"),
    [
        ("<path d='M 1 2'/>", "<path d='M 1 2'/>", ""),
        ("<path d='M 10 20'/>", "<path d='M 12.5 16'/>", ""),  # nobody sees four points
        ("<path d='M 10 20'/>", "<path d='M 10 27.5'/>", "p.svg is shifted by 7.5 points"),
        ("<path d='M 10 20'/>", "<path d='M 10 20 L 3 4'/>", "p.svg has other shapes or words"),
        ("<text>loss</text>", "<text>gain</text>", "p.svg has other shapes or words"),
        ("<use id='p0123456789'/>", "<use id='pabcdef0123'/>", ""),
    ],
)
def test_differences(wanted: str, got: str, says: str, figures: Figures) -> None:
    assert difference(committed(figures, wanted), draw(figures, got)) == says


def test_pictures_of_dots_are_compared_byte_by_byte(figures: Figures) -> None:
    drawn = draw(figures, "abc", "p.webp")
    assert difference(figures.page.parent / "p.webp", drawn) == "no figure p.webp beside the page"
    assert difference(committed(figures, "abc", "p.webp"), drawn) == ""
    assert difference(committed(figures, "abd", "p.webp"), drawn) == "p.webp differs"


def test_each_figure_is_collected_once(figures: Figures) -> None:
    draw(figures, "text", "notes.txt")
    assert figures.collect(compare=True) == []
    draw(figures, "<svg/>")
    committed(figures, "<svg/>")
    assert figures.collect(compare=True) == ["p.svg"]
    assert figures.collect(compare=True) == []


def test_a_missing_figure(figures: Figures) -> None:
    draw(figures, "<svg/>")
    with pytest.raises(FigureError, match=r"no figure p.svg beside the page\nif the drawn figure is right"):
        figures.collect(compare=True)


def test_renewing(figures: Figures) -> None:
    draw(figures, "<svg>new</svg>")
    old = committed(figures, "<svg>old</svg>")
    assert figures.collect(compare=False) == ["p.svg"]
    figures.commit()
    assert old.read_text() == "<svg>new</svg>"
