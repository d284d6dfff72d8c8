"""A project on disk: its folders, its MkDocs configuration, its Markdown converter."""

import functools
import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from markdown import Markdown

from tooling import highlighting
from tooling.errors import PageError
from tooling.highlighting import PlainHighlightExtension

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig


T = TypeVar("T")


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208  # asked again and again: iterdir is slower


@functools.lru_cache  # a look at each folder on the way; a page's files share theirs
def _resolved(folder: Path) -> Path:
    return folder.resolve()


@dataclass(frozen=True)
class Project:
    """The folder that holds `mkdocs.yml`, `docs/` and `snippets/`."""

    root: Path

    @cached_property
    def docs(self) -> Path:
        """The folder of the pages."""
        return self.root / "docs"

    @cached_property
    def snippets(self) -> Path:
        """The folder of the teaching scripts and their data."""
        return self.root / "snippets"

    @cached_property
    def evidence(self) -> Path:
        """The folder of the records; git ignores it."""
        return self.root / "evidence"

    @cached_property
    def site(self) -> Path:
        """The folder of the built site; git ignores it."""
        return self.root / "site"

    @cached_property
    def _real_root(self) -> Path:
        return self.root.resolve()

    @cached_property
    def config(self) -> "MkDocsConfig":
        """The MkDocs configuration, read once, without plugins and hooks: they take seconds to import."""
        from mkdocs.config import load_config  # a process that renders no page does not pay for it

        return load_config(str(self.root / "mkdocs.yml"), plugins=[], hooks=[])

    @cached_property
    def markdown(self) -> Markdown:
        """The converter that the site build makes from the same configuration, but for colours of code."""
        settings = self.config.mdx_configs
        plain = PlainHighlightExtension(**settings.get(highlighting.NAME, {}))
        return Markdown(
            extensions=[plain if e == highlighting.NAME else e for e in self.config.markdown_extensions],
            extension_configs=settings,
        )

    def relative(self, path: Path) -> str:
        """A path as messages and records name it: from the root, with forward slashes."""
        name, root = path.as_posix(), f"{self.root.as_posix()}/"  # asked for often: relative_to is slower
        return name[len(root) :] if name.startswith(root) else str(path)

    def page_paths(self) -> list[Path]:
        """All pages, sorted by path: Markdown, and the labs."""
        return sorted([*self.docs.rglob("*.md"), *self.docs.glob("labs/*.py")])

    def found(self, key: Hashable, find: Callable[[], T]) -> T:
        """What is found for a key: looked for at each call, as files may have changed."""
        return find()

    def names(self, folder: Path) -> list[str]:
        """The names of what a folder holds; none if there is no such folder."""
        return self.found(folder, lambda: _names(folder))

    def read(self, path: Path) -> str:
        """The text of a file inside the project.

        Raises:
            PageError: the file is missing, not UTF-8, or reached through a link or `..`.
        """
        name = self.relative(path)
        if not _resolved(path.parent).is_relative_to(self._real_root) or path.is_symlink():
            raise PageError(name, 1, "a symbolic link or a path out of the project", "a plain file inside it")
        try:
            return path.read_text(encoding="utf-8")
        except OSError:
            raise PageError(name, 1, "no such file", "an existing file: check the spelling") from None
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise PageError(name, line, "not UTF-8 text", "the file saved as UTF-8") from None
