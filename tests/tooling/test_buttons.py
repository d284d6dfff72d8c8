"""The buttons of blocks and header, as HTML."""

from selectolax.lexbor import LexborHTMLParser

from tooling import buttons


def test_a_block_has_its_buttons_outside_its_text() -> None:
    page = LexborHTMLParser(buttons.draw("<pre><span></span><code>1 + 1\n</code></pre><pre>plain</pre>"))
    assert [button.attributes["data-md-type"] for button in page.css("button")] == ["complete", "copy"]
    assert [node.text() for node in page.css("pre")] == ["1 + 1\n", "plain"]


def test_the_palette_is_left_to_the_own_script() -> None:
    form = '<form class="md-header__option" data-md-component="palette"><input></form>'
    assert buttons.draw(form) == '<form class="md-header__option" data-palette><input></form>'
