"""pages: every code block of the rendered page, each traced to its source or refused."""

import pytest

from tooling.errors import PageError
from tooling.ledger import code_texts
from tooling.pages import code_elements, published_blocks, render
from tooling.project import Project

from .inside import include, page, regions

# How a block may be written; each publishes the text `true` and nothing else.
SPELLINGS = {
    "plain": "```bash\ntrue\n```\n",
    "tildes": "~~~bash\ntrue\n~~~\n",
    "longer fence": "````bash\ntrue\n````\n",
    "dot": "``` .bash\ntrue\n```\n",
    "attributes": "``` { .bash .annotate #anchor }\ntrue\n```\n",
    "unquoted data": "``` { .bash data-exempt=never data-until=2999-01-01 }\ntrue\n```\n",
    "options": '```bash title="a.sh" hl_lines="1"\ntrue\n```\n',
    "line numbers": '```bash linenums="1"\ntrue\n```\n',
    "admonition": "!!! note\n    ```bash\n    true\n    ```\n",
    "details": "??? note\n    ```bash\n    true\n    ```\n",
    "tab": '=== "A"\n\n    ```bash\n    true\n    ```\n',
    "tab in an admonition": '!!! note\n    === "A"\n        ```bash\n        true\n        ```\n',
    "list": "- item\n\n    ```bash\n    true\n    ```\n",
    "ordered list": "1. item\n\n   ```bash\n   true\n   ```\n",
    "list, hard tab": "- item\n\n\t```bash\n\ttrue\n\t```\n",
    "quote": "> ```bash\n> true\n> ```\n",
    "quote in a list": "- item\n\n    > ```bash\n    > true\n    > ```\n",
    "admonition in a quote": "> !!! note\n>     ```bash\n>     true\n>     ```\n",
    "Markdown in HTML": "<div markdown>\n```bash\ntrue\n```\n</div>\n",
    "HTML": "<div>\n```bash\ntrue\n```\n</div>\n",
    "front matter": "---\ntitle: x\n---\n\n```bash\ntrue\n```\n",
    "Windows line ends": "```bash\r\ntrue\r\n```\r\n",
    "form feed before": "one\x0ctwo\n\n```bash\ntrue\n```\n",
    "beside inline code": "A `word`, a <kbd>key</kbd>.\n\n```bash\ntrue\n```\n",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_that_are_seen(name: str, project: Project) -> None:
    path = page(project, "")
    path.write_bytes(SPELLINGS[name].encode())
    assert [block.text for block in published_blocks(path, project)] == ["true"]
    assert code_texts(render(project.read(path), project)) == ["true"]  # the ledger's own reading


# What a reader sees as code, but no fence of the page declares: (source, line, what is said).
REFUSED = {
    "fence in a list's first line": ("- ```bash\n  true\n  ```\n", 3, "never closed"),
    "definition list": ("Term\n:   ```bash\n    true\n    ```\n", 4, "never closed"),
    "code span over two lines": ("A `import os\nx = 1` text\n", 1, "no fence (indented or raw HTML)"),
    "indented": ("Text\n\n    import os\n", 3, "no fence (indented or raw HTML): 'import os'"),
    "indented by a tab": ("Text\n\n\timport os\n", 3, "no fence (indented or raw HTML): 'import os'"),
    "raw pre": ("<pre>\nimport os\n</pre>\n", 2, "no fence"),
    "raw code": ('<p>a <code class="language-python">import os</code></p>\n', 1, "no fence"),
    "raw code with a break": ("<p><code>import os<br>os.abort()</code></p>\n", 1, "no fence"),
    "raw samp": ("<samp>import os\nos.abort()</samp>\n", 1, "no fence"),
    "raw textarea": ("<textarea>import os\nos.abort()</textarea>\n", 1, "no fence"),
    "raw pre after its twin": ("```bash\ntrue\n```\n\n<pre>true</pre>\n", 2, "no fence"),
    "empty pre": ("<pre></pre>\n", 1, "no fence (indented or raw HTML): ''"),
    "comment": ("<!--\n```bash\ntrue\n```\n-->\n", 2, "does not render as code"),
    "footnote": (
        "A[^1]\n\n[^1]:\n    ```bash\n    one\n    ```\n\nB\n\n```bash\ntwo\n```\n",
        4,
        "publishes 'two'",
    ),
    "tab in the text": ("```bash\n\ttrue\n```\n", 1, "the page publishes '    true'"),
    "fence by halves": ("    ```bash\n  true\n    ```\n", 1, "the page publishes"),
    "unknown to the highlighter": ("```pytohn\nx\n```\n", 1, "language 'pytohn'"),
    "upper case": ("```Python\nx\n```\n", 1, "language 'Python'"),
    "no language": ("```\nx\n```\n", 1, "language 'not given'"),
    "title alone": ('```title="x"\nx\n```\n', 1, "unknown kind"),
    "include in prose": ('Text\n\n--8<-- "mkdocs.yml"\n', 3, "an include outside a fence"),
    "missing include in prose": ('--8<-- "gone.md"\n', 1, "an include outside a fence"),
    "include among lines": ('```toml\na = 1\n--8<-- "mkdocs.yml"\n```\n', 1, "an include among other lines"),
    "block include": ("```toml\n--8<--\nmkdocs.yml\n--8<--\n```\n", 1, "an include among other lines"),
    "include in a quote": ('> ```toml\n> --8<-- "pyproject.toml"\n> ```\n', 1, "the page publishes"),
    "skip": ("text\n\n<!-- skip: next -->\n", 3, "a directive that would skip a block: <!-- skip: next -->"),
    "Sybil's invisible block": ("<!-- invisible-code-block: python\n-->\n", 1, "would skip a block"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_code_that_nobody_declared(name: str, project: Project) -> None:
    source, line, says = REFUSED[name]
    (project.root / "pyproject.toml").write_text("a = 1\n")
    with pytest.raises(PageError) as caught:
        published_blocks(page(project, source), project)
    found, expected, command = str(caught.value).split("\n")
    assert found.startswith(f"docs/made.md:{line}: ") and says in found
    assert expected.startswith("  expected: ") and command.startswith("  then run: make ")


def test_a_block_knows_all_about_itself(project: Project) -> None:
    header = '``` { .python title="t" data-timeout="9" data-reason="r" }'
    path = page(project, "# T\n\n" + include("one", header), M=regions(one="x = '<&>'"))
    (block,) = published_blocks(path, project)
    assert (block.index, block.line, block.end) == (1, 3, 5)
    assert (block.kind, block.language, block.title, block.text) == ("run", "python", "t", "x = '<&>'")
    assert block.data == {"timeout": "9", "reason": "r"} and block.fence.info == header.removeprefix("``` ")
    assert block.region is not None and block.region.name == "one"


def test_an_escaped_marker_is_text(project: Project) -> None:
    blocks = published_blocks(project.docs / "shown.md", project)
    assert [block.text for block in blocks if block.language == "text"] == ["# --8<-- [start:name]"]
    assert [block.kind for block in blocks] == ["shown"] * 5 + ["exempt"]


def test_line_numbers_in_a_table_are_no_code() -> None:
    (element,) = code_elements(
        '<div class="language-python highlight"><table class="highlighttable">'
        '<tr><th class="filename">t</th></tr>'
        '<tr><td class="linenos"><div><pre>1\n2</pre></div></td>'
        '<td class="code"><div><pre><code>a\nb</code></pre></div></td></tr></table></div>'
    )
    assert (element.text, element.title) == ("a\nb", "t")
