"""Formulas, drawn as the site is built: a reader's browser loads no script for them and waits for none."""

import functools
import html
import re
from pathlib import Path

from py_mini_racer import JSEvalException, MiniRacer

from tooling.errors import PageError

KATEX = Path(__file__).with_name("katex.min.js")  # its styles and fonts: docs/assets/vendor/katex
# As pymdownx.arithmatex leaves them: TeX between \( and \), or \[ and \] where it stands alone.
_FORMULA = re.compile(r'(<(span|div) class="arithmatex">)\\[(\[](.*?)\\[)\]](?=</\2>)', re.DOTALL)
_REASON = re.compile(r"ParseError: (?:KaTeX parse error: )?(.*)")
_MARK = "\u0332"  # KaTeX underlines with it what it could not read


def draw(page: str, source: Path) -> str:
    """Draws each formula of a page, as HTML for eyes and MathML for screen readers.

    Args:
        page: the HTML of the page.
        source: the file that it was made from.

    Raises:
        PageError: TeX that KaTeX cannot draw, or warns of.

    Examples:
        >>> drawn = draw('<p>当 <span class="arithmatex">\\\\(x^2\\\\)</span> 时</p>', Path("a.md"))
        >>> "<msup><mi>x</mi><mn>2</mn></msup>" in drawn
        True
    """

    def formula(found: re.Match[str]) -> str:
        tex = html.unescape(found[3])
        try:
            return found[1] + _drawn(tex, alone=found[2] == "div")
        except JSEvalException as error:
            reason = _REASON.search(str(error))
            problem = f"a formula that cannot be drawn: {reason[1] if reason else error}".replace(_MARK, "")
            expected = "TeX that KaTeX knows: https://katex.org/docs/supported.html"
            raise PageError(source, _line(source, tex), problem, expected, "make serve") from None

    return _FORMULA.sub(formula, page)


@functools.cache
def _drawn(tex: str, alone: bool) -> str:
    options = {"displayMode": alone, "strict": "error"}
    return str(_engine().call("katex.renderToString", tex, options))


@functools.cache  # one for all pages: it takes a sixth of a second to start
def _engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval(KATEX.read_text(encoding="utf-8"))
    return engine


def _line(source: Path, tex: str) -> int:
    """The line on which a formula begins; the first if it comes from another file."""
    before, found, _ = source.read_text(encoding="utf-8").partition(tex.strip().splitlines()[0])
    return before.count("\n") + 1 if found else 1
