"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re

_SEARCH = ('<div class="md-search" data-md-component="search" role="dialog">', ' aria-label="搜索"')
# The label of a section with a page of its own is an icon: its name stands in the list's title.
_UNNAMED = re.compile(r'aria-labelledby="(__nav_[\d_]+)_label"')
_TITLE = re.compile(r'<label class="md-nav__title" for="(__nav_[\d_]+)"')
_LABEL = '<label class="md-header__button md-icon" for="{}"'
_BUTTONS = {"__drawer": "打开导航", "__search": "打开搜索"}


def mend(html: str) -> str:
    """Names the search dialog and the navigation's lists, and lets the keyboard reach the header's labels.

    Examples:
        >>> mend('<label class="md-header__button md-icon" for="__drawer">')
        '<label class="md-header__button md-icon" for="__drawer" role="button" tabindex="0" aria-label="打开导航">'
    """
    dialog, name = _SEARCH
    html = html.replace(dialog, dialog[:-1] + name + ">")
    html = _UNNAMED.sub(r'aria-labelledby="\1_title"', html)
    html = _TITLE.sub(r'\g<0> id="\1_title"', html)
    for target, label in _BUTTONS.items():
        button = _LABEL.format(target)
        html = html.replace(button, f'{button} role="button" tabindex="0" aria-label="{label}"')
    return html
