"""prose: the typography of Chinese text is checked, mended, and kept out of code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tooling import prose
from tooling.errors import PageError
from tooling.project import Project

GOOD = "# 用 GPU 训练\n\n每批 32 张，共 10 批。\n\n```text\n输出: 3张\n```\n"
BAD = GOOD.replace("每批 32 张，", "每批32张,")


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tooling.prose", "page.md", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_good_text_passes_and_code_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(GOOD)
    assert run(tmp_path) == (0, "")


def test_a_bad_line_is_named_and_mended(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(BAD)
    code, errors = run(tmp_path)
    assert code == 1 and page.read_text() == BAD
    assert errors.startswith(
        "page.md:3: the text '每批32张,共 10 批。'\n  expected: '每批 32 张，共 10 批。'"
    )
    assert "then run: make fix" in errors
    assert run(tmp_path, "--fix") == (0, "") and page.read_text() == GOOD


def test_the_check_stops_at_the_first_bad_line(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(BAD)
    with pytest.raises(PageError, match="每批32张"):
        prose.check(tmp_path / "page.md", Project(tmp_path))
