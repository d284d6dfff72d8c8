"""What a page need not load."""

from tooling import weight

LIBRARY = (
    '<link rel="stylesheet" href="assets/vendor/katex/katex.min.css">'
    '<script src="../assets/vendor/katex/katex.min.js" defer></script>'
)
OTHER = '<script src="../assets/extra.js" defer></script>'


def test_a_page_without_formulas_loads_no_library_for_them() -> None:
    assert weight.lighten(LIBRARY + OTHER) == OTHER


def test_only_a_page_of_the_reference_loads_its_style() -> None:
    style = '<link rel="stylesheet" href="../assets/_mkdocstrings.css">'
    assert weight.lighten(style + OTHER) == OTHER
    page = style + '<div class="doc doc-object doc-module">x</div>'
    assert weight.lighten(page) == page


def test_a_page_with_formulas_loads_it() -> None:
    page = LIBRARY + '<span class="arithmatex">x</span>'
    assert weight.lighten(page) == page
