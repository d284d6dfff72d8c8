"""The corpus of the page is the one that its README describes; Kneser–Ney against another computation."""

import hashlib
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from .conftest import PROJECT, Execute
from .make_corpus import paragraphs

DATA = PROJECT.snippets / "data"
TEXT = "abracadabra abracadabra"
IDS = [ord(character) - ord("a") if character != " " else 26 for character in TEXT]


def test_the_readme_names_the_checksum() -> None:
    wanted = re.findall(r"`([0-9a-f]{64})`", (DATA / "README.md").read_text(encoding="utf-8"))
    assert hashlib.sha256((DATA / "handbook-zh.txt").read_bytes()).hexdigest() in wanted


def test_only_prose_is_kept() -> None:
    page = (
        "## 标题太短\n\n一段正文，[链接](https://x.example)的文字留下，**强调**也留下。\n\n"
        "```python\nprint('代码不留下')\n```\n\n| 表格 | 不留下，再长也不留下 |\n\n"
        "含公式 $x$ 的句子去掉。这一句没有公式，所以留下来。\n\n## 参考\n\n- 参考一节的文字，一律不留下。\n"
    )
    assert paragraphs(page) == [
        "一段正文，链接的文字留下，强调也留下。",
        "这一句没有公式，所以留下来。",
    ]


@pytest.mark.parametrize("history", [[], [0], [1], [26], [5], [0, 1], [7, 7]])
def test_bigrams_follow_the_formula(history: list[int], execute: Execute) -> None:
    """Chen and Goodman's interpolated form, written out for order 2 with sets instead of counters."""
    namespace = execute("concepts/mini_gpt.py", "kneser-ney", Counter=Counter, np=np)
    model = namespace["KneserNey"](IDS, 2, 27)
    pairs = list(pairwise(IDS))
    count = Counter(pairs)
    left = {w: {h for h, v in pairs if v == w} for w in range(27)}

    def discount(values: list[int]) -> float:
        return values.count(1) / (values.count(1) + 2 * values.count(2))

    low = discount([len(left[w]) for w in range(27) if left[w]])
    high = discount(list(count.values()))
    kinds = sum(bool(left[w]) for w in range(27))
    for w in range(27):
        unigram = max(len(left[w]) - low, 0) / len(count) + low * kinds / len(count) / 27
        expected = unigram
        if history and (total := sum(c for (h, _), c in count.items() if h == history[-1])):
            after = sum(h == history[-1] for h, _ in count)
            expected = (max(count[history[-1], w] - high, 0) + high * after * unigram) / total
        assert model.prob(history, w) == pytest.approx(expected, abs=1e-12)
