"""labs: notebooks as percent scripts, from the script to the page and its evidence."""

import base64
import json
from pathlib import Path

import pytest
from mkdocs.structure.files import get_files
from mkdocs.structure.pages import Page
from selectolax.lexbor import LexborHTMLParser

from tooling import labs, ledger, plugin
from tooling.errors import PageError
from tooling.keys import key
from tooling.lab_pages import downloads, outputs_of
from tooling.labs import Cell, Output, cells, is_lab, markdown
from tooling.modules import module_paths
from tooling.pages import published_blocks
from tooling.project import Project

from .inside import content, prove
from .sites import build, copy_sample

LAB = """# %% [markdown]
# # 实验
#
# ## 问题
#
# 和是 $x$，见 [首页](../index.md#home)。

# %%
SEED = 42
values = [1.0, 2.5]

# %% tolerance="0.1"
print("sum", sum(values))
assert sum(values) == 3.5
"""
PIXEL = base64.b64encode(b"picture").decode()
TEXT = '<div class="jp-OutputArea-output" data-mime-type="text/plain"><pre>{}</pre></div>'
FIGURE = f'<div class="jp-OutputArea-output"><img src="data:image/png;base64,{PIXEL}"></div>'


def notebook(*outputs: str) -> str:
    """As much of the HTML of mkdocs-jupyter as is read: its template nests two elements a cell."""
    return "".join(
        f'<div class="jp-Cell jp-CodeCell"><div class="jp-Cell jp-CodeCell" id="cell-id={n}">{o}</div></div>'
        for n, o in enumerate(outputs)
    )


@pytest.fixture
def lab(project: Project) -> Path:
    """A lab of two cells of code."""
    path = project.docs / "labs/sum.py"
    path.parent.mkdir()
    path.write_text(LAB, encoding="utf-8")
    return path


def test_a_lab_is_a_page_of_its_own(lab: Path, project: Project) -> None:
    assert is_lab("labs/sum.py") and not is_lab("labs/index.md") and not is_lab("nlp/sum.py")
    assert lab in project.page_paths() and module_paths(lab, project) == [lab]


def test_the_cells_know_their_lines(lab: Path, project: Project) -> None:
    text, first, second = cells(lab, project)
    assert (text.kind, text.line) == ("markdown", 1) and text.text.startswith("# 实验\n\n## 问题")
    assert first == Cell("code", 8, 9, 10, "SEED = 42\nvalues = [1.0, 2.5]", {})
    assert (second.line, second.start, second.end, second.data) == (12, 13, 14, {"tolerance": "0.1"})


def test_its_blocks_run_and_are_proven(lab: Path, project: Project) -> None:
    blocks = published_blocks(lab, project)
    assert [(b.kind, b.line, b.text) for b in blocks] == [
        ("run", c.line, c.text) for c in cells(lab, project)[1:]
    ]
    entry = prove(lab, project)
    assert [block["status"] for block in entry["blocks"]] == ["passed", "passed"]
    assert [block["output"] for block in entry["blocks"]] == ["exact", "tolerance 0.1"]
    assert entry["page"] == "labs/sum.py" and entry["blocks"][1]["printed"] == "sum 3.5\n"


def test_a_failing_cell_names_the_line_of_the_script(lab: Path, project: Project) -> None:
    lab.write_text(LAB.replace("== 3.5", "== 4"), encoding="utf-8")
    entry = prove(lab, project)
    assert [block["status"] for block in entry["blocks"]] == ["passed", "failed"]


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [("和是", "总和是", False), ("values = [1.0", "values = [1.5", True), ('"0.1"', '"0.2"', True)],
)
def test_prose_leaves_the_evidence_fresh(
    old: str, new: str, stale: bool, lab: Path, project: Project
) -> None:
    before = key(lab, published_blocks(lab, project), project, "cpu")
    lab.write_text(LAB.replace(old, new), encoding="utf-8")
    assert (key(lab, published_blocks(lab, project), project, "cpu") != before) == stale


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("# %% [markdown]\n", "import os\n\n# %% [markdown]\n", 1, "text outside the cells"),
        ("# %% [markdown]", "# %%", 1, "text outside the cells"),
        ('tolerance="0.1"', 'hide="yes"', 12, "unknown word 'hide'"),
        ("values =", "# %matplotlib inline\nvalues =", 8, "a notebook would not run as it stands"),
        ("values =", "x = 1\n" * 40 + "values =", 8, "a cell of 42 lines"),
        ("# 和是", "# ```text\n# x\n# ```\n#\n# 和是", 1, "a code block that is no cell: 'x'"),
        ("# 和是", "# <!-- skip: next -->\n# 和是", 6, "a directive that would skip a block"),
    ],
)
def test_what_is_refused(old: str, new: str, line: int, says: str, lab: Path, project: Project) -> None:
    lab.write_text(LAB.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PageError) as caught:
        published_blocks(lab, project)
    assert str(caught.value).startswith(f"docs/labs/sum.py:{line}: ") and says in str(caught.value)


CODE = [Cell("code", 3, 4, 4, "x", {}), Cell("code", 6, 7, 7, "y", {"alt": "words"})]


def test_what_a_cell_gave() -> None:
    html = notebook(TEXT.format("one\n") + TEXT.format("&lt;two&gt;\n"), TEXT.format("3") + FIGURE)
    assert outputs_of(html, CODE, "p") == [Output("one\n<two>", None), Output("3", b"picture")]


@pytest.mark.parametrize(
    ("outputs", "line", "says"),
    [
        (
            [TEXT.format("1").replace('"jp-', '"jp-OutputArea-executeResult jp-'), FIGURE],
            3,
            "a cell that shows '1'",
        ),
        (
            [TEXT.format("warning").replace("text/plain", "application/vnd.jupyter.stderr"), FIGURE],
            3,
            "shows 'warning'",
        ),
        ([FIGURE, FIGURE], 3, "1 figures in a cell"),
        (["", FIGURE + FIGURE], 6, "2 figures in a cell"),
        (["", TEXT.format("1")], 6, "0 figures in a cell"),
    ],
)
def test_what_a_cell_may_not_show(outputs: list[str], line: int, says: str) -> None:
    with pytest.raises(PageError) as caught:
        outputs_of(notebook(*outputs), CODE, "docs/labs/p.py")
    assert str(caught.value).startswith(f"docs/labs/p.py:{line}: ") and says in str(caught.value)


def built(lab: Path, project: Project, execute: bool, *outputs: str) -> str:
    """The content of the lab's page as the site build gives it to the theme."""
    config = project.config
    config.plugins._current_plugin = None  # mkdocs sets it while an event runs
    plugin_ = type("Plugin", (), {"config": {"execute": execute}})()
    dict.__setitem__(config.plugins, "mkdocs-jupyter", plugin_)
    files = get_files(config)
    for file in downloads(config):
        files.append(file)
    file = next(file for file in files if file.src_uri == "labs/sum.py")
    html = content(notebook(*outputs), Page(None, file, config), config, files)
    target = project.site / "labs/sum/index.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"<html><body>{html}</body></html>", encoding="utf-8")
    return html


def test_a_built_lab_is_accounted_for(lab: Path, project: Project) -> None:
    prove(lab, project)
    html = built(lab, project, True, "", TEXT.format("sum 3.52"))
    tree = LexborHTMLParser(html)
    assert [node.attributes["id"] for node in tree.css("h1, h2")] == ["实验", "问题"]
    assert len(tree.css("div.language-python + details.evidence")) == 2
    assert tree.css_first(".lab-output + details.evidence") is None
    assert tree.css_first("span.arithmatex") is not None and labs.SEEN in html
    result = ledger.account(project, ["cpu"])
    assert (result.problems, result.in_html, result.kinds) == ([], 3, {"run": 2})


def test_the_ledger_refuses_what_differs(lab: Path, project: Project) -> None:
    prove(lab, project)
    built(lab, project, True, "", TEXT.format("sum 3.8"))
    (problem,) = ledger.account(project, ["cpu"]).problems
    assert "docs/labs/sum.py:12: the build printed something else than the run" in problem
    lab.write_text(LAB.replace("values = [1.0", "values =  [1.0"), encoding="utf-8")
    assert any("is stale" in problem for problem in ledger.account(project, ["cpu"]).problems)


def test_a_lab_that_the_build_did_not_run(lab: Path, project: Project) -> None:
    prove(lab, project)
    html = built(lab, project, False, "", "")
    assert "实验没有执行" in html and "lab-output" not in html
    (problem,) = ledger.account(project, ["cpu"]).problems
    assert problem.startswith("docs/labs/sum.py:1: 0 outputs of cells in the built page, 1 in the evidence")


def test_an_output_on_a_page_without_cells(project: Project) -> None:
    page = project.site / "shell/index.html"
    page.parent.mkdir(parents=True)
    page.write_text('<div class="lab-output"><pre>import os</pre></div>')
    assert any("1 outputs of cells" in problem for problem in ledger.account(project, ["cpu"]).problems)


def test_the_figure_stands_under_its_code() -> None:
    read = [Cell("markdown", 1, 1, 1, "# T", {}), *CODE]
    text = markdown(read, "lab", [Output("", None), Output("1", b"picture")])
    assert text.endswith("![words](lab/figure-6.png){ .lab-figure }\n")


def test_a_lab_opens_in_colab_where_its_repository_is_at_github() -> None:
    read = [Cell("markdown", 1, 1, 1, "# T\n\nWords.", {}), *CODE]
    assert "在 Colab 打开" not in markdown(read, "lab")
    known = markdown(
        read, "lab", online="https://colab.research.google.com/github/o/n/blob/notebooks/l.ipynb"
    )
    assert "[在 Colab 打开](https://colab.research.google.com/github/o/n/blob/notebooks/l.ipynb)。" in known


def test_the_downloads_are_the_same_in_each_build(lab: Path, project: Project) -> None:
    project.config.plugins._current_plugin = None  # mkdocs sets it while an event runs
    first, second = ([file.content_bytes for file in downloads(project.config)] for _ in range(2))
    assert first == second and first[1].decode() == LAB and b'"cell_type": "code"' in first[0]
    assert json.loads(first[0])["metadata"]["jupytext"]["cell_metadata_filter"] == "alt,tolerance,-all"


def test_pytest_itself_finds_nothing_in_a_lab(lab: Path, request: pytest.FixtureRequest) -> None:
    module = plugin.pytest_pycollect_makemodule(lab, request.session)
    assert isinstance(module, plugin.NoTests) and module.collect() == []
    assert plugin.pytest_pycollect_makemodule(Path(__file__), request.session) is None


def test_a_failing_cell_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = copy_sample(tmp_path)
    (site / "docs/labs").mkdir()
    (site / "docs/labs/sum.py").write_text(LAB.replace("== 3.5", "== 4"), encoding="utf-8")
    monkeypatch.setenv("LABS", "true")
    code, report = build(site)
    assert code != 0 and "AssertionError" in report
