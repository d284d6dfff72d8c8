"""The keyboard alone reaches everything; who wants no motion sees none."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from . import axe
from .conftest import Visit
from .test_archive import found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page with tabs, code, evidence and formulas."""
    visit = Visit(browser, address, 1280, "light")
    visit.open("concepts/training/")
    yield visit.page
    visit.page.close()


def tab_to(page: Page, selector: str, limit: int = 150) -> None:
    """Presses Tab until the focus stands on an element that matches."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches('{selector}')"):
            return
    raise AssertionError(f"{limit} presses of Tab do not reach {selector}")


def test_the_first_stop_skips_to_the_content(page: Page) -> None:
    tab_to(page, ".md-skip", limit=1)


def test_the_palette_switches(page: Page) -> None:
    tab_to(page, ".md-option", limit=20)
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "default"
    page.emulate_media(color_scheme="dark")  # followed, as long as the reader has not chosen
    page.wait_for_function(f"{scheme} === 'slate'")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{scheme} === 'default'")
    page.reload()
    assert page.evaluate(scheme) == "default"
    assert page.locator("form[data-palette] label:visible").get_attribute("title") == "切换到深色"


def test_the_search_opens_finds_and_leads(page: Page) -> None:
    tab_to(page, ".md-search__input", limit=20)
    page.keyboard.type("loss")
    page.wait_for_selector(".md-search-result__item")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.matches('.md-search-result__link')")
    before = page.url
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != before)


def test_navigation_tabs_copy_buttons_and_evidence_are_stops(page: Page) -> None:
    tab_to(page, ".md-nav__link")
    tab_to(page, ".md-code__button")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    tab_to(page, ".tabbed-set > input")
    chosen = page.evaluate("document.activeElement.id")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") != chosen
    assert page.evaluate("document.activeElement.checked")


def test_evidence_opens(page: Page) -> None:
    tab_to(page, "details.evidence > summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_navigation_opens_on_a_narrow_screen(key: str, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 900})
    tab_to(page, "[data-drawer]", limit=20)
    page.keyboard.press(key)
    assert page.locator("#__drawer").is_checked()
    tab_to(page, ".md-nav__link")


def test_what_scrolls_sideways_can_be_reached(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 900})
    axe.prepare(page)
    assert not axe.violations(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results_of_the_search_are_open_to_all(scheme: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, scheme)
    visit.open("conclusion/")
    assert found(visit.page, "凭据")
    axe.prepare(visit.page)
    assert not axe.violations(visit.page)
    visit.page.close()


def test_who_wants_no_motion_sees_none(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    moving = """[...document.querySelectorAll("*")].filter(element => {
      const style = getComputedStyle(element);
      return style.scrollBehavior === "smooth"
        || [style.transitionDuration, style.animationDuration].some(times => /[1-9]/.test(times));
    }).map(element => element.className)"""
    assert page.evaluate(moving) == []
