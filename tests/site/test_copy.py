"""What a reader copies and takes along from the built site is what ran."""

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tooling import notebooks, plain, takeaway
from tooling.kinds import Block
from tooling.modules import base_module
from tooling.pages import published_blocks
from tooling.regions import sha256
from tooling.shell import commands

from .test_facts import PROJECT

# Presses every button that copies a block; gives the text that each hands to the theme, block by block.
# The theme's own part takes the browser long and is the same for all: one button a page copies in earnest.
PRESS = """() => {
  const copied = [];
  const note = (event) => { event.stopPropagation(); copied.push(event.target.dataset.clipboardText); };
  document.body.addEventListener("click", note, true);
  const pressed = [...document.querySelectorAll("div.highlight:not(.lab-output)")].map((block) => {
    copied.length = 0;
    const buttons = [...block.querySelectorAll(".md-code__button")];
    buttons.forEach((button) => button.click());
    return { names: buttons.map((button) => button.ariaLabel), texts: [...copied] };
  });
  document.body.removeEventListener("click", note, true);
  return pressed;
}"""
LAST = "[...document.querySelectorAll('div.highlight:not(.lab-output) .md-code__button')].at(-1).click()"
COMPLETE, ALONE = "复制到此处的完整代码", "复制"
BLOCKS = {
    page.relative_to(PROJECT.docs).as_posix(): blocks
    for page in PROJECT.page_paths()
    if (blocks := published_blocks(page, PROJECT)) and {"mermaid"} != {block.language for block in blocks}
}


@pytest.fixture
def context(browser: Browser) -> BrowserContext:
    return browser.new_context(permissions=["clipboard-read", "clipboard-write"])


def taken(source: str, file: str) -> str:
    return (PROJECT.site / plain.folder(source) / file).read_text(encoding="utf-8")


def executed(block: Block) -> str:
    """What ran of a block: all of it, but of a console's listing neither prompts nor output."""
    return commands(block.text) if block.language == "console" else block.text


def check(source: str, blocks: list[Block], pressed: list[dict[str, list[str]]]) -> int:
    """Holds what the buttons of a page copied against what ran; gives the number of buttons."""
    whole: dict[str, str] = {}
    shown = [block for block in blocks if block.language != "mermaid"]  # a drawing has no button
    assert len(pressed) == len(shown), source
    for block, found in zip(shown, pressed, strict=True):
        where = f"{source}:{block.line}"
        code = block.region is not None and block.kind in ("run", "raises", "script")
        assert found["names"] == ([COMPLETE] if code else []) + [ALONE], where
        assert found["texts"][-1] == executed(block), where
        assert sha256(found["texts"][-1]) == block.sha256 or block.language == "console", where
        if code and block.region is not None:
            module = base_module(block.region)
            before = takeaway.preamble(module, PROJECT)
            assert found["texts"][0] == takeaway.complete(blocks, block, before), where
            if block.region.path == module:
                whole[module] = found["texts"][0]
    for module, text in whole.items() if source.endswith(".md") else ():  # `make scripts` runs these files
        assert text == taken(source, module.rpartition("/")[2]), f"{source}: {module}"
    assert list(whole) == takeaway.modules(blocks)
    return sum(len(found["names"]) for found in pressed)


def test_every_button_copies_what_ran(context: BrowserContext, address: str) -> None:
    page, buttons = context.new_page(), 0
    for source, blocks in BLOCKS.items():
        page.goto(f"{address}{plain.folder(source)}/", wait_until="domcontentloaded")
        page.wait_for_selector(".md-code__button", state="attached")
        pressed = page.evaluate(PRESS)
        buttons += check(source, blocks, pressed)
        page.evaluate(LAST)
        assert page.evaluate("navigator.clipboard.readText()") == pressed[-1]["texts"][-1], source
    assert buttons > 2 * len(BLOCKS)
    context.close()


def test_copying_by_keyboard_is_announced(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(address + "nlp/dialogue/")
    said = page.locator(".md-dialog__inner[role=status]")
    page.get_by_role("button", name=COMPLETE).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".md-dialog--active")
    expect(said).to_have_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == BLOCKS["nlp/dialogue.md"][0].text + "\n"
    # First the failure: what has come once may come again from the browser's cache, past the route.
    page.route("**/index.md", lambda route: route.abort())
    page.get_by_role("button", name="复制为 Markdown").focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("没有复制成：请打开旁边的 Markdown 文件", timeout=30_000)
    page.unroute("**/index.md")
    page.keyboard.press("Enter")
    expect(said).to_have_text("已复制 Markdown", timeout=30_000)
    assert page.evaluate("navigator.clipboard.readText()") == taken("nlp/dialogue.md", "index.md")
    context.close()


@pytest.mark.parametrize("source", [source for source in BLOCKS if source.endswith(".md")])
def test_the_cells_of_a_notebook_are_the_blocks_of_its_page(source: str) -> None:
    blocks = BLOCKS[source]
    for module in notebooks.modules(blocks):
        book = nbformat.reads(taken(source, notebooks.name(module)), as_version=4)
        nbformat.validate(book)
        cells = [c.source for c in book.cells if c.cell_type == "code" and not c.id.startswith("setup-")]
        texts = [text.partition("\n")[2] if text.startswith("%%") else text for text in cells]
        own = [
            b.text
            for b in blocks
            if b.kind in ("run", "raises") and b.region is not None and base_module(b.region) == module
        ]
        first = module == notebooks.modules(blocks)[0]
        rest = [executed(b) for b in blocks if first and b.kind in ("script", "shell")]
        assert sorted(texts) == sorted(own + rest)


def test_the_lists_for_machines_name_files_that_are_there() -> None:
    address = PROJECT.config.site_url or ""
    text = (PROJECT.site / "llms.txt").read_text(encoding="utf-8")
    links = [
        line.partition("](")[2].partition(")")[0] for line in text.splitlines() if line.startswith("- [")
    ]
    assert len(links) == sum(page.suffix == ".md" for page in PROJECT.page_paths())  # the labs are notebooks
    assert all((PROJECT.site / link.removeprefix(address)).is_file() for link in links)
    pages = [plain.folder(source) for source in BLOCKS if source.endswith(".md")]
    guide = [page for page in pages if page.startswith("contributing")]  # it shows how an include is written
    for page in set(pages) - set(guide):
        assert "--8<--" not in (PROJECT.site / page / "index.md").read_text(encoding="utf-8"), page
