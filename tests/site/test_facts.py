"""Facts about the documentation that no reader should have to trust."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from selectolax.lexbor import LexborHTMLParser

from tooling import evidence
from tooling.claims import SEED_LINE, modules
from tooling.kinds import Block
from tooling.labs import cells
from tooling.modules import module_paths
from tooling.pages import published_blocks
from tooling.project import Project
from tooling.tables import KINDS

from .conftest import ROOT

HEADINGS = ["题目", "答案", "概念验证", "落地", "解析", "常见错误", "落地清单", "参考"]
# The pages of contributing/ answer no reader and measure no model: their code shows how code is shown.
SECTIONS = ["setup", "concepts", "challenges", "nlp", "vision", "beyond"]
PROJECT = Project(ROOT)
CONTENT = [page for page in PROJECT.page_paths() if page.relative_to(PROJECT.docs).parts[0] in SECTIONS]
MODULES = modules(PROJECT.page_paths(), PROJECT)


LABS = sorted(PROJECT.docs.glob("labs/*.py"))


def test_there_are_pages_and_modules() -> None:
    assert CONTENT and MODULES and LABS


def test_every_module_belongs_to_a_page() -> None:
    owned = {module for page in PROJECT.page_paths() for module in module_paths(page, PROJECT)}
    assert set(PROJECT.snippets.rglob("*.py")) == owned - set(LABS)  # a lab is its own module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_seed_and_device_are_visible(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    first = text.split("# --8<-- [end:")[0]
    if module in LABS:  # no regions: its first cell of code
        first = next(cell.text for cell in cells(module, PROJECT) if cell.kind == "code")
    assert len(SEED_LINE.findall(first)) == 1
    if re.search(r"^import torch\b", text, re.MULTILINE):
        assert 'device = "cuda" if torch.cuda.is_available() else "cpu"' in first


@pytest.mark.parametrize("page", CONTENT, ids=lambda path: path.stem)
def test_template_headings_in_order(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("page", CONTENT, ids=lambda path: path.stem)
def test_nothing_of_the_template_is_left_to_write(page: Path) -> None:
    assert "（待写" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", CONTENT, ids=lambda path: path.stem)
def test_the_answer_is_short(page: Path) -> None:
    answer = page.read_text(encoding="utf-8").split("## 答案\n")[1].strip().split("\n\n")[0]
    assert 0 < len(answer) <= 200


@pytest.mark.parametrize("page", CONTENT, ids=lambda path: path.stem)
def test_figures_have_alternative_text_and_are_drawn_by_a_block(page: Path) -> None:
    images = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert images, "each content page shows at least one figure"
    record = evidence.load(page.relative_to(PROJECT.docs).as_posix(), PROJECT, "cpu")
    assert record is not None
    drawn = {name for block in record["blocks"] for name in block["figures"]}
    assert all(len(text) >= 10 for text, _ in images)
    assert {name for _, name in images} == drawn


@pytest.mark.parametrize("page", CONTENT, ids=lambda path: path.stem)
def test_two_mistakes_are_executed(page: Path) -> None:
    mistakes = page.read_text(encoding="utf-8").split("## 常见错误\n")[1].split("## 落地清单")[0]
    assert len(re.findall(r'--8<-- "snippets/', mistakes)) >= 2


@pytest.fixture(scope="module")
def guide() -> list[Block]:
    return published_blocks(PROJECT.docs / "contributing/kinds.md", PROJECT)


def test_the_guide_runs_an_example_of_each_kind(guide: list[Block]) -> None:
    """But for the exemption: there must be no more of them than necessary; the guide quotes one."""
    assert {block.kind for block in guide} == KINDS.keys() - {"exempt"}


def test_what_the_guide_shows_stands_on_a_page(guide: list[Block]) -> None:
    """Each example of Markdown is quoted from a page that runs it, to the letter."""
    shown = re.compile(r"^````markdown\n.*?^````$", re.MULTILINE | re.DOTALL)
    live = [shown.sub("", page.read_text(encoding="utf-8")) for page in PROJECT.page_paths()]
    quoted = [block for block in guide if block.language == "markdown"]
    assert len(quoted) >= len(KINDS)
    for block in quoted:
        for part in re.split(r"\n{2,}", block.text):
            assert any(part in text for text in live), f"kinds.md:{block.line}: on no page: {part}"


@pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
def test_a_lab_asks_answers_and_says_what_it_does_not_show(lab: Path) -> None:
    """The headings of a content page are about landing a task; a lab follows one question."""
    read = cells(lab, PROJECT)
    text = "\n\n".join(cell.text for cell in read if cell.kind == "markdown")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[:2] == ["问题", "回答"] and headings[-2:] == ["没有说明的", "动手"]
    answer = text.split("## 回答\n")[1].strip().split("\n\n")[0]
    assert 0 < len(answer) <= 200
    figures = [cell for cell in read if "alt" in cell.data]
    assert len(figures) >= 2 and all(len(cell.data["alt"]) >= 10 for cell in figures)
    assert "assert " in "".join(cell.text for cell in read if cell.kind == "code")


@pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
def test_a_lab_is_published_with_anchors_and_downloads(lab: Path) -> None:
    """What mkdocs-jupyter leaves out or adds: empty anchors for Chinese headings, 600 KB of style."""
    folder = PROJECT.site / "labs" / lab.stem
    tree = LexborHTMLParser((folder / "index.html").read_text(encoding="utf-8"))
    anchors = {node.attributes["id"] or "" for node in tree.css("article h1, article h2, article h3")}
    wanted = re.findall(r"^# ##? (.+)$", lab.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(anchors) == len(wanted) and all(anchors)
    contents = {(node.attributes["href"] or "")[1:] for node in tree.css(".md-nav--secondary a.md-nav__link")}
    assert contents and contents <= {quote(anchor) for anchor in anchors} | anchors
    assert not tree.css("article style, article script")
    assert (folder / "index.html").stat().st_size < 200_000
    for suffix in ("ipynb", "py"):
        assert (folder / f"{lab.stem}.{suffix}").is_file()
        assert tree.css_first(f'article a[href$="{lab.stem}.{suffix}"]') is not None


def test_both_readmes_give_the_same_commands() -> None:
    blocks = [
        re.findall(r"^```bash\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.M | re.S)
        for name in ("README.md", "README.zh.md")
    ]
    assert blocks[0] and blocks[0] == blocks[1]
    targets = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets and all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
