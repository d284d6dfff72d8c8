"""kinds: there is no silent state."""

from dataclasses import replace

import pytest

from tooling.errors import PageError
from tooling.fences import Fence
from tooling.kinds import Block, classify
from tooling.regions import Region, sha256

REGION = Region("snippets/p.py", "one", 2, 2, "x = 1")


def block(language: str = "python", title: str = "", region: Region | None = None, **data: str) -> Block:
    fence = Fence(5, 7, "", "```", language, "x = 1")
    return Block(1, 5, 7, "", language, title, "x = 1", region, fence, data)


def kind(made: Block, *before: Block) -> str:
    return classify(made, list(before), "docs/p.md").kind


RUN = replace(block(region=REGION), kind="run")
RAISES = replace(block(region=REGION), kind="raises")
SHELL = replace(block("bash"), kind="shell")


def test_the_fingerprint_is_that_of_the_text() -> None:
    assert block().sha256 == sha256("x = 1")


@pytest.mark.parametrize("language", ["python", "py", "python3"])
def test_python_runs(language: str) -> None:
    assert kind(block(language, region=REGION)) == "run"
    assert kind(block(language, region=REGION, raises="NameError: name 'x'")) == "raises"


@pytest.mark.parametrize(
    ("made", "before", "expected"),
    [
        (block("bash"), [], "shell"),
        (block("console"), [], "shell"),
        (block("json"), [], "shown"),
        (block("text", title="config"), [], "shown"),
        (block("mermaid"), [], "shown"),
        (block("text", title="输出"), [RUN], "output"),
        (block("text", title="输出（节选）", tolerance="0.02"), [SHELL], "output"),
        (block("text", title="输出", tolerance="5%"), [RUN], "output"),
        (block("text", title="输出", tolerance="any"), [RUN], "output"),
        (block("text", title="报错"), [RAISES], "output"),
        (block("python", exempt="needs a cluster", until="2999-01-01"), [], "exempt"),
        (block("python", region=REGION, timeout="300", reason="trains"), [], "run"),
    ],
)
def test_known_kinds(made: Block, before: list[Block], expected: str) -> None:
    assert kind(made, *before) == expected


@pytest.mark.parametrize(
    ("made", "before", "says"),
    [
        (block("python", region=REGION, tolerence="1"), [], "unknown attribute data-tolerence"),
        (block("perl"), [], "unknown kind of block: language 'perl'"),
        (block(""), [], "unknown kind of block: language 'not given'"),
        (block(), [], "Python typed into the page"),
        (block(raises="NameError: x"), [], "Python typed into the page"),
        (block(region=REGION, raises="NameError"), [], "data-raises without a message"),
        (block(region=REGION, raises="NameError: "), [], "data-raises without a message"),
        (block(region=REGION, timeout="300"), [], "a time limit without a reason"),
        (block(region=REGION, timeout="long", reason="trains"), [], "a time limit without a reason"),
        (block("text", title="输出"), [], "an output block without a run block before it"),
        (block("text", title="输出"), [replace(RUN, kind="output")], "an output block without a run block"),
        (block("text", title="输出"), [RAISES], "title '输出' after a raises block"),
        (block("text", title="报错"), [RUN], "title '报错' after a run block"),
        (block("text", title="输出", tolerance="much"), [RUN], "tolerance 'much'"),
        (block("bash", exempt=" ", until="2999-01-01"), [], "an exemption without a reason"),
        (block("bash", exempt="needs a cluster"), [], "an exemption without a review date"),
        (block("bash", exempt="needs a cluster", until="soon"), [], "an exemption without a review date"),
    ],
)
def test_what_is_refused(made: Block, before: list[Block], says: str) -> None:
    with pytest.raises(PageError) as caught:
        kind(made, *before)
    assert str(caught.value).startswith(f"docs/p.md:5: {says}") and "\n  expected: " in str(caught.value)
