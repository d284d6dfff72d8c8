"""The one error that a contributor meets: where, what was found, what was expected, what helps."""

from pathlib import Path


class PageError(Exception):
    """A page, a snippet or an evidence file is not as it must be.

    Attributes:
        path: the file, relative to the project's root where it lies inside it.
        line: the line in that file, counted from 1.
        found: what is wrong, in one sentence.
        expected: how to mend it, in one sentence.
        command: the command that shows whether it is mended.
    """

    def __init__(
        self, path: Path | str, line: int, found: str, expected: str, command: str = "make pages"
    ) -> None:
        self.path, self.line = str(path), line
        self.found, self.expected, self.command = found, expected, command
        super().__init__(f"{self.path}:{line}: {found}\n  expected: {expected}\n  then run: {command}")
