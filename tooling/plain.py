"""A page as Markdown that stands alone: its includes expanded, its links absolute."""

import functools
import posixpath
import re
from collections.abc import Iterator
from urllib.parse import urljoin

from mkdocs.structure.files import File
from mkdocs.utils.meta import get_data

from tooling.kinds import Block
from tooling.project import Project

LINK = re.compile(r"\]\((?P<path>[^)\s:#]*)(?P<anchor>#[^)\s]*)?\)")
ANCHOR = re.compile(r"^(#+ .+?) *\{ *#[\w-]+ *\}$", re.MULTILINE)
PLACE = re.compile(r'^<div data-\w+(="\w+")?></div>$', re.MULTILINE)


def markdown(source: str, blocks: list[Block], project: Project) -> str:
    """The page as Markdown."""
    texts = [
        prose(piece, source, project) if isinstance(piece, str) else fenced(piece)
        for piece in pieces(source, blocks, project)
    ]
    return "\n".join(texts).strip("\n") + "\n"


def pieces(source: str, blocks: list[Block], project: Project) -> Iterator[str | Block]:
    """The page in order: what is written between the blocks, and the blocks."""
    lines, done = project.read(project.docs / source).splitlines(), 0
    for block in [*blocks, None]:
        text = "\n".join(lines[done : block.line - 1 if block else None])
        yield get_data(text)[0] if done == 0 else text
        if block:
            yield block
            done = block.end


def fenced(block: Block) -> str:
    """A block as a fence that any Markdown reader knows: its language, its title, what it publishes."""
    title = f' title="{block.title}"' if block.title else ""
    lines = [f"{block.fence.mark}{block.language}{title}", *block.text.splitlines(), block.fence.mark]
    return "\n".join(block.fence.prefix + line if line else "" for line in lines)


def prose(text: str, source: str, project: Project) -> str:
    """Text between the blocks, its links absolute, without what only the site's own build understands."""
    text = PLACE.sub(lambda _: f"（这里的内容由构建生成，见 {address(source, project)} 。）", text)
    return LINK.sub(lambda link: _absolute(link, source, project), ANCHOR.sub(r"\1", text))


def address(source: str, project: Project) -> str:
    """The full address of a page or of a file in the site."""
    config = project.config
    return urljoin(config.site_url or "", _url(source, config.use_directory_urls))


@functools.lru_cache
def _url(source: str, folders: bool) -> str:
    return File(source, "", "", folders).url


def folder(source: str) -> str:
    """Where the files of a page lie in the site: beside its HTML.

    Examples:
        >>> folder("nlp/dialogue.md"), folder("challenges/index.md"), folder("index.md")
        ('nlp/dialogue', 'challenges', '')
    """
    stem = posixpath.splitext(source)[0]
    return posixpath.dirname(stem) if posixpath.basename(stem) == "index" else stem


def _absolute(link: re.Match[str], source: str, project: Project) -> str:
    beside = posixpath.join(posixpath.dirname(source), link["path"])
    target = posixpath.normpath(beside) if link["path"] else source
    if not any((root / target).is_file() for root in (project.docs, project.snippets)):
        return link[0]  # an example of a link, such as in the guide for contributors
    return f"]({address(target, project)}{link['anchor'] or ''})"
