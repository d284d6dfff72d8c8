"""The buttons of each block of code, and of the header, as HTML: no work for the browser at each visit."""

# What is copied, docs/assets/copy.js makes as a button is pressed; the first is for blocks of a module.
_BLOCK = (
    '<nav class="md-code__nav" role="none">'
    '<button class="md-code__button" title="复制到此处的完整代码" data-md-type="complete"'
    " data-clipboard-text></button>"
    '<button class="md-code__button" title="复制" data-md-type="copy" data-clipboard-text></button>'
    "</nav>"
)
_CODE = "<pre><span></span><code>"
# The theme's script for it styles the whole page four times over; the site's is docs/assets/palette.js.
_PALETTE = '<form class="md-header__option" data-md-component="palette">'


def draw(html: str) -> str:
    """Puts the buttons on each block of code; leaves the palette to the site's own script.

    Examples:
        >>> draw("<pre><span></span><code>1 + 1</code></pre>").count("<button")
        2
    """
    html = html.replace(_CODE, _CODE.replace("<code>", f"{_BLOCK}<code>"))
    return html.replace(_PALETTE, _PALETTE.replace('data-md-component="palette"', "data-palette"))
