"""tables: totals, pages, results, machines, exemptions and downloads, all from the records."""

import pytest

from tooling import tables
from tooling.drawing import UNKNOWN
from tooling.evidence import Record
from tooling.tables import PageRow

from .test_drawing import entry


def row(cpu: Record | None = None, cuda: Record | None = None, title: str = "A <b>") -> PageRow:
    records = {"cpu": cpu, "cuda": cuda}
    return PageRow("a.md", title, "a/", {device: record for device, record in records.items() if record})


def test_totals() -> None:
    html = tables.totals([row(entry()), row(entry("shell", "failed")), row(entry(seconds=None))])
    assert "<strong>CPU 2 / 3</strong>" in html and "分布在 3 页" in html
    assert "代码块 2 个，命令 1 个" in html and "共用 3 s" in html
    assert f"<p>GPU {UNKNOWN}：还没有运行凭据。</p>" in html


def test_pages() -> None:
    html = tables.page_table([row(entry(), entry(seconds=0.2)), row()])
    assert (
        '<td><a href="a/">A &lt;b&gt;</a></td><td>1 / 1</td><td>1.3 s</td><td>0.2 s</td><td>300 MB</td>'
        in html
    )
    assert "<td>torch 2.13.0</td><td>2030-01-02</td>" in html
    assert html.count(f"<td>{UNKNOWN}</td>") == 6  # the page without a record


def test_results() -> None:
    printed = "rows 3\n结论｜Count｜3 <4>｜2\n"
    html = tables.result_table([row(entry(printed=printed)), row()])
    cells = ['<a href="a/">A &lt;b&gt;</a>：Count', "3 &lt;4&gt;", "2", "1.3 s", UNKNOWN]
    assert "".join(f"<td>{cell}</td>" for cell in cells) in html and html.count("<tr>") == 3
    assert "Count" in tables.result_table([row(entry("shell", printed=printed))])  # of a script


@pytest.mark.parametrize("one", [entry(status="failed"), entry("output")])
def test_what_no_block_printed_is_no_result(one: Record) -> None:
    one["blocks"][0]["printed"] = "结论｜A｜B｜C"
    assert tables.result_table([row(one)]).endswith("<tbody></tbody></table>")


def test_environments() -> None:
    gpu = entry()
    gpu["environment"] |= {"cuda": {"driver": "580.1", "runtime": "13.0"}, "hub": "real", "commit": None}
    html = tables.environment_table([row(entry()), row(entry(), gpu)])
    assert "<td>CPU</td><td>Fast &lt;One&gt;</td><td></td><td>Python 3.12.1</td><td>Linux</td>" in html
    assert "<td>替身</td><td>0123456789ab</td><td>2</td>" in html
    assert "<td>CUDA 13.0，驱动 580.1</td>" in html and f"<td>真实</td><td>{UNKNOWN}</td><td>1</td>" in html
    assert UNKNOWN in tables.environment_table([row()])


def test_exemptions() -> None:
    exempt = entry("exempt", "exempt", reason="a <cluster>", until="2999-01-01")
    html = tables.exemptions([row(exempt), row()])
    assert "<td>第 3 行</td><td>a &lt;cluster&gt;</td><td>2999-01-01</td>" in html
    assert tables.exemptions([row(entry())]) == "<p>没有豁免的代码块。</p>"


def test_downloads() -> None:
    html = tables.downloads([row(entry(), entry()), row()])
    assert '<li>a.md：<a href="cpu/a.md.json">CPU</a>，<a href="cuda/a.md.json">GPU</a></li>' in html
    assert f"<li>a.md：{UNKNOWN}</li>" in html
