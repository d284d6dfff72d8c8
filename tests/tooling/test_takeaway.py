"""takeaway: scripts to take along, what marks a block for the copy button, the row under the title."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tooling import takeaway
from tooling.pages import published_blocks, render
from tooling.project import Project

from .inside import include, page, regions
from .test_scripts import LAUNCH, parts

READS = "print(len(open(Path(__file__).resolve().parents[1] / 'data' / 'table.csv').read()))"


def text_of(project: Project, *lasts: int) -> list[str]:
    """The complete code of some blocks of the page `made.md`."""
    blocks = published_blocks(project.docs / "made.md", project)
    return [takeaway.complete(blocks, blocks[last - 1]) for last in lasts]


def test_complete_code_is_the_module_so_far_and_the_block(project: Project) -> None:
    page(
        project,
        "\n".join(
            [include("one"), include("slip", module="made_pitfalls"), include("two"), include("three")]
        ),
        M=regions(one="x = 1", two="y = 2", three="z = 3"),
        M_pitfalls=regions(slip="x = 0"),
    )
    assert text_of(project, 1, 2, 3, 4) == [
        "x = 1\n",
        "x = 1\n\nx = 0\n",
        "x = 1\n\ny = 2\n",
        "x = 1\n\ny = 2\n\nz = 3\n",
    ]


def test_modules_are_kept_apart(project: Project) -> None:
    blocks = published_blocks(project.docs / "concepts/twice.md", project)
    torch, keras = takeaway.modules(blocks)
    assert (torch, keras) == ("snippets/concepts/twice_torch.py", "snippets/concepts/twice_keras.py")
    for module in (torch, keras):
        assert takeaway.script(blocks, module).rstrip() in project.read(project.root / module)


def test_a_script_is_taken_as_a_whole(project: Project) -> None:
    page(project, parts("one", "two") + "\n" + LAUNCH, M_launch=regions(one="x = 1", two="print(x)"))
    blocks = published_blocks(project.docs / "made.md", project)
    assert takeaway.script(blocks, "snippets/made_launch.py") == "x = 1\n\nprint(x)\n"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_data_comes_along_wherever_the_script_is_saved(project: Project, tmp_path: Path) -> None:
    page(project, include("read"), M=regions(read=f"from pathlib import Path\n{READS}"))
    (project.snippets / "data/other.csv").write_text("unread")
    folder = tmp_path / "saved anywhere"
    folder.mkdir()

    def run(*command: str) -> str:
        environment = os.environ | {"no_proxy": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    blocks = published_blocks(project.docs / "made.md", project)
    with served(project.snippets) as address:
        project.config.site_url = address
        text = takeaway.script(blocks, "snippets/made.py", takeaway.preamble("snippets/made.py", project))
        (folder / "made.py").write_text(text)
        table = (project.snippets / "data/table.csv").read_text()
        assert run("made.py") == f"{len(table)}\n"
        assert [path.name for path in (folder / "data").iterdir()] == ["table.csv"]
    (folder / "data/table.csv").write_text("mine")  # is there: nothing is fetched, and nothing could be
    assert run("made.py") == "4\n"
    assert run("-c", text) == "4\n"  # where no file is, such as in a notebook


def test_a_module_without_data_has_no_preamble(project: Project) -> None:
    assert takeaway.preamble("snippets/results.py", project) == ""


def test_the_marks_on_the_blocks(project: Project) -> None:
    source = project.docs / "namespace.md"
    nodes = LexborHTMLParser(render(project.read(source), project)).css("div.highlight")
    takeaway.mark(nodes, published_blocks(source, project), project)
    marks = [
        (
            node.attributes.get("data-module"),
            "data-aside" in node.attributes,
            "data-preamble" in node.attributes,
        )
        for node in nodes
    ]
    module = "snippets/namespace.py"
    assert marks == [
        (module, False, True),
        (module, True, False),
        (None, False, False),
        (module, False, False),
    ]


def test_the_row_under_the_title(project: Project) -> None:
    blocks = published_blocks(project.docs / "namespace.md", project)
    html = takeaway.row("namespace.md", "namespace/index.html", blocks)
    links = [node.attributes["href"] for node in LexborHTMLParser(html).css("a")]
    assert links == ["namespace.py", "namespace.ipynb", "index.md"]
    assert 'href="namespace/namespace.py"' in takeaway.row("namespace.md", "namespace.html", blocks)
    colab = "https://colab.research.google.com/github/owner/name/blob/notebooks/namespace/namespace.ipynb"
    assert colab not in html
    known = takeaway.row("namespace.md", "namespace/index.html", blocks, "https://github.com/owner/name")
    assert f'在 Colab 打开 <a href="{colab}">namespace.ipynb</a>' in known
    assert takeaway.row("namespace.md", "namespace/index.html", blocks, "https://example.org/x") == html
    words = LexborHTMLParser(takeaway.row("words.md", "words/index.html", [])).text()
    assert words == "Markdown · 复制为 Markdown"


def test_what_is_published_beside_a_page(project: Project) -> None:
    blocks = published_blocks(project.docs / "namespace.md", project)
    takeaway.publish("namespace.md", blocks, project, project.site)
    files = sorted(path.name for path in (project.site / "namespace").iterdir())
    assert files == ["index.md", "namespace.ipynb", "namespace.py"]
    script = (project.site / "namespace/namespace.py").read_text()
    assert script.startswith("# 页面上没有这几行") and "pitfall" not in script


@pytest.mark.parametrize(("name", "known"), [("results", True), ("missing", False)])
def test_a_page_that_cannot_be_read_offers_nothing(name: str, known: bool, project: Project) -> None:
    assert (takeaway.blocks_of(f"{name}.md", project) is not None) is known
