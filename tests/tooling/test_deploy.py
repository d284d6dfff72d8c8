"""The deploy, replayed on one machine with the small site of the behaviours."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tooling.project import Project

from .sites import ROOT


def test_the_deploy_on_one_machine(project: Project, tmp_path: Path) -> None:
    for name in ("conftest.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, project.root)
    clean = ("COV_", "COVERAGE_", "PYTEST_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(clean)}
    done = subprocess.run(
        ["bash", str(ROOT / "tests/deploy.sh"), str(project.root), sys.executable],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 unaccounted" in done.stdout and "blocks with their evidence" in done.stdout
    assert len(list(project.evidence.rglob("*.json"))) > 4
