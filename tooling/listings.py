"""The reference in the built HTML: listings are lines of the source, examples run as they stand there."""

import doctest
import functools
import importlib
import io
from collections import Counter

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tooling.errors import PageError
from tooling.project import Project

LISTED = ("snippets/", "tooling/")


@functools.lru_cache(maxsize=1)
def tree(html: str) -> LexborHTMLParser:
    """A built page, parsed once for all who only read it."""
    return LexborHTMLParser(html)


def check(html: str, page: str, project: Project) -> tuple[Counter[str], list[str]]:
    """The code that the reference shows on one built page, by kind, and what is wrong with it."""
    kinds: Counter[str] = Counter()
    problems = []
    for node in tree(html).css(".doc pre"):
        if above(node, "linenos") is not None:
            continue
        listing = above(node, "mkdocstrings-source")
        kinds["listing" if listing is not None else "example"] += 1
        text = node.text().strip("\n")
        problem = _listing(text, listing, project) if listing is not None else _example(text, _name(node))
        if problem:
            problems.append(f"{page}: {problem}: {text.splitlines()[0][:60]!r}; run: make site")
    return kinds, problems


def above(node: LexborNode, name: str) -> LexborNode | None:
    """The nearest element above a node that has this class."""
    parent = node.parent
    while parent is not None and name not in (parent.attributes.get("class") or "").split():
        parent = parent.parent
    return parent


def _name(node: LexborNode) -> str:
    """The dotted name of the object whose docstring holds a node."""
    owner = above(node, "doc-object")
    heading = owner.css_first(".doc-heading") if owner is not None else None
    return (heading.attributes.get("id") or "") if heading is not None else ""


def _listing(text: str, listing: LexborNode, project: Project) -> str:
    """What is wrong with a listing; empty if its lines stand in the file that it names."""
    named = listing.css_first("summary code")
    file = named.text() if named is not None else ""
    if not file.startswith(LISTED):
        return f"a listing of {file or 'no file'}"
    try:
        source = project.read(project.root / file)
    except PageError as error:
        return error.found
    return "" if _flat(text) in _flat(source) else f"a listing that does not stand in {file}"


def _flat(text: str) -> str:
    """The lines without their indentation, which a listing of a method has lost."""
    return "\n".join(line.strip() for line in text.splitlines())


def _example(text: str, name: str) -> str:
    """What an example does that it should not; empty if it prints what it shows."""
    if not text.startswith(">>>") or not name.startswith("tooling."):
        return f"code in the docstring of {name or 'nothing'} that is no example of the tooling"
    module = importlib.import_module(".".join(name.split(".")[:2]))
    test = doctest.DocTestParser().get_doctest(text + "\n", vars(module).copy(), name, None, 0)
    report = io.StringIO()
    failed = doctest.DocTestRunner(verbose=False).run(test, out=report.write).failed
    return f"the example of {name} fails\n{report.getvalue()}" if failed else ""
