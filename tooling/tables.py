"""The tables that pages ask for with `<div data-evidence="…">`, drawn from the records."""

from dataclasses import dataclass
from html import escape
from typing import Any

from tooling.drawing import DEVICES, UNKNOWN
from tooling.evidence import Record

RESULT = "结论｜"  # a block prints its result as 结论｜任务｜方法与结果｜基线与结果
FRAMEWORKS = ("torch", "tensorflow", "transformers")
KINDS = {
    "run": "代码块",
    "raises": "如期报错的代码块",
    "script": "由命令执行的脚本块",
    "output": "比对过的输出",
    "shell": "命令",
    "shown": "仅展示",
    "exempt": "豁免",
}


@dataclass(frozen=True)
class PageRow:
    """A page with code: its title, its address as seen from the table, its fresh records by device."""

    source: str
    title: str
    address: str
    records: dict[str, Record]

    @property
    def link(self) -> str:
        """A link to the page, as HTML."""
        return f'<a href="{self.address}">{escape(self.title)}</a>'

    def seconds(self, device: str) -> str:
        """The sum of its blocks' seconds on a device, with the unit."""
        record = self.records.get(device)
        return f"{sum(b['seconds'] or 0 for b in record['blocks']):.1f} s" if record else UNKNOWN


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; the cells are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def totals(pages: list[PageRow]) -> str:
    """How many blocks of which kind passed, a line a device."""
    lines = []
    for device, name in DEVICES.items():
        records = [page.records[device] for page in pages if device in page.records]
        blocks = [block for record in records for block in record["blocks"]]
        if not blocks:
            lines.append(f"<p>{name} {UNKNOWN}：还没有运行凭据。</p>")
            continue
        passed = _passed(blocks)
        seconds = sum(block["seconds"] or 0 for block in blocks)
        counts = {kind: sum(block["kind"] == kind for block in blocks) for kind in KINDS}
        kinds = "，".join(f"{KINDS[kind]} {count} 个" for kind, count in counts.items() if count)
        lines.append(
            f"<p><strong>{name} {passed} / {len(blocks)}</strong> 个代码块通过，分布在 {len(records)} 页，"
            f"共用 {seconds:.0f} s：{kinds}。</p>"
        )
    return "".join(lines)


def headline(pages: list[PageRow]) -> str:
    """The same in four figures, for the first screen of the home page."""
    blocks = {
        device: [b for page in pages if device in page.records for b in page.records[device]["blocks"]]
        for device in DEVICES
    }
    figures = [
        (
            f"代码块在 {name} 上通过",
            f"{_passed(blocks[device])} / {len(blocks[device])}" if blocks[device] else UNKNOWN,
        )
        for device, name in DEVICES.items()
    ]
    proven = next((found for found in blocks.values() if found), [])
    compared = _passed([block for block in proven if block["kind"] == "output"])
    raised = _passed([block for block in proven if block["kind"] == "raises"])
    figures += [("输出比对过", str(compared)), ("错误如期报出", str(raised))] if proven else []
    tiles = "".join(f"<div><dt>{words}</dt><dd>{figure}</dd></div>" for words, figure in figures)
    return f'<dl class="headline">{tiles}</dl>'


def _passed(blocks: list[Record]) -> int:
    return sum(block["status"] == "passed" for block in blocks)


def page_table(pages: list[PageRow]) -> str:
    """One row a page: blocks, times, memory, versions, date."""
    rows = []
    for page in pages:
        if not page.records:
            rows.append([page.link, *[UNKNOWN] * 6])
            continue
        record = next(iter(page.records.values()))
        blocks, environment = record["blocks"], record["environment"]
        names = {name for block in blocks for name in block["imports"]}
        versions = [
            f"{name} {environment['packages'].get(name, UNKNOWN)}" for name in FRAMEWORKS if name in names
        ]
        rows.append(
            [
                page.link,
                f"{sum(b['status'] in ('passed', 'exempt') for b in blocks)} / {len(blocks)}",
                page.seconds("cpu"),
                page.seconds("cuda"),
                f"{max(b['peak_rss_mb'] or 0 for b in blocks)} MB",
                escape("，".join(versions)),
                environment["started"][:10],
            ]
        )
    return table(["页面", "通过", "CPU 用时", "GPU 用时", "内存峰值", "版本", "日期"], rows)


def result_table(pages: list[PageRow]) -> str:
    """The results that the blocks printed as lines starting with 结论｜."""
    rows = []
    for page in pages:
        if not page.records:
            rows.append([page.link, *[UNKNOWN] * 4])
            continue
        record = next(iter(page.records.values()))
        for block in record["blocks"]:
            if block["kind"] not in ("run", "shell") or block["status"] != "passed":
                continue
            for line in block["printed"].splitlines():
                if line.startswith(RESULT):
                    parts = [escape(part.strip()) for part in line.removeprefix(RESULT).split("｜")]
                    task, method, baseline = parts
                    times = [page.seconds(device) for device in DEVICES]
                    rows.append([f"{page.link}：{task}", method, baseline, *times])
    return table(["任务", "方法与结果", "基线与结果", "整页 CPU 用时", "整页 GPU 用时"], rows)


def environment_table(pages: list[PageRow]) -> str:
    """The machines on which the records were made."""
    found: dict[tuple[str, ...], int] = {}
    for page in pages:
        for device, record in page.records.items():
            env = record["environment"]
            cuda = env["cuda"] or {}
            cells = (
                DEVICES[device],
                env["device_name"] or UNKNOWN,
                f"CUDA {cuda.get('runtime') or UNKNOWN}，驱动 {cuda.get('driver') or UNKNOWN}"
                if cuda
                else "",
                f"Python {env['python']}",
                env["platform"],
                "真实" if env["hub"] == "real" else "替身",
                (env["commit"] or UNKNOWN)[:12],
            )
            found[cells] = found.get(cells, 0) + 1
    rows = [[*map(escape, cells), str(count)] for cells, count in sorted(found.items())]
    if not rows:
        return f"<p>{UNKNOWN}：还没有运行凭据。</p>"
    return table(["设备", "型号", "CUDA", "Python", "系统", "权重", "提交", "页数"], rows)


def exemptions(pages: list[PageRow]) -> str:
    """The blocks that nobody ran, by name, with reason and review date."""
    rows = []
    for page in pages:
        for record in list(page.records.values())[:1]:
            for block in record["blocks"]:
                if block["kind"] == "exempt":
                    rows.append(
                        [page.link, f"第 {block['line']} 行", escape(block["reason"]), block["until"]]
                    )
    return table(["页面", "位置", "原因", "复核日期"], rows) if rows else "<p>没有豁免的代码块。</p>"


def downloads(pages: list[PageRow]) -> str:
    """Links to the records; the build puts them beside the evidence page."""
    items = []
    for page in pages:
        links = [
            f'<a href="{device}/{page.source}.json">{DEVICES[device]}</a>' for device in page.records
        ] or [UNKNOWN]
        items.append(f"<li>{escape(page.source)}：{'，'.join(links)}</li>")
    return f"<ul>{''.join(items)}</ul>"


def drawn(pages: list[PageRow]) -> dict[str, Any]:
    """All tables, by the name under which a page asks for them."""
    return {
        "totals": totals(pages),
        "headline": headline(pages),
        "pages": page_table(pages),
        "results": result_table(pages),
        "environments": environment_table(pages),
        "exemptions": exemptions(pages),
        "downloads": downloads(pages),
    }
