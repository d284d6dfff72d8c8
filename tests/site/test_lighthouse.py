"""Lighthouse on three pages, and on the same text in plain Material; nothing but this machine is reached."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import CHROMIUM, served
from .test_facts import PROJECT

HERE = Path(__file__).parent / "lighthouse"
PAGES = ["", "nlp/dialogue/", "evidence/"]
PLAIN = """\
site_name: Plain
theme: {name: material, language: zh, font: false}
plugins: [{search: {lang: zh}}]
markdown_extensions: [attr_list, admonition, pymdownx.highlight, pymdownx.superfences]
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second page's text as a site of its own, in the theme as it comes."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "docs").mkdir()
    (folder / "mkdocs.yml").write_text(PLAIN, encoding="utf-8")
    shutil.copy(PROJECT.site / PAGES[1] / "index.md", folder / "docs")
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet"], cwd=folder, check=True)
    return folder / "site"


@pytest.fixture(scope="module")
def reports(
    address: str,
    plain: Path,
    request: pytest.FixtureRequest,
    record_testsuite_property: Callable[[str, object], None],
) -> dict[str, Any]:
    """What Lighthouse says of each page, by its address; `plain` is the one to compare with."""
    assert shutil.which("node") and (HERE / "node_modules").is_dir(), "no Lighthouse; run: make browser"
    chrome = CHROMIUM or ""
    with served(plain) as other:
        addresses = [*(address + page for page in PAGES), other]
        done = subprocess.run(
            ["node", "run.mjs", chrome, *addresses], cwd=HERE, capture_output=True, text=True, timeout=540
        )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = dict(zip([*PAGES, "plain"], lines, strict=True))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        for page, report in found.items():
            # Performance is told, not judged: it depends on what else this machine does meanwhile.
            print(f"lighthouse: {page or 'home'}: {report['scores']}", file=sys.stderr)
            record_testsuite_property(f"lighthouse {page}", report["scores"])
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_full_marks_but_for_speed(page: str, reports: dict[str, Any]) -> None:
    report = reports[page]
    assert report["error"] is None
    judged = [failed for failed in report["failed"] if not failed.startswith("performance")]
    assert judged == []
    assert [report["scores"][name] for name in ("accessibility", "best-practices", "seo")] == [1, 1, 1]


@pytest.mark.timeout(600)
def test_the_marks_are_not_given_to_every_page(reports: dict[str, Any]) -> None:
    assert reports["plain"]["scores"]["accessibility"] < 1  # the theme's own search has no name
