"""The pages of `tests/samples/behaviours`, run inside this process."""

import re
import shutil
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from tooling import evidence, mkdocs_hooks
from tooling.kinds import Block
from tooling.pages import published_blocks, render
from tooling.project import Project
from tooling.runner import BlockFailure, PageRun
from tooling.watchdog import Watchdog

from .sites import ROOT


def copy_behaviours(folder: Path) -> Project:
    """The pages of the behaviours, with the project's own configuration."""
    root = folder / "behaviours"
    shutil.copytree(ROOT / "tests/samples/behaviours", root)
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    config = re.sub(r"^nav:\n.*", "", config, flags=re.MULTILINE | re.DOTALL)
    config = config.replace("tooling/mkdocs_hooks.py", str(ROOT / "tooling/mkdocs_hooks.py"))
    (root / "mkdocs.yml").write_text(config, encoding="utf-8")
    return Project(root)


def content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The content of a page as the site build gives it to the theme."""
    page.content = mkdocs_hooks.on_page_content(html, page=page, config=config, files=files)
    context: mkdocs_hooks.Context = {}
    for method in mkdocs_hooks.on_page_context.methods:
        method(context, page=page, config=config, nav=Navigation([], []))
    return page.content


def page(project: Project, text: str, **snippets: str) -> Path:
    """Writes the page `made.md`; the names of its snippet modules take the place of a leading M.

    M="x = 1" makes `made.py`, M_pitfalls="…" makes `made_pitfalls.py`.
    """
    path = project.docs / "made.md"
    path.write_text(text, encoding="utf-8")
    for name, code in snippets.items():
        module = project.snippets / f"made{name.removeprefix('M')}.py"
        module.write_text(code, encoding="utf-8")
    return path


def regions(**texts: str) -> str:
    """The text of a snippet module with these regions; underscores become hyphens."""
    return "\n".join(
        f"# --8<-- [start:{name.replace('_', '-')}]\n{text}\n# --8<-- [end:{name.replace('_', '-')}]\n"
        for name, text in texts.items()
    )


def include(region: str, header: str = "```python", module: str = "made") -> str:
    """A fence that includes one region."""
    return f'{header}\n--8<-- "snippets/{module}.py:{region}"\n```\n'


def run(path: Path, project: Project, update: bool = False) -> tuple[list[Block], PageRun, dict[int, str]]:
    """Runs all blocks of a page; gives the blocks, the run and the reports of those that failed."""
    blocks = published_blocks(path, project)
    page_run = PageRun(path, blocks, project, Watchdog(), update)
    failures = {}
    for block in blocks:
        try:
            page_run.run(block)
        except BlockFailure as failure:
            failures[block.index] = page_run.report(block, str(failure))
    return blocks, page_run, failures


def is_cleared(folder: Path) -> bool:
    """Whether nothing is left of what a page wrote; an empty folder serves the next page."""
    return not folder.exists() or not any(folder.iterdir())


def prove(path: Path, project: Project, device: str = "cpu") -> evidence.Record:
    """Runs a page and writes its evidence."""
    blocks, page_run, _ = run(path, project)
    page_run.close()
    environment = {
        "python": "3.12.1",
        "device": device,
        "platform": "Linux",
        "device_name": None,
        "cuda": None,
        "hub": "stand-in",
        "packages": {"torch": "2.13.0", "tensorflow": "2.21.0"},
        "commit": "0123456789abcdef+",
        "started": "2030-01-02T03:04:05Z",
    }
    known = evidence.known(path, blocks, project, device)
    entry = evidence.complete(known, page_run.results, environment)
    evidence.write(entry, project)
    return entry


def publish(path: Path, project: Project, frame: str = "<html><body>{}</body></html>") -> Path:
    """Writes the page's HTML where the site build would."""
    name = path.relative_to(project.docs).with_suffix("")
    built = project.site / ("." if name.name == "index" else name) / "index.html"
    built.parent.mkdir(parents=True, exist_ok=True)
    built.write_text(frame.format(render(project.read(path), project)), encoding="utf-8")
    return built
