"""The buttons of each block of code, and of the header, as HTML: no work for the browser at each visit."""

import re

# What is copied, docs/assets/copy.js makes as a button is pressed.
_BUTTON = '<button class="md-code__button" aria-label="{}" data-md-type="{}" data-clipboard-text></button>'
_COMPLETE = _BUTTON.format("复制到此处的完整代码", "complete")
_ALONE = _BUTTON.format("复制", "copy")
_ONE, _BOTH = (
    f'<pre><span></span><nav class="md-code__nav" role="none">{buttons}</nav><code>'
    for buttons in (_ALONE, _COMPLETE + _ALONE)
)
_CODE = "<pre><span></span><code>"
# What stands right before the code of a block that `takeaway.mark` has marked.
_MARKED = re.compile(r' data-module="[^"]*"(?: [\w-]+="[^"]*")*>(?:<span class="filename">[^<]*</span>)?$')
# The theme's script for it styles the whole page four times over; the site's is docs/assets/palette.js.
_PALETTE = '<form class="md-header__option" data-md-component="palette">'


def palette(header: str) -> str:
    """The header of a page, its palette left to the site's own script."""
    return header.replace(_PALETTE, _PALETTE.replace('data-md-component="palette"', "data-palette"))


def draw(html: str) -> str:
    """Puts the buttons on each block of code in the content of a page.

    A block of a module, which `takeaway.mark` has marked, has two: the block, and the code up to it.

    Examples:
        >>> draw("<pre><span></span><code>1 + 1</code></pre>").count("<button")
        1
    """
    parts = html.split(_CODE)
    for place, before in enumerate(parts[:-1]):
        # Looked for from the last tag of a block on: the text above can be long.
        marked = _MARKED.search(before, max(before.rfind("<div"), 0))
        parts[place] = f"{before}{_BOTH if marked else _ONE}"
    return "".join(parts)
