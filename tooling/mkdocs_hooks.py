"""MkDocs hooks: draw the evidence into the pages. They keep no state and decide nothing."""

import posixpath
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from selectolax.lexbor import LexborHTMLParser

from tooling import drawing, evidence, regions
from tooling.errors import PageError
from tooling.pages import published_blocks
from tooling.project import Project


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts the evidence line under each code block, and the tables where a page asks for them."""
    project = Project(Path(config.config_file_path).parent)
    html = _tables(html, page, project, files)
    tree = LexborHTMLParser(f"<body>{html}</body>")
    blocks = [node for node in tree.css("div.highlight, pre.diagram") if node.parent is not None]
    if not blocks:
        return html
    source = page.file.src_uri
    records = {d: r for d in drawing.DEVICES if (r := evidence.load(source, project, d)) is not None}
    if not records:
        return drawing.BANNER + html
    fresh = {device: _fresh(source, record, project) for device, record in records.items()}
    for index, node in enumerate(blocks, start=1):
        code = node.css_first("td.code") or node.css_first("pre") or node
        line = drawing.block_line(index, regions.sha256(code.text()), records, fresh)
        if (drawn := LexborHTMLParser(line).css_first("details")) is not None:
            node.insert_after(drawn)
    assert tree.body is not None
    return str(tree.body.inner_html)


def _fresh(source: str, record: evidence.Record, project: Project) -> bool:
    path = project.docs / source
    try:
        return evidence.fresh(record, path, published_blocks(path, project), project)
    except PageError:
        return False


def _tables(html: str, page: Page, project: Project, files: Files) -> str:
    if "data-evidence=" not in html:
        return html
    here = posixpath.dirname(page.file.dest_uri)
    pages, records = [], {}
    for file in files.documentation_pages():
        record = evidence.load(file.src_uri, project, "cpu")
        if record is None and "8<--" not in file.content_string:
            continue  # a page without code needs no evidence
        if record is not None:
            records[file.src_uri] = record
        address = posixpath.relpath(posixpath.dirname(file.dest_uri) or ".", here or ".") + "/"
        pages.append((file.src_uri, _title(file.content_string) or file.src_uri, address))
    drawn: dict[str, Any] = {
        "totals": drawing.totals(records),
        "pages": drawing.page_table(pages, records),
        "results": drawing.result_table(pages, records),
    }
    for name, text in drawn.items():
        html = html.replace(f'<div data-evidence="{name}"></div>', f"<div data-search-exclude>{text}</div>")
    return html


def _title(source: str) -> str:
    return next((line[2:].strip() for line in source.splitlines() if line.startswith("# ")), "")
