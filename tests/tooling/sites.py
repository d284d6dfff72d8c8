"""A copy of the sample site, and the three commands that a canary goes through."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_sample(folder: Path) -> Path:
    """The sample site with the project's own configuration."""
    site = folder / "project"
    shutil.copytree(ROOT / "tests/samples/site", site)
    for name in ("conftest.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, site)
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    config = re.sub(r"^nav:\n.*", "nav:\n  - Sample: sample.md\n", config, flags=re.MULTILINE | re.DOTALL)
    config = config.replace("tooling/mkdocs_hooks.py", str(ROOT / "tooling/mkdocs_hooks.py"))
    (site / "mkdocs.yml").write_text(config, encoding="utf-8")
    return site


def _call(site: Path, *arguments: str) -> tuple[int, str]:
    environment = {
        # With CI set, pytest repeats whole reports in its summary: the counts would differ from home.
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTEST_")) and name != "CI"
    }
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=site, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def run_pages(site: Path, *options: str) -> tuple[int, str]:
    return _call(
        site, "pytest", "docs", "-q", "-n", "1", "--dist", "loadfile", "--rootdir", str(site), *options
    )


def build(site: Path) -> tuple[int, str]:
    return _call(site, "mkdocs", "build", "--quiet")


def ledger(site: Path) -> tuple[int, str]:
    return _call(site, "tooling.ledger", "--devices", "cpu", "--root", str(site))


def edit(path: Path, old: str, new: str) -> None:
    """Replaces the first occurrence, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
