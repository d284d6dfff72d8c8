"""Chinese text: spaces beside Latin words, full-width punctuation, the glossary's terms; not in code."""

import argparse
import json
import sys
from pathlib import Path

import autocorrect_py

from tooling import glossary
from tooling.errors import PageError
from tooling.project import Project

RULES = {"context": {"codeblock": 0}}  # what a block prints is compared as it is


def mended(text: str, script: bool = False) -> str:
    """The text as the rules have it; of the script of a lab only the comments at the margin, its prose."""
    if script:
        lines = text.split("\n")
        prose = mended("\n".join(line if line.startswith("# ") else "" for line in lines)).split("\n")
        return "\n".join(new or old for new, old in zip(prose, lines, strict=True))
    autocorrect_py.load_config(json.dumps(RULES))  # type: ignore[attr-defined]  # its stubs lack it
    return str(autocorrect_py.format_for(text, "markdown"))


def check(path: Path, project: Project) -> None:
    """Stops at the first line that breaks a rule.

    Raises:
        PageError: there is one.
    """
    text = project.read(path)
    rules = mended(text, path.suffix == ".py")
    for number, (old, new) in enumerate(zip(text.split("\n"), rules.split("\n"), strict=True), 1):
        if old != new:
            raise PageError(project.relative(path), number, f"the text {old!r}", repr(new), "make fix")


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--fix", action="store_true", help="write what the rules have")
    arguments = parser.parse_args()
    project = Project(Path.cwd())
    failed = False
    for path in map(Path.resolve, arguments.files):
        if arguments.fix:
            path.write_text(mended(project.read(path), path.suffix == ".py"), encoding="utf-8")
        try:
            check(path, project)
            glossary.check(path, project)
        except PageError as error:
            print(error, file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
