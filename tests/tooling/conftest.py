"""What the tests of the tooling share."""

from pathlib import Path

import pytest

from tooling.project import Project

from .inside import copy_behaviours
from .sites import copy_sample


@pytest.fixture
def sample_site(tmp_path: Path) -> Path:
    """A copy of the sample site with the project's own configuration."""
    return copy_sample(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the pages of the behaviours."""
    return copy_behaviours(tmp_path)
