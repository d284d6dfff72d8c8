"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re

_DIALOG = '<div class="md-search" data-md-component="search" role="dialog"'
_DRAWER = '<label class="md-header__button md-icon" for="__drawer">'
_BUTTON = '<button type="button" class="md-header__button md-icon" data-drawer aria-label="打开导航">'
_NAV = '<nav class="md-'
# As the theme has it, the path has the name of the navigation.
_PATH = re.compile(r'^(path" aria-label=")[^"]*')
# The theme makes each branch of the table of contents a landmark; in the reference two have one name.
_BRANCH = re.compile(r'^nav" aria-label="[^"]*"$')
# The label of a section with a page of its own is an icon: its name stands in the title that follows.
_LIST = re.compile(r' aria-labelledby="(__nav_[\d_]+)_label"')
# A name, as the theme would work on each title of a page at each visit, for a tooltip that says what ¶ says.
_PERMALINK = re.compile(r'(<a class="headerlink"[^<>]*) title=')


def header(html: str) -> str:
    """The header of a page: the search dialog has a name, and a real button opens the navigation."""
    html = html.replace(_DIALOG, f'{_DIALOG} aria-label="搜索"', 1)
    before, label, after = html.partition(_DRAWER)
    return f"{before}{_BUTTON}{after.replace('</label>', '</button>', 1)}" if label else html


def navigation(html: str) -> str:
    """A page with names for the breadcrumbs and for the lists of the navigation.

    Examples:
        >>> navigation('<nav class="md-nav" aria-labelledby="__nav_3_label">')
        '<nav class="md-nav" aria-labelledby="__nav_3_title">'
    """
    before, *rest = html.split(_NAV)  # a page is mostly navigation: to look for tags in all of it is slower
    return _NAV.join([before, *map(_nav, rest)])


def _nav(text: str) -> str:
    tag, end, after = text.partition(">")
    if listed := _LIST.search(tag):
        tag = tag.replace("_label", "_title")
        title = f'<label class="md-nav__title" for="{listed[1]}"'
        return tag + end + after.replace(title, f'{title} id="{listed[1]}_title"', 1)
    return _PATH.sub(r"\1所在位置", _BRANCH.sub('nav" role="none"', tag)) + end + after


def name_links(html: str) -> str:
    """The content of a page, the link to each of its sections with a name in place of a tooltip.

    Examples:
        >>> name_links('<a class="headerlink" href="#a" title="本节链接">')
        '<a class="headerlink" href="#a" aria-label="本节链接">'
    """
    return _PERMALINK.sub(r"\1 aria-label=", html)
