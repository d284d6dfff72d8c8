"""What the theme's HTML lacks for readers without a mouse or without a screen."""

import re

_DIALOG = '<div class="md-search" data-md-component="search" role="dialog"'
_DRAWER = '<label class="md-header__button md-icon" for="__drawer">'
_BUTTON = '<button type="button" class="md-header__button md-icon" data-drawer aria-label="打开导航">'
# All that is to be mended in the navigation: a page is gone through once, as it is mostly navigation.
_TAG = re.compile(r"<(?:nav|label) [^<>]*>")
_MENDED = (
    # The label of a section with a page of its own is an icon: its name stands in the list's title.
    (re.compile(r'(aria-labelledby="__nav_[\d_]+)_label"'), r'\1_title"'),
    (re.compile(r'(<label class="md-nav__title" for="(__nav_[\d_]+)")'), r'\1 id="\2_title"'),
    # As the theme has it, the path has the name of the navigation.
    (re.compile(r'(<nav class="md-path" aria-label=")[^"]*'), r"\1所在位置"),
    # The theme makes each branch of the table of contents a landmark; in the reference two have one name.
    (re.compile(r'<nav class="md-nav" aria-label="[^"]*">'), '<nav class="md-nav" role="none">'),
)
# A name, as the theme would work on each title of a page at each visit, for a tooltip that says what ¶ says.
_PERMALINK = re.compile(r'(<a class="headerlink"[^<>]*) title=')


def mend(html: str) -> str:
    """Names the search dialog, the breadcrumbs and the navigation's lists; a real button opens the latter.

    Examples:
        >>> mend('<nav aria-labelledby="__nav_3_label">')
        '<nav aria-labelledby="__nav_3_title">'
    """
    html = html.replace(_DIALOG, f'{_DIALOG} aria-label="搜索"', 1)
    before, label, after = html.partition(_DRAWER)
    if label:
        html = f"{before}{_BUTTON}{after.replace('</label>', '</button>', 1)}"
    return _TAG.sub(_mended, html)


def _mended(tag: re.Match[str]) -> str:
    text = tag[0]
    for fault, mended in _MENDED:
        text = fault.sub(mended, text)
    return text


def name_links(html: str) -> str:
    """The content of a page, the link to each of its sections with a name in place of a tooltip.

    Examples:
        >>> name_links('<a class="headerlink" href="#a" title="本节链接">')
        '<a class="headerlink" href="#a" aria-label="本节链接">'
    """
    return _PERMALINK.sub(r"\1 aria-label=", html)
