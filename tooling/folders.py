"""The temporary folders that pages run in, one page after the other."""

import os
import tempfile
from functools import cache
from tempfile import TemporaryDirectory

_spare: list[TemporaryDirectory[str]] = []


@cache
def _base() -> str:
    return os.path.realpath(tempfile.gettempdir())


def take() -> TemporaryDirectory[str]:
    """An empty folder: one that a page before left empty, since to make one costs as much as some blocks."""
    return _spare.pop() if _spare else TemporaryDirectory("", "page-", _base(), ignore_cleanup_errors=True)


def give_back(folder: TemporaryDirectory[str]) -> None:
    """Removes a folder with all that is in it, or keeps it for the next page if that is nothing."""
    if os.listdir(folder.name):  # noqa: PTH208  # asked for each page: iterdir is slower
        folder.cleanup()
    else:
        _spare.append(folder)
