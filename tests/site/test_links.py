"""Every link, anchor and picture of the built site that points into the site leads somewhere."""

import posixpath
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

from tooling.project import Project

from .conftest import ROOT

SITE = Project(ROOT).site


@cache
def anchors(path: Path) -> frozenset[str]:
    tree = html.parse(str(path), html.HTMLParser(encoding="utf-8"))
    return frozenset(map(str, tree.xpath("//@id | //a/@name")))


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    tree = html.parse(str(page), html.HTMLParser(encoding="utf-8"))
    found = []
    for link in set(map(str, tree.xpath("//@href | //@src | //object/@data"))):
        address = urlsplit(link)
        if address.scheme or address.netloc:
            continue
        path, anchor = unquote(address.path), unquote(address.fragment)
        base = SITE if path.startswith("/") else page.parent
        target = Path(posixpath.normpath(base / path.lstrip("/"))) if path else page
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in anchors(target)):
            found.append(link)
    return sorted(found)


def test_no_link_into_the_site_is_broken() -> None:
    pages = sorted(SITE.rglob("*.html"))
    assert len(pages) > 30
    assert {str(page.relative_to(SITE)): links for page in pages if (links := broken(page))} == {}
