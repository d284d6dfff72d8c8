"""The glossary: one Chinese term for each English one, its page, its tooltips, and names it must not have."""

import functools
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tooling.errors import PageError
from tooling.fences import scan
from tooling.project import Project

PLACE = "<div data-glossary></div>"
# What is no prose of the page: code, formulas, comments, the targets of links.
NO_PROSE = re.compile(r"`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|<!--.*?-->|(?<=\])\([^)\s]*\)|<[^>\n]*>", re.DOTALL)
RUNNING = {"p", "li", "dd"}  # a tooltip stands in running text
# Elements and classes without one: code, links, headings, tables, formulas, what the build draws or lists.
LEFT_ALONE = {
    "pre",
    "code",
    "kbd",
    "samp",
    "a",
    "abbr",
    "button",
    "label",
    "script",
    "style",
    "svg",
    "table",
} | {
    *("h1", "h2", "h3", "h4", "h5", "h6", "summary", "arithmatex", "evidence", "highlight", "doc", "footnote")
}


@dataclass(frozen=True)
class Term:
    """One term.

    Attributes:
        group: the heading that lists it.
        zh: the Chinese term, as the pages write it.
        en: the English one.
        says: one line that explains it.
        at: the page and the anchor that explain it best.
        rejected: what the pages must not call it.
        tip: whether its first use on a page carries the line as a tooltip.
    """

    group: str
    zh: str
    en: str
    says: str
    at: str
    rejected: tuple[str, ...]
    tip: bool


def load(project: Project) -> tuple[Term, ...]:
    """The terms in the order of `docs/glossary.toml`; none where there is no such file."""
    return project.found(load, lambda: _load(project.docs / "glossary.toml", project))


def _load(path: Path, project: Project) -> tuple[Term, ...]:
    return _terms(project.read(path)) if path.is_file() else ()


@functools.lru_cache(maxsize=2)  # each page asks for them
def _terms(text: str) -> tuple[Term, ...]:
    return tuple(
        Term(
            group,
            entry["zh"],
            entry["en"],
            entry["says"],
            entry["at"],
            tuple(entry.get("not", ())),
            entry.get("tip", True),
        )
        for group, entries in tomllib.loads(text).items()
        for entry in entries
    )


def anchor(term: Term) -> str:
    """Where the glossary explains a term.

    Examples:
        >>> anchor(Term("结构", "KV 缓存", "key–value cache", "…", "…", (), True))
        'key-value-cache'
    """
    return re.sub(r"[^a-z0-9]+", "-", term.en.lower()).strip("-")


def expand(source: str, project: Project) -> str:
    """The page of the glossary with its list, as Markdown: the build checks its links."""
    if PLACE not in source:
        return source
    parts, group = [], ""
    for term in load(project):
        if term.group != group:
            group = term.group
            parts.append(f"## {group}\n")
        same = term.en.lower() == term.zh.lower()
        english = "" if same else f' <span lang="en">{term.en}</span>'
        page, _, _ = term.at.partition("#")
        parts.append(
            f"**{term.zh}**{english} {{ #{anchor(term)} }}\n"
            f":   {term.says}见[{_title(page, project)}]({term.at})。\n"
        )
    return source.replace(PLACE, "\n".join(parts))


def _title(page: str, project: Project) -> str:
    """What a link calls a page: its heading, up to the colon."""
    first = re.search(r"^# (.+)$", project.read(project.docs / page), re.MULTILINE)
    return first[1].split("：")[0].strip() if first else page


def explain(body: LexborNode, terms: Sequence[Term]) -> None:
    """Puts a tooltip on the first use of each term in the running text of a page."""
    waiting = {term.zh: term for term in terms if term.tip}
    pattern = _any_of(tuple(waiting))
    for node in [*_running_text(body, False)]:
        text = node.text_content or ""
        marked, end = "", 0
        for use in pattern.finditer(text):
            if (term := waiting.pop(use[0], None)) is not None:
                marked += escape(text[end : use.start()]) + _tooltip(term)
                end = use.end()
        if marked:
            _replace(node, marked + escape(text[end:]))


@functools.lru_cache(maxsize=2)
def _any_of(terms: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(terms, key=len, reverse=True)
    return re.compile("|".join(map(_whole, longest_first)) or "(?!)")


def _whole(term: str) -> str:
    """The term as a pattern: Latin letters only where no other letter, digit or hyphen touches them."""
    before = r"(?<![A-Za-z0-9_-])" if term[0].isascii() else ""
    after = r"(?![A-Za-z0-9_-])" if term[-1].isascii() else ""
    return f"{before}{re.escape(term)}{after}"


def _running_text(node: LexborNode, running: bool) -> Iterator[LexborNode]:
    for child in node.iter(include_text=True):
        if child.is_text_node:
            if running:
                yield child
        elif child.tag not in LEFT_ALONE and not _is_left_alone(child.attributes):
            yield from _running_text(child, running or child.tag in RUNNING)


def _is_left_alone(attributes: dict[str, str | None]) -> bool:
    """By its class, or as what the build has drawn, which the search is told not to read."""
    classes = (attributes.get("class") or "").split()
    return "data-search-exclude" in attributes or not LEFT_ALONE.isdisjoint(classes)


def _tooltip(term: Term) -> str:
    """The theme shows it (`content.tooltips`) under the pointer and on focus; hence the `tabindex`."""
    return f'<abbr title="{escape(f"{term.en}：{term.says}")}" tabindex="0">{escape(term.zh)}</abbr>'


def _replace(node: LexborNode, html: str) -> None:
    """Puts the nodes of `html` in the place of a text node."""
    parsed = LexborHTMLParser(f"<span>{html}</span>").css_first("span")
    assert parsed is not None
    for child in [*parsed.iter(include_text=True)]:
        node.insert_before(child)
    node.decompose()


def check(path: Path, project: Project) -> None:
    """Stops at the first line that calls a term by a name that the glossary rejects.

    Raises:
        PageError: there is one.
    """
    instead = {name: term for term in load(project) for name in term.rejected}
    pattern = re.compile("|".join(re.escape(name) for name in instead) or "(?!)")
    page = project.relative(path)
    for number, line in enumerate(prose(project.read(path), page).split("\n"), start=1):
        if found := pattern.search(line):
            term = instead[found[0]]
            raise PageError(page, number, f"{found[0]!r}", f"{term.zh!r} for {term.en!r}", "make lint")


def prose(source: str, page: str) -> str:
    """The text of a page without code, formulas, comments and addresses, each line in its place."""
    lines = source.split("\n")
    for fence in scan(source, page):
        lines[fence.line - 1 : fence.end] = [""] * (fence.end - fence.line + 1)
    return NO_PROSE.sub(lambda gone: "\n" * gone[0].count("\n"), "\n".join(lines))
