"""What the theme's HTML lacks."""

from tooling import access


def test_the_search_dialog_has_a_name() -> None:
    dialog = '<div class="md-search" data-md-component="search" role="dialog">'
    assert access.header(dialog).endswith('role="dialog" aria-label="搜索">')


def test_a_list_is_named_by_its_title() -> None:
    title = '<label class="md-nav__title" for="__nav_3_2">难题</label>'
    mended = access.navigation(f'<nav class="md-nav" aria-labelledby="__nav_3_2_label">{title}')
    assert 'aria-labelledby="__nav_3_2_title"' in mended
    assert '<label class="md-nav__title" for="__nav_3_2" id="__nav_3_2_title">' in mended


def test_the_path_and_the_branches_of_a_page_are_told_from_the_navigation() -> None:
    path, branch = '<nav class="md-path" aria-label="导航栏">', '<nav class="md-nav" aria-label="一节">'
    named = '<nav class="md-nav md-nav--secondary" aria-label="目录">'
    mended = '<nav class="md-path" aria-label="所在位置"><nav class="md-nav" role="none">'
    assert access.navigation(path + branch + named) == mended + named


def test_the_navigation_opens_by_a_button() -> None:
    mended = access.header('<label class="md-header__button md-icon" for="__drawer">\n<svg></svg></label>')
    assert mended.startswith('<button type="button"')
    assert 'aria-label="打开导航">\n<svg></svg></button>' in mended


def test_the_link_of_a_heading_has_a_name_and_no_tooltip() -> None:
    link, other = '<a class="headerlink" href="#a" {}="本节链接">¶</a>', '<a href="#b" title="b">b</a>'
    assert access.name_links(link.format("title") + other) == link.format("aria-label") + other
