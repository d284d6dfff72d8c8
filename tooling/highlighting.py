"""Fences without colours: the element and the text that the site shows, without the work of Pygments.

Pygments puts spans around the words of a block and leaves its text alone, so whoever reads only the text does
without it. The ledger reads the coloured pages, with a parser of its own.
"""

from html import escape
from typing import Any

from pymdownx.highlight import Highlight, HighlightExtension

NAME = "pymdownx.highlight"  # the extension of the site's configuration that is replaced


class _Plain(Highlight):  # type: ignore[misc]  # pymdownx ships no types: its class is Any
    def highlight(self, src: str, language: str, css_class: str = "highlight", **options: Any) -> Any:
        """The frame that pymdownx makes for a block, around its escaped text."""
        if options.get("inline"):
            return super().highlight(src, language, css_class, **options)
        classes = " ".join([f"language-{language or 'text'}", *(options.get("classes") or []), css_class])
        data = "".join(
            f' {name}="{value}"'
            for name, value in (options.get("attrs") or {}).items()
            if name.startswith("data-")
        )
        title = (options.get("title") or "").strip()
        name = f'<span class="filename">{title}</span>' if title else ""
        text = escape(src.strip("\n"), quote=False)
        return f'<div class="{classes}"{data}>{name}<pre><code>{text}\n</code></pre></div>'


class PlainHighlightExtension(HighlightExtension):  # type: ignore[misc]  # as above: Any
    """`pymdownx.highlight` for programs: takes the same settings and shows no colours."""

    def get_pymdownx_highlighter(self) -> type[Highlight]:
        """The class that makes the blocks."""
        return _Plain
