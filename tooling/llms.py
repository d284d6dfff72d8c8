"""The site for machines (llmstxt.org): `llms.txt` lists its pages, `llms-full.txt` holds them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from tooling import plain, reference
from tooling.project import Project

REST = "全站"  # the pages that are in no section


def publish(project: Project, site: Path) -> None:
    """Writes both files, from the Markdown that lies beside the pages of the built site."""
    config = project.config
    pages = (path.relative_to(project.docs).as_posix() for path in project.page_paths())
    copies = {page: site / plain.folder(page) / "index.md" for page in pages}
    copies = {page: copy for page, copy in copies.items() if copy.is_file()}
    texts = {page: copy.read_text(encoding="utf-8") for page, copy in copies.items()}
    listed: dict[str, list[str]] = {}
    for label, page in entries(config.nav if config.nav is not None else sorted(texts)):
        if page in texts:
            listed.setdefault(label or REST, []).append(page)
    head = f"# {config.site_name}\n\n> {config.site_description}\n"
    lists = [
        "\n".join([f"## {label}\n", *(_entry(page, texts[page], project) for page in pages), ""])
        for label, pages in listed.items()
    ]
    full = [texts[page] for pages in listed.values() for page in pages]
    site.mkdir(parents=True, exist_ok=True)
    (site / "llms.txt").write_text("\n".join([head, *lists]), encoding="utf-8")
    (site / "llms-full.txt").write_text("\n".join([head, *full]), encoding="utf-8")


def entries(nav: Any, label: str = "") -> Iterator[tuple[str, str]]:
    """The pages of a navigation in order, each with the label of its section; empty at the top."""
    for item in nav:
        name, value = next(iter(item.items())) if isinstance(item, dict) else ("", item)
        if isinstance(value, list):
            yield from entries(value, label or name)
        else:
            yield label, value


def _entry(page: str, copy: str, project: Project) -> str:
    """One line of the list: the title, the address of the Markdown, the first paragraph."""
    address = urljoin(project.config.site_url or "", f"{plain.folder(page)}/index.md".lstrip("/"))
    return f"- [{reference.title(copy)}]({address}): {summary(copy)}"


def summary(copy: str) -> str:
    """The first paragraph of a page: its first line that is no heading and no other kind of block."""
    return next((line for line in copy.splitlines() if line and line[0] not in "#<`|!-（"), "")
