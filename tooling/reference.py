"""The reference: which modules a section lists, and the Markdown that mkdocstrings turns into the listing."""

import ast
import posixpath
import re
from pathlib import Path

from tooling.modules import module_paths
from tooling.project import Project

PLACE = re.compile(r'^<div data-reference="(?P<section>\w+)"></div>$', re.MULTILINE)


def public_names(path: Path) -> list[str]:
    """The public functions and classes at the top level of a module, in source order, each once."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in body if isinstance(node, kinds) and not node.name.startswith("_")]
    return list(dict.fromkeys(names))


def section_of(page: str) -> str:
    """The section that a page belongs to: its folder, or its own name at the top of `docs/`.

    Examples:
        >>> section_of("nlp/dialogue.md"), section_of("errata.md")
        ('nlp', 'errata')
    """
    return page.partition("/")[0].removesuffix(".md")


def expand(source: str, project: Project) -> str:
    """A reference page with the modules of the sections that it asks for."""
    return PLACE.sub(lambda place: _section(place["section"], project), source)


def link(page: str, project: Project) -> str:
    """The line at the foot of a page that leads to its functions and classes; empty if it has none."""
    there = f"reference/{section_of(page)}.md"
    if not project.found(there, (project.docs / there).is_file):
        return ""
    if not any(public_names(module) for module in module_paths(project.docs / page, project)):
        return ""
    target = posixpath.relpath(there, posixpath.dirname(page) or ".")
    return f"\n\n本页的函数与类列在[代码参考]({target}#{anchor(page)})里。\n"


def anchor(page: str) -> str:
    """Where the reference speaks of a page.

    Examples:
        >>> anchor("nlp/machine-translation.md")
        'nlp-machine-translation'
    """
    return page.removesuffix(".md").replace("/", "-")


def title(source: str) -> str:
    """The first heading of a page, without its mark; empty if it has none."""
    return next((line[2:].strip() for line in source.splitlines() if line.startswith("# ")), "")


def _section(section: str, project: Project) -> str:
    if section == "tooling":
        return _modules(sorted(project.root.glob("tooling/*.py")), project, 2)
    pages = [path.relative_to(project.docs).as_posix() for path in project.page_paths()]
    return "\n".join(_page(page, project) for page in pages if section_of(page) == section)


def _page(page: str, project: Project) -> str:
    path = project.docs / page
    if not (modules := _modules(module_paths(path, project), project, 3)):
        return ""
    return f"## {title(project.read(path))} {{ #{anchor(page)} }}\n\n[读这一页](../{page})\n\n{modules}"


def _modules(paths: list[Path], project: Project, level: int) -> str:
    return "\n".join(filter(None, (_module(path, project, level) for path in paths)))


def _module(path: Path, project: Project, level: int) -> str:
    if not (names := public_names(path)):
        return ""
    file = project.relative(path)
    dotted = file.removesuffix(".py").replace("/", ".")
    members = "".join(f"\n        - {name}" for name in names)
    heading = f"{'#' * level} `{file}` {{ #{dotted} }}"
    options = f"    options:\n      heading_level: {level + 1}\n      members:{members}\n"
    return f"{heading}\n\n::: {dotted}\n{options}"
