"""highlighting: without colours, a page shows the same blocks as with them."""

from pathlib import Path

import pytest
from markdown import Markdown
from mkdocs.utils.meta import get_data

from tooling.pages import code_elements, render
from tooling.project import Project

from .sites import ROOT

SITE = Project(ROOT)
PAGES = [path for path in SITE.page_paths() if path.suffix == ".md"]


@pytest.fixture(scope="module")
def coloured() -> Markdown:
    """The converter of the site build."""
    return Markdown(extensions=SITE.config.markdown_extensions, extension_configs=SITE.config.mdx_configs)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(SITE.docs).as_posix())
def test_each_page_has_the_same_code_elements(path: Path, coloured: Markdown) -> None:
    source = SITE.read(path)
    plain = code_elements(render(source, SITE))
    assert plain == code_elements(coloured.reset().convert(get_data(source)[0]))


def test_the_frame_of_a_block() -> None:
    html = SITE.markdown.reset().convert(
        '``` { .python .annotate title="a < b" data-raises="E: x" hl_lines="1" }\nx = 1 < 2\n```'
    )
    (element,) = code_elements(html)
    assert (element.text, element.language, element.title) == ("x = 1 < 2", "python", "a < b")
    assert element.data == {"raises": "E: x"} and "<span" not in html.replace('<span class="filename">', "")
    assert "annotate" in html


def test_code_in_a_sentence_is_left_to_the_site() -> None:
    assert "<code>x &lt; 1</code>" in SITE.markdown.reset().convert("Say `x < 1`.")
