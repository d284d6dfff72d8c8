"""From a page to the code blocks that it publishes, read from the page as the site renders it."""

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import lxml.html
from mkdocs.utils.meta import get_data

from tooling import labs, parsed, regions
from tooling.errors import PageError
from tooling.fences import Fence, scan
from tooling.kinds import Block, classify
from tooling.modules import check_modules
from tooling.parsed import Reader
from tooling.project import Project
from tooling.regions import Region

INCLUDES = re.compile(r"^\s*-+8<-+(\s|$)")
ESCAPED = re.compile(r";(?=-+8<-+)")  # how a page shows an include or a marker as text
CODE = "self::code or self::samp or self::kbd or self::xmp or self::textarea"
SKIP = re.compile(r"<!--\s*(sybil|skip|invisible|no-?test|clear-namespace)\b", re.IGNORECASE)


@dataclass(frozen=True)
class CodeElement:
    """A code element of the rendered page."""

    text: str
    language: str
    title: str
    data: dict[str, str]


def published_blocks(path: Path, project: Project) -> list[Block]:
    """All code blocks of a page, in the order in which they are published.

    Raises:
        PageError: a block cannot be traced to its source, or its kind is not known.
    """
    found = parsed.load(path, project)
    if found is None:
        reader = Reader.of(project)
        found = _read(path, reader)
        parsed.store(path, found, list(reader.texts), project)
    return found


def _read(path: Path, project: Project) -> list[Block]:
    page = project.relative(path)
    source = project.read(path)
    for number, line in enumerate(source.splitlines(), start=1):
        if SKIP.search(line):
            raise PageError(
                page,
                number,
                f"a directive that would skip a block: {line.strip()}",
                'no directive, or a fence with data-exempt="reason" data-until="YYYY-MM-DD"',
            )
    if path.suffix == ".py":
        return _lab_blocks(path, project)
    fences = scan(source, page)
    _check_prose(source, fences, page)
    sources = [_source(fence, page, project) for fence in fences]
    elements = code_elements(render(source, project))
    _match(elements, fences, [text for text, _ in sources], page, source)
    blocks: list[Block] = []
    for element, fence, (_, region) in zip(elements, fences, sources, strict=True):
        block = Block(
            len(blocks) + 1,
            fence.line,
            fence.end,
            "",
            _declared(fence),
            element.title,
            element.text,
            region,
            fence,
            element.data,
        )
        blocks.append(classify(block, blocks, page))
    check_modules(blocks, path, project)
    return blocks


def _lab_blocks(path: Path, project: Project) -> list[Block]:
    """The code cells of a lab; its prose may show no code of its own."""
    blocks = labs.blocks(path, project)
    shown = code_elements(render(labs.markdown(labs.cells(path, project)), project))
    for element, text in zip_longest((e.text for e in shown), (b.text for b in blocks)):
        if element != text:
            raise PageError(
                project.relative(path),
                1,
                f"a code block that is no cell: {(element or text or '')[:60]!r}",
                "all code in cells, which run; the prose shows none",
            )
    return blocks


def render(source: str, project: Project) -> str:
    """The page's HTML as the site build makes it, before the theme's frame."""
    text, _ = get_data(source)
    return str(project.markdown.reset().convert(text))


def code_elements(html: str) -> list[CodeElement]:
    """Every element that a reader sees as a block of code, in order."""
    tree = lxml.html.fragment_fromstring(html, create_parent="div")
    elements = []
    for node in tree.xpath(f"//pre | //*[{CODE}][not(ancestor::pre)]"):
        classes = " ".join([node.get("class") or "", *(c.get("class") or "" for c in node.xpath("./code"))])
        if node.xpath("ancestor::td[contains(@class, 'linenos')]"):
            continue  # line numbers, not code
        several = "\n" in node.text_content() or bool(node.xpath(".//br"))
        if node.tag != "pre" and "language-" not in classes and not several:
            continue  # a word of code in a sentence
        frames = node.xpath("ancestor::div[contains(@class, 'highlight')][last()]")
        frame = frames[0] if frames else node
        language = re.search(r"language-(\S+)", f"{frame.get('class')} {classes}")
        titles = frame.xpath(".//span[@class='filename']") or frame.xpath(".//th[@class='filename']")
        elements.append(
            CodeElement(
                text=node.text_content().strip("\n"),
                language="mermaid" if "diagram" in classes else language[1] if language else "",
                title=titles[0].text_content() if titles else "",
                data={k.removeprefix("data-"): v for k, v in frame.attrib.items() if k.startswith("data-")},
            )
        )
    return elements


def _check_prose(source: str, fences: list[Fence], page: str) -> None:
    """An include between the fences would publish code as prose, which nothing runs."""
    fenced = {line for fence in fences for line in range(fence.line, fence.end + 1)}
    for number, line in enumerate(source.splitlines(), start=1):
        if number not in fenced and INCLUDES.match(line):
            raise PageError(page, number, "an include outside a fence", "an include alone in its fence")


def _source(fence: Fence, page: str, project: Project) -> tuple[str, Region | None]:
    """What a fence must publish: the region that it includes, or its own text."""
    lines = fence.text.strip().splitlines()
    if not any(INCLUDES.match(line) for line in lines):
        return ESCAPED.sub("", fence.text), None
    if len(lines) != 1:
        raise PageError(page, fence.line, "an include among other lines", "one include alone in its fence")
    region = regions.resolve(fence.text, page, fence.line + 1, project)
    return region.text, region


def _declared(fence: Fence) -> str:
    """The language as its author typed it: the highlighter calls one that it does not know text."""
    language = re.match(r"^\{?\s*\.?([\w+-]+)", fence.info)
    return language[1] if language else ""


def _match(
    elements: list[CodeElement], fences: list[Fence], texts: list[str], page: str, source: str
) -> None:
    """Each rendered code element must be one fence of the source, with the same text."""
    for index, element in enumerate(elements):
        if index < len(texts) and element.text == texts[index].strip("\n"):
            continue
        later = {text.strip("\n") for text in texts[index:]}
        if element.text not in later and len(elements) > len(fences):
            first = element.text.strip().splitlines()[0] if element.text.strip() else ""
            lines = [n for n, line in enumerate(source.splitlines(), 1) if first and first in line]
            raise PageError(
                page,
                lines[0] if lines else 1,
                f"a code block that is no fence (indented or raw HTML): {first!r}",
                "a fence with a language, its code included from a snippet",
            )
        raise PageError(
            page,
            fences[min(index, len(fences) - 1)].line,
            f"the page publishes {element.text[:60]!r}, not what stands in the source",
            "spaces instead of tabs, and an include that is expanded (not inside a quote)",
        )
    if len(fences) > len(elements):
        raise PageError(
            page,
            fences[len(elements)].line,
            "a fence that the site does not render as code",
            "a fence indented like its surroundings, with a blank line before it",
        )
