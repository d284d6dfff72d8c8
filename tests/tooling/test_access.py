"""What the theme's HTML lacks."""

from tooling import access


def test_the_search_dialog_has_a_name() -> None:
    dialog = '<div class="md-search" data-md-component="search" role="dialog">'
    assert access.mend(dialog).endswith('role="dialog" aria-label="搜索">')


def test_a_list_is_named_by_its_title() -> None:
    html = '<nav aria-labelledby="__nav_3_2_label"><label class="md-nav__title" for="__nav_3_2">难题</label></nav>'
    mended = access.mend(html)
    assert 'aria-labelledby="__nav_3_2_title"' in mended
    assert '<label class="md-nav__title" for="__nav_3_2" id="__nav_3_2_title">' in mended


def test_the_drawer_has_a_name() -> None:
    assert access.mend('<input type="checkbox" id="__drawer">').endswith('id="__drawer" aria-label="导航">')
