"""What a published block computes, held against a reference library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tooling import regions
from tooling.project import Project

PROJECT = Project(Path(__file__).parents[2])
Execute = Callable[..., dict[str, Any]]


@pytest.fixture
def execute() -> Execute:
    """Executes named regions of a snippet module, in the order given, in one namespace.

    For example `execute("vision/image_enhancement.py", "psnr", np=numpy)["psnr"]`.
    """

    def run(module: str, *names: str, **namespace: Any) -> dict[str, Any]:
        path = PROJECT.snippets / module
        cut = {region.name: region for region in regions.cut(path, PROJECT)}
        for name in names:
            exec(compile(cut[name].text, str(path), "exec"), namespace)
        return namespace

    return run
