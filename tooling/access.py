"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re
from collections.abc import Callable

_DIALOG = '<div class="md-search" data-md-component="search" role="dialog"'
_DRAWER = '<label class="md-header__button md-icon" for="__drawer">'
_BUTTON = '<button type="button" class="md-header__button md-icon" data-drawer aria-label="打开导航">'
# A page is mostly navigation: to cut it where its tags begin is faster than to look for tags in all of it.
_TITLE, _NAV = '<label class="md-nav__title" for="', '<nav class="md-'
# As the theme has it, the path has the name of the navigation.
_PATH = re.compile(r'^(path" aria-label=")[^"]*')
# The theme makes each branch of the table of contents a landmark; in the reference two have one name.
_BRANCH = re.compile(r'^nav" aria-label="[^"]*"$')
# The label of a section with a page of its own is an icon: its name stands in the list's title.
_LIST = re.compile(r'( aria-labelledby="__nav_[\d_]+)_label"')
# A name, as the theme would work on each title of a page at each visit, for a tooltip that says what ¶ says.
_PERMALINK = re.compile(r'(<a class="headerlink"[^<>]*) title=')


def mend(html: str) -> str:
    """Names the search dialog, the breadcrumbs and the navigation's lists; a real button opens the latter.

    Examples:
        >>> mend('<nav class="md-nav" aria-labelledby="__nav_3_label">')
        '<nav class="md-nav" aria-labelledby="__nav_3_title">'
    """
    html = html.replace(_DIALOG, f'{_DIALOG} aria-label="搜索"', 1)
    before, label, after = html.partition(_DRAWER)
    if label:
        html = f"{before}{_BUTTON}{after.replace('</label>', '</button>', 1)}"
    return _cut(_cut(html, _TITLE, _title), _NAV, _nav)


def _cut(html: str, begin: str, mended: Callable[[str], str]) -> str:
    """The page, what follows each `begin` mended."""
    before, *rest = html.split(begin)
    return begin.join([before, *map(mended, rest)])


def _title(text: str) -> str:
    name, quote, after = text.partition('"')
    return f'{name}" id="{name}_title{quote}{after}' if name.startswith("__nav_") else text


def _nav(text: str) -> str:
    tag, end, after = text.partition(">")
    if "aria-labelledby" in tag:
        return _LIST.sub(r'\1_title"', tag) + end + after
    return _PATH.sub(r"\1所在位置", _BRANCH.sub('nav" role="none"', tag)) + end + after


def name_links(html: str) -> str:
    """The content of a page, the link to each of its sections with a name in place of a tooltip.

    Examples:
        >>> name_links('<a class="headerlink" href="#a" title="本节链接">')
        '<a class="headerlink" href="#a" aria-label="本节链接">'
    """
    return _PERMALINK.sub(r"\1 aria-label=", html)
