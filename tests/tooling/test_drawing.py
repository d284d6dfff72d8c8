"""drawing: the evidence as a reader sees it. The words are the site's own."""

from typing import Any

import pytest

from tooling import drawing
from tooling.evidence import Record


def entry(kind: str = "run", status: str = "passed", **more: Any) -> Record:
    block = {
        "index": 1,
        "line": 3,
        "kind": kind,
        "language": "python",
        "sha256": "abc",
        "source": {"module": "snippets/a.py", "region": "r", "lines": [2, 9]},
        "reason": None,
        "until": None,
        "status": status,
        "seconds": 1.26,
        "peak_rss_mb": 300,
        "output": None,
        "printed": "",
    }
    environment = {
        "python": "3.12.1",
        "device_name": "Fast <One>",
        "hub": "stand-in",
        "packages": {"torch": "2.13.0", "tensorflow": "2.21.0", "numpy": "2.4"},
        "commit": "0123456789abcdef+",
        "started": "2030-01-02T03:04:05Z",
    }
    return {"page": "a.md", "environment": environment, "blocks": [block | more]}


def line(cpu: Record, fresh: bool = True, sha: str = "abc") -> str:
    return drawing.block_line(1, sha, {"cpu": cpu}, {"cpu": fresh})


def summary(html: str) -> str:
    return html.split("<summary>")[1].split("</summary>")[0]


@pytest.mark.parametrize(
    ("cpu", "says"),
    [
        (entry(), "✓ 已运行 · CPU · 1.3 s · torch 2.13.0"),
        (entry(source={"module": "snippets/a_keras.py", "lines": [1, 2]}), "tensorflow 2.21.0"),
        (entry("raises"), "✓ 已运行，如期报错"),
        (entry("script"), "✓ 由下面的命令执行"),
        (entry("shell", source=None), "✓ 已运行"),
        (entry("output", output="exact"), "逐字一致"),
        (entry("output", output="tolerance 5%"), "小数容差 5%"),
        (entry("output", output="tolerance any"), "数值随机器而变，其余逐字一致"),
        (entry("shown", language="json"), "✓ 语法已检查"),
        (entry("shown", language="text"), "仅供阅读"),
        (
            entry("exempt", "exempt", reason="a <cluster>", until="2999-01-01"),
            "豁免：a &lt;cluster&gt;（2999-01-01",
        ),
        (entry(status="failed"), "未通过"),
        (entry(status="not run"), "未通过"),
    ],
)
def test_the_line_under_a_block(cpu: Record, says: str) -> None:
    assert says in summary(line(cpu))


def test_a_changed_block_is_stale_whatever_its_last_run_said() -> None:
    for html in (line(entry(), fresh=False), line(entry(), sha="other"), line(entry("output"), fresh=False)):
        assert "过期" in summary(html) and "✓" not in html and "evidence--stale" in html


def test_a_block_without_a_record_is_not_proven() -> None:
    html = drawing.block_line(2, "abc", {"cpu": entry()}, {"cpu": True})
    assert summary(html) == "未验证" and "evidence--missing" in html


def test_nothing_under_a_diagram() -> None:
    assert line(entry("shown", language="mermaid")) == ""


def test_both_devices_in_one_line() -> None:
    records = {"cpu": entry(), "cuda": entry(seconds=0.04)}
    html = drawing.block_line(1, "abc", records, {"cpu": True, "cuda": True})
    assert "CPU · 1.3 s · GPU · 0.0 s" in summary(html) and html.count("<dt>时间</dt>") == 2
    assert "过期" in summary(drawing.block_line(1, "abc", records, {"cpu": True, "cuda": False}))


def test_the_details_say_where_when_and_with_what() -> None:
    html = line(entry())
    for fact in ("Fast &lt;One&gt;", "2030-01-02T03:04:05Z", "0123456789ab（有未提交的改动）", "3.12.1"):
        assert fact in html
    for fact in ("torch 2.13.0，tensorflow 2.21.0，numpy 2.4", "替身", "1.260 s", "300 MB", "第 2–9 行"):
        assert fact in html


def test_what_was_not_measured_is_said_so() -> None:
    cpu = entry(seconds=None, peak_rss_mb=None, source=None, status="failed")
    cpu["environment"] |= {"device_name": None, "commit": None, "hub": "real"}
    html = line(cpu)
    assert html.count(f"<dd>{drawing.UNKNOWN}</dd>") == 4
    assert "真实" in html and "写在页面里" in html


def test_totals() -> None:
    assert "还没有运行凭据" in drawing.totals({})
    html = drawing.totals({"a.md": entry(), "b.md": entry("shell", "failed"), "c.md": entry(seconds=None)})
    assert "<strong>2 / 3</strong>" in html and "分布在 3 页" in html
    assert "代码块 2 个，命令 1 个" in html and "共用 3 s" in html


PAGES = [("a.md", "A <b>", "a/"), ("b.md", "B", "b/")]


def test_the_table_of_pages() -> None:
    html = drawing.page_table(PAGES, {"a.md": entry()})
    assert '<td><a href="a/">A &lt;b&gt;</a></td><td>1 / 1</td><td>1.3 s</td><td>300 MB</td>' in html
    assert "<td>2030-01-02</td>" in html
    assert html.count(f"<td>{drawing.UNKNOWN}</td>") == 4  # the page without a record


def test_the_table_of_results() -> None:
    printed = "rows 3\n结论｜Count｜3 <4>｜2\n"
    html = drawing.result_table(PAGES, {"a.md": entry(printed=printed)})
    row = '<td><a href="a/">A &lt;b&gt;</a>：Count</td><td>3 &lt;4&gt;</td><td>2</td><td>1.3 s</td>'
    assert row in html and html.count("<tr>") == 3


def test_results_of_blocks_that_failed_are_not_shown() -> None:
    html = drawing.result_table(PAGES[:1], {"a.md": entry(status="failed", printed="结论｜A｜B｜C")})
    assert html.endswith("<tbody></tbody></table>")
