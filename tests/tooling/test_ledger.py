"""ledger: the built HTML against the evidence."""

import json
import sys
from pathlib import Path

import pytest

from tooling import evidence, ledger
from tooling.project import Project

from .inside import page, prove, publish


@pytest.mark.parametrize(
    ("html", "texts"),
    [
        ("<p>a <code>word</code> and a <kbd>key</kbd></p>", []),
        ("<pre><code>a\nb\n</code></pre>", ["a\nb"]),
        ("<pre>a</pre><code>b\nc</code>", ["a", "b\nc"]),
        ('<code class="language-python">a</code>', ["a"]),
        ("<code>a<br>b</code>", ["ab"]),
        ("<samp>a\nb</samp><textarea>c\nd</textarea>", ["a\nb", "c\nd"]),
        ('<table><tr><td class="linenos"><pre>1</pre></td><td><pre>a</pre></td></tr></table>', ["a"]),
        ("<!-- <pre>a</pre> -->", []),
    ],
)
def test_what_a_reader_sees_as_code(html: str, texts: list[str]) -> None:
    assert ledger.code_texts(f"<html><body>{html}</body></html>") == texts


@pytest.mark.parametrize(
    ("built", "source"),
    [
        ("index.html", "index.md"),
        ("shell/index.html", "shell.md"),
        ("concepts/index.html", "concepts/index.md"),
        ("concepts/twice/index.html", "concepts/twice.md"),
        ("concepts/twice.html", None),
        ("gone/index.html", None),
    ],
)
def test_the_page_of_a_built_file(built: str, source: str | None, project: Project) -> None:
    (project.docs / "concepts/index.md").write_text("# Concepts\n")
    assert ledger.page_of(project.site / built, project) == source


@pytest.fixture
def built(project: Project) -> Project:
    """Two pages that are proven and built, and one without code."""
    for name in ("shell", "concepts/twice"):
        prove(project.docs / f"{name}.md", project)
        publish(project.docs / f"{name}.md", project)
    publish(project.docs / "index.md", project)
    (project.site / "404.html").write_text("<pre>not a page</pre>")
    return project


def problems(project: Project, *devices: str) -> list[str]:
    return ledger.account(project, list(devices or ["cpu"])).problems


def test_all_is_accounted_for(built: Project) -> None:
    result = ledger.account(built, ["cpu"])
    assert (result.problems, result.unaccounted, result.pages, result.in_html) == ([], 0, 3, 8)
    assert result.kinds == {"run": 2, "output": 3, "shell": 3}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


MEND = "run: make pages PAGE=docs/shell.md"


def test_another_text_in_the_built_page(built: Project) -> None:
    edit(built.site / "shell/index.html", "five.txt", "six.txt")
    (problem,) = problems(built)
    assert problem == f"docs/shell.md:3: block 1 of the built page is not the text that ran; {MEND}"


def test_code_that_no_run_has_seen(built: Project) -> None:
    edit(built.site / "shell/index.html", "</body>", "<pre>import os</pre></body>")
    (problem,) = problems(built)
    assert problem == f"docs/shell.md:1: code in the built page that no run has seen: 'import os'; {MEND}"


def test_a_block_that_the_built_page_lacks(built: Project) -> None:
    html = built.site / "shell/index.html"
    text = html.read_text()
    html.write_text(text[: text.rindex('<div class="language-text')])
    (problem,) = problems(built)
    assert problem == f"docs/shell.md:18: block 4 ran, but the built page lacks it; {MEND}"


@pytest.mark.parametrize("status", ["failed", "not run"])
def test_a_block_that_did_not_pass(status: str, built: Project) -> None:
    entry = evidence.load("shell.md", built, "cpu")
    assert entry is not None
    entry["blocks"][1]["status"] = status
    evidence.write(entry, built)
    assert problems(built) == [f"docs/shell.md:7: block 2 on cpu: {status}; {MEND}"]


def test_stale_evidence(built: Project) -> None:
    edit(built.snippets / "concepts/twice_torch.py", "calls = [3]", "calls = [ 3 ]")
    result = ledger.account(built, ["cpu"])
    assert result.unaccounted == 4
    assert set(result.problems) == {
        "docs/concepts/twice.md:1: the evidence on cpu is stale; run: make pages PAGE=docs/concepts/twice.md"
    }


@pytest.mark.parametrize(("until", "count"), [("2020-01-31", 1), ("2999-01-31", 0)])
def test_an_exemption_past_its_date(until: str, count: int, built: Project) -> None:
    entry = evidence.load("shell.md", built, "cpu")
    assert entry is not None
    entry["blocks"][1] |= {"status": "exempt", "until": until}
    evidence.write(entry, built)
    expected = f"docs/shell.md:7: block 2: exemption ended on 2020-01-31; {MEND}"
    assert problems(built) == [expected] * count


def test_evidence_of_another_page(built: Project) -> None:
    source = evidence.file_of("concepts/twice.md", built, "cpu")
    evidence.file_of("shell.md", built, "cpu").write_bytes(source.read_bytes())
    found = set(problems(built))
    assert len(found) == 1 and "evidence of concepts/twice.md on cpu" in found.pop()


def test_no_evidence(built: Project) -> None:
    evidence.file_of("shell.md", built, "cpu").unlink()
    assert set(problems(built)) == {f"docs/shell.md:1: no evidence on cpu for 4 blocks; {MEND}"}


def test_every_device_must_have_passed(built: Project) -> None:
    result = ledger.account(built, ["cpu", "cuda"])
    assert result.unaccounted == 0 and len(result.problems) == 8
    assert f"docs/shell.md:1: no evidence on cuda for 4 blocks; {MEND} DEVICE=cuda" in result.problems


def test_a_page_that_cannot_be_read_any_more(built: Project) -> None:
    edit(built.docs / "shell.md", "```bash", "```zsh")
    (problem,) = set(problems(built))
    assert problem.startswith("docs/shell.md:3: unknown kind of block: language 'zsh'")


def test_built_code_without_a_page(built: Project) -> None:
    (built.site / "extra.html").write_text("<pre>a</pre><pre>b</pre>")
    (built.site / "words.html").write_text("<p>no code</p>")
    result = ledger.account(built, ["cpu"])
    assert result.problems == ["site/extra.html: 2 code blocks, but no page in docs/"]
    assert result.unaccounted == 2


def call(project: Project, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["ledger", "--devices", "cpu", "--root", str(project.root)])
    return ledger.main()


def test_the_command(
    built: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(built, monkeypatch) == 0
    assert capsys.readouterr().out.startswith(
        "ledger (cpu): 3 pages, 8 blocks (3 output, 2 run, 3 shell), "
        "8 blocks in the built HTML, 0 unaccounted, "
    )
    edit(built.site / "shell/index.html", "five.txt", "six.txt")
    assert call(built, monkeypatch) == 1
    printed = capsys.readouterr()
    assert "docs/shell.md:3: block 1" in printed.err and "1 unaccounted" in printed.out


def test_the_command_without_a_site(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(project, monkeypatch) == 1
    assert capsys.readouterr().err == "no built site; run: make site\n"


def test_a_page_whose_evidence_lost_a_block(built: Project) -> None:
    file = evidence.file_of("shell.md", built, "cpu")
    entry = json.loads(file.read_text())
    entry["blocks"].pop()
    file.write_text(json.dumps(entry))
    (problem,) = problems(built)
    assert "code in the built page that no run has seen: 'http://127.0.0.1:9'" in problem


def test_a_page_with_a_block_typed_after_the_run(built: Project) -> None:
    path = page(built, "```bash\ntrue\n```\n")
    publish(path, built)
    assert problems(built) == [
        "docs/made.md:1: no evidence on cpu for 1 blocks; run: make pages PAGE=docs/made.md"
    ]
