"""Evidence as HTML: the line under a block, and the tables. Everything comes from the records."""

from collections.abc import Iterable
from html import escape
from typing import Any

from tooling.evidence import Record

DEVICES = {"cpu": "CPU", "cuda": "GPU"}
UNKNOWN = "未测"
RESULT = "结论｜"  # a block prints its result as 结论｜任务｜方法与结果｜基线与结果
BANNER = (
    '<div class="admonition warning" data-search-exclude><p class="admonition-title">这一页没有运行凭据</p>'
    "<p>这是本地预览。运行 <code>make pages</code> 之后，每个代码块下面会出现它的运行凭据。</p></div>"
)


def block_line(index: int, sha: str, records: dict[str, Record], fresh: dict[str, bool]) -> str:
    """The line under one block, which opens to the details of its runs; nothing under a diagram."""
    runs = []
    for device, record in records.items():
        block = next((b for b in record["blocks"] if b["index"] == index), None)
        if block is not None:
            runs.append((device, record, block))
    if not runs:
        return _details("未验证", "missing", [])
    if runs[0][2]["language"] == "mermaid":
        return ""
    ok = all(fresh[d] and b["sha256"] == sha and b["status"] in ("passed", "exempt") for d, _, b in runs)
    if runs[0][2]["kind"] == "exempt":
        return _details(f"豁免：{runs[0][2]['reason']}（{runs[0][2]['until']} 前复核）", "exempt", [])
    if not ok:
        stale = any(not fresh[d] or b["sha256"] != sha for d, _, b in runs)
        return _details("过期：改动之后还没有再运行" if stale else "未通过", "stale", runs)
    return _details(_summary(runs), "passed", runs)


def _summary(runs: list[tuple[str, Record, dict[str, Any]]]) -> str:
    block = runs[0][2]
    if block["kind"] == "output":
        tolerance = (block["output"] or "exact").removeprefix("tolerance ")
        how = {"exact": "逐字一致", "any": "数值随机器而变，其余逐字一致"}.get(
            tolerance, f"小数容差 {tolerance}"
        )
        return f"✓ 已与运行结果比对 · {how}"
    if block["kind"] == "script":
        return "✓ 由下面的命令执行"
    if block["kind"] == "shown":
        return "✓ 语法已检查" if block["language"] in ("json", "toml", "yaml") else "仅供阅读"
    parts = [f"✓ {'已运行，如期报错' if block['kind'] == 'raises' else '已运行'}"]
    for device, _, run in runs:
        parts.append(f"{DEVICES[device]} · {run['seconds']:.1f} s")
    parts += [f"{name} {version}" for name, version in _frameworks(runs[0][1], block)]
    return " · ".join(parts)


def _frameworks(record: Record, block: dict[str, Any]) -> Iterable[tuple[str, str]]:
    names = ("tensorflow",) if "_keras" in ((block["source"] or {}).get("module") or "") else ("torch",)
    return [(name, version) for name, version in record["environment"]["packages"].items() if name in names]


def _details(summary: str, state: str, runs: list[tuple[str, Record, dict[str, Any]]]) -> str:
    rows = ""
    for device, record, block in runs:
        environment = record["environment"]
        source = block["source"]
        place = (
            f"{source['module']} 第 {source['lines'][0]}–{source['lines'][1]} 行" if source else "写在页面里"
        )
        facts = {
            f"{DEVICES[device]}": environment["device_name"] or UNKNOWN,
            "时间": environment["started"],
            "提交": (environment["commit"] or UNKNOWN)[:12]
            + ("（有未提交的改动）" if (environment["commit"] or "").endswith("+") else ""),
            "Python": environment["python"],
            "版本": "，".join(f"{name} {version}" for name, version in environment["packages"].items()),
            "权重": "替身" if environment["hub"] == "stand-in" else "真实",
            "用时": f"{block['seconds']:.3f} s" if block["seconds"] is not None else UNKNOWN,
            "进程内存峰值": f"{block['peak_rss_mb']} MB" if block["peak_rss_mb"] is not None else UNKNOWN,
            "来源": place,
        }
        rows += "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in facts.items())
    body = f"<dl>{rows}</dl>" if rows else ""
    return (
        f'<details class="evidence evidence--{state}" data-search-exclude>'
        f"<summary>{escape(summary)}</summary>{body}</details>"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; the cells are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def totals(records: dict[str, Record]) -> str:
    """How many blocks of which kind passed, over the pages that have evidence."""
    blocks = [block for record in records.values() for block in record["blocks"]]
    passed = [block for block in blocks if block["status"] == "passed"]
    if not blocks:
        return f"<p>{UNKNOWN}：还没有运行凭据。</p>"
    seconds = sum(block["seconds"] or 0 for block in blocks)
    names = {
        "run": "代码块",
        "raises": "如期报错的代码块",
        "script": "由命令执行的脚本块",
        "output": "比对过的输出",
        "shell": "命令",
        "shown": "仅展示",
        "exempt": "豁免",
    }
    kinds = "，".join(
        f"{name} {sum(b['kind'] == kind for b in blocks)} 个"
        for kind, name in names.items()
        if any(b["kind"] == kind for b in blocks)
    )
    return (
        f"<p><strong>{len(passed)} / {len(blocks)}</strong> 个代码块通过，分布在 {len(records)} 页，"
        f"共用 {seconds:.0f} s：{kinds}。</p>"
    )


def page_table(pages: list[tuple[str, str, str]], records: dict[str, Record]) -> str:
    """One row a page: title and address, then what the record of the page says.

    Args:
        pages: source path, title and address of each page.
        records: the evidence, by source path.
    """
    rows = []
    for source, title, address in pages:
        if (record := records.get(source)) is None:
            rows.append([f'<a href="{address}">{escape(title)}</a>', *[UNKNOWN] * 4])
            continue
        blocks = record["blocks"]
        rows.append(
            [
                f'<a href="{address}">{escape(title)}</a>',
                f"{sum(b['status'] in ('passed', 'exempt') for b in blocks)} / {len(blocks)}",
                f"{sum(b['seconds'] or 0 for b in blocks):.1f} s",
                f"{max(b['peak_rss_mb'] or 0 for b in blocks)} MB",
                record["environment"]["started"][:10],
            ]
        )
    return table(["页面", "通过的代码块", "CPU 用时", "内存峰值", "日期"], rows)


def result_table(pages: list[tuple[str, str, str]], records: dict[str, Record]) -> str:
    """The results that the blocks printed as lines starting with 结论｜."""
    rows = []
    for source, title, address in pages:
        link = f'<a href="{address}">{escape(title)}</a>'
        record = records.get(source)
        if record is None:
            rows.append([link, *[UNKNOWN] * 4])
            continue
        seconds = f"{sum(b['seconds'] or 0 for b in record['blocks']):.1f} s"
        printed = "\n".join(
            b["printed"] for b in record["blocks"] if b["kind"] == "run" and b["status"] == "passed"
        )
        for line in printed.splitlines():
            if line.startswith(RESULT):
                task, method, baseline = (
                    escape(part.strip()) for part in line.removeprefix(RESULT).split("｜")
                )
                rows.append([f"{link}：{task}", method, baseline, seconds, UNKNOWN])
    return table(["任务", "方法与结果", "基线与结果", "整页 CPU 用时", "整页 GPU 用时"], rows)
