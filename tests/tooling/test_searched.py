"""searched: the search finds the same words in fewer elements."""

from material.plugins.search.plugin import Parser

from tooling import searched

CODE = '<pre><span></span><code><span class="k">for</span> <span class="n">x</span>\n</code></pre>'
LISTING = f'<details class="mkdocstrings-source" open><summary>Source</summary>{CODE}</details>'


def read(html: str) -> list[tuple[str | None, str, str]]:
    """The sections of a page as the theme's search reads them."""
    parser = Parser()
    parser.feed(html)
    return [(s.id, "".join(s.title), "".join(s.text)) for s in parser.data]


def test_the_search_reads_the_same() -> None:
    page = (
        '<h1 id="t">T<a class="headerlink" href="#t">¶</a></h1><p>words <span class="x">a &lt; b</span></p>'
        f'<h2 id="s">S <code>x</code></h2>{CODE}<div data-search-exclude><p>none</p></div><p>end</p>'
    )
    assert read(searched.lighten(page)) == read(page)
    assert searched.lighten(page).count("<span") == 1  # that of the words


def test_listings_are_not_searched() -> None:
    assert searched.lighten(f"<p>a</p>{LISTING}<p>b</p>") == "<p>a</p><p>b</p>"
