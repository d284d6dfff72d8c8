"""Formulas drawn at the build."""

from pathlib import Path

import pytest

from tooling import formulas
from tooling.errors import PageError


def test_a_formula_is_drawn_for_eyes_and_ears_in_its_place(tmp_path: Path) -> None:
    within = r'<p>若 <span class="arithmatex">\(a &lt; b\)</span> 则</p>'
    page = within + r'<div class="arithmatex">\[\sum_i x\]</div>'
    drawn = formulas.draw(page, tmp_path / "a.md")
    assert drawn.count('<span class="katex">') == drawn.count("<math") == 2
    assert '<p>若 <span class="arithmatex"><span' in drawn and "</span> 则</p>" in drawn
    assert drawn.count('<span class="katex-display">') == 1
    assert "<mo>&lt;</mo>" in drawn  # the HTML's escape is not taken for TeX


def test_a_page_without_formulas_is_left_as_it_is(tmp_path: Path) -> None:
    page = r"<p>价格 \(1\)</p><code>class=&quot;arithmatex&quot;</code>"
    assert formulas.draw(page, tmp_path / "a.md") == page


@pytest.mark.parametrize(
    ("tex", "problem"),
    [
        (r"\foo x", "Undefined control sequence: \\foo at position 1"),
        (r"\frac{1", "Unexpected end of input in a macro argument"),
        ("损失", "unicodeTextInMathMode"),
    ],
)
def test_a_formula_that_cannot_be_drawn_is_named_with_its_line(
    tex: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(f"# 题\n\n当 ${tex}$ 时\n", encoding="utf-8")
    with pytest.raises(PageError) as error:
        formulas.draw(rf'<span class="arithmatex">\({tex}\)</span>', tmp_path / "a.md")
    assert error.value.line == 3
    assert problem in error.value.found and "\u0332" not in error.value.found


def test_a_formula_from_elsewhere_points_to_the_top(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# 题\n", encoding="utf-8")
    with pytest.raises(PageError) as error:
        formulas.draw(r'<span class="arithmatex">\(\foo\)</span>', tmp_path / "a.md")
    assert error.value.line == 1
