"""What each harness sees of the sample site, and which of its defects turn it red."""

import tempfile
from pathlib import Path
from typing import Any

from markdown import Markdown

from tests.bench.peers import OURS, PEERS, counts, run
from tests.bench.timing import Timed
from tests.tooling.sites import copy_sample, edit
from tests.tooling.test_canaries import CANARIES


def measure() -> dict[str, Any]:
    """By harness: tests found in the sound sample, and defects that changed what it reports.

    A peer may fail on the sound sample, where a block is meant to raise: only more failures than that count.
    """
    found: dict[str, Any] = {"defects": len(CANARIES), "peers": {}}
    for name in PEERS:
        sound = _run(name, None)
        before = counts(sound.output)
        caught = [canary for canary in CANARIES if _worse(before, sound, _run(name, canary))]
        found["peers"][name] = {
            "tests": sum(before.values()),
            "red_when_sound": before["failed"] + before["error"],
            "caught": caught,
        }
        if name == OURS and (len(caught) != len(CANARIES) or sound.code):
            raise RuntimeError(f"{OURS} misses {set(CANARIES) - set(caught)}\n{sound.output[-2000:]}")
    return found


def _run(name: str, canary: str | None) -> Timed:
    with tempfile.TemporaryDirectory() as temporary:
        site = copy_sample(Path(temporary))
        if canary is not None:
            file, old, new, _ = CANARIES[canary]
            edit(site / file, old, new)
        if PEERS[name].flat:
            flatten(site)
        return run(name, site)


def _worse(before: dict[str, int], sound: Timed, done: Timed) -> bool:
    now = counts(done.output)
    more = now["failed"] + now["error"] > before["failed"] + before["error"]
    return more or (done.code not in (0, 1) and done.code != sound.code)


def flatten(site: Path) -> None:
    """Types the code into the page, as peers need it, with the very extension that the site build expands by.

    An include of nothing leaves an empty block: what the extension does unless it is told to check.
    """
    (site / "conftest.py").unlink()
    (site / "pyproject.toml").unlink()
    options = {"base_path": [str(site)], "check_paths": False, "dedent_subsections": True}
    page = site / "docs/sample.md"
    converter = Markdown(extensions=["pymdownx.snippets"], extension_configs={"pymdownx.snippets": options})
    lines = converter.preprocessors["snippet"].run(page.read_text(encoding="utf-8").split("\n"))
    page.write_text("\n".join(lines), encoding="utf-8")
