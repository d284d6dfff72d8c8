"""What a page loads: the styles that it needs, and no others."""

import re

_REFERENCE = 'class="doc '
_STYLE = re.compile(r'<link rel="stylesheet" href="[^">]*assets/_mkdocstrings\.css">\n?')
_FORMULA = 'class="arithmatex"'
# The theme's script marks the page so when it comes, and all of it would be styled once more.
_FOCUS = "<script>document.documentElement.classList.add('js-focus-visible')</script>"
_OWN = re.compile(r'(<link rel="stylesheet" href="[^">]*assets/)extra\.css">')


def lighten(html: str) -> str:
    """Leaves the style of the reference to the pages that show some, and that of formulas likewise.

    The latter comes with the page: were it loaded later, its fonts would have all text laid out anew. What
    the theme's script would write on the page's root as it comes, stands there from the beginning.

    Examples:
        >>> lighten('<link rel="stylesheet" href="../assets/_mkdocstrings.css"><p>text</p>')
        '<p>text</p>'
    """
    html = html.replace("<head>", f"<head>{_FOCUS}", 1)
    if _REFERENCE not in html:
        html = _STYLE.sub("", html)
    return _OWN.sub(r'\1vendor/katex/katex.min.css">\n\g<0>', html, count=1) if _FORMULA in html else html
