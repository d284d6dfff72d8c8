"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re

_SEARCH = ('<div class="md-search" data-md-component="search" role="dialog">', ' aria-label="搜索"')
# The label of a section with a page of its own is an icon: its name stands in the list's title.
_UNNAMED = re.compile(r'aria-labelledby="(__nav_[\d_]+)_label"')
_TITLE = re.compile(r'<label class="md-nav__title" for="(__nav_[\d_]+)"')
_DRAWER = re.compile(r'<label class="md-header__button md-icon" for="__drawer">(.*?)</label>', re.DOTALL)
_BUTTON = (
    r'<button type="button" class="md-header__button md-icon" data-drawer aria-label="打开导航">\1</button>'
)


def mend(html: str) -> str:
    """Names the search dialog and the navigation's lists, and opens the navigation by a real button.

    Examples:
        >>> mend('<nav aria-labelledby="__nav_3_label">')
        '<nav aria-labelledby="__nav_3_title">'
    """
    dialog, name = _SEARCH
    html = html.replace(dialog, dialog[:-1] + name + ">")
    html = _DRAWER.sub(_BUTTON, html)
    html = _UNNAMED.sub(r'aria-labelledby="\1_title"', html)
    return _TITLE.sub(r'\g<0> id="\1_title"', html)
