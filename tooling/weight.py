"""What a page loads: the styles that it needs, and no others."""

import re

_REFERENCE = 'class="doc '
_STYLE = re.compile(r'<link rel="stylesheet" href="[^">]*assets/_mkdocstrings\.css">\n?')
_FORMULA = 'class="arithmatex"'
_OWN = re.compile(r'(<link rel="stylesheet" href="[^">]*assets/)extra\.css">')


def lighten(html: str) -> str:
    """Leaves the style of the reference to the pages that show some, and that of formulas likewise.

    The latter comes with the page: were it loaded later, its fonts would have all text laid out anew.

    Examples:
        >>> lighten('<link rel="stylesheet" href="../assets/_mkdocstrings.css"><p>text</p>')
        '<p>text</p>'
    """
    if _REFERENCE not in html:
        html = _STYLE.sub("", html)
    return _OWN.sub(r'\1vendor/katex/katex.min.css">\n\g<0>', html, count=1) if _FORMULA in html else html
