"""What a page need not load."""

import re

_REFERENCE = 'class="doc '
_STYLE = re.compile(r'<link rel="stylesheet" href="[^">]*assets/_mkdocstrings\.css">\n?')


def lighten(html: str) -> str:
    """Leaves the style of the reference to the pages that show some: it would hold up the others.

    Examples:
        >>> lighten('<link rel="stylesheet" href="../assets/_mkdocstrings.css"><p>text</p>')
        '<p>text</p>'
    """
    return html if _REFERENCE in html else _STYLE.sub("", html)
