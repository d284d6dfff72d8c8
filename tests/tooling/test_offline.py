"""The site as an archive."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from tooling import offline

ONLINE = "https://example.org/"


@pytest.mark.parametrize(
    ("link", "file"),
    [
        ('<a href="../nlp/">', '<a href="../nlp/index.html">'),
        ('<a href="../nlp/#词">', '<a href="../nlp/index.html#词">'),
        ('<a class="x" href="..">', '<a class="x" href="../index.html">'),
        ('<a href=".">', '<a href="./index.html">'),
        ('<a href="#here">', '<a href="#here">'),
        ('<a href="">', '<a href="">'),
        ('<img src="curve.svg">', '<img src="curve.svg">'),
        ('<a href="https://example.org/nlp/">', '<a href="https://example.org/nlp/">'),
        (f'<a href="../{offline.NAME}">', f'<a href="{ONLINE}{offline.NAME}">'),
        ('<p>not a link: href="../nlp/"</p>', '<p>not a link: href="../nlp/"</p>'),
    ],
)
def test_links_name_files(link: str, file: str) -> None:
    assert offline.page(link, "", ONLINE) == file


def test_the_search_finds_files() -> None:
    places = ["", "#top", "nlp/", "nlp/#词"]
    text = json.dumps({"docs": [{"location": place} for place in places]})
    found = [entry["location"] for entry in json.loads(offline.index(text))["docs"]]
    assert found == ["index.html", "index.html#top", "nlp/index.html", "nlp/index.html#词"]


def test_the_archive_is_whole_and_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    (tmp_path / "nlp").mkdir()
    (tmp_path / "search/search_index.json").write_text('{"docs": []}', encoding="utf-8")
    (tmp_path / "nlp/index.html").write_text('<head><a href="..">', encoding="utf-8")
    (tmp_path / "404.html").write_text("<head>", encoding="utf-8")
    rules = tmp_path / "assets/javascripts/lunr/min"
    rules.mkdir(parents=True)
    for language in ("de", "zh"):
        (rules / f"lunr.{language}.min.js").touch()
    first = offline.write(tmp_path, ONLINE).read_bytes()
    archive = offline.write(tmp_path, ONLINE)
    assert archive.read_bytes() == first
    with zipfile.ZipFile(archive) as packed:
        names = [name.removeprefix(f"{offline.FOLDER}/") for name in packed.namelist()]
        assert names == [
            "assets/javascripts/lunr/min/lunr.zh.min.js",
            "nlp/index.html",
            "search/search_index.js",
        ]
        assert b"../assets/vendor/iframe-worker/shim.js" in packed.read(f"{offline.FOLDER}/nlp/index.html")
    assert [path.name for path in tmp_path.glob("*.zip*")] == [offline.NAME]


def test_until_it_is_written_an_archive_of_nothing_can_be_opened() -> None:
    with zipfile.ZipFile(io.BytesIO(offline.EMPTY)) as packed:
        assert packed.namelist() == []


def test_the_command_packs_the_built_site_or_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(f"site_name: x\nsite_url: {ONLINE}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["offline", "--root", str(tmp_path)])
    assert offline.main() == 1
    assert capsys.readouterr().err == "no built site; run: make site\n"
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text(f'<head><a href="{offline.NAME}">', encoding="utf-8")
    assert offline.main() == 0
    assert capsys.readouterr().out == f"offline: site/{offline.NAME}, 0.0 MiB\n"
    with zipfile.ZipFile(tmp_path / "site" / offline.NAME) as packed:
        assert f'href="{ONLINE}{offline.NAME}"'.encode() in packed.read(f"{offline.FOLDER}/index.html")
