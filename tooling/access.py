"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re

_SEARCH = ('<div class="md-search" data-md-component="search" role="dialog">', ' aria-label="搜索"')
# The label of a section with a page of its own is an icon: its name stands in the list's title.
_UNNAMED = re.compile(r'(<nav [^<>]*aria-labelledby="__nav_[\d_]+)_label"')  # a tag, not a listing of one
_PATH = re.compile(r'(<nav class="md-path" aria-label=")[^"]*')  # as the theme has it, the navigation's name
# The theme makes each branch of the table of contents a landmark; on a page of references two have one name.
_BRANCH = re.compile(r'<nav class="md-nav" aria-label="[^"]*">')
# A name, as the theme would work on each title of a page at each visit, for a tooltip that says what ¶ says.
_PERMALINK = re.compile(r'(<a class="headerlink"[^<>]*) title=')
_TITLE = re.compile(r'<label class="md-nav__title" for="(__nav_[\d_]+)"')
_DRAWER = re.compile(r'<label class="md-header__button md-icon" for="__drawer">(.*?)</label>', re.DOTALL)
_BUTTON = (
    r'<button type="button" class="md-header__button md-icon" data-drawer aria-label="打开导航">\1</button>'
)


def mend(html: str) -> str:
    """Names the search dialog, the breadcrumbs and the navigation's lists; a real button opens the latter.

    Examples:
        >>> mend('<nav aria-labelledby="__nav_3_label">')
        '<nav aria-labelledby="__nav_3_title">'
    """
    dialog, name = _SEARCH
    html = html.replace(dialog, dialog[:-1] + name + ">")
    html = _DRAWER.sub(_BUTTON, html)
    html = _PATH.sub(r"\1所在位置", html)
    html = _BRANCH.sub('<nav class="md-nav" role="none">', html)
    html = _PERMALINK.sub(r"\1 aria-label=", html)
    html = _UNNAMED.sub(r'\1_title"', html)
    return _TITLE.sub(r'\g<0> id="\1_title"', html)
