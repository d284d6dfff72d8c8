"""A first contribution, replayed in a clean clone as the guide tells it: three files and a figure."""

import os
import subprocess

from .sites import ROOT


def test_a_newcomers_page_in_three_files_and_a_figure() -> None:
    hidden = ("COV_", "COVERAGE_", "PYTEST_", "MAKE", "MFLAGS", "CI")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    done = subprocess.run(
        ["bash", str(ROOT / "tests/newcomer.sh"), str(ROOT)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split("files touched:\n")[1].splitlines() == [
        "docs/nlp/character-entropy-bars.svg",
        "docs/nlp/character-entropy.md",
        "mkdocs.yml",
        "snippets/nlp/character_entropy.py",
    ]
