"""Links to other sites, against a server on this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tooling import links


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the requests out of the test report."""


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_page_that_is_gone_is_named(tmp_path: Path, other: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = f'<a href="{other}200">a</a><a class="x" href="{other}404#part">b</a><a href="http://own/">c</a>'
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert links.main(tmp_path, "http://own/") == 1
    printed = capsys.readouterr().out
    assert f"index.html: {other}404 answers 404" in printed
    assert "2 addresses on other sites, 1 broken" in printed


def test_nothing_broken(tmp_path: Path, other: str) -> None:
    (tmp_path / "index.html").write_text(f'<a href="{other}200">a</a>', encoding="utf-8")
    assert links.main(tmp_path, "http://own/") == 0


def test_a_refusal_of_programs_is_no_fault(other: str) -> None:
    assert links.fault(f"{other}403") is None


def test_a_host_that_is_silent_is_a_fault() -> None:
    assert "does not answer" in str(links.fault("http://127.0.0.1:9/"))
