"""reading: the line under a page's title."""

from tooling import reading


def test_code_and_formulas_cost_no_time() -> None:
    prose = "<p>" + "字" * 300 + "</p>"
    assert reading.minutes(prose) == 1
    assert reading.minutes(prose + "<p>word</p>") == 2
    assert reading.minutes(prose + '<pre>x y</pre><span class="arithmatex">z</span>') == 1


def test_the_day_stands_where_it_is_known() -> None:
    page = "<h1>Title</h1><p>字</p>"
    assert '<time datetime="2030-01-02">' in reading.below_title(page, "2030-01-02")
    assert "最近改动" not in reading.below_title(page, None)
    assert reading.below_title("<p>字</p>", None) == "<p>字</p>"
