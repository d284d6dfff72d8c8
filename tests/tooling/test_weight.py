"""What a page need not load."""

from pathlib import Path

from mkdocs.utils import get_theme_dir

from tooling import weight

STYLE = '<link rel="stylesheet" href="../assets/_mkdocstrings.css">'
OTHER = '<link rel="stylesheet" href="../assets/extra.css">'


def test_only_a_page_of_the_reference_loads_its_style() -> None:
    assert weight.lighten(STYLE + OTHER) == OTHER
    page = STYLE + '<div class="doc doc-object doc-module">x</div>'
    assert weight.lighten(page) == page


def test_a_page_with_formulas_loads_their_style_before_its_own() -> None:
    formula = '<span class="arithmatex">x</span>'
    style = '<link rel="stylesheet" href="../assets/vendor/katex/katex.min.css">\n'
    assert weight.lighten(OTHER + formula) == style + OTHER + formula


def test_what_runs_before_the_theme_stands_right_before_it() -> None:
    early = '<script src="../assets/search-on-demand.js"></script>'
    theme = '<script src="../assets/javascripts/bundle.0123.min.js"></script>'
    assert weight.lighten(f"<title>x</title>{early}</head><p>text</p>{theme}") == (
        f"<title>x</title></head><p>text</p>{early}{theme}"
    )
    assert weight.lighten(f"{early}</head><p>text</p>") == f"{early}</head><p>text</p>"


def test_the_styles_know_from_the_start_that_there_are_scripts() -> None:
    page = weight.lighten("<html class='no-js'><head><title>x</title></head></html>")
    assert page.index("<head><script>") < page.index("js js-focus-visible") < page.index("<title>")
    assert weight.lighten("<p>no page</p>") == "<p>no page</p>"


def test_no_other_host_is_asked_about_the_repository() -> None:
    theme = Path(get_theme_dir("material")) / "partials/source.html"
    assert 'class="md-source" data-md-component="source"' in theme.read_text(encoding="utf-8")
    link = '<a href="https://github.com/o/n" class="md-source" data-md-component="source">o/n</a>'
    quiet = '<a href="https://github.com/o/n" class="md-source">o/n</a>'
    assert weight.lighten(f"<body>{link}{link}") == f"<body>{quiet}{quiet}"  # in the header and in the drawer
