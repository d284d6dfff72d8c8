"""scaffold: a new page is whole and runs at once, or nothing is written."""

import subprocess
import sys
from pathlib import Path

import pytest

from tooling import scaffold
from tooling.errors import PageError
from tooling.project import Project

from .sites import build, copy_sample, run_pages

NAV = """# kept
nav:
  - 首页: index.md
  - 语言:  # kept too
      - nlp/index.md
      - 对话: nlp/dialogue.md
  - 勘误: errata.md
"""


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    (tmp_path / "docs/nlp").mkdir(parents=True)
    (tmp_path / "docs/nlp/dialogue.md").write_text("# 对话\n")
    (tmp_path / "snippets").mkdir()
    (tmp_path / "mkdocs.yml").write_text(NAV)
    return Project(tmp_path)


def state(project: Project) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}


def test_three_files_and_one_line_of_navigation(empty: Project) -> None:
    written = scaffold.add("nlp/named-entities", "命名实体: 一", empty)
    assert [empty.relative(path) for path in written] == [
        "docs/nlp/named-entities.md",
        "snippets/nlp/named_entities.py",
        "mkdocs.yml",
    ]
    line = '      - "命名实体: 一": nlp/named-entities.md\n'
    old = "      - 对话: nlp/dialogue.md\n"
    assert (empty.root / "mkdocs.yml").read_text() == NAV.replace(old, old + line)
    page = written[0].read_text()
    assert "\n---\n\n# 命名实体: 一\n" in page and '"snippets/nlp/named_entities.py:claim"' in page


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Named", "docs:1: the name 'Named'\n  expected: section/slug in a–z, 0–9 and -"),
        ("nlp/../index", "the name 'nlp/../index'"),
        ("nlp/dialogue", "docs/nlp/dialogue.md:1: exists already"),
        ("nlp/dialogue-torch", "its module would belong to docs/nlp/dialogue.md"),
        ("speech/tones", "mkdocs.yml:2: no page of the section 'speech' in the navigation"),
    ],
)
def test_what_is_refused_writes_nothing(name: str, message: str, empty: Project) -> None:
    before = state(empty)
    with pytest.raises(PageError) as error:
        scaffold.add(name, "标题", empty)
    assert message in str(error.value) and "then run: make new PAGE=section/slug" in str(error.value)
    assert state(empty) == before


def test_the_known_sections_are_named(empty: Project) -> None:
    with pytest.raises(PageError, match="one of: nlp;"):
        scaffold.add("speech/tones", "标题", empty)


def test_a_new_page_passes_at_once(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    (site / "docs/nlp").mkdir()
    (site / "docs/nlp/index.md").write_text("# 语言\n")
    config = site / "mkdocs.yml"
    config.write_text(
        config.read_text(encoding="utf-8") + "  - 语言:\n      - nlp/index.md\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "tooling.scaffold", "nlp/coins", "掷硬币"]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "then run: make pages PAGE=docs/nlp/coins.md"
    code, output = run_pages(site)
    assert code == 0, output
    code, output = build(site)
    assert code == 0, output
    again = subprocess.run(command, cwd=site, capture_output=True, text=True)
    assert again.returncode == 1 and "docs/nlp/coins.md:1: exists already" in again.stderr
