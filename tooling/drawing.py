"""The line under a block, as HTML. Everything in it comes from the records."""

from dataclasses import dataclass
from html import escape
from typing import Any

from tooling.evidence import Record

DEVICES = {"cpu": "CPU", "cuda": "GPU"}
UNKNOWN = "未测"
BANNER = (
    '<div class="admonition warning" data-search-exclude><p class="admonition-title">这一页没有运行凭据</p>'
    "<p>这是本地预览。运行 <code>make pages</code> 之后，每个代码块下面会出现它的运行凭据。</p></div>"
)
LANGUAGES_WITH_A_PARSER = ("json", "toml", "yaml")


@dataclass(frozen=True)
class Run:
    """One block on one device, and what its record is worth now."""

    device: str
    record: Record
    block: dict[str, Any]
    state: str  # passed, exempt, failed, not run or stale


def runs(index: int, sha: str, records: dict[str, Record], fresh: dict[str, bool]) -> list[Run]:
    """What the records of a page say of one block whose published text has this fingerprint."""
    found = []
    for device, record in records.items():
        block = next((b for b in record["blocks"] if b["index"] == index), None)
        if block is not None:
            current = fresh[device] and block["sha256"] == sha
            found.append(Run(device, record, block, block["status"] if current else "stale"))
    return found


def block_line(index: int, sha: str, records: dict[str, Record], fresh: dict[str, bool]) -> str:
    """The line under one block, which opens to the details of its runs; nothing under a diagram."""
    found = runs(index, sha, records, fresh)
    if found and found[0].block["language"] == "mermaid":
        return ""
    proven = [run for run in found if run.state in ("passed", "exempt")]
    if not proven:
        stale = any(run.state == "stale" for run in found)
        words = "过期：改动之后还没有再运行" if stale else "未通过" if found else "未验证"
        return _details(words, "stale" if found else "missing", found)
    block = proven[0].block
    if block["kind"] == "exempt":
        return _details(f"豁免：{block['reason']}（{block['until']} 前复核）", "exempt", [])
    return _details(_summary(proven), "passed", proven, _mark(proven))


def _summary(proven: list[Run]) -> str:
    block = proven[0].block
    if block["kind"] == "output":
        return f"✓ 已与运行结果比对 · {_comparator(block)}"
    if block["kind"] == "script":
        return "✓ 由下面的命令执行"
    if block["kind"] == "shown":
        return "✓ 语法已检查" if block["language"] in LANGUAGES_WITH_A_PARSER else "仅供阅读"
    parts = [f"✓ {'已运行，如期报错' if block['kind'] == 'raises' else '已运行'}"]
    parts += [f"{DEVICES[run.device]} · {run.block['seconds']:.1f} s" for run in proven]
    if block["imports"]:
        name = block["imports"][0]
        versions = {run.record["environment"]["packages"].get(name, UNKNOWN): None for run in proven}
        parts.append(f"{name} {'、'.join(versions)}")
    return " · ".join(parts)


def _comparator(block: dict[str, Any]) -> str:
    tolerance = (block["output"] or "exact").removeprefix("tolerance ")
    words = {"exact": "逐字一致", "any": "数值随机器而变，其余逐字一致"}
    return words.get(tolerance, f"小数容差 {tolerance}")


def _mark(proven: list[Run]) -> str:
    """On which devices the block is proven, and whether with stand-in weights."""
    if proven[0].block["kind"] == "shown":
        return ""
    devices = [DEVICES[run.device] for run in proven]
    mark = "已验证" if len(devices) == len(DEVICES) else f"仅 {devices[0]}"
    stand_in = any(run.block["weights"] and run.record["environment"]["hub"] == "stand-in" for run in proven)
    return f"{mark} · 替身权重" if stand_in else mark


def _facts(run: Run) -> dict[str, str]:
    environment, block = run.record["environment"], run.block
    commit = environment["commit"] or UNKNOWN
    facts = {
        DEVICES[run.device]: environment["device_name"] or UNKNOWN,
        "时间": environment["started"],
        "提交": commit[:12] + ("（有未提交的改动）" if commit.endswith("+") else ""),
        "Python": environment["python"],
        "版本": "，".join(f"{name} {version}" for name, version in environment["packages"].items()),
        "用时": f"{block['seconds']:.3f} s" if block["seconds"] is not None else UNKNOWN,
        "进程内存峰值": f"{block['peak_rss_mb']} MB" if block["peak_rss_mb"] is not None else UNKNOWN,
    }
    if environment["cuda"]:
        versions = environment["cuda"]
        facts["CUDA"] = f"{versions['runtime'] or UNKNOWN}，驱动 {versions['driver'] or UNKNOWN}"
        facts["显存峰值"] = f"{block['peak_vram_mb']} MB" if block["peak_vram_mb"] is not None else UNKNOWN
    if block["weights"]:
        kind = "替身" if environment["hub"] == "stand-in" else "真实"
        facts["权重"] = f"{kind}：{'，'.join(block['weights'])}"
    if block["kind"] == "output":
        facts["比对"] = _comparator(block)
    if source := block["source"]:
        facts["来源"] = f"{source['module']} 第 {source['lines'][0]}–{source['lines'][1]} 行"
    return facts


def _details(summary: str, state: str, found: list[Run], mark: str = "") -> str:
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(value)}</dd>" for run in found for name, value in _facts(run).items()
    )
    badge = f' <span class="evidence-mark">{escape(mark)}</span>' if mark else ""
    body = f"<dl>{rows}</dl>" if rows else ""
    return (
        f'<details class="evidence evidence--{state}" data-search-exclude>'
        f"<summary>{escape(summary)}{badge}</summary>{body}</details>"
    )
