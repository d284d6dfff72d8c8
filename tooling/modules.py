"""Which snippet modules belong to a page, and whether the page is their script."""

from pathlib import Path

from tooling import regions
from tooling.errors import PageError
from tooling.kinds import PYTHON, Block
from tooling.project import Project
from tooling.regions import Region


def base_module(region: Region) -> str:
    """The module whose namespace a region runs in: pitfalls run on a copy of their module's."""
    return region.path.removesuffix(".py").removesuffix("_pitfalls") + ".py"


def module_paths(path: Path, project: Project) -> list[Path]:
    """The modules of a page: its name, or its name and a variant (`_keras`); a lab is its own."""
    if path.suffix == ".py":
        return [path]
    return project.found((module_paths, path), lambda: _module_paths(path, project))


def _module_paths(path: Path, project: Project) -> list[Path]:
    stem = _stem(path.name)
    beside = project.names(path.parent)
    longer = [_stem(n) for n in beside if n.endswith(".md") and _stem(n).startswith(f"{stem}_")]
    folder = (project.snippets / path.relative_to(project.docs)).parent
    found = [name.removesuffix(".py") for name in project.names(folder) if name.endswith(".py")]
    return [
        folder / f"{module}.py"
        for module in sorted(found)
        if _belongs(module, stem) and not any(_belongs(module, other) for other in longer)
    ]


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0].replace("-", "_")


def _belongs(module: str, stem: str) -> bool:
    return module == stem or module.startswith(f"{stem}_")


def check_modules(blocks: list[Block], path: Path, project: Project) -> None:
    """The page is the script: each region of its modules once, in file order, and no other's.

    Raises:
        PageError: a region is missing, repeated, out of order, or of another page.
    """
    page = project.relative(path)
    modules = {
        project.relative(module): regions.cut_module(module, project)
        for module in module_paths(path, project)
    }
    shown: dict[str, list[Block]] = {module: [] for module in modules}
    for block in blocks:
        if block.language in PYTHON and block.region is not None:
            if block.region.path not in modules or not block.region.name:
                raise PageError(
                    page,
                    block.line,
                    f"{block.region.path}:{block.region.name} belongs to another page",
                    f"a region of {' or '.join(modules) or 'a module named like the page'}",
                )
            shown[block.region.path].append(block)
    _check_scripts(blocks, page)
    for module, whole in modules.items():
        names = [block.region.name for block in shown[module] if block.region]
        for block, expected in zip(shown[module], whole, strict=False):
            if block.region and block.region.name != expected.name:
                raise PageError(
                    page,
                    block.line,
                    f"region {block.region.name!r} of {module} out of order",
                    f"{expected.name!r} here: each region once, in file order",
                )
        if len(names) > len(whole):
            raise PageError(
                page,
                shown[module][len(whole)].line,
                f"region {names[len(whole)]!r} twice",
                "each region once",
            )
        if len(names) < len(whole):
            raise PageError(
                module,
                whole[len(names)].start,
                f"region {whole[len(names)].name!r} is on no page",
                f"an include of it in {page}",
            )


def _check_scripts(blocks: list[Block], page: str) -> None:
    """A script runs as a whole, by a command below its last region, and never in the page's process."""
    for block in blocks:
        if block.region is None or block.kind not in ("run", "raises", "script"):
            continue
        parts = [b for b in blocks if b.region is not None and b.region.path == block.region.path]
        if {b.kind for b in parts} & {"script"} and block.kind != "script":
            raise PageError(
                page,
                block.line,
                f"a region of the script {block.region.path} that is marked as {block.kind}",
                f'data-script="{Path(block.region.path).name}" on each of its regions',
            )
        if block.kind == "script" and not any(
            b.kind == "shell" and block.data["script"] in b.text for b in blocks[parts[-1].index :]
        ):
            raise PageError(
                page,
                block.line,
                f"no command runs the script {block.data['script']}",
                f"a bash block that names {block.data['script']} below its last region",
            )
