"""Canaries: each defect, in a copy of the sample site, must turn the run red for the right reason."""

import json
from pathlib import Path

import pytest

from .sites import build, copy_sample, edit, ledger, run_pages

PAGE, MODULE = "docs/sample.md", "snippets/sample.py"

# name: (file, old text, new text, what the report must say)
CANARIES = {
    "title and hl_lines": (
        MODULE,
        "total = sum(values)",
        "total = 1 / 0",
        ["sample.md:7", "ZeroDivisionError"],
    ),
    "py in a tab": (MODULE, "assert total == 5.25", "assert total == 0", ["sample.md:17", "AssertionError"]),
    "tildes": (MODULE, "doubled = 2 * total", "doubled = 2 * gone", ["sample.md:21", "name 'gone'"]),
    "annotate": (MODULE, "assert doubled == 10.5", "assert doubled == 0", ["sample.md:25", "AssertionError"]),
    "missing region": (PAGE, "sample.py:tilde", "sample.py:tilda", ["sample.md:22", "no region 'tilda'"]),
    "missing file": (
        PAGE,
        "snippets/sample.py:tilde",
        "snippets/gone.py:tilde",
        ["sample.md:22", "no such file"],
    ),
    "empty region": (MODULE, "doubled = 2 * total\n", "", ["sample.py:", "'tilde' is empty"]),
    "changed number": (PAGE, "sum 5.25", "sum 5.75", ["sample.md:11", "page: sum 5.75", "run:  sum 5.25"]),
    "renamed variable": (
        MODULE,
        "values = [",
        "numbers = [",
        ["sample.md:7", "name 'values' is not defined"],
    ),
    "region on no page": (
        PAGE,
        '``` { .python .annotate }\n--8<-- "snippets/sample.py:annotated"\n```\n',
        "",
        ["snippets/sample.py:", "region 'annotated' is on no page"],
    ),
    "raw HTML": (
        PAGE,
        "# Sample\n",
        '# Sample\n\n<pre><code class="language-python">x = 1\n</code></pre>\n',
        ["sample.md:3", "no fence (indented or raw HTML)"],
    ),
    "indented code": (
        PAGE,
        "# Sample\n",
        "# Sample\n\nText.\n\n    y = 1\n",
        ["sample.md:5", "no fence (indented or raw HTML)"],
    ),
    "raises nothing": (
        "snippets/sample_pitfalls.py",
        "print(undefined)",
        "undefined = 1",
        ["sample.md:29", "raised nothing"],
    ),
    "failing shell": (
        PAGE,
        "cat shared.txt",
        "cat absent.txt",
        ["sample.md:37", "exit status 1", "absent.txt"],
    ),
    "skip directive": (
        PAGE,
        "# Sample\n",
        "# Sample\n\n<!-- skip: next -->\n",
        ["sample.md:3", "skip a block"],
    ),
    "skip without reason": (
        PAGE,
        'data-exempt="starts a server that never ends"',
        'data-exempt=""',
        ["sample.md:49", "an exemption without a reason"],
    ),
    "expired exemption": (
        PAGE,
        "2999-01-01",
        "2020-01-01",
        ["sample.md:49", "exemption ended on 2020-01-01"],
    ),
    "opens a connection": (
        MODULE,
        "doubled = 2 * total",
        'import socket\nsocket.create_connection(("192.0.2.1", 80), 2)',
        ["sample.md:21", "SocketConnectBlockedError"],
    ),
    "Python typed inline": (
        PAGE,
        "# Sample\n",
        "# Sample\n\n```python\nz = 1\n```\n",
        ["sample.md:3", "typed into"],
    ),
    "unclosed fence": (PAGE, "make serve\n```", "make serve", ["sample.md:49", "never closed"]),
    "unknown language": (PAGE, "```json", "```jsno", ["sample.md:45", "unknown kind of block"]),
    "unknown attribute": (PAGE, "data-tolerance", "data-tolerence", ["sample.md:11", "data-tolerence"]),
    "output without a run": (
        PAGE,
        "# Sample\n",
        '# Sample\n\n```text title="输出"\n1\n```\n',
        ["sample.md:3", "without a run block"],
    ),
    "duplicate region": (
        MODULE,
        "# --8<-- [start:add]",
        "# --8<-- [start:setup]\nq = 1\n# --8<-- [end:setup]\n\n# --8<-- [start:add]",
        ["sample.py:6", "'setup' is there already"],
    ),
    "overlapping region": (
        MODULE,
        "# --8<-- [end:setup]",
        "# --8<-- [start:inner]",
        ["sample.py:4", "starts inside 'setup'"],
    ),
    "path out of the project": (
        PAGE,
        "snippets/sample.py:tilde",
        "snippets/../../sample.py:tilde",
        ["sample.md:22", "leaves the project"],
    ),
}


def test_the_sample_is_green(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    code, report = run_pages(site)
    assert code == 0, report
    assert build(site)[0] == 0
    code, report = ledger(site)
    assert code == 0 and " 0 unaccounted" in report


def add_other_page(site: Path) -> None:
    """A page of one block, read after the sample."""
    (site / "docs/zz.md").write_text("# Other\n\n```bash\ntrue\n```\n", encoding="utf-8")


def states(site: Path, name: str) -> dict[int, str] | None:
    """What the evidence says of the blocks of a page, by line; None where there is no evidence."""
    file = site / f"evidence/cpu/{name}.md.json"
    if not file.is_file():
        return None
    blocks = json.loads(file.read_text(encoding="utf-8"))["blocks"]
    return {block["line"]: block["status"] for block in blocks}


@pytest.mark.parametrize("name", CANARIES)
def test_canary(name: str, tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    add_other_page(site)
    file, old, new, says = CANARIES[name]
    edit(site / file, old, new)
    code, report = run_pages(site)
    assert code == 1, report
    for words in says:
        assert words in report
    assert "INTERNALERROR" not in report and "tooling/" not in report  # the page's fault, told as that
    assert states(site, "zz") == {3: "passed"}
    if (found := states(site, "sample")) is not None:  # the page could be read: its other blocks ran
        assert found[int(says[0].removeprefix("sample.md:"))] == "failed"
        assert found[3] == found[45] == "passed"


def test_swapped_includes(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    edit(site / PAGE, "sample.py:tab", "sample.py:swap")
    edit(site / PAGE, "sample.py:tilde", "sample.py:tab")
    edit(site / PAGE, "sample.py:swap", "sample.py:tilde")
    code, report = run_pages(site)
    assert code == 1 and "'tilde' of snippets/sample.py out of order" in report


def test_a_block_that_sleeps_for_ever(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    edit(site / MODULE, "doubled = 2 * total", "import time\ntime.sleep(1e6)")
    edit(site / PAGE, "~~~python", '~~~ { .python data-timeout="1" data-reason="canary" }')
    code, report = run_pages(site)
    assert code == 1 and "sample.md:21" in report and "Timeout" in report


@pytest.mark.parametrize(
    ("code", "line", "needs_it"),
    [
        ("doubled = 2 * total", 21, [25, 29]),
        ("assert doubled == 10.5", 25, [29]),
        ("SEED = 42", 3, [7, 17, 21, 25, 29]),
        ("print(undefined)", 29, []),
    ],
)
def test_a_block_that_ends_its_process_fails_alone_and_by_name(
    code: str, line: int, needs_it: list[int], tmp_path: Path
) -> None:
    site = copy_sample(tmp_path)
    add_other_page(site)
    module = MODULE if line != 29 else "snippets/sample_pitfalls.py"
    edit(site / module, code, "import os\nos._exit(3)")
    exit_status, report = run_pages(site)
    assert exit_status == 1 and report.count("node down") == 1
    assert f"crashed while running 'docs/sample.md::line:{line},column:1'" in report
    assert report.count("not run: the block at line") == len(needs_it)
    found = states(site, "sample")
    assert found is not None and found[line] == "failed"
    assert [found[later] for later in needs_it] == ["not run"] * len(needs_it)
    assert [found[45], found[49], states(site, "zz")] == ["passed", "exempt", {3: "passed"}]


def test_what_a_page_sets_in_its_libraries_is_put_back_before_the_next_page(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    add_other_page(site)
    edit(site / MODULE, "doubled = 2 * total", 'import matplotlib\nmatplotlib.rcParams["font.size"] = 5')
    edit(site / MODULE, "assert doubled == 10.5", 'assert matplotlib.rcParams["font.size"] == 5')
    (site / "snippets/zz.py").write_text(
        '# --8<-- [start:size]\nimport matplotlib\n\nassert matplotlib.rcParams["font.size"] == 10\n'
        "# --8<-- [end:size]\n",
        encoding="utf-8",
    )
    edit(site / "docs/zz.md", "```bash\ntrue", '```python\n--8<-- "snippets/zz.py:size"')
    code, report = run_pages(site)
    assert code == 0, report


def test_one_byte_changed_in_the_built_page(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    assert run_pages(site)[0] == 0 and build(site)[0] == 0
    edit(site / "site/sample/index.html", "5.25", "5.26")
    code, report = ledger(site)
    assert code == 1 and "docs/sample.md:11: block 3 of the built page is not the text that ran" in report


@pytest.mark.parametrize("file", [PAGE, MODULE])
def test_text_that_is_not_utf8(file: str, tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    add_other_page(site)
    before = b"\n\n\xff\xfe" + (site / file).read_bytes()
    (site / file).write_bytes(before)
    code, report = run_pages(site)
    assert code == 1 and f"{file}:3: not UTF-8 text\n  expected: the file saved as UTF-8" in report
    assert "Traceback" not in report and (site / file).read_bytes() == before
    assert states(site, "sample") is None and states(site, "zz") == {3: "passed"}


def test_a_link_out_of_the_snippets(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    outside = tmp_path / "outside.py"
    (site / MODULE).rename(outside)
    (site / MODULE).symlink_to(outside)
    code, report = run_pages(site)
    assert code == 1 and "a symbolic link or a path out of the project" in report


def test_update_rewrites_the_outputs_and_nothing_else(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    edit(site / MODULE, "assert total == 5.25", "print(total)")
    in_a_tab = '        ```text title="输出"\n        {}\n        ```\n'
    edit(site / PAGE, "\n~~~python", in_a_tab.format("5.25") + "\n~~~python")
    wanted = (site / PAGE).read_bytes()
    edit(site / PAGE, "sum 5.25", "sum 9.99")
    edit(site / PAGE, in_a_tab.format("5.25"), in_a_tab.format("old\n        older"))
    code, report = run_pages(site, "--update-outputs")
    assert code == 0, report
    assert (site / PAGE).read_bytes() == wanted
    found = states(site, "sample")
    assert found is not None and set(found.values()) == {"passed", "exempt"}


def test_an_update_that_fails_leaves_the_page_as_it_was(tmp_path: Path) -> None:
    site = copy_sample(tmp_path)
    edit(site / PAGE, "sum 5.25", "sum 9.99")
    edit(site / MODULE, "assert doubled == 10.5", "assert doubled == 0")
    before = (site / PAGE).read_bytes()
    code, report = run_pages(site, "--update-outputs")
    assert code == 1 and "sample.md:25" in report
    assert (site / PAGE).read_bytes() == before
    assert states(site, "sample") is None  # what was compared is not on the page
