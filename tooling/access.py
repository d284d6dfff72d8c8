"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re

_SEARCH = ('<div class="md-search" data-md-component="search" role="dialog">', ' aria-label="搜索"')
# The label of a section with a page of its own is an icon: its name stands in the list's title.
_UNNAMED = re.compile(r'aria-labelledby="(__nav_[\d_]+)_label"')
_TITLE = re.compile(r'<label class="md-nav__title" for="(__nav_[\d_]+)"')
_DRAWER = 'type="checkbox" id="__drawer"'


def mend(html: str) -> str:
    """Names the search dialog, the navigation's lists and the switch of the navigation on a narrow screen.

    Examples:
        >>> mend('<input type="checkbox" id="__drawer">')
        '<input type="checkbox" id="__drawer" aria-label="导航">'
    """
    dialog, name = _SEARCH
    html = html.replace(dialog, dialog[:-1] + name + ">")
    html = html.replace(_DRAWER, f'{_DRAWER} aria-label="导航"')
    html = _UNNAMED.sub(r'aria-labelledby="\1_title"', html)
    return _TITLE.sub(r'\g<0> id="\1_title"', html)
