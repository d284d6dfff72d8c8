"""Makes snippets/data/passages-zh.tsv: this site's Chinese prose, a paragraph a line, with page and heading.

Run it from the root: python -m tests.reference.make_passages > snippets/data/passages-zh.tsv
The file that ships is a dated snapshot (snippets/data/README.md): pages that change later do not change it.

The rule is that of make_corpus.py, but for three things: a paragraph keeps the path of its page and the
headings above it (second and third level, joined by ' / '), headings are no paragraphs, and repetitions stay.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .make_corpus import FENCE, REFERENCES, paragraphs

HEADING = re.compile(r"^(#{1,4}) +(.+?) *(?:\{[^}]*\})?$", re.MULTILINE)


def passages(text: str) -> Iterator[tuple[str, str]]:
    """The headings above each paragraph of one page, and the paragraph."""
    for pattern in (FENCE, REFERENCES):
        text = pattern.sub("\n\n", text)
    path: list[str] = []
    parts = HEADING.split(text)
    for marks, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        depth = max(len(marks) - 2, 0)
        path = [*path[:depth], re.sub(r"\*\*|`", "", title)] if len(marks) > 1 else []
        for paragraph in paragraphs(body):
            yield " / ".join(path), paragraph


def main() -> None:
    for page in sorted(Path("docs").rglob("*.md")):
        for heading, paragraph in passages(page.read_text(encoding="utf-8")):
            sys.stdout.write(f"{page.relative_to('docs')}\t{heading}\t{paragraph}\n")


if __name__ == "__main__":
    main()
