"""The colours of code with as few elements as show them: a browser works on each at every visit.

Pygments names each token by its kind, of which the theme colours many alike. A page that shows names in the
colour of code, and neighbours of one colour as one element, looks the same and has fewer elements.
"""

import re

# The kinds of token that the theme colours alike, by the one that stands for them. Comments, though of the
# operators' colour, stand alone: the theme looks for annotations in them.
ALIKE = {
    "c1": "c ch cm cs sd",
    "o": "ow p na nv vc vg vi",
    "s2": "l s s1 sb sc si ss cpf",
    "se": "cp sh sr sx",
    "mi": "il m mb mf mh mo",
    "k": "kd kn kp kr kt nd ni nl nt",
    "nb": "bp no",
    "nf": "nc ne nn",
}
# Those in the colour of all code; the last five have no colour of their own in the theme.
UNCOLOURED = ("n", "kc", "w", "nx", "fm", "vm", "sa")

_STANDS_FOR = {kind: first for first, others in ALIKE.items() for kind in [first, *others.split()]}
_CODE = re.compile(r"(<pre>(?:<span></span>)?(?:<nav.*?</nav>)?<code>)(.*?)(?=</code></pre>)", re.DOTALL)
_LINK = re.compile(r"(<a\b.*?</a>)", re.DOTALL)  # has a colour of its own, which a token inside overrules
_TOKEN = re.compile(r'<span class="(\w+)">([^<]*)</span>')
_RUN = re.compile(rf'<span class="({"|".join(ALIKE)})">[^<]*</span>(?:\s*<span class="\1">[^<]*</span>)+')
_TAGS = re.compile(r"<[^>]*>")


def merge(html: str) -> str:
    """Joins the tokens of a page's blocks that are shown in one colour; leaves each block's text as it is.

    Examples:
        >>> merge('<pre><code><span class="p">[</span><span class="o">-</span></code></pre>')
        '<pre><code><span class="o">[-</span></code></pre>'
    """
    return _CODE.sub(_merged, html)


def _merged(code: re.Match[str]) -> str:
    parts = _LINK.split(code[2])
    parts[::2] = [_RUN.sub(_joined, _TOKEN.sub(_named, part)) for part in parts[::2]]
    return code[1] + "".join(parts)


def _named(token: re.Match[str]) -> str:
    kind, text = token.groups()
    if kind in UNCOLOURED:
        return text
    return f'<span class="{_STANDS_FOR[kind]}">{text}</span>' if kind in _STANDS_FOR else token[0]


def _joined(run: re.Match[str]) -> str:
    return f'<span class="{run[1]}">{_TAGS.sub("", run[0])}</span>'
