"""performance: the tables of what `make bench` measured, and its limits."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import corpus
from tooling import performance
from tooling.pages import published_blocks
from tooling.project import Project

COST = {"100": 3.0, "1000": 2.0, "10000": 2.2}
BUILD = {"seconds": 10.0, "mb": 150}
RESULTS: dict[str, Any] = {
    "harness": {
        "marginal": {"本项目": COST, "sybil": {size: cost / 2 for size, cost in COST.items()}},
        "mb": {"本项目": 60, "sybil": 30},
    },
    "canaries": {"defects": 3, "peers": {"本项目": {"tests": 12, "red_when_sound": 0, "caught": ["a", "b"]}}},
    "builds": {
        pages: dict.fromkeys(("without_hooks", "ledger", "pack"), BUILD)
        | {"with_hooks": BUILD | {"seconds": 12.0}}
        for pages in ("300", "3000")
    },
    "page": {"whole": 5.0, "blocks": 4.0},
    "stale": {"seconds": 1.0},
    "serve": {"first": 9.0, "edit": 4.0},
    "suite": {"suite": 60.0, "workers": 2, "scripts": {"snippets/a.py": 80.0, "snippets/b.py": 20.0}},
    "shards": {"seconds": [10.0, 12.0], "pages": [["a.md"], ["b.md", "c.md"]]},
}


def write(project: Project, results: dict[str, Any]) -> None:
    parts = {
        name: {"date": "2030-01-02", "commit": "0123456789abcdef", "machine": "M", "result": result}
        for name, result in results.items()
    }
    file = project.docs / performance.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(parts), encoding="utf-8")


def drawn(name: str, project: Project) -> str:
    return performance.expand(f'<div data-bench="{name}"></div>', project)


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("limits", "<td>1.5 倍</td><td>2.00 倍</td><td>超过</td>"),
        ("limits", "<td>0.7 倍</td><td>0.60 倍</td><td>守住</td>"),
        ("harness", "<td>本项目</td><td>3.00 ms</td><td>2.00 ms</td><td>2.20 ms</td><td>60 MiB</td>"),
        ("canaries", "<td>12</td><td>0</td><td>2 / 3</td>"),
        ("builds", "<td>3,000</td><td>10.0 s，150 MiB</td><td>12.0 s，150 MiB</td>"),
        ("page", "<td>其中代码块自己的时间</td><td>4.00 s</td>"),
        ("stale", "<td>1.00 s</td>"),
        ("serve", "<td>从保存改动到新的页面</td><td>4.00 s</td>"),
        ("suite", "<td>逐个执行</td><td>100 s</td><td>2 个脚本</td>"),
        ("shards", "<td>2</td><td>2</td><td>12 s</td>"),
        ("machine", "<td>2030-01-02</td><td><code>012345678</code></td><td>M</td>"),
    ],
)
def test_a_table_shows_what_was_measured(name: str, shows: str, project: Project) -> None:
    write(project, RESULTS)
    assert shows in drawn(name, project)


@pytest.mark.parametrize("name", performance.TABLES)
def test_what_was_not_measured_is_shown_as_that(name: str, project: Project) -> None:
    assert "未测" in drawn(name, project)
    assert performance.load(project) == {}


def test_each_limit_is_held_against_a_measurement() -> None:
    values = [performance.kept(limit, RESULTS) for limit in performance.LIMITS]
    assert [round(value, 3) for value, _ in values if value is not None] == [
        *(2.0, 1.1, 1.2, 1.2, 1.0, 10.0, 150.0, 1.0, 1.0, 0.6, 1.091),
    ]
    assert [holds for _, holds in values] == [False, *[True] * 10]
    assert all(performance.kept(limit, {}) == (None, None) for limit in performance.LIMITS)


def test_a_page_without_tables_is_left_alone(project: Project) -> None:
    assert performance.expand("<p>text</p>", project) == "<p>text</p>"


def test_the_corpus_is_a_site_of_this_project(tmp_path: Path) -> None:
    made = Project(corpus.make(tmp_path / "included", 12))
    pages = [path for path in made.page_paths() if path.name.startswith("page-")]
    assert len(pages) == 12
    blocks = [block for path in pages for block in published_blocks(path, made)]
    assert len(blocks) == 12 * corpus.BLOCKS and {block.kind for block in blocks} == {"run"}
    flat = corpus.make_flat(tmp_path / "typed", 12)
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted(flat.rglob("*.md")))
    assert all(block.text in texts for block in blocks)
    bare = (made.root / "mkdocs-without-hooks.yml").read_text(encoding="utf-8")
    assert "hooks:" not in bare and "plugins:" in bare
