"""MkDocs hooks: draw the evidence and the reference into the pages, publish what readers take along.

They keep no state and decide nothing.
"""

import copy
import functools
import gc
import posixpath
import shutil
from collections.abc import MutableMapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import CombinedEvent, event_priority
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
    llms,
    messages,
    offline,
    performance,
    pictures,
    reading,
    reference,
    regions,
    searched,
    tables,
    takeaway,
    weight,
)
from tooling.evidence import Record
from tooling.kinds import Block
from tooling.parsed import Reader
from tooling.project import Project

Context = MutableMapping[str, object]  # what the theme's template of a page is given
MESSAGES = "<div data-messages></div>"
# The glossary says it itself; in the guide and the reference 标签 may be GitHub's and 区域 Python's.
WITHOUT_TOOLTIPS = ("glossary.md", "contributing/", "reference/")
# What a run draws evidence for: no output of a lab, nothing that mkdocstrings shows.
DRAWN_BY_RUNS = "div.highlight:not(.lab-output):not(.doc *), pre.diagram:not(.doc *)"
TERMS = Path(__file__).with_name("terms.dict")  # words of the field that jieba would cut in two


def on_startup(command: str, dirty: bool) -> None:
    """Looks for garbage less often: nearly all that a build makes is kept to its end."""
    gc.set_threshold(5_000, 20, 20)  # half of that time at 3,000 pages, and no more memory


def on_pre_build(config: MkDocsConfig) -> None:
    """Forgets what the last build of a preview knew."""
    _proof.cache_clear()
    _blocks.cache_clear()
    _project(config).forget()


@event_priority(100)  # before the plugins read their configuration
def on_config(config: MkDocsConfig) -> None:
    """Hands the plugins what must be an address or a path that holds in every working directory."""
    project = _project(config)
    # For the pages that are rendered once more, to see their blocks: without what the plugins will add.
    own = copy.copy(config)
    own.update(markdown_extensions=[*config.markdown_extensions], mdx_configs={**config.mdx_configs})
    vars(project)["config"] = own
    config.plugins["material/search"].config["jieba_dict_user"] = str(TERMS)
    handler = config.plugins["mkdocstrings"].config["handlers"]["python"]
    handler["inventories"] = inventories.vendored(project.root)


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
    # Empty so far, so that a page can link it: `make site` packs the finished site into it.
    files.append(File.generated(config, offline.NAME, content=offline.EMPTY))
    snippets = _project(config).snippets
    for path in sorted(snippets.glob("data/*")):
        if path.is_file() and path.suffix != ".md":
            name = path.relative_to(snippets).as_posix()
            files.append(File(name, str(snippets), config.site_dir, config.use_directory_urls))
    for file in lab_pages.downloads(config):
        files.append(file)


@event_priority(100)  # before a plugin reads the headings of a lab
def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes pages of labs; draws tables where a page asks for them."""
    project = _project(config)
    if labs.is_lab(page.file.src_uri):
        html = lab_pages.publish(html, page, config, files)
    if MESSAGES in html:
        html = html.replace(MESSAGES, messages.table())
    return performance.expand(_tables(html, page, project, files), project)


@event_priority(100)
def _before_the_search(context: Context, page: Page, config: MkDocsConfig, nav: Navigation) -> None:
    """Sets the page aside; the search gets it without what it would read in vain."""
    context["content"] = page.content or ""
    page.content = searched.lighten(page.content or "")


@event_priority(-100)
def _after_the_search(context: Context, page: Page, config: MkDocsConfig, nav: Navigation) -> None:
    """Draws what the search need not read, and publishes what can be taken along from the page."""
    project, source = _project(config), page.file.src_uri
    tree = LexborHTMLParser(f"<body>{context.pop('content')}</body>")
    assert tree.body is not None
    below_title = ""
    if "facts" not in page.meta.get("hide", []):
        below_title = reading.line(tree.body, history.last_change(project.docs / source, project))
    blocks = _blocks(source, project)
    if blocks is not None and not labs.is_lab(source):  # a lab is its own script and notebook
        takeaway.publish(source, blocks, project, Path(config.site_dir))
        below_title += takeaway.row(source, page.file.dest_uri, blocks, config.repo_url)
    if not source.startswith(WITHOUT_TOOLTIPS):
        glossary.explain(tree.body, glossary.load(project))
    html = _prove(tree, source, project) + str(tree.body.inner_html)
    html = access.name_links(colours.merge(html.replace("</h1>", f"</h1>{below_title}", 1)))
    html = pictures.defer(buttons.draw(html), Path(config.site_dir, page.file.dest_uri).parent)
    page.content = formulas.draw(html, project.docs / source)


on_page_context = CombinedEvent(_before_the_search, _after_the_search)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Mends what the theme lacks for a keyboard or a screen reader; takes off what weighs."""
    return _finished(output)


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:
    """Mends the page for unknown addresses, which is a template and no page."""
    return _finished(output) if template_name.endswith(".html") else output


def on_post_build(config: MkDocsConfig) -> None:
    """Publishes the records beside the evidence page, and the pages for machines."""
    project, site = _project(config), Path(config.site_dir)
    llms.publish(project, site)
    for device in drawing.DEVICES:
        if (folder := project.evidence / device).is_dir():
            there = site / "evidence" / device
            shutil.copytree(folder, there, copy_function=shutil.copyfile, dirs_exist_ok=True)


def _prove(tree: LexborHTMLParser, source: str, project: Project) -> str:
    """Puts under each block its line of evidence, and on it its module; gives what stands above the page."""
    records, fresh = _proof(source, project)
    nodes = tree.css(DRAWN_BY_RUNS)
    if not nodes:
        return ""
    takeaway.mark(nodes, _blocks(source, project) or [], project)
    lines = []
    for index, node in enumerate(nodes if records else [], start=1):
        code = node.css_first("code") or node
        if line := drawing.block_line(index, regions.sha256(code.text()), records, fresh):
            lines.append((node, line))
    drawn = LexborHTMLParser("".join(line for _, line in lines)).css("details")  # read in one go
    for (node, _), details in zip(lines, drawn, strict=True):
        node.insert_after(details)
    return "" if records else drawing.BANNER


def _finished(html: str) -> str:
    header, end, page = html.partition("</header>")
    return weight.lighten(buttons.palette(access.header(header)) + end + access.navigation(page))


def _project(config: MkDocsConfig) -> Reader:
    return _at(config.config_file_path)


@functools.cache  # its Markdown converter is made once; another configuration makes these hooks anew
def _at(config_file: str) -> Reader:
    return Reader(Path(config_file).resolve().parent)  # several of the pieces below read the same module


@functools.cache  # as those below
def _blocks(source: str, project: Project) -> list[Block] | None:
    return takeaway.blocks_of(source, project)


@functools.cache  # a page and each table that lists it ask for the same
def _proof(source: str, project: Project) -> tuple[dict[str, Record], dict[str, bool]]:
    """The records of a page by device, and which of them are fresh; none is while it cannot be read."""
    blocks = _blocks(source, project)
    found = {device: evidence.load(source, project, device) for device in drawing.DEVICES}
    records = {device: record for device, record in found.items() if record is not None}
    path = project.docs / source
    fresh = {
        device: blocks is not None and evidence.fresh(record, path, blocks, project)
        for device, record in records.items()
    }
    return records, fresh


def _tables(html: str, page: Page, project: Project, files: Files) -> str:
    """Stale evidence is treated as absent: a table shows no number that nobody has measured."""
    if "data-evidence=" not in html:
        return html
    here = posixpath.dirname(page.file.dest_uri)
    rows = []
    for file in files.documentation_pages():
        records, fresh = _proof(file.src_uri, project)
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
