"""What a page loads: the styles that it needs, and no others."""

import re

_REFERENCE = 'class="doc '
_STYLE = re.compile(r'<link rel="stylesheet" href="[^">]*assets/_mkdocstrings\.css">\n?')
_FORMULA = 'class="arithmatex"'
# What runs before the theme's script belongs before it, not above the text, which would wait for it.
_EARLY = re.compile(r'<script src="[^">]*assets/search-on-demand\.js"></script>\n?')
_THEME = "assets/javascripts/bundle."
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
    end = html.find("</head>") if "</head>" in html else len(html)
    head, place, early = html[:end], end, ""  # the styles stand in the short part
    if (theme := html.rfind(_THEME, end)) >= 0 and (script := _EARLY.search(head)):
        early, place = script[0], html.rindex("<script", end, theme)
        head = head.replace(early, "", 1)
    head = head.replace("<head>", f"<head>{_AT_ONCE}", 1)
    if _REFERENCE not in html:
        head = _STYLE.sub("", head)
    if _FORMULA in html:
        head = _OWN.sub(r'\1vendor/katex/katex.min.css">\n\g<0>', head, count=1)
    page = "".join([head, html[end:place], early, html[place:]])
    return page.replace(_ASKS, ' class="md-source"')
