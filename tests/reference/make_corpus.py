"""Makes snippets/data/handbook-zh.txt: the Chinese prose of this site's own pages, one paragraph a line.

Run it from the root: python tests/reference/make_corpus.py > snippets/data/handbook-zh.txt
The file that ships is a dated snapshot (snippets/data/README.md): pages that change later do not change it.

The rule, page by page in the order of their paths:
1. Drop fenced blocks, tables, HTML, images, displayed formulas, include lines and the section 参考.
2. Strip the Markdown marks: headings, lists, quotes, emphasis, links (their text stays), attributes.
3. Drop URLs, and sentences with a formula in them, which would leave a hole; inline code stays.
4. Keep a paragraph of at least 12 characters of which at least half are Chinese; drop exact repetitions.
"""

import re
import sys
from pathlib import Path

FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
REFERENCES = re.compile(r"^## 参考\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)
DROPPED_LINE = re.compile(r"^\s*(\||<|!\[|!!!|===|;?--8<--|---|hide:|  - toc)")
MARKS = [
    (re.compile(r"^\s*(#+|[-*>]|\d+\.)\s+"), ""),  # headings, lists, quotes
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),  # links and images
    (re.compile(r"\{[^}]*\}"), ""),  # attributes
    (re.compile(r"<?https?://[^\s>）)]+>?"), ""),
    (re.compile(r"\*\*|`"), ""),
    (re.compile(r"\s+"), " "),
]
SENTENCE = re.compile(r"[^。？！]*(?:[。？！]|$)")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def paragraphs(text: str) -> list[str]:
    """The prose of one page."""
    for pattern in (FENCE, REFERENCES, FORMULA):
        text = pattern.sub("\n\n", text)
    kept: list[str] = []
    joined = ""
    for line in [*text.splitlines(), ""]:
        if DROPPED_LINE.match(line):
            line = ""
        starts_anew = not line.strip() or re.match(r"^\s*(#|[-*>] |\d+\. )", line)
        if starts_anew and joined:
            kept.append(joined)
            joined = ""
        for pattern, replacement in MARKS:
            line = pattern.sub(replacement, line)
        joined += line.strip()
    kept.append(joined)
    kept = ["".join(s for s in SENTENCE.findall(p) if "$" not in s).strip() for p in kept]
    return [p for p in kept if len(p) >= 12 and 2 * len(CHINESE.findall(p)) >= len(p)]


def main() -> None:
    pages = [page for page in sorted(Path("docs").rglob("*.md")) if page.name != "mini-gpt.md"]
    found = [p for page in pages for p in paragraphs(page.read_text(encoding="utf-8"))]
    sys.stdout.write("\n".join(dict.fromkeys(found)) + "\n")


if __name__ == "__main__":
    main()
