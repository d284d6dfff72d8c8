"""folders: a page finds its folder empty, whatever the page before it left."""

from pathlib import Path

from tooling import folders


def test_an_empty_folder_serves_again_and_a_full_one_is_removed() -> None:
    empty = folders.take()
    folders.give_back(empty)
    assert folders.take() is empty
    Path(empty.name, "left.svg").write_text("<svg/>")
    folders.give_back(empty)
    assert not Path(empty.name).exists()
    fresh = folders.take()
    assert fresh is not empty and not any(Path(fresh.name).iterdir())
    folders.give_back(fresh)
