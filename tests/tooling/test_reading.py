"""reading: the line under a page's title."""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tooling import reading


def body(html: str) -> LexborNode:
    found = LexborHTMLParser(html).body
    assert found is not None
    return found


def test_code_and_formulas_cost_no_time() -> None:
    prose = "<p>" + "字" * 300 + "</p>"
    assert reading.minutes(body(prose)) == 1
    assert reading.minutes(body(prose + "<p>word</p>")) == 2
    assert reading.minutes(body(prose + '<pre>x y</pre><span class="arithmatex">z</span>')) == 1


def test_what_stands_within_code_is_left_out_once() -> None:
    block = '<div class="highlight"><span class="filename">f</span><pre>x</pre></div>'
    listing = f'<details class="mkdocstrings-source"><summary>s</summary>{block}</details>'
    assert reading.minutes(body("<p>" + "字" * 301 + f"</p>{block}{listing}")) == 2


def test_the_day_stands_where_it_is_known() -> None:
    assert '<time datetime="2030-01-02">' in reading.line(body("<p>字</p>"), "2030-01-02")
    assert "最近改动" not in reading.line(body("<p>字</p>"), None)
