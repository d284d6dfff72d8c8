"""The buttons of blocks and header, as HTML."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from tooling import buttons


def test_a_block_has_its_buttons_outside_its_text() -> None:
    code = "<pre><span></span><code>1 + 1\n</code></pre>"
    page = LexborHTMLParser(buttons.draw(f"{code}<pre>plain</pre>"))
    assert [button.attributes["data-md-type"] for button in page.css("button")] == ["copy"]
    assert [node.text() for node in page.css("pre")] == ["1 + 1\n", "plain"]


@pytest.mark.parametrize("title", ["", '<span class="filename">train.py</span>'])
@pytest.mark.parametrize("more", ["", ' data-aside=""', ' data-preamble="if 1 &lt; 2 and 2 > 1:&quot;"'])
def test_a_block_of_a_module_has_two(title: str, more: str) -> None:
    code = "<pre><span></span><code>1 + 1\n</code></pre>"
    block = f'<div class="language-python highlight" data-module="snippets/a.py"{more}>{title}{code}</div>'
    page = LexborHTMLParser(buttons.draw(block + code))
    assert [len(node.css("button")) for node in page.css("pre")] == [2, 1]
    assert page.css("button")[0].attributes["data-md-type"] == "complete"


def test_the_palette_is_left_to_the_own_script() -> None:
    form = '<form class="md-header__option" data-md-component="palette"><input></form>'
    assert buttons.palette(form) == '<form class="md-header__option" data-palette><input></form>'
