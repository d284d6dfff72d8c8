"""When a page last changed, as far as git knows."""

import functools
import subprocess
from pathlib import Path

from tooling.modules import module_paths
from tooling.project import Project


def last_change(path: Path, project: Project) -> str | None:
    """The day of the last commit that touched a page, its modules or its figures, as `2030-01-02`.

    None without git, for files that no commit holds, and in a shallow clone: there the oldest commit
    that was fetched seems to have made every file.
    """
    beside = [name for name in project.names(path.parent) if name.startswith(f"{path.stem}-")]
    figures = [path.parent / name for name in beside if name.endswith((".svg", ".webp"))]
    files = [path, *module_paths(path, project), *figures]
    days = _days(project.root, project.found(_state, lambda: _state(project.root)))
    return max((days[name] for file in files if (name := project.relative(file)) in days), default=None)


def _state(root: Path) -> tuple[object, ...]:
    """What changes with each commit and each fetch; empty where there is no repository."""
    git = root / ".git"
    if git.is_file():  # a working tree beside the one of the repository
        git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    log = git / "logs/HEAD"
    return (log.stat().st_mtime_ns, log.stat().st_size, (git / "shallow").exists()) if log.is_file() else ()


@functools.lru_cache(maxsize=1)  # the history is asked once, not once a page
def _days(root: Path, state: tuple[object, ...]) -> dict[str, str]:
    """Each file of the history with the day of the last commit that touched it."""
    try:
        if not state or _git(root, "rev-parse", "--is-shallow-repository") != "false":
            return {}
        # A NUL before the day of each commit: no name of a file has one.
        log = _git(root, "-c", "core.quotePath=false", "log", "--format=%x00%cs", "--name-only")
    except FileNotFoundError:
        return {}
    days: dict[str, str] = {}
    for commit in log.split("\0")[1:]:
        day, *files = commit.split("\n")
        for file in filter(None, files):
            days.setdefault(file, day)
    return days


def _git(root: Path, *arguments: str) -> str:
    """What git prints; nothing if it fails."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    return done.stdout.strip()
