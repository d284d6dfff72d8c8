"""glossary: the list, its page, the tooltips, and the names that are refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tooling import glossary, ledger
from tooling.errors import PageError
from tooling.glossary import Term
from tooling.pages import render
from tooling.project import Project

from .test_mkdocs_hooks import draw

LIST = """
[["文字"]]
zh = "词元"
en = "token"
says = "最小的单位。"
at = "results.md#results"
not = ["令牌"]
[["文字"]]
zh = "控制词元"
en = "control token"
says = "标出边界的\\"词元\\"。"
at = "results.md#results"
[["文字"]]
zh = "BLEU"
en = "BLEU"
says = "译文的分数。"
at = "nowhere.md#a"
tip = false
"""


def term(zh: str, en: str = "term", says: str = "说明。") -> Term:
    return Term("组", zh, en, says, "index.md", (), True)


@pytest.fixture
def listed(project: Project) -> Project:
    (project.docs / "glossary.toml").write_text(LIST, encoding="utf-8")
    return project


def explain(html: str, terms: Sequence[glossary.Term]) -> str:
    body = LexborHTMLParser(html).body
    assert body is not None
    glossary.explain(body, terms)
    return str(body.inner_html)


def test_the_list(listed: Project) -> None:
    assert [(t.zh, t.rejected, t.tip) for t in glossary.load(listed)] == [
        ("词元", ("令牌",), True),
        ("控制词元", (), True),
        ("BLEU", (), False),
    ]


def test_without_a_list_nothing_happens(project: Project) -> None:
    assert glossary.load(project) == ()
    assert explain("<p>词元</p>", []) == "<p>词元</p>"
    glossary.check(project.docs / "results.md", project)


def test_the_page_lists_the_terms_by_group(listed: Project) -> None:
    (listed.docs / "nowhere.md").write_text("没有标题\n", encoding="utf-8")
    text = glossary.expand(f"# 术语表\n\n{glossary.PLACE}\n", listed)
    html = render(text, listed)
    assert html.count("<h2") == 1 and html.count("<dt") == html.count("<dd") == 3
    assert (
        '<dt id="control-token"><strong>控制词元</strong> <span lang="en">control token</span></dt>' in html
    )
    assert "[Results](results.md#results)" in text and "[nowhere.md](nowhere.md#a)" in text
    assert '<dt id="bleu"><strong>BLEU</strong></dt>' in html  # no name twice
    assert glossary.expand("# Words\n", listed) == "# Words\n"


@pytest.mark.parametrize(
    ("html", "marked"),
    [
        ("<p>一个词元。</p>", "<p>一个<abbr>词元</abbr>。</p>"),
        ("<ul><li>词元和词元</li></ul>", "<ul><li><abbr>词元</abbr>和词元</li></ul>"),
        ("<p><strong>词元</strong></p><p>词元</p>", "<p><strong><abbr>词元</abbr></strong></p><p>词元</p>"),
        ("<p>控制词元与词元</p>", "<p><abbr>控制词元</abbr>与<abbr>词元</abbr></p>"),
        ("<p>控制词元，控制词元</p>", "<p><abbr>控制词元</abbr>，控制词元</p>"),  # not its tail
        ("<p>a &lt;b&gt; &amp; 词元 &lt;c&gt;</p>", "<p>a &lt;b&gt; &amp; <abbr>词元</abbr> &lt;c&gt;</p>"),
        ("<p>SacreBLEU、BLEU-4、BLEU。</p>", "<p>SacreBLEU、BLEU-4、<abbr>BLEU</abbr>。</p>"),
    ],
)
def test_the_first_use_gets_the_tooltip(html: str, marked: str) -> None:
    out = explain(html, [term("词元"), term("控制词元"), term("BLEU")])
    assert out.replace(' title="term：说明。" tabindex="0"', "") == marked


@pytest.mark.parametrize(
    "html",
    [
        "<h2>词元</h2>",
        "<p><code>词元</code></p>",
        '<div class="highlight"><pre><code># 词元\n</code></pre></div>',
        '<p><a href="#x">词元</a></p>',
        '<p><span class="arithmatex">\\(词元\\)</span></p>',
        "<table><tbody><tr><td>词元</td></tr></tbody></table>",
        '<div class="doc doc-object"><p>词元</p></div>',
        '<p><img alt="词元" src="a.svg"></p>',
        "<div>词元</div>",  # no running text
        '<div data-search-exclude=""><p>词元</p></div>',  # drawn by the build
    ],
)
def test_what_is_left_alone(html: str) -> None:
    assert explain(html, [term("词元")]) == html


def test_a_tooltip_says_both(listed: Project) -> None:
    out = explain("<p>控制词元</p>", glossary.load(listed))
    assert 'title="control token：标出边界的&quot;词元&quot;。" tabindex="0"' in out


def test_the_build_marks_a_page_and_leaves_its_code(listed: Project) -> None:
    page = listed.docs / "results.md"
    page.write_text(page.read_text() + "\n词元\n")
    before = ledger.code_texts(render(listed.read(page), listed))
    html = draw("results.md", listed)
    assert html.count("<abbr") == 1 and ledger.code_texts(html) == before != []


def test_a_refused_name_is_shown_with_its_line(listed: Project) -> None:
    page = listed.docs / "words.md"
    page.write_text(
        "# 一\n\n```text\n令牌\n```\n\n`令牌` $令牌$ [词元](令牌.md)\n\n用令牌\n", encoding="utf-8"
    )
    with pytest.raises(PageError) as caught:
        glossary.check(page, listed)
    error = caught.value
    assert (error.path, error.line) == ("docs/words.md", 9)
    assert (error.found, error.expected) == ("'令牌'", "'词元' for 'token'")


def test_prose_keeps_its_lines() -> None:
    text = "一\n```text\n二\n```\n$$\n三\n$$\n四 `五` [六](七) <b>\n"
    assert glossary.prose(text, "page.md") == "一\n\n\n\n\n\n\n四  [六] \n"


def test_the_list_of_this_site_is_sound() -> None:
    project = Project(Path(__file__).parents[2])
    terms = glossary.load(project)
    for names in ([t.zh for t in terms], [t.en.lower() for t in terms], [glossary.anchor(t) for t in terms]):
        assert len(names) == len({*names})
    known = {t.zh for t in terms}
    for t in terms:
        assert t.says.endswith("。") and len(t.says) <= 60, t
        assert not known & {*t.rejected}, t
        assert len(t.zh) > 1 or not t.tip, t
