"""A site of any size whose blocks do next to nothing, so that what is measured is the tooling.

It is laid out as this project is, with its own mkdocs.yml, or with the code typed into the pages, as the
peers need it.
"""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCKS = 10  # a page
# A folder, and as many folders in the one above, and so on. The theme lists on each page the folders of two
# levels: with a hundred of them in one, the navigation was what grew with the site.
PAGES = 10
FENCE = "```python\n{}\n```"


def _code(page: int, block: int) -> str:
    return f"value = {page} + {block}\nassert value == {page + block}"


def _page(page: int, fences: list[str]) -> str:
    body = "\n\n".join(f"第 {n} 块只做一次加法。\n\n{fence}" for n, fence in enumerate(fences))
    return f"# 第 {page} 页\n\n{body}\n"


def make(folder: Path, pages: int) -> Path:
    """A project of so many pages, each with a module of ten regions that it includes."""
    for page in range(pages):
        name = f"s{page // PAGES**3}/u{page // PAGES**2:03}/t{page // PAGES:04}"
        module = folder / f"snippets/{name}/page_{page}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(
            "\n\n".join(
                f"# --8<-- [start:block-{n}]\n{_code(page, n)}\n# --8<-- [end:block-{n}]"
                for n in range(BLOCKS)
            )
            + "\n",
            encoding="utf-8",
        )
        includes = [FENCE.format(f'--8<-- "snippets/{name}/page_{page}.py:block-{n}"') for n in range(BLOCKS)]
        text = folder / f"docs/{name}/page-{page}.md"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(_page(page, includes), encoding="utf-8")
    shutil.copy(ROOT / "docs/evidence.md", folder / "docs")  # lists every page
    (folder / "docs/index.md").write_text("# 首页\n\n没有代码。\n", encoding="utf-8")
    configure(folder)
    return folder


def configure(folder: Path) -> None:
    """Gives a folder this project's configuration, without its navigation: MkDocs lists what it finds."""
    for name in ("conftest.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    for name in ("docs/assets", "inventories"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    shutil.copy(ROOT / "docs/glossary.toml", folder / "docs")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    config = re.sub(r"^nav:\n.*", "", config, flags=re.MULTILINE | re.DOTALL)
    config = config.replace("tooling/mkdocs_hooks.py", str(ROOT / "tooling/mkdocs_hooks.py"))
    (folder / "mkdocs.yml").write_text(config, encoding="utf-8")
    bare = re.sub(r"^hooks:\n( .*\n)+", "", config, flags=re.MULTILINE)
    (folder / "mkdocs-without-hooks.yml").write_text(bare, encoding="utf-8")


def make_flat(folder: Path, pages: int) -> Path:
    """The same pages with the code typed into them."""
    for page in range(pages):
        text = folder / f"docs/t{page // PAGES:04}/page-{page}.md"
        text.parent.mkdir(parents=True, exist_ok=True)
        fences = [FENCE.format(_code(page, n)) for n in range(BLOCKS)]
        text.write_text(_page(page, fences), encoding="utf-8")
    return folder
