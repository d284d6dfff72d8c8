"""What the search reads of a page: all its words, and as few elements as hold them."""

import re

from selectolax.lexbor import LexborHTMLParser

LISTING = "mkdocstrings-source"
_CODE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
_COLOUR = re.compile(r"</?span[^>]*>")


def lighten(html: str) -> str:
    """The page without the colours of its code, and without the listings of the reference.

    The theme's parser looks at each element of a page, and most of them colour a token of code: without
    them and the listings it took a third of the time on this site. What is listed is found by its name.

    Examples:
        >>> lighten('<p>A</p><pre><code><span class="k">for</span> x</code></pre>')
        '<p>A</p><pre><code>for x</code></pre>'
    """
    html = _CODE.sub(lambda code: _COLOUR.sub("", code[0]), html)
    if LISTING not in html:  # most pages: to find the end of a listing takes a parser
        return html
    tree = LexborHTMLParser(f"<body>{html}</body>")
    for listing in tree.css(f"details.{LISTING}"):
        listing.decompose()
    assert tree.body is not None
    return str(tree.body.inner_html)
