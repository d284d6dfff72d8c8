"""The line under a page's title: how long the page takes to read, and when it was last changed."""

import math
import re

from selectolax.lexbor import LexborHTMLParser

# A convention, not a measurement: it stands in the line's tooltip, so that a reader can correct it.
CHARACTERS_A_MINUTE = 300
CHARACTER = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z][\w'-]*")
NO_PARAGRAPH = ("", "#", "<", "|", "`", "!", "-", "$", "=")  # how headings, tables, code and the like begin
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
UNREAD = "pre, .highlight, .arithmatex, .headerlink, details.evidence, .mkdocstrings-source"


def description(markdown: str) -> str:
    """The first paragraph of a page as plain text: what a search engine shows of it; empty if there is none.

    Examples:
        >>> description("# 标题\\n\\n## 题目\\n\\n怎样用 `nn.Linear`？见[训练](training.md)。\\n\\n答。")
        '怎样用 nn.Linear？见训练。'
    """
    for paragraph in re.split(r"\n\s*\n", markdown):
        if paragraph[:1] not in NO_PARAGRAPH:
            return LINK.sub(r"\1", paragraph).replace("`", "").replace("**", "").replace("\n", "").strip()
    return ""


def minutes(html: str) -> int:
    """How long the prose of a page takes: Chinese characters and Latin words, no code, no formulas.

    Examples:
        >>> minutes("<p>" + "字" * 301 + "</p><pre>" + "x " * 9000 + "</pre>")
        2
    """
    tree = LexborHTMLParser(f"<body>{html}</body>")
    for node in tree.css(UNREAD):
        node.decompose()
    text = tree.body.text() if tree.body is not None else ""
    return max(1, math.ceil((len(CHARACTER.findall(text)) + len(WORD.findall(text))) / CHARACTERS_A_MINUTE))


def line(html: str, changed: str | None) -> str:
    """The line itself, as HTML; without the day where nobody knows it."""
    facts = [
        f'<span title="按每分钟 {CHARACTERS_A_MINUTE} 字估计，不含代码和公式">'
        f"约 {minutes(html)} 分钟读完</span>"
    ]
    if changed is not None:
        title = "这一页的正文、代码或插图最近一次提交的日期"
        facts.append(f'<span title="{title}">最近改动 <time datetime="{changed}">{changed}</time></span>')
    return f'<p class="page-facts" data-search-exclude>{"".join(facts)}</p>'


def below_title(html: str, changed: str | None) -> str:
    """The page with the line below its first heading; as it was if it has none."""
    return html.replace("</h1>", f"</h1>{line(html, changed)}", 1)
