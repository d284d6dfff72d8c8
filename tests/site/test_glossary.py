"""The glossary as it is built: its terms are those of the pages, its links lead where they say."""

import pytest
from playwright.sync_api import Browser
from selectolax.lexbor import LexborHTMLParser

from tooling import glossary

from .conftest import Visit, page_addresses
from .test_facts import PROJECT

TERMS = glossary.load(PROJECT)
PROSE = {
    page.relative_to(PROJECT.docs).as_posix(): glossary.prose(PROJECT.read(page), page.name)
    for page in PROJECT.page_paths()
    if page.name != "glossary.md"
}


def built(page: str) -> LexborHTMLParser:
    folder = PROJECT.site / page.removesuffix(".md").removesuffix("index")
    return LexborHTMLParser((folder / "index.html").read_text(encoding="utf-8"))


def test_every_term_is_used_on_the_page_that_explains_it() -> None:
    assert len(TERMS) > 80
    absent = [(term.zh, term.at) for term in TERMS if term.zh not in PROSE[term.at.partition("#")[0]]]
    assert not absent


def test_every_link_leads_to_a_heading() -> None:
    anchors = {
        page: {
            node.attributes["id"] for node in built(page).css("h1, h2, h3, h4") if node.attributes.get("id")
        }
        for page in {term.at.partition("#")[0] for term in TERMS}
    }
    broken = [t.at for t in TERMS if t.at.partition("#")[2] not in anchors[t.at.partition("#")[0]]]
    assert not broken


def test_the_page_lists_each_term() -> None:
    listed = {node.attributes["id"]: node.text() for node in built("glossary.md").css("dt")}
    assert len(listed) == len(TERMS)
    assert all(term.zh in listed[glossary.anchor(term)] for term in TERMS)


def test_no_page_explains_a_term_twice() -> None:
    count = 0
    for page in page_addresses(PROJECT):
        marked = [node.text() for node in built(f"{page}index.md").css("article abbr[tabindex]")]
        assert len(marked) == len({*marked}), page
        count += len(marked)
    assert count > len(TERMS)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_keyboard_reaches_a_tooltip(width: int, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, width, "light")
    visit.page.goto(address + "nlp/dialogue/")
    term = visit.page.locator("article abbr[tabindex]").first
    title = term.get_attribute("title")
    term.focus()
    tooltip = visit.page.get_by_role("tooltip")
    tooltip.wait_for()
    assert title and tooltip.inner_text().strip() == title
    assert term.get_attribute("aria-describedby") == tooltip.get_attribute("id")
    box = tooltip.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    visit.page.close()
