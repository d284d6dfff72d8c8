"""Labs on the site: what mkdocs-jupyter made of one becomes a page and two downloads."""

import base64
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from selectolax.lexbor import LexborHTMLParser, LexborNode

from tooling import colab
from tooling.errors import PageError
from tooling.labs import ATTRIBUTES, Cell, Output, cells, markdown
from tooling.project import Project

STDOUT = "text/plain"


def outputs_of(html: str, read: list[Cell], name: str) -> list[Output]:
    """What each code cell gave, from the HTML of mkdocs-jupyter.

    Raises:
        PageError: a cell shows something else than text and one figure, or a figure without its words.
    """
    code = [cell for cell in read if cell.kind == "code"]
    # The template nests two elements of this class; the inner one carries the identifier.
    nodes = LexborHTMLParser(html).css(".jp-CodeCell[id^='cell-id']")
    return [_output(node, cell, name) for node, cell in zip(nodes, code, strict=True)]


def _output(node: LexborNode, cell: Cell, name: str) -> Output:
    texts, figures = [], []
    for given in node.css(".jp-OutputArea-output"):
        picture = given.css_first("img")
        if given.attributes.get("data-mime-type") == STDOUT and "executeResult" not in _classes(given):
            texts.append(given.css_first("pre").text())  # type: ignore[union-attr]  # its template has one
        elif picture is not None and (source := picture.attributes.get("src") or "").startswith(
            "data:image/png"
        ):
            figures.append(base64.b64decode(source.split(",")[1]))
        else:
            raise PageError(
                name, cell.line, f"a cell that shows {given.text().strip()[:60]!r}", "print(…) or one figure"
            )
    if len(figures) > 1 or bool(figures) != ("alt" in cell.data):
        raise PageError(
            name,
            cell.line,
            f"{len(figures)} figures in a cell",
            '# %% alt="…" for one, and no words for none',
        )
    return Output("".join(texts).strip("\n"), figures[0] if figures else None)


def _classes(node: LexborNode) -> str:
    """The classes of an output and of what holds it: there the result of a cell is marked."""
    return f"{node.attributes.get('class')} {node.parent.attributes.get('class') if node.parent else ''}"


def publish(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Renders a lab as a page of the site; `html` is what mkdocs-jupyter made of it."""
    project = Project(Path(config.config_file_path).resolve().parent)
    path, name = project.docs / page.file.src_uri, f"docs/{page.file.src_uri}"
    read, folder = cells(path, project), path.stem
    outputs = None
    if config.plugins["mkdocs-jupyter"].config["execute"]:
        outputs = outputs_of(html, read, name)
        code = [cell for cell in read if cell.kind == "code"]
        for cell, output in zip(code, outputs, strict=True):
            if output.figure:
                uri = f"labs/{folder}/figure-{cell.line}.png"
                files.append(File.generated(config, uri, content=output.figure))
    online = colab.address(f"labs/{folder}/{folder}.ipynb", config.repo_url)
    page.markdown = markdown(read, folder, outputs, online)
    Page.render(page, config, files)  # not page.render, which mkdocs-jupyter has made its own
    assert page.content is not None
    return page.content


def downloads(config: MkDocsConfig) -> list[File]:
    """Each lab as a notebook and as a script, to be published beside its page."""
    import jupytext

    found = []
    for path in sorted(Path(config.docs_dir).glob("labs/*.py")):
        source = path.read_text(encoding="utf-8")
        notebook = jupytext.reads(source, fmt="py:percent")
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"  # jupytext draws one at random: each build would differ
        # jupytext lists those that it met, in the order of a set: another one in each process.
        notebook.metadata["jupytext"]["cell_metadata_filter"] = ",".join([*sorted(ATTRIBUTES), "-all"])
        for suffix, text in (("ipynb", jupytext.writes(notebook, fmt="ipynb")), ("py", source)):
            found.append(File.generated(config, f"labs/{path.stem}/{path.stem}.{suffix}", content=text))
    return found
