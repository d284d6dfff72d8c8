"""The built HTML against the evidence: every code block that a reader sees must have passed.

This file reads HTML with its own parser and shares no code with the one that found the blocks,
so that a block which one of them misses is still noticed by the other.
"""

import argparse
import hashlib
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from selectolax.lexbor import LexborNode

from tooling import evidence, listings, outputs
from tooling.errors import PageError
from tooling.evidence import Record
from tooling.pages import published_blocks
from tooling.project import Project

CODE = "pre, code, samp, kbd, xmp, textarea"
WITHOUT_PAGE = {"404.html"}


@dataclass
class Account:
    """What the ledger found; `problems` is empty where every block is accounted for."""

    pages: int = 0
    in_html: int = 0
    unaccounted: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def code_texts(html: str) -> list[str]:
    """The text of every element that a reader sees as a block of code, in order."""
    return [node.text().strip("\n") for node in listings.tree(html).css(CODE) if _is_block(node)]


def _is_block(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        classes = (parent.attributes.get("class") or "").split()
        if parent.tag == "pre" or "linenos" in classes:
            return False  # counted with its <pre>, or line numbers
        parent = parent.parent
    if listings.above(node, "doc") is not None:
        return False  # of the reference: tooling.listings proves it
    if listings.above(node, "lab-output") is not None:
        return False  # what a cell of a lab printed during the build: lab_outputs proves it
    several = "\n" in node.text() or node.css_first("br") is not None
    return node.tag == "pre" or several or "language-" in (node.attributes.get("class") or "")


def lab_outputs(html: str, page: str | None, project: Project, device: str) -> tuple[int, list[str]]:
    """How many outputs of cells a built page shows, and what is wrong with them, a line each.

    The build has run the cells once, `make pages` once more: both must have printed the same.
    """
    shown = [node.text().strip("\n") for node in listings.tree(html).css(".lab-output pre")]
    entry = evidence.load(page, project, device) if page and page.endswith(".py") else None
    printed = [b for b in entry["blocks"] if b["printed"].strip()] if entry else []
    if len(shown) != len(printed):
        problem = (
            f"docs/{page}:1: {len(shown)} outputs of cells in the built page, {len(printed)} in the evidence"
        )
        return len(shown), [f"{problem}; run: make site"] * max(len(shown), len(printed))
    problems = []
    for text, block in zip(shown, printed, strict=True):
        tolerance = (block["output"] or "").removeprefix("exact").removeprefix("tolerance ")
        if different := outputs.difference(block["printed"], text, tolerance):
            problems.append(
                f"docs/{page}:{block['line']}: the build printed something else than the run: {different}; "
                f"run: make pages PAGE=docs/{page}"
            )
    return len(shown), problems


def page_of(html: Path, project: Project) -> str | None:
    """The page that a built file comes from; None where docs/ holds none."""
    relative = html.relative_to(project.site)
    if relative.name != "index.html":
        return None
    stem = relative.parent.as_posix()
    candidates = ["index.md"] if stem == "." else [f"{stem}.md", f"{stem}/index.md", f"{stem}.py"]
    return next((page for page in candidates if (project.docs / page).is_file()), None)


def account(project: Project, devices: list[str]) -> Account:
    """Holds every built page against the evidence of every device."""
    result = Account()
    for html in sorted(project.site.rglob("*.html")):
        if html.relative_to(project.site).as_posix() in WITHOUT_PAGE:
            continue
        built = html.read_text(encoding="utf-8")
        texts = code_texts(built)
        kinds, problems = listings.check(built, project.relative(html), project)
        result.pages += 1
        result.in_html += len(texts) + kinds.total()
        result.kinds += kinds
        result.problems += problems
        result.unaccounted += len(problems)
        page = page_of(html, project)
        count, problems = lab_outputs(built, page, project, devices[0])
        result.in_html += count
        result.problems += problems
        result.unaccounted += len(problems)
        if page is None:
            if texts:
                result.unaccounted += len(texts)
                result.problems.append(
                    f"{project.relative(html)}: {len(texts)} code blocks, but no page in docs/"
                )
            continue
        for number, device in enumerate(devices):
            problems = check_page(page, texts, project, device)
            result.problems += problems
            result.unaccounted += len(problems) if number == 0 else 0
        if texts and (entry := evidence.load(page, project, devices[0])):
            result.kinds.update(block["kind"] for block in entry["blocks"])
    return result


def check_page(page: str, texts: list[str], project: Project, device: str) -> list[str]:
    """What is not proven on one page, a line each."""
    if not texts:
        return []
    mend = f"run: make pages PAGE=docs/{page}" + ("" if device == "cpu" else f" DEVICE={device}")
    file = evidence.file_of(page, project, device)
    if not file.is_file():
        return [f"docs/{page}:1: no evidence on {device} for {len(texts)} blocks; {mend}"] * len(texts)
    try:
        entry = evidence.read(file)
        blocks = published_blocks(project.docs / page, project)
    except PageError as error:
        return [str(error)] * len(texts)
    if not evidence.fresh(entry, project.docs / page, blocks, project):
        return [f"docs/{page}:1: the evidence on {device} is stale; {mend}"] * len(texts)
    return [f"docs/{page}:{problem}; {mend}" for problem in _compare(texts, entry, device)]


def _compare(texts: list[str], entry: Record, device: str) -> list[str]:
    problems = []
    for index in range(max(len(texts), len(entry["blocks"]))):
        block = entry["blocks"][index] if index < len(entry["blocks"]) else None
        if block is None:
            problems.append(f"1: code in the built page that no run has seen: {texts[index][:60]!r}")
        elif index >= len(texts):
            problems.append(f"{block['line']}: block {block['index']} ran, but the built page lacks it")
        elif hashlib.sha256(texts[index].encode()).hexdigest() != block["sha256"]:
            problems.append(
                f"{block['line']}: block {block['index']} of the built page is not the text that ran"
            )
        elif block["status"] == "exempt" and date.fromisoformat(block["until"]) < date.today():
            problems.append(f"{block['line']}: block {block['index']}: exemption ended on {block['until']}")
        elif block["status"] not in ("passed", "exempt"):
            problems.append(f"{block['line']}: block {block['index']} on {device}: {block['status']}")
    return problems


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--devices", default="cpu,cuda", help="comma-separated: each must have passed")
    arguments = parser.parse_args()
    project, start = Project(arguments.root.resolve()), time.perf_counter()
    if not project.site.is_dir():
        print("no built site; run: make site", file=sys.stderr)
        return 1
    result = account(project, arguments.devices.split(","))
    for problem in result.problems:
        print(problem, file=sys.stderr)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(result.kinds.items()))
    print(
        f"ledger ({arguments.devices}): {result.pages} pages, {sum(result.kinds.values())} blocks ({kinds}), "
        f"{result.in_html} blocks in the built HTML, {result.unaccounted} unaccounted, "
        f"{time.perf_counter() - start:.1f} s"
    )
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
