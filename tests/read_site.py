"""Reads a served site in a browser: each block of the home page's first link has its evidence under it."""

import shutil
import sys

from playwright.sync_api import sync_playwright


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.goto(address)
        marks = page.locator("table a").all()
        assert marks, "the home page lists no page with evidence"
        marks[0].click()
        page.wait_for_load_state()
        lines = page.locator("details.evidence > summary").all_inner_texts()
        assert lines and all("✓" in line or "豁免" in line or "仅供阅读" in line for line in lines), lines
        assert any("仅 CPU" in line for line in lines), lines
        print(f"read {page.url}: {len(lines)} blocks with their evidence")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
