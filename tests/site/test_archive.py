"""The site without a network: as it is served, and as an archive from the disk."""

import zipfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tooling import offline
from tooling.project import Project

from .conftest import DRAWN, Visit


def found(page: Page, query: str) -> list[str]:
    """The first three addresses that the search finds."""
    box = page.locator(".md-search__input")
    box.click()
    box.fill("")
    box.press("End")
    expect(page.locator(".md-search-result__item")).to_have_count(0)  # what was found before is gone
    box.fill(query)
    box.press("End")  # the search listens to keys
    page.wait_for_selector(".md-search-result__item")
    links: list[str] = page.eval_on_selector_all(
        ".md-search-result__item > a.md-search-result__link", "links => links.map(link => link.href)"
    )
    return links[:3]


def test_the_archive_opens_from_the_disk(browser: Browser, project: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(project.site / offline.NAME) as packed:
        packed.extractall(tmp_path)
    visit = Visit(browser, f"{(tmp_path / offline.FOLDER).as_uri()}/", 1280, "light")
    visit.open("index.html")
    assert visit.page.locator(".diagram-drawn svg").count()
    links = found(visit.page, "参数个数")
    assert any(link.startswith(visit.address + "concepts/large-models/index.html") for link in links), links
    visit.page.locator(".md-search-result__item > a.md-search-result__link").first.click()
    visit.page.wait_for_function(DRAWN)
    visit.open("concepts/large-models/index.html")
    assert visit.page.locator(".katex").count()
    visit.leave()


def test_a_page_that_is_open_works_without_a_network(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    visit.open("")
    found(visit.page, "凭据")
    visit.page.context.set_offline(True)
    assert any(link.startswith(address + "concepts/large-models/") for link in found(visit.page, "参数个数"))
    assert visit.page.locator(".diagram-drawn svg").count()
    visit.leave()


def test_the_search_index_is_fetched_when_the_reader_searches(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.open("conclusion/")
    index = address + "search/search_index.json"
    assert index not in asked
    assert found(visit.page, "凭据")
    assert index in asked
    visit.page.close()
