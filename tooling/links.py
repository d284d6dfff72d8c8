"""Asks every other site that the built pages link whether the page is still there: `make links`, by hand."""

import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_LINK = re.compile(r'<a [^>]*href="(https?://[^"#]+)')
_SECONDS = 20
_AT_ONCE = 8
# Some answer a program with a refusal; the page may well be there for a reader.
_REFUSALS = {401, 403, 429}


def external(site: Path, own: str) -> dict[str, str]:
    """The addresses outside the site, each with one page that links it."""
    found: dict[str, str] = {}
    for page in sorted(site.rglob("*.html")):
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            if not link.startswith(own):
                found.setdefault(unescape(link), page.relative_to(site).as_posix())
    return found


def fault(address: str) -> str | None:
    """What is wrong with an address, or None."""
    request = Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urlopen(request, timeout=_SECONDS):
            return None
    except HTTPError as error:
        return None if error.code in _REFUSALS else f"answers {error.code}"
    except (URLError, TimeoutError, ConnectionError, ValueError) as error:
        return f"does not answer: {error}"


def faults(addresses: Iterable[str]) -> dict[str, str]:
    """The addresses with something wrong, each with what it is."""
    asked = list(addresses)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {address: wrong for address, wrong in zip(asked, pool.map(fault, asked), strict=True) if wrong}


def main(site: Path, own: str) -> int:
    """Prints each broken address with a page that links it; the exit status says whether there is one."""
    found = external(site, own)
    wrong = faults(found)
    for address, what in wrong.items():
        print(f"{found[address]}: {address} {what}")
    print(f"links: {len(found)} addresses on other sites, {len(wrong)} broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    from tooling.project import Project

    project = Project(Path.cwd())
    sys.exit(main(project.site, project.config.site_url or ""))
