"""The built site, served as GitHub Pages serves it, and a browser that reaches nothing else."""

import functools
import gzip
import io
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tooling.project import Project

ROOT = Path(__file__).parents[2]
COMPRESSED = {".css", ".html", ".js", ".json", ".svg", ".txt", ".xml"}
CHROMIUM = shutil.which("chromium")  # None: the browser that Playwright installed
# The resolver knows this machine alone: a request to another host fails, and is written down all the same.
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# Each is drawn as it comes near the window: goes to the next one that is not there yet, until there is none.
DRAWN = """() => {
  const waiting = document.querySelectorAll("pre.diagram:not([hidden])");
  const next = [...waiting].find((element) => element.checkVisibility());
  next?.scrollIntoView();
  return next === undefined;
}"""


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(ROOT)


@functools.cache
def packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


class Pages(SimpleHTTPRequestHandler):
    """Serves a folder with text compressed and connections kept open."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the requests out of the test report."""

    def send_head(self) -> Any:
        address = self.path.partition("?")[0]
        path = Path(self.translate_path(address + "index.html" if address.endswith("/") else address))
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (accepted and path.is_file() and path.suffix in COMPRESSED):
            return super().send_head()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed(path))))
        self.end_headers()
        return io.BytesIO(packed(path))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, for as long as the block lasts."""
    handler = functools.partial(Pages, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def address(project: Project) -> Iterator[str]:
    """The address of the built site."""
    assert project.site.is_dir(), "no built site; run: make site"
    with served(project.site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One page in the browser, with what it asked other hosts for and complained about."""

    def __init__(self, browser: Browser, address: str, width: int, scheme: str) -> None:
        self.address = address
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.foreign.append(url)

    def open(self, page: str) -> None:
        """Goes to a page, past its diagrams, and waits until these are drawn."""
        self.page.goto(self.address + page)
        self.page.wait_for_function(DRAWN)
        self.page.evaluate("scrollTo(0, 0)")

    def leave(self) -> None:
        """Closes the page, which must have asked no other host and complained about nothing."""
        self.page.close()
        assert not self.foreign
        assert not self.complaints


def page_addresses(project: Project) -> list[str]:
    """The addresses of all pages, relative to the site, from the sources: tests are named before a build."""
    pages = [path.relative_to(project.docs).with_suffix("") for path in project.page_paths()]
    folders = [page.parent if page.name == "index" else page for page in pages]
    return ["" if folder == Path() else f"{folder.as_posix()}/" for folder in folders]
