"""Pictures that wait until a reader is near."""

from pathlib import Path

import pytest

from tooling import pictures

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="504pt" height="216pt" viewBox="0 0 504 216"></svg>'


def test_a_picture_keeps_its_room_and_waits(tmp_path: Path) -> None:
    (tmp_path / "loss.svg").write_text(SVG, encoding="utf-8")
    (tmp_path / "page").mkdir()
    page = '<p><img alt="a &gt; b" src="../loss.svg"></p>'
    deferred = '<p><img loading="lazy" width="672" height="288" alt="a &gt; b" src="../loss.svg"></p>'
    assert pictures.defer(page, tmp_path / "page") == deferred
    assert pictures.defer(deferred, tmp_path / "page") == deferred


def test_a_picture_that_does_not_say_its_size_gets_none(tmp_path: Path) -> None:
    (tmp_path / "loss.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"></svg>', encoding="utf-8")
    assert pictures.defer('<img src="loss.svg">', tmp_path) == '<img loading="lazy" src="loss.svg">'


@pytest.mark.parametrize("source", ["missing.svg", "https://example.org/a.svg", "data:image/png;base64,AA=="])
def test_others_are_left_as_they_are(source: str, tmp_path: Path) -> None:
    page = f'<img src="{source}">'
    assert pictures.defer(page, tmp_path) == page
