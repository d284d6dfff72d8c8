"""What a page costs a reader's connection, compressed as GitHub Pages compresses it."""

import pytest
from playwright.sync_api import Browser, Request

from .conftest import Visit

LIMIT = 350 * 1024


@pytest.mark.parametrize("page", ["nlp/dialogue/", "evidence/"])
def test_a_page_transfers_little_besides_its_figures(page: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, 1280, "light")
    done: list[Request] = []
    visit.page.on("requestfinished", lambda request: done.append(request))
    visit.open(page)
    asked = [request for request in done if request.url.startswith(address)]
    sizes = {
        request.url: request.sizes()["responseBodySize"] + request.sizes()["responseHeadersSize"]
        for request in asked
        if not request.url.endswith(".svg")
    }
    visit.page.close()
    assert address + page in sizes
    assert sum(sizes.values()) <= LIMIT, sizes
