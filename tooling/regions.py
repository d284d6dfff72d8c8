"""From an include to the lines that it publishes. Nothing else in the project resolves includes."""

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from tooling.errors import PageError
from tooling.project import Project

INCLUDE = re.compile(r'^-{1,}8<-{1,} +"(?P<path>[^":]+)(?::(?P<name>[^":]+))?"$')
MARKER = re.compile(r"^\s*#\s*-{1,}8<-{1,}[ \t]+\[\s*(?P<side>start|end)\s*:(?P<name>[^\]]*)\]")
NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
MOST_LINES = 40
MOST_MODULE_LINES = 250


def sha256(text: str) -> str:
    """The fingerprint of a published text: blank lines around it do not count."""
    return hashlib.sha256(text.strip("\n").encode()).hexdigest()


@dataclass(frozen=True)
class Region:
    """A named run of lines in a source file; `start` and `end` are its first and last line."""

    path: str
    name: str
    start: int
    end: int
    text: str

    @property
    def sha256(self) -> str:
        """The fingerprint of the region's text, as hexadecimal digits."""
        return sha256(self.text)


def resolve(include: str, page: str, line: int, project: Project) -> Region:
    """The region that an include line publishes.

    Raises:
        PageError: the line is no include, or its file or region is missing, empty or out of bounds.
    """
    match = INCLUDE.match(include.strip())
    if match is None:
        raise PageError(
            page,
            line,
            f"not an include of one region: {include.strip()!r}",
            '--8<-- "snippets/section/module.py:region-name" alone between the fences',
        )
    path = project.root / match["path"]
    if ".." in Path(match["path"]).parts or Path(match["path"]).is_absolute():
        raise PageError(
            page, line, f"the include leaves the project: {match['path']}", "a path from the root"
        )
    if not path.is_file():
        raise PageError(page, line, f"no such file: {match['path']}", "an existing snippet module")
    if match["name"] is None:
        return _whole(path, project)
    regions = {region.name: region for region in cut(path, project)}
    if match["name"] not in regions:
        raise PageError(
            page,
            line,
            f"no region {match['name']!r} in {match['path']}",
            f"one of: {', '.join(regions) or 'none, the file has no regions'}",
        )
    return regions[match["name"]]


def _whole(path: Path, project: Project) -> Region:
    text = project.read(path)
    return Region(project.relative(path), "", 1, len(text.splitlines()), text)


def cut(path: Path, project: Project) -> list[Region]:
    """The regions of a file, in order.

    Raises:
        PageError: a region is empty, repeated, nested, not closed, or badly named.
    """
    return list(_cut(project.relative(path), project.read(path)))


@functools.lru_cache(maxsize=16)  # a page includes one region of a module after the other
def _cut(name: str, text: str) -> tuple[Region, ...]:
    lines = text.splitlines()
    regions: list[Region] = []
    opened: tuple[str, int] | None = None
    for number, line in enumerate(lines, start=1):
        marker = MARKER.match(line) if "8<" in line else None
        if marker is None:
            continue
        opened = _step(marker, opened, number, name, lines, regions)
    if opened is not None:
        raise PageError(
            name, opened[1], f"region {opened[0]!r} is never closed", f"[end:{opened[0]}] below it"
        )
    return tuple(regions)


def _step(
    marker: re.Match[str],
    opened: tuple[str, int] | None,
    number: int,
    path: str,
    lines: list[str],
    regions: list[Region],
) -> tuple[str, int] | None:
    """Takes one marker; a closed region goes into `regions`, an opened one comes back."""
    region = marker["name"]
    if not NAME.match(region):
        raise PageError(path, number, f"region name {region!r}", "lower-case words joined by hyphens")
    if marker["side"] == "start":
        if opened is not None:
            raise PageError(
                path,
                number,
                f"region {region!r} starts inside {opened[0]!r} (line {opened[1]})",
                "regions one after another, never nested or overlapping",
            )
        if any(region == earlier.name for earlier in regions):
            raise PageError(path, number, f"region {region!r} is there already", "a name of its own")
        return region, number
    if opened is None or opened[0] != region:
        raise PageError(path, number, f"[end:{region}] closes nothing", f"[start:{region}] above it")
    text = "\n".join(lines[opened[1] : number - 1])
    if not text.strip():
        raise PageError(path, opened[1], f"region {region!r} is empty", "at least one line of code")
    regions.append(Region(path, region, opened[1] + 1, number - 1, text))
    return None


def cut_module(path: Path, project: Project) -> list[Region]:
    """The regions of a snippet module, which must hold each of its lines once and stay readable.

    Raises:
        PageError: as `cut`, or a line outside all regions, or a region or module that is too long.
    """
    regions = cut(path, project)
    name, lines = project.relative(path), project.read(path).splitlines()
    covered = {line for region in regions for line in range(region.start - 1, region.end + 2)}
    for number, line in enumerate(lines, start=1):
        if line.strip() and number not in covered:
            raise PageError(name, number, "a line outside all regions", "each line in exactly one region")
    for region in regions:
        size = sum(bool(line.strip()) for line in region.text.splitlines())
        if size > MOST_LINES:
            raise PageError(
                name,
                region.start,
                f"region {region.name!r} has {size} lines",
                f"at most {MOST_LINES}: cut it in two",
            )
    if len(lines) > MOST_MODULE_LINES:
        raise PageError(name, len(lines), f"{len(lines)} lines", f"at most {MOST_MODULE_LINES} in a module")
    return regions
