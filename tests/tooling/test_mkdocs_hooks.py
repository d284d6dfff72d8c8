"""mkdocs_hooks: the evidence in the built page."""

import pytest
from mkdocs.config import load_config
from mkdocs.structure.files import Files, get_files
from mkdocs.structure.pages import Page
from selectolax.lexbor import LexborHTMLParser

from tooling import drawing, evidence, ledger, mkdocs_hooks
from tooling.mkdocs_hooks import on_config, on_files, on_post_build
from tooling.pages import render
from tooling.project import Project

from .inside import content, prove


def draw(source: str, project: Project) -> str:
    """The content of a page as the site build gives it to the theme."""
    files: Files = get_files(project.config)
    file = files.get_file_from_path(source)
    assert file is not None
    html = render(project.read(project.docs / source), project)
    return content(html, Page(None, file, project.config), project.config, files)


def lines(html: str) -> list[str]:
    return [node.text() for node in LexborHTMLParser(html).css("details.evidence > summary")]


def test_a_line_under_each_block(project: Project) -> None:
    prove(project.docs / "shown.md", project)
    html = draw("shown.md", project)
    found = lines(html)
    assert found[:4] == ["✓ 语法已检查"] * 3 + ["仅供阅读"]
    assert len(found) == 5 and found[4].startswith("豁免：needs eight graphics cards")  # none for the diagram
    frames = LexborHTMLParser(html).css("div.highlight + details.evidence")
    assert len(frames) == 5


def test_the_code_stays_as_it_ran(project: Project) -> None:
    for name in ("results", "shown", "concepts/twice"):
        before = ledger.code_texts(render(project.read(project.docs / f"{name}.md"), project))
        prove(project.docs / f"{name}.md", project)
        assert ledger.code_texts(draw(f"{name}.md", project)) == before != []


def test_a_page_without_evidence_says_so(project: Project) -> None:
    assert draw("shell.md", project).startswith(drawing.BANNER)
    assert lines(draw("shell.md", project)) == []


def test_a_changed_page_shows_no_old_proof(project: Project) -> None:
    prove(project.docs / "results.md", project)
    module = project.snippets / "results.py"
    module.write_text(module.read_text().replace("rows = 3", "rows = 1 + 2"))
    assert lines(draw("results.md", project)) == ["过期：改动之后还没有再运行"] * 2


def test_a_page_that_cannot_be_read_shows_no_old_proof(project: Project) -> None:
    prove(project.docs / "results.md", project)
    page = project.docs / "results.md"
    page.write_text(page.read_text() + "\n```zsh\n```\n")
    assert set(lines(draw("results.md", project))) <= {"过期：改动之后还没有再运行", "未验证"}


def test_stale_numbers_are_in_no_table(project: Project) -> None:
    prove(project.docs / "results.md", project)
    module = project.snippets / "results.py"
    module.write_text(module.read_text().replace("rows = 3", "rows = 1 + 2"))
    assert "method 3" not in draw("index.md", project)


def test_the_data_is_published(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # MkDocs sets it while a plugin runs; a generated file notes who made it.
    monkeypatch.setattr(project.config.plugins, "_current_plugin", None, raising=False)
    (project.snippets / "data/README.md").write_text("# Origin\n")
    files = get_files(project.config)
    on_files(files, project.config)
    file = files.get_file_from_path("data/table.csv")
    assert file is not None and file.abs_src_path == str(project.snippets / "data/table.csv")
    assert files.get_file_from_path("data/README.md") is None


def test_the_records_are_published(project: Project) -> None:
    prove(project.docs / "concepts/twice.md", project)
    on_post_build(project.config)
    published = project.site / "evidence/cpu/concepts/twice.md.json"
    assert published.read_bytes() == evidence.file_of("concepts/twice.md", project, "cpu").read_bytes()


def test_what_is_taken_along_is_offered_and_published(project: Project) -> None:
    tree = LexborHTMLParser(draw("concepts/twice.md", project))
    assert tree.css_first("h1 + p.page-facts + p.takeaway") is not None
    links = [node.attributes["href"] for node in tree.css("p.takeaway a")]
    assert len(links) == 5
    assert all((project.site / f"concepts/twice/{link}").is_file() for link in links)
    on_post_build(project.config)
    assert "concepts/twice/index.md" in (project.site / "llms.txt").read_text()


def test_a_page_that_is_being_written_offers_nothing(project: Project) -> None:
    (project.docs / "index.md").write_text("# T\n\n```python\nx = 1\n```\n")
    html = draw("index.md", project)
    assert "takeaway" not in html and "data-module" not in html


def test_a_page_of_words_is_left_alone(project: Project) -> None:
    (project.docs / "index.md").write_text("# Words\n\nA `word`.\n")
    assert "evidence" not in draw("index.md", project)


def test_the_tables(project: Project) -> None:
    prove(project.docs / "results.md", project)
    html = draw("index.md", project)
    assert "data-evidence" not in html
    assert "<strong>CPU 2 / 2</strong>" in html
    assert '<a href="results/">Results</a>' in html and "method 3|&lt;4&gt;" in html
    assert '<a href="concepts/twice/">The same in two frameworks</a>' in html  # code, not proven yet
    assert 'href="shell/"' not in html and ">Home</a>" not in html  # no include and no evidence


def test_addresses_from_a_folder(project: Project) -> None:
    prove(project.docs / "results.md", project)
    page = project.docs / "concepts/twice.md"
    page.write_text(page.read_text() + '\n<div data-evidence="pages"></div>\n')
    html = draw("concepts/twice.md", project)
    assert '<a href="../../results/">Results</a>' in html and '<a href="./">The same' in html


def test_a_page_without_a_heading_is_named_by_its_file(project: Project) -> None:
    page = project.docs / "figure.md"
    page.write_text(page.read_text().removeprefix("# A block that draws\n"))
    assert '<a href="figure/">figure.md</a>' in draw("index.md", project)


def test_blocks_are_read_without_what_plugins_add(project: Project) -> None:
    config = load_config(str(project.root / "mkdocs.yml"))
    on_config(config)
    own = mkdocs_hooks._project(config).config
    assert (own.markdown_extensions, own.mdx_configs) == (config.markdown_extensions, config.mdx_configs)
    config.markdown_extensions.append("smarty")
    config.mdx_configs["smarty"] = {}
    assert "smarty" not in {*own.markdown_extensions, *own.mdx_configs}
