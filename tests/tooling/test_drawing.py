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
        "imports": ["torch", "numpy"],
        "reason": None,
        "until": None,
        "status": status,
        "seconds": 1.26,
        "peak_rss_mb": 300,
        "peak_vram_mb": None,
        "output": None,
        "printed": "",
        "weights": [],
    }
    environment = {
        "python": "3.12.1",
        "device_name": "Fast <One>",
        "cuda": None,
        "platform": "Linux",
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
        (entry(imports=["tensorflow", "numpy"]), "· tensorflow 2.21.0"),
        (entry(imports=["optuna"]), "· optuna 未测"),
        (entry(imports=[]), '· 1.3 s <span class="evidence-mark">仅 CPU</span>'),
        (entry(), '<span class="evidence-mark">仅 CPU</span>'),
        (entry(weights=["owner/name"]), "仅 CPU · 替身权重</span>"),
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


def both(cuda: Record, fresh: bool = True) -> str:
    cuda["environment"] |= {"cuda": {"driver": "580.1", "runtime": None}, "device_name": "Big One"}
    return drawing.block_line(1, "abc", {"cpu": entry(), "cuda": cuda}, {"cpu": True, "cuda": fresh})


def test_both_devices_in_one_line() -> None:
    html = both(entry(seconds=0.04, peak_vram_mb=7))
    assert "CPU · 1.3 s · GPU · 0.0 s" in summary(html) and "已验证</span>" in summary(html)
    assert html.count("<dt>时间</dt>") == 2
    assert "<dd>未测，驱动 580.1</dd>" in html and "<dt>显存峰值</dt><dd>7 MB</dd>" in html
    assert "<dt>显存峰值</dt><dd>未测</dd>" in both(entry())


@pytest.mark.parametrize("cuda", [entry(status="failed"), entry(status="not run"), entry(sha256="old")])
def test_what_did_not_pass_on_the_other_device_counts_for_nothing(cuda: Record) -> None:
    assert "仅 CPU" in summary(both(cuda)) and "GPU" not in summary(both(cuda))
    assert "仅 CPU" in summary(both(entry(), fresh=False))


def test_what_passed_on_a_gpu_alone() -> None:
    html = drawing.block_line(
        1, "abc", {"cpu": entry(status="failed"), "cuda": entry()}, {"cpu": True, "cuda": True}
    )
    assert "仅 GPU" in summary(html)


def test_the_details_say_where_when_and_with_what() -> None:
    html = line(entry(weights=["owner/name"]))
    for fact in ("Fast &lt;One&gt;", "2030-01-02T03:04:05Z", "0123456789ab（有未提交的改动）", "3.12.1"):
        assert fact in html
    for fact in (
        "torch 2.13.0，tensorflow 2.21.0，numpy 2.4",
        "替身：owner/name",
        "1.260 s",
        "300 MB",
        "第 2–9 行",
    ):
        assert fact in html
    assert "<dt>比对</dt><dd>小数容差 5%</dd>" in line(entry("output", output="tolerance 5%"))


def test_what_was_not_measured_is_said_so() -> None:
    cpu = entry(seconds=None, peak_rss_mb=None, source=None, status="failed", weights=["owner/name"])
    cpu["environment"] |= {"device_name": None, "commit": None, "hub": "real"}
    html = line(cpu)
    assert html.count(f"<dd>{drawing.UNKNOWN}</dd>") == 4
    assert "真实：owner/name" in html and "来源" not in html
