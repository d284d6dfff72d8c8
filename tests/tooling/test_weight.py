"""What a page need not load."""

from tooling import weight

LIBRARY = (
    '<link rel="stylesheet" href="assets/vendor/katex/katex.min.css">'
    '<script src="../assets/vendor/katex/katex.min.js" defer></script>'
)
OTHER = '<script src="../assets/extra.js" defer></script>'


def test_a_page_without_formulas_loads_no_library_for_them() -> None:
    assert weight.lighten(LIBRARY + OTHER) == OTHER


def test_a_page_with_formulas_loads_it() -> None:
    page = LIBRARY + '<span class="arithmatex">x</span>'
    assert weight.lighten(page) == page
