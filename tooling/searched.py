"""What the search reads of a page: all its words, and as few elements as hold them."""

from selectolax.lexbor import LexborHTMLParser

LISTING = "details.mkdocstrings-source"


def lighten(html: str) -> str:
    """The page without the colours and frames of its code, and without the listings of the reference.

    The theme's parser looks at each element of a page, and most of them colour a token of code: without
    them the same index of this site was made in a third of the time. What is listed is found by its name.

    Examples:
        >>> lighten('<p>A</p><pre><code><span class="k">for</span> x</code></pre>')
        '<p>A</p><pre><code>for x</code></pre>'
    """
    tree = LexborHTMLParser(f"<body>{html}</body>")
    for listing in tree.css(LISTING):
        listing.decompose()
    for code in tree.css("pre"):
        code.unwrap_tags(["span"], delete_empty=True)
    for frame in tree.css("div.highlight"):
        frame.unwrap()
    assert tree.body is not None
    return str(tree.body.inner_html)
