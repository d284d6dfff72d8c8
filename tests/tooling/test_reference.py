"""reference: the Markdown of the listing, and the way from a page to it."""

from tooling import reference
from tooling.project import Project

from .inside import page, regions

CODE = regions(setup="def shown():\n    pass", more="class Model:\n    pass\n\ndef _own():\n    pass")


def test_the_public_names_of_a_module(project: Project) -> None:
    page(project, "", M=CODE + "\ndef shown():\n    pass\n")
    assert reference.public_names(project.snippets / "made.py") == ["shown", "Model"]


def test_a_section_lists_its_pages_and_modules(project: Project) -> None:
    page(project, "# Made\n", M=CODE, M_pitfalls=regions(error="1 / 0"))
    text = reference.expand('Before\n\n<div data-reference="made"></div>\n', project)
    assert text.startswith("Before\n\n## Made { #made }\n\n[读这一页](../made.md)\n\n")
    assert "### `snippets/made.py` { #snippets.made }\n\n::: snippets.made\n" in text
    assert "heading_level: 4" in text
    assert text.endswith("members:\n        - shown\n        - Model\n\n")
    assert "pitfalls" not in text  # it defines nothing


def test_the_tooling_is_listed_by_file(project: Project) -> None:
    (project.root / "tooling").mkdir()
    (project.root / "tooling/one.py").write_text("def run():\n    pass\n")
    text = reference.expand('<div data-reference="tooling"></div>', project)
    assert text.startswith("## `tooling/one.py` { #tooling.one }\n\n::: tooling.one\n")


def test_a_page_leads_to_its_functions(project: Project) -> None:
    page(project, "# Made\n", M=CODE)
    assert reference.link("made.md", project) == ""  # no such page of the reference
    (project.docs / "reference").mkdir()
    (project.docs / "reference/made.md").write_text("# Reference\n")
    assert "](reference/made.md#made)" in reference.link("made.md", project)
    assert reference.link("index.md", project) == ""
