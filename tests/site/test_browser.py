"""The built site as a reader meets it: each page once in each colour scheme."""

from contextlib import suppress

import pytest
from playwright.sync_api import Browser, TimeoutError

from tooling import history
from tooling.project import Project

from . import axe
from .conftest import ROOT, Visit, page_addresses

PAGES = [*page_addresses(Project(ROOT)), "404.html"]
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
# Those further down would wait for a reader.
BROKEN = """async () => {
  const images = [...document.images];
  images.forEach((image) => { image.loading = "eager"; });
  await Promise.allSettled(images.map((image) => image.decode()));
  return images.filter((image) => !image.naturalWidth).map((image) => image.src);
}"""


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
        with suppress(TimeoutError):  # the navigation glides to its place
            visit.page.wait_for_function(f"{OVERFLOW} <= 0", timeout=3000)
        assert visit.page.evaluate(OVERFLOW) <= 0, f"scrolls sideways at {width} px"
    axe.prepare(visit.page)
    found = axe.violations(visit.page, axe.COLOURS if scheme == "dark" else None)
    visit.leave()
    assert not found, "\n".join(found)


def test_diagrams_and_formulas_are_drawn(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 360, "light")
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.goto(address)
    visit.page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "mermaid" in url]  # 3.5 MB for what is further down
    visit.page.locator("pre.diagram").scroll_into_view_if_needed()
    visit.page.wait_for_selector(".diagram-drawn svg")
    assert visit.page.locator(".diagram-drawn svg[aria-labelledby]").count() == 1
    assert visit.page.locator("pre.diagram").is_hidden()
    visit.page.goto(address + "concepts/large-models/")
    assert visit.page.locator(".arithmatex").count() == visit.page.locator(".katex").count() > 0
    assert visit.page.locator(".katex-error").count() == 0
    assert not [url for url in asked if "katex" in url and url.endswith(".js")]  # drawn at the build
    visit.page.close()


def test_evidence_opens_under_a_block(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    visit.page.goto(address + "concepts/large-models/")
    line = visit.page.locator("details.evidence").first
    assert line.locator("summary").inner_text().startswith("✓ 已运行 · CPU")
    line.locator("summary").click()
    assert "snippets/concepts/large_models.py" in line.inner_text()
    visit.page.close()


@pytest.mark.parametrize("page", ["", "nlp/dialogue/", "evidence/"])
def test_a_wide_screen_does_not_scroll_sideways(page: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1920, "light")
    visit.page.goto(address + page)
    assert visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    visit.page.close()


def test_a_page_says_where_it_is_and_opens_its_figures(
    browser: Browser, address: str, project: Project
) -> None:
    visit = Visit(browser, address, 1280, "light")
    visit.page.goto(address + "nlp/dialogue/")
    assert visit.page.locator(".md-path__item").all_inner_texts() == ["首页", "语言"]
    facts = visit.page.locator(".page-facts").inner_text()
    changed = history.last_change(project.docs / "nlp/dialogue.md", project)
    assert "分钟读完" in facts and ("最近改动" in facts) == (changed is not None)
    tags = visit.page.locator("a.md-tag")
    assert {"PyTorch", "PEFT", "微调"} <= set(tags.all_inner_texts())
    assert visit.page.locator("span.md-tag").count() == 0  # each tag stands on the page of tags
    dialog = visit.page.locator("dialog.zoom")
    visit.page.locator(".zoom-open").first.focus()
    visit.page.keyboard.press("Enter")
    assert dialog.is_visible()
    visit.page.keyboard.press("Escape")
    assert dialog.is_hidden()
    visit.page.emulate_media(media="print")
    for part in (".md-header", ".md-sidebar--primary", ".md-path", ".md-footer"):
        assert visit.page.locator(part).is_hidden(), part
    visit.page.close()
