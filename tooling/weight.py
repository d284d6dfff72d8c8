"""What a page loads: the styles that it needs, and no others."""

import re

_REFERENCE = 'class="doc '
_STYLE = re.compile(r'<link rel="stylesheet" href="[^">]*assets/_mkdocstrings\.css">\n?')
_FORMULA = 'class="arithmatex"'
# What runs before the theme's script belongs before it, not above the text, which would wait for it.
_EARLY = re.compile(r'<script src="[^">]*assets/search-on-demand\.js"></script>\n?')
_THEME = re.compile(r'<script src="[^">]*assets/javascripts/bundle\.')
# The theme's script says so in the end, and the browser would style each element once more.
_AT_ONCE = (
    '<script>{const page=document.documentElement;page.className="js js-focus-visible";'
    'page.dataset.jsFocusVisible=""}</script>'
)
# The link to the repository; for each reader the theme's script would ask api.github.com for its stars.
_ASKS = ' class="md-source" data-md-component="source"'
_OWN = re.compile(r'(<link rel="stylesheet" href="[^">]*assets/)extra\.css">')


def lighten(html: str) -> str:
    """Leaves the style of the reference to the pages that show some, and that of formulas likewise.

    The latter comes with the page: were it loaded later, its fonts would have all text laid out anew. No
    script above the text holds it up, and what the theme's script tells the styles, they know from the start.
    No other host is asked for anything.

    Examples:
        >>> lighten('<link rel="stylesheet" href="../assets/_mkdocstrings.css"><p>text</p>')
        '<p>text</p>'
    """
    if (early := _EARLY.search(html)) and _THEME.search(html):
        html = _THEME.sub(early[0] + r"\g<0>", html.replace(early[0], "", 1), count=1)
    html = html.replace("<head>", f"<head>{_AT_ONCE}", 1)
    html = html.replace(_ASKS, ' class="md-source"')
    if _REFERENCE not in html:
        html = _STYLE.sub("", html)
    return _OWN.sub(r'\1vendor/katex/katex.min.css">\n\g<0>', html, count=1) if _FORMULA in html else html
