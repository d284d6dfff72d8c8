"""What `make bench` measured, and the limits that it is held against, as tables of a page."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from tooling.drawing import UNKNOWN
from tooling.project import Project
from tooling.tables import table

FILE = "contributing/performance.json"
Parts = dict[str, Any]  # what each part of the benchmark gave, by its name


@dataclass(frozen=True)
class Limit:
    """A quantity that may not grow past `most`; `value` raises KeyError where it is not measured."""

    text: str
    most: float
    unit: str
    value: Callable[[Parts], float]


def _marginal(parts: Parts, name: str, size: str) -> float:
    return float(parts["harness"]["marginal"][name][size])


def _flat(parts: Parts) -> float:
    ratio = _marginal(parts, "本项目", "10000") / _marginal(parts, "本项目", "1000")
    return max(ratio, 1 / ratio)


def _hooks(pages: str) -> Callable[[Parts], float]:
    def value(parts: Parts) -> float:
        built = parts["builds"][pages]
        return float(built["with_hooks"]["seconds"] / built["without_hooks"]["seconds"])

    return value


def _growth(parts: Parts) -> float:
    built = parts["builds"]
    return float(built["3000"]["with_hooks"]["seconds"] / built["300"]["with_hooks"]["seconds"])


def _shards(parts: Parts) -> float:
    seconds = parts["shards"]["seconds"]
    return float(max(seconds) / (sum(seconds) / len(seconds)))


LIMITS = (
    Limit(
        "一万块时每块的时间，与 Sybil 相比",
        1.5,
        "倍",
        lambda p: _marginal(p, "本项目", "10000") / _marginal(p, "sybil", "10000"),
    ),
    Limit("每块的时间从一千块到一万块的变化", 1.15, "倍", _flat),
    Limit("300 页的构建，有钩子与没有钩子相比", 1.25, "倍", _hooks("300")),
    Limit("3000 页的构建，有钩子与没有钩子相比", 1.25, "倍", _hooks("3000")),
    Limit("3000 页的构建与 300 页的相比", 12, "倍", _growth),
    Limit("3000 页的核对", 20, "s", lambda p: float(p["builds"]["3000"]["ledger"]["seconds"])),
    Limit("3000 页的核对所占的内存", 1024, "MiB", lambda p: float(p["builds"]["3000"]["ledger"]["mb"])),
    Limit("没有改动时的 <code>make pages STALE=1</code>", 3, "s", lambda p: float(p["stale"]["seconds"])),
    Limit(
        "改一处后执行一页，除去代码块自己的时间",
        1.5,
        "s",
        lambda p: float(p["page"]["whole"] - p["page"]["blocks"]),
    ),
    Limit(
        "全套与逐个执行的脚本相比",
        0.7,
        "倍",
        lambda p: float(p["suite"]["suite"] / sum(p["suite"]["scripts"].values())),
    ),
    Limit("八份里最长的一份与平均相比", 1.3, "倍", _shards),
)


def load(project: Project) -> dict[str, Any]:
    """What was measured, by part: `result`, `date`, `commit`; empty where nothing was."""
    file = project.docs / FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def kept(limit: Limit, parts: Parts) -> tuple[float | None, bool | None]:
    """The measured value and whether the limit holds; None for what is not measured."""
    try:
        value = limit.value(parts)
    except KeyError:
        return None, None
    return value, value <= limit.most


def expand(html: str, project: Project) -> str:
    """Draws each table where the page has `<div data-bench="…"></div>`."""
    if "data-bench=" not in html:
        return html
    record = load(project)
    parts = {name: part["result"] for name, part in record.items()}
    for name, draw in TABLES.items():
        try:
            text = draw(parts if name == "limits" else parts[name])
        except KeyError:
            text = f"<p>{UNKNOWN}：还没有测过。</p>"
        html = html.replace(f'<div data-bench="{name}"></div>', text)
    return html.replace('<div data-bench="machine"></div>', _machine(record))


def _limits(parts: Parts) -> str:
    rows = []
    for limit in LIMITS:
        value, holds = kept(limit, parts)
        shown = UNKNOWN if value is None else f"{value:.2f} {limit.unit}"
        verdict = {True: "守住", False: "超过", None: UNKNOWN}[holds]
        rows.append([limit.text, f"{limit.most:g} {limit.unit}", shown, verdict])
    return table(["量的是什么", "上限", "实测", "结果"], rows)


def _harness(result: Any) -> str:
    sizes = list(next(iter(result["marginal"].values())))
    head = ["工具", *(f"{int(size):,} 块" for size in sizes), "内存"]
    rows = [
        [escape(name), *(f"{cost[size]:.2f} ms" for size in sizes), f"{result['mb'][name]} MiB"]
        for name, cost in result["marginal"].items()
    ]
    return table(head, rows)


def _canaries(result: Any) -> str:
    rows = [
        [
            escape(name),
            str(peer["tests"]),
            str(peer["red_when_sound"]),
            f"{len(peer['caught'])} / {result['defects']}",
        ]
        for name, peer in result["peers"].items()
    ]
    return table(["工具", "找到的测试", "完好时就不通过的", "变红的缺陷"], rows)


def _builds(result: Any) -> str:
    rows = [
        [
            f"{int(pages):,}",
            *(
                f"{built[what]['seconds']:.1f} s，{built[what]['mb']} MiB"
                for what in ("without_hooks", "with_hooks", "ledger", "pack")
            ),
        ]
        for pages, built in result.items()
    ]
    return table(["页数", "没有钩子的构建", "有钩子的构建", "核对", "打包"], rows)


def _scripts(result: Any) -> str:
    longest = sorted(result["scripts"].items(), key=lambda item: -item[1])[:5]
    rows = [
        ["全套", f"{result['suite']:.0f} s", f"{result['workers']} 个进程，每页连同如期报错的块"],
        ["逐个执行", f"{sum(result['scripts'].values()):.0f} s", f"{len(result['scripts'])} 个脚本"],
        *([f"<code>{name}</code>", f"{seconds:.0f} s", "最长的五个之一"] for name, seconds in longest),
    ]
    return table(["执行了什么", "时间", "怎样执行"], rows)


def _seconds(names: dict[str, str]) -> Callable[[Any], str]:
    def draw(result: Any) -> str:
        return table(["量的是什么", "时间"], [[text, f"{result[key]:.2f} s"] for key, text in names.items()])

    return draw


def _shares(result: Any) -> str:
    rows = [
        [str(n), str(len(pages)), f"{seconds:.0f} s"]
        for n, (pages, seconds) in enumerate(zip(result["pages"], result["seconds"], strict=True), 1)
    ]
    return table(["份", "页数", "时间"], rows)


TABLES: dict[str, Callable[[Any], str]] = {
    "limits": _limits,
    "harness": _harness,
    "canaries": _canaries,
    "builds": _builds,
    "suite": _scripts,
    "shards": _shares,
    "page": _seconds({"whole": "从命令到结果", "blocks": "其中代码块自己的时间"}),
    "serve": _seconds({"first": "从命令到第一页", "edit": "从保存改动到新的页面"}),
    "stale": _seconds({"seconds": "从命令到「nothing to run」"}),
}


def _machine(record: dict[str, Any]) -> str:
    rows = [
        [
            f"<code>{name}</code>",
            part["date"],
            f"<code>{(part['commit'] or UNKNOWN)[:9]}</code>",
            escape(part["machine"]),
        ]
        for name, part in record.items()
    ]
    return table(["部分", "日期", "提交", "机器"], rows)
