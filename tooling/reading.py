"""The line under a page's title: how long the page takes to read, and when it was last changed."""

import math
import re

from selectolax.lexbor import LexborNode

# A convention, not a measurement: it stands in the line's tooltip, so that a reader can correct it.
CHARACTERS_A_MINUTE = 300
CHARACTER = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z][\w'-]*")
NO_PARAGRAPH = ("", "#", "<", "|", "`", "!", "-", "$", "=")  # how headings, tables, code and the like begin
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
# What is no prose, each part once: not the code within a listing, nor a listing within another part.
LISTING = ".mkdocstrings-source"
UNREAD = f".highlight:not({LISTING} *), pre:not(.highlight *), .arithmatex, .headerlink, {LISTING}"


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


def minutes(body: LexborNode) -> int:
    """How long the prose of a page takes: Chinese characters and Latin words, no code, no formulas.

    Examples:
        >>> from selectolax.lexbor import LexborHTMLParser
        >>> minutes(LexborHTMLParser("<p>" + "字" * 301 + "</p><pre>" + "x " * 9000 + "</pre>").body)
        2
    """
    count = _count(body) - sum(map(_count, body.css(UNREAD)))
    return max(1, math.ceil(count / CHARACTERS_A_MINUTE))


def _count(node: LexborNode) -> int:
    text = node.text(separator=" ")  # no word across the border of a part: what is taken off was counted
    return len(CHARACTER.findall(text)) + len(WORD.findall(text))


def line(body: LexborNode, changed: str | None) -> str:
    """The line itself, as HTML; without the day where nobody knows it."""
    facts = [
        f'<span title="按每分钟 {CHARACTERS_A_MINUTE} 字估计，不含代码和公式">'
        f"约 {minutes(body)} 分钟读完</span>"
    ]
    if changed is not None:
        title = "这一页的正文、代码或插图最近一次提交的日期"
        facts.append(f'<span title="{title}">最近改动 <time datetime="{changed}">{changed}</time></span>')
    return f'<p class="page-facts" data-search-exclude>{"".join(facts)}</p>'
