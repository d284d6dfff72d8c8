"""The buttons of each block of code, and of the header, as HTML: no work for the browser at each visit."""

import re

# What is copied, docs/assets/copy.js makes as a button is pressed.
_BUTTON = '<button class="md-code__button" aria-label="{}" data-md-type="{}" data-clipboard-text></button>'
_COMPLETE = _BUTTON.format("复制到此处的完整代码", "complete")
_ALONE = _BUTTON.format("复制", "copy")
_CODE = re.compile(
    r'(?P<module> data-module="[^"]*"(?: [\w-]+="[^"]*")*>(?:<span class="filename">[^<]*</span>)?)?'
    "<pre><span></span><code>"
)
# The theme's script for it styles the whole page four times over; the site's is docs/assets/palette.js.
_PALETTE = '<form class="md-header__option" data-md-component="palette">'


def draw(html: str) -> str:
    """Puts the buttons on each block of code; leaves the palette to the site's own script.

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
    return f'{module}<pre><span></span><nav class="md-code__nav" role="none">{buttons}</nav><code>'
