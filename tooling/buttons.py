"""Each block of code as the browser has it easiest: buttons in the HTML, and its number of lines."""

import re

# What is copied, docs/assets/copy.js makes as a button is pressed.
_BUTTON = '<button class="md-code__button" title="{}" data-md-type="{}" data-clipboard-text></button>'
_COMPLETE = _BUTTON.format("复制到此处的完整代码", "complete")
_ALONE = _BUTTON.format("复制", "copy")
_CODE = re.compile(
    r'(?P<module> data-module="[^"]*"(?: [\w-]+="[^"]*")*>(?:<span class="filename">[^<]*</span>)?)?'
    "<pre><span></span><code>(?P<text>.*?)</code>",
    re.DOTALL,
)
# The theme's script for it styles the whole page four times over; the site's is docs/assets/palette.js.
_PALETTE = '<form class="md-header__option" data-md-component="palette">'


def draw(html: str) -> str:
    """Puts the buttons on each block of code; leaves the palette to the site's own script.

    With its number of lines, the style sheet says how high a block is before the browser has laid it out.

    A block of a module, which `takeaway.mark` has marked, has two: the block, and the code up to it.

    Examples:
        >>> draw("<pre><span></span><code>1 + 1</code></pre>").count("<button")
        1
    """
    html = _CODE.sub(_with_buttons, html)
    return html.replace(_PALETTE, _PALETTE.replace('data-md-component="palette"', "data-palette"))


def _with_buttons(match: re.Match[str]) -> str:
    module = match["module"] or ""
    buttons = (_COMPLETE if module else "") + _ALONE
    lines = f'style="--lines: {match["text"].count(chr(10))}"'
    nav = f'<nav class="md-code__nav" role="none">{buttons}</nav>'
    return f"{module}<pre {lines}><span></span>{nav}<code>{match['text']}</code>"
