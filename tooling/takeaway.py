"""What a reader takes along from a page: its code as scripts, as notebooks, and the page as Markdown."""

import posixpath
from html import escape
from pathlib import Path

from selectolax.lexbor import LexborNode

from tooling import colab, notebooks, plain
from tooling.errors import PageError
from tooling.kinds import Block
from tooling.modules import base_module
from tooling.pages import published_blocks
from tooling.project import Project

OWN_PLACE = "Path(__file__)"  # a module that looks for its data from where it lies
PREAMBLE = """\
# 页面上没有这几行：下面的代码从 __file__ 的上一级目录找 data/，离开仓库就找不到。
# 所以让它在当前目录找；那里没有的，从本站取来。
from pathlib import Path
from urllib.request import urlopen

__file__ = str(Path.cwd() / "snippets" / "{name}")
Path("data").mkdir(exist_ok=True)
for name in {files}:
    if not (Path("data") / name).exists():
        (Path("data") / name).write_bytes(urlopen("{address}data/" + name).read())
# 以下与页面逐字相同。"""


def modules(blocks: list[Block]) -> list[str]:
    """The modules of a page, without the pitfalls, as they first appear."""
    return list(dict.fromkeys(base_module(block.region) for block in blocks if block.region is not None))


def complete(blocks: list[Block], last: Block, preamble: str = "") -> str:
    """The code that runs in a fresh interpreter up to and including one block.

    That is its module's blocks so far in page order; what stands beside the script, such as a block
    that must raise, comes after them and after nothing else of its kind.
    """
    assert last.region is not None
    module = base_module(last.region)
    before = [
        block.text
        for block in blocks[: last.index - 1]
        if block.kind in ("run", "script") and block.region is not None and block.region.path == module
    ]
    return "\n\n".join([*([preamble] if preamble else []), *before, last.text]) + "\n"


def script(blocks: list[Block], module: str, preamble: str = "") -> str:
    """A module as a file to take along: the complete code of its last block."""
    parts = [b for b in blocks if b.kind in ("run", "script") and b.region and b.region.path == module]
    return complete(blocks, parts[-1], preamble)


def preamble(module: str, project: Project) -> str:
    """The lines before a module that reads data from where it lies; empty for every other module."""
    return project.found((preamble, module), lambda: _preamble(module, project))


def _preamble(module: str, project: Project) -> str:
    text = project.read(project.root / module)
    if OWN_PLACE not in text:
        return ""
    files = [file.name for file in sorted((project.snippets / "data").glob("*")) if file.name in text]
    address = project.config.site_url or ""
    return PREAMBLE.format(name=posixpath.basename(module), files=files, address=address)


def blocks_of(source: str, project: Project) -> list[Block] | None:
    """The blocks of a page; None while it is being written and cannot be read, as `make pages` will say."""
    try:
        return published_blocks(project.docs / source, project)
    except PageError:
        return None


def mark(nodes: list[LexborNode], blocks: list[Block], project: Project) -> None:
    """Says on each block of code of a built page which module it belongs to, for the button that copies."""
    begun = set()
    for node, block in zip(nodes, blocks, strict=False):
        if block.region is None or block.kind not in ("run", "raises", "script"):
            continue
        module = base_module(block.region)
        node.attrs["data-module"] = module
        if block.region.path != module:
            node.attrs["data-aside"] = ""
        elif module not in begun and (text := preamble(module, project)):
            node.attrs["data-preamble"] = text
        begun.add(module)


def row(source: str, destination: str, blocks: list[Block], repository: str | None = None) -> str:
    """The line under the title of a page that offers what can be taken along.

    Args:
        source: the page, from `docs/`.
        destination: its HTML, from the root of the site.
        blocks: its blocks.
        repository: the address of the project's repository: its notebooks open in Colab if that is at GitHub.
    """

    place = posixpath.relpath(plain.folder(source) or ".", posixpath.dirname(destination) or ".")

    def link(file: str, words: str) -> str:
        address = posixpath.normpath(posixpath.join(place, file))
        return f'<a href="{escape(address)}" download>{escape(words)}</a>'

    scripts = [posixpath.basename(module) for module in modules(blocks)]
    books = [notebooks.name(module) for module in notebooks.modules(blocks)]
    online = {book: colab.address(posixpath.join(plain.folder(source), book), repository) for book in books}
    parts = [
        f"{words} {'、'.join(link(name, name) for name in names)}"
        for words, names in (("脚本", scripts), ("笔记本", books))
        if names
    ]
    if found := [f'<a href="{escape(there)}">{escape(book)}</a>' for book, there in online.items() if there]:
        parts.append(f"在 Colab 打开 {'、'.join(found)}")
    markdown = link("index.md", "Markdown")
    button = '<button type="button" class="takeaway__copy" hidden>复制为 Markdown</button>'
    return f'<p class="takeaway" data-search-exclude>{" · ".join([*parts, markdown, button])}</p>'


def publish(source: str, blocks: list[Block], project: Project, site: Path) -> None:
    """Writes what can be taken along beside the page in the folder of the built site."""
    place = site / plain.folder(source)
    files = {"index.md": plain.markdown(source, blocks, project)}
    for module in modules(blocks):
        files[posixpath.basename(module)] = script(blocks, module, preamble(module, project))
    for module in notebooks.modules(blocks):
        book = notebooks.notebook(source, blocks, module, preamble(module, project), project)
        files[notebooks.name(module)] = book
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_bytes(text.encode())
