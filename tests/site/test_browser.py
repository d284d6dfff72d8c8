"""The built site as a reader meets it."""

import pytest
from playwright.sync_api import Browser

from tooling.project import Project

from .conftest import Visit, built_pages

LOOKS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_is_whole_and_asks_no_other_host(
    width: int, scheme: str, browser: Browser, address: str, project: Project
) -> None:
    visit = Visit(browser, address, width, scheme)
    for page in built_pages(project.site):
        visit.page.goto(address + page, wait_until="networkidle")
        overflow = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, f"{page} scrolls sideways by {overflow} px at {width} px"
        broken = visit.page.evaluate(
            "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        )
        assert not broken, f"{page}: images without a picture: {broken}"
    visit.page.close()
    assert not visit.foreign
    assert not visit.complaints


def test_diagrams_and_formulas_are_drawn(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    visit.page.goto(address)
    visit.page.wait_for_selector(".diagram-drawn svg")
    assert visit.page.locator("pre.diagram").is_hidden()
    visit.page.goto(address + "concepts/large-models/")
    visit.page.wait_for_selector(".katex")
    assert visit.page.locator(".katex-error").count() == 0
    visit.page.close()


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("参数个数", "concepts/large-models/"),
        ("生成器", "errata/"),
        ("凭据", "evidence/"),
    ],
)
def test_search_finds_chinese(query: str, page: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    visit.page.goto(address)
    box = visit.page.locator(".md-search__input")
    box.click()
    box.fill(query)
    box.press("End")  # the search listens to keys
    visit.page.wait_for_selector(".md-search-result__item")
    found = visit.page.eval_on_selector_all(
        ".md-search-result__item > a.md-search-result__link", "links => links.map(link => link.href)"
    )
    assert any(link.startswith(address + page) for link in found[:3]), found[:3]
    visit.page.close()


def test_evidence_opens_under_a_block(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    visit.page.goto(address + "concepts/large-models/")
    line = visit.page.locator("details.evidence").first
    assert line.locator("summary").inner_text().startswith("✓ 已运行 · CPU")
    line.locator("summary").click()
    assert "snippets/concepts/large_models.py" in line.inner_text()
    visit.page.close()
