"""MkDocs hooks: draw the evidence and the reference into the pages, publish what readers take along.

They keep no state and decide nothing.
"""

import functools
import posixpath
import shutil
from collections.abc import Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from selectolax.lexbor import LexborHTMLParser

from tooling import (
    access,
    buttons,
    colours,
    drawing,
    evidence,
    formulas,
    glossary,
    history,
    inventories,
    lab_pages,
    labels,
    labs,
    listings,
    llms,
    messages,
    offline,
    performance,
    pictures,
    reading,
    reference,
    regions,
    tables,
    takeaway,
    weight,
)
from tooling.evidence import Record
from tooling.kinds import Block
from tooling.parsed import Reader
from tooling.project import Project

MESSAGES = "<div data-messages></div>"
# The glossary says it itself; in the guide and the reference 标签 may be GitHub's and 区域 Python's.
WITHOUT_TOOLTIPS = ("glossary.md", "contributing/", "reference/")
LISTING = '<details class="mkdocstrings-source"'
TERMS = Path(__file__).with_name("terms.dict")  # words of the field that jieba would cut in two


def on_pre_build(config: MkDocsConfig) -> None:
    """Forgets what the last build of a preview knew."""
    _state.cache_clear()
    _project(config).forget()


@event_priority(100)  # before the plugins read their configuration
def on_config(config: MkDocsConfig) -> None:
    """Hands the plugins what must be an address or a path that holds in every working directory."""
    config.plugins["material/search"].config["jieba_dict_user"] = str(TERMS)
    handler = config.plugins["mkdocstrings"].config["handlers"]["python"]
    handler["inventories"] = inventories.vendored(_project(config).root)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lists the modules of the reference and the terms of the glossary; leads to the former; tags pages."""
    project = _project(config)
    if "tags" in page.meta:
        page.meta["tags"] += labels.frameworks(project.docs / page.file.src_uri, project)
    page.meta.setdefault("description", reading.description(markdown) or config.site_description)
    listed = glossary.expand(reference.expand(markdown, project), project)
    return listed + reference.link(page.file.src_uri, project)


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Publishes the data that ships, the labs for download and the archive: pages link them."""
    # Empty so far, so that a page can link it: its content is the site.
    files.append(File.generated(config, offline.NAME, content=b""))
    snippets = _project(config).snippets
    for path in sorted(snippets.glob("data/*")):
        if path.is_file() and path.suffix != ".md":
            name = path.relative_to(snippets).as_posix()
            files.append(File(name, str(snippets), config.site_dir, config.use_directory_urls))
    for file in lab_pages.downloads(config):
        files.append(file)


@event_priority(100)  # before a plugin reads the headings of a lab
def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts tooltips on terms, facts under the title, tables where a page asks for them; joins colours."""
    project = _project(config)
    if labs.is_lab(page.file.src_uri):
        html = lab_pages.publish(html, page, config, files)
    if not page.file.src_uri.startswith(WITHOUT_TOOLTIPS):
        html = glossary.explain(html, glossary.load(project))
    html = _tables(html, page, project, files).replace(LISTING, f"{LISTING} data-search-exclude")
    if MESSAGES in html:
        html = html.replace(MESSAGES, messages.table())
    html = performance.expand(html, project)
    source = page.file.src_uri
    published, _, _ = _state(source, project)
    if published is not None and not labs.is_lab(source):  # a lab is its own script and notebook
        takeaway.publish(source, published, project, Path(config.site_dir))
        row = takeaway.row(source, page.file.dest_uri, published, config.repo_url)
        html = html.replace("</h1>", f"</h1>{row}", 1)
    if "facts" not in page.meta.get("hide", []):
        changed = history.last_change(project.docs / page.file.src_uri, project)
        html = reading.below_title(html, changed)
    return colours.merge(html)  # now, as the search reads each element of it, and that takes it long


@event_priority(-100)  # after the search has read the page
def on_page_context(context: Mapping[str, object], page: Page, config: MkDocsConfig, nav: Navigation) -> None:
    """Draws what the search need not read: the line of evidence under each block, pictures, formulas."""
    project, folder = _project(config), Path(config.site_dir, page.file.dest_uri).parent
    html = pictures.defer(_proven(page.content or "", page.file.src_uri, project), folder)
    page.content = formulas.draw(html, project.docs / page.file.src_uri)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Mends what the theme lacks for a keyboard or a screen reader; draws buttons; takes off what weighs."""
    return _finished(output)


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:
    """Mends the page for unknown addresses, which is a template and no page."""
    return _finished(output) if template_name.endswith(".html") else output


@event_priority(-100)  # after the search has written its index
def on_post_build(config: MkDocsConfig) -> None:
    """Publishes the records beside the evidence page, the pages for machines, the site as an archive."""
    project, site = _project(config), Path(config.site_dir)
    llms.publish(project, site)
    for device in drawing.DEVICES:
        if (folder := project.evidence / device).is_dir():
            there = site / "evidence" / device
            shutil.copytree(folder, there, copy_function=shutil.copyfile, dirs_exist_ok=True)
    offline.write(site, config.site_url or "")


def _proven(html: str, source: str, project: Project) -> str:
    """The page with the line of evidence under each block, which says of what module it is part."""
    published, records, fresh = _state(source, project)
    tree = LexborHTMLParser(f"<body>{html}</body>")
    drawn_by_runs = "div.highlight:not(.lab-output), pre.diagram"
    nodes = [node for node in tree.css(drawn_by_runs) if listings.above(node, "doc") is None]
    if not nodes:
        return html
    takeaway.mark(nodes, published or [], project)
    lines = []
    for index, node in enumerate(nodes if records else [], start=1):
        code = node.css_first("td.code") or node.css_first("pre") or node
        if line := drawing.block_line(index, regions.sha256(code.text()), records, fresh):
            lines.append((node, line))
    drawn = LexborHTMLParser("".join(line for _, line in lines)).css("details")  # read in one go
    for (node, _), details in zip(lines, drawn, strict=True):
        node.insert_after(details)
    assert tree.body is not None
    return ("" if records else drawing.BANNER) + str(tree.body.inner_html)


def _finished(html: str) -> str:
    return weight.lighten(buttons.draw(access.mend(html)))


def _project(config: MkDocsConfig) -> Reader:
    return _at(config.config_file_path)


@functools.cache  # its Markdown converter is made once; another configuration makes these hooks anew
def _at(config_file: str) -> Reader:
    return Reader(Path(config_file).resolve().parent)  # several of the pieces below read the same module


@functools.cache  # a page and each table that lists it ask for the same
def _state(source: str, project: Project) -> tuple[list[Block] | None, dict[str, Record], dict[str, bool]]:
    """The blocks of a page, None while it cannot be read; its records by device; which of them are fresh."""
    blocks = takeaway.blocks_of(source, project)
    found = {device: evidence.load(source, project, device) for device in drawing.DEVICES}
    records = {device: record for device, record in found.items() if record is not None}
    path = project.docs / source
    fresh = {
        device: blocks is not None and evidence.fresh(record, path, blocks, project)
        for device, record in records.items()
    }
    return blocks, records, fresh


def _tables(html: str, page: Page, project: Project, files: Files) -> str:
    """Stale evidence is treated as absent: a table shows no number that nobody has measured."""
    if "data-evidence=" not in html:
        return html
    here = posixpath.dirname(page.file.dest_uri)
    rows = []
    for file in files.documentation_pages():
        _, records, fresh = _state(file.src_uri, project)
        lab = labs.is_lab(file.src_uri)
        if not records and "8<--" not in file.content_string and not lab:
            continue  # a page without code needs no evidence
        current = {device: record for device, record in records.items() if fresh[device]}
        address = posixpath.relpath(posixpath.dirname(file.dest_uri) or ".", here or ".") + "/"
        title = (
            reference.title(file.content_string.replace("\n# #", "\n#") if lab else file.content_string)
            or file.src_uri
        )
        rows.append(tables.PageRow(file.src_uri, title, address, current))
    for name, text in tables.drawn(rows).items():
        html = html.replace(f'<div data-evidence="{name}"></div>', f"<div data-search-exclude>{text}</div>")
    return html
