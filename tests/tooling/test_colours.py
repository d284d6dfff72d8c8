"""Blocks look as the theme colours them, with fewer elements."""

import re
from pathlib import Path

import pytest
from mkdocs.utils import get_theme_dir

from tooling import colours

STYLES = Path(get_theme_dir("material")) / "assets" / "stylesheets"
KIND, COLOUR = (
    r"\.highlight \.(\w+)(?=[,{])",
    r"((?:\.highlight \.\w+,?)+)\{color:var\((--md-code-hl-[a-z]+-color)\)\}",
)


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """The colour of each kind of token, as the theme's style has it: a name, or what the name stands for."""
    main, palette = (
        next(STYLES.glob(f"{name}.*.css")).read_text(encoding="utf-8") for name in ("main", "palette")
    )
    own = (Path(__file__).parents[2] / "docs/assets/extra.css").read_text(encoding="utf-8")
    text = main + palette + own
    names = set(re.findall(r"--md-code-hl-[a-z]+-color(?=:)", text))
    values = {name: tuple(re.findall(name + r":\s*([^;}]+)", text)) for name in names}
    return {
        kind: str(values[name])
        for kinds, name in re.findall(COLOUR, main)
        for kind in re.findall(KIND, kinds + "{")
    }


def test_what_is_joined_has_one_colour(shown: dict[str, str]) -> None:
    for first, others in colours.ALIKE.items():
        assert {shown[kind] for kind in [first, *others.split()]} == {shown[first]}, first


def test_what_loses_its_element_had_the_colour_of_code(shown: dict[str, str]) -> None:
    found = {shown.get(kind) for kind in colours.UNCOLOURED}
    assert found == {None, shown["n"]}
    assert set(re.findall(r"var\(([\w-]+)\)", shown["n"])) == {"--md-code-fg-color"}


@pytest.mark.parametrize(
    ("code", "merged"),
    [
        ('<span class="n">x</span> <span class="o">=</span>', 'x <span class="o">=</span>'),
        ('<span class="p">(</span>\n  <span class="o">-</span>', '<span class="o">(\n  -</span>'),
        ('<span class="c1"># a</span>\n<span class="p">)</span>',
         '<span class="c1"># a</span>\n<span class="o">)</span>'),
        ('<span class="hll"><span class="p">(</span>\n</span><span class="p">)</span>',
         '<span class="hll"><span class="o">(</span>\n</span><span class="o">)</span>'),
        ('<a href="#x"><span class="n">x</span></a><span class="n">y</span>',
         '<a href="#x"><span class="n">x</span></a>y'),
        ('<span class="p">&lt;</span><span class="p">&gt;</span>', '<span class="o">&lt;&gt;</span>'),
        ('<span class="gp">$ </span>ls', '<span class="gp">$ </span>ls'),
    ],
)  # fmt: skip
def test_only_neighbours_of_one_colour_are_joined(code: str, merged: str) -> None:
    page = '<p><span class="n">x</span></p><pre><code>{}\n</code></pre>'
    assert colours.merge(page.format(code)) == page.format(merged)


def test_what_is_no_block_stays_as_it_is() -> None:
    prose = '<p><code>x</code> <span class="arithmatex">a</span> <span class="arithmatex">b</span></p>'
    block = '<pre><span></span><nav><button></button></nav><code><span class="p">(</span>{}</code></pre>'
    page = prose + block.format('<span class="p">)</span>')
    assert colours.merge(page) == prose + block.format("").replace('"p">(', '"o">()')
