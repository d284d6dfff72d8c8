"""When a page last changed, as far as git knows."""

import subprocess
from pathlib import Path

from tooling.modules import module_paths
from tooling.project import Project


def last_change(path: Path, project: Project) -> str | None:
    """The day of the last commit that touched a page, its modules or its figures, as `2030-01-02`.

    None without git, for files that no commit holds, and in a shallow clone: there the oldest commit
    that was fetched seems to have made every file.
    """
    figures = sorted(file for file in path.parent.glob(f"{path.stem}-*") if file.suffix in (".svg", ".webp"))
    files = [path, *module_paths(path, project), *figures]
    try:
        if _git(project.root, "rev-parse", "--is-shallow-repository") != "false":
            return None
        return _git(project.root, "log", "-1", "--format=%cs", "--", *map(str, files)) or None
    except FileNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str:
    """What git prints; nothing if it fails."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    return done.stdout.strip()
