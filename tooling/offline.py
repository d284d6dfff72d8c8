"""The whole site as an archive that opens without a server: the built pages, each link naming its file.

Made of a finished site, after the ledger: no preview waits for it, and what is not proven is not packed.
"""

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tooling.project import Project

NAME = "large-models-by-running.zip"
FOLDER = "large-models-by-running"
SHIM = "assets/vendor/iframe-worker/shim.js"
EMPTY = b"PK\x05\x06" + bytes(18)  # an archive of nothing, until the site's own is written
LEVEL = 3  # of 9; with the default of 6 this site took three fifths more time, to save 8 %
# What only a server or a debugger asks for; the page for unknown addresses links from the host's root.
_LEFT_OUT = (".map", ".gz", "404.html", "sitemap.xml", "robots.txt", NAME, f"{NAME}.part")
# The theme brings the rules of thirty languages for its search, which asks for those of the site's alone.
_RULES, _ASKED = "assets/javascripts/lunr/", ("/lunr.stemmer.support.min.js", "/lunr.zh.min.js")


def write(site: Path, online: str) -> Path:
    """Writes the archive into the built site and returns its path; the same site gives the same bytes.

    Args:
        site: The folder that the site is built to.
        online: The address of the site, where the archive itself is offered.
    """
    archive = site / f"{NAME}.part"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in _contents(site, online):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}")  # without a date: that of 1980
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED, LEVEL)
    return archive.replace(site / NAME)  # whole, or as it was


def _contents(site: Path, online: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if not path.is_file() or name.endswith(_LEFT_OUT):
            continue
        if name.startswith(_RULES) and not name.endswith(_ASKED):
            continue
        content = path.read_bytes()
        if path.suffix == ".html":
            content = page(content.decode(), "../" * name.count("/"), online).encode()
        if name == "search/search_index.json":
            # Where there is no server the theme loads this script instead: a page may not read files.
            name, content = "search/search_index.js", f"var __index = {index(content.decode())}".encode()
        yield name, content


def page(html: str, root: str, online: str) -> str:
    """A page whose links name files, with the shim that lets its search run without a server.

    Examples:
        >>> page('<head><a href="../nlp/#x">', "../", "https://example.org/")
        '<head><script src="../assets/vendor/iframe-worker/shim.js"></script><a href="../nlp/index.html#x">'
    """
    for attribute in (' href="', ' src="'):  # to cut there takes half as long as an expression
        before, *rest = html.split(attribute)
        parts = [before]
        for part in rest:
            inside = parts[-1].rfind("<") > parts[-1].rfind(">")  # a tag, not text
            parts.append(_file_of_link(part, online) if inside else part)
        html = attribute.join(parts)
    return html.replace("<head>", f'<head><script src="{root}{SHIM}"></script>', 1)


def _file_of_link(text: str, online: str) -> str:
    """What follows `href="`, with the file that the link names."""
    address, _, after = text.partition('"')
    path, hash_sign, anchor = address.partition("#")
    if not path or ":" in path:
        return text
    if path.endswith(NAME):
        return f'{online}{NAME}"{after}'
    return f'{_file(path)}{hash_sign}{anchor}"{after}'


def index(text: str) -> str:
    """The search index with the files that its places stand in."""
    found = json.loads(text)
    for entry in found["docs"]:
        path, hash_sign, anchor = entry["location"].partition("#")
        entry["location"] = (_file(path) or "index.html") + hash_sign + anchor
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _file(path: str) -> str:
    """The file that a server sends for the address of a folder."""
    if path.endswith("/"):
        return f"{path}index.html"
    return f"{path}/index.html" if path.rpartition("/")[2] in (".", "..") else path


def main() -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd())
    project = Project(parser.parse_args().root.resolve())
    if not project.site.is_dir():
        print("no built site; run: make site", file=sys.stderr)
        return 1
    archive = write(project.site, project.config.site_url or "")
    print(f"offline: {project.relative(archive)}, {archive.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
