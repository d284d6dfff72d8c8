"""llms: the lists for machines that read text."""

from tooling import llms, takeaway
from tooling.pages import published_blocks
from tooling.project import Project


def test_the_navigation_becomes_sections(project: Project) -> None:
    for name in ("index", "results", "concepts/twice"):
        source = f"{name}.md"
        blocks = published_blocks(project.docs / source, project)
        takeaway.publish(source, blocks, project, project.site)
    home, config = project.config.site_url, project.config
    config.nav = [{"Home": "index.md"}, {"Part": ["results.md", {"More": ["concepts/twice.md", "none.md"]}]}]
    llms.publish(project, project.site)
    lines = (project.site / "llms.txt").read_text().splitlines()
    assert lines[:6] == [f"# {config.site_name}", "", f"> {config.site_description}", "", "## 全站", ""]
    assert f"- [Results]({home}results/index.md)" in lines[lines.index("## Part") + 2]
    assert f"- [The same in two frameworks]({home}concepts/twice/index.md)" in lines[-1]
    full = (project.site / "llms-full.txt").read_text()
    assert full.index("# Results") < full.index("# The same in two frameworks")


def test_without_a_navigation_all_pages_are_listed(project: Project) -> None:
    takeaway.publish(
        "results.md", published_blocks(project.docs / "results.md", project), project, project.site
    )
    llms.publish(project, project.site)
    assert (project.site / "llms.txt").read_text().count("\n- [") == 1


def test_the_first_paragraph() -> None:
    assert llms.summary("# T\n\n## Q\n\n```python\n```\n\nWhat is it?\n\nMore.\n") == "What is it?"
    assert llms.summary("# T\n") == ""
