"""The built site as a reader meets it: each page once in each colour scheme."""

import pytest
from playwright.sync_api import Browser

from tooling.project import Project

from . import axe
from .conftest import ROOT, Visit, page_addresses

PAGES = [*page_addresses(Project(ROOT)), "404.html"]
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
BROKEN = "[...document.images].filter(image => image.complete && !image.naturalWidth).map(image => image.src)"


def test_every_built_page_is_walked(project: Project) -> None:
    built = {path.relative_to(project.site).as_posix() for path in project.site.rglob("*.html")}
    assert built == {page if page.endswith(".html") else f"{page}index.html" for page in PAGES}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_page_is_whole_open_to_all_and_asks_no_other_host(
    page: str, scheme: str, browser: Browser, address: str
) -> None:
    visit = Visit(browser, address, 1280, scheme)
    visit.open(page)
    assert visit.page.evaluate("document.documentElement.lang") == "zh"
    assert not visit.page.evaluate(BROKEN), "images without a picture"
    for width in (360, 1280):
        visit.page.set_viewport_size({"width": width, "height": 900})
        assert visit.page.evaluate(OVERFLOW) <= 0, f"scrolls sideways at {width} px"
    axe.prepare(visit.page)
    found = axe.violations(visit.page, axe.COLOURS if scheme == "dark" else None)
    visit.page.close()
    assert not found, "\n".join(found)
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
