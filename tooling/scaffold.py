"""A new page: the page from the template, its module, its line in the navigation, or none of them."""

import argparse
import json
import re
import sys
from pathlib import Path

from tooling.errors import PageError
from tooling.project import Project

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*/[a-z][a-z0-9]*(-[a-z0-9]+)*")
TEMPLATES = Path(__file__).parent / "templates"
USAGE = 'make new PAGE=section/slug TITLE="标题"'


def add(name: str, title: str, project: Project) -> list[Path]:
    """Writes the three files of the page `section/slug`; gives those that it wrote.

    Raises:
        PageError: the name breaks the rule or is taken, or no page of the section is in the navigation.
    """
    if not NAME.fullmatch(name):
        raise PageError("docs", 1, f"the name {name!r}", "section/slug in a–z, 0–9 and -", USAGE)
    section, slug = name.split("/")
    module = project.snippets / section / f"{slug.replace('-', '_')}.py"
    page = project.docs / section / f"{slug}.md"
    for path in (page, module):
        if path.exists():
            raise PageError(project.relative(path), 1, "exists already", "a name that is free", USAGE)
    owner = _owner(page)
    if owner is not None:
        raise PageError(
            "docs",
            1,
            f"the name {name!r}: its module would belong to {project.relative(owner)}",
            f"a name that does not begin with {owner.stem}-",
            USAGE,
        )
    config = project.root / "mkdocs.yml"
    written = {
        page: _fill("page.md", slug, title, project.relative(module)),
        module: _fill("module.py.txt", slug, title, project.relative(module)),
        config: _with_entry(project.read(config), section, f"{_quoted(title)}: {name}.md"),
    }
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(written)


def _owner(page: Path) -> Path | None:
    """The page whose variants (`training_torch.py`) a module of this name would be one of."""
    shorter = (other for other in page.parent.glob("*.md") if page.stem.startswith(f"{other.stem}-"))
    return next(shorter, None)


def _fill(template: str, slug: str, title: str, module: str) -> str:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    for key, value in {"SLUG": slug, "TITLE": title, "MODULE": module}.items():
        text = text.replace(f"@{key}@", value)
    return text


def _quoted(title: str) -> str:
    """The title as YAML reads it back."""
    return title if re.fullmatch(r"[\w ，、：]+", title) else json.dumps(title, ensure_ascii=False)


def _with_entry(config: str, section: str, entry: str) -> str:
    """The configuration with one more line, below the last page of the section; all else as it was."""
    lines = config.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if line.startswith("nav:")), len(lines))
    pages = [n for n in range(start, len(lines)) if re.search(rf"[ '\"]{section}/[^/]+\.md\b", lines[n])]
    if not pages:
        known = sorted(set(re.findall(r"([a-z0-9-]+)/[^/\s]+\.md\b", "".join(lines[start:]))))
        raise PageError(
            "mkdocs.yml",
            min(start + 1, len(lines)),
            f"no page of the section {section!r} in the navigation",
            f"one of: {', '.join(known)}; a new section is written here by hand",
            USAGE,
        )
    indent = re.match(r" *", lines[pages[-1]])
    assert indent is not None
    lines.insert(pages[-1] + 1, f"{indent[0]}- {entry}\n")
    return "".join(lines)


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="section/slug")
    parser.add_argument("title", nargs="?", default="", help="as the navigation shows it")
    arguments = parser.parse_args()
    project = Project(Path.cwd())
    title = arguments.title or arguments.name.rpartition("/")[2]
    try:
        written = add(arguments.name, title, project)
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(project.relative(path))
    print(f"then run: make pages PAGE=docs/{arguments.name}.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
