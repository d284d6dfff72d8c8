"""The page's BM25 against rank-bm25; its questions and passages are what their README describes."""

import hashlib
import random
from collections import Counter

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from .conftest import PROJECT, Execute
from .make_passages import passages

DATA = PROJECT.snippets / "data"
ROWS = {
    name: [line.split("\t") for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    for name in ("passages-zh.tsv", "questions-zh.tsv")
}


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_those_of_rank_bm25(seed: int, execute: Execute) -> None:
    """Okapi's term weights are compared; rank-bm25 cuts a negative idf, the page's idf is never negative."""
    rng = random.Random(seed)
    docs = [[rng.choice("abcdefgh") for _ in range(rng.randint(1, 12))] for _ in range(rng.randint(2, 9))]
    model = execute("nlp/question_answering.py", "bm25", np=np, Counter=Counter)["BM25"](docs)
    reference = BM25Okapi(docs, k1=1.5, b=0.75)
    for term in reference.idf:
        df = sum(term in doc for doc in docs)
        reference.idf[term] = np.log(1 + (len(docs) - df + 0.5) / (df + 0.5))
    query = [rng.choice("abcdefghz") for _ in range(5)]  # repeated terms count twice; z is in no document
    assert model.score(query) == pytest.approx(reference.get_scores(query), rel=1e-5, abs=1e-6)


def test_each_answer_is_verbatim_under_its_heading() -> None:
    for part, question, answer, page, heading in ROWS["questions-zh.tsv"]:
        assert part in {"tune", "test"} and question.endswith("？")
        under = [text for p, h, text in ROWS["passages-zh.tsv"] if (p, h) == (page, heading)]
        assert (not answer and not page and not heading) or any(answer in text for text in under), question


def test_no_question_is_asked_twice_and_both_halves_hold_both_kinds() -> None:
    assert len({row[1] for row in ROWS["questions-zh.tsv"]}) == len(ROWS["questions-zh.tsv"])
    counts = Counter((row[0], bool(row[2])) for row in ROWS["questions-zh.tsv"])
    assert counts == {("tune", True): 76, ("test", True): 75, ("tune", False): 21, ("test", False): 21}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_readme_names_the_checksum(name: str) -> None:
    section = (DATA / "README.md").read_text(encoding="utf-8").split(f"## {name}\n")[1].split("\n## ")[0]
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() in section


def test_a_passage_keeps_the_headings_above_it() -> None:
    page = (
        "# 页面的标题\n\n## 甲\n\n一段足够长的正文，跟在二级标题后面。\n\n### 乙 `x`\n\n"
        "```python\n# 代码里的井号不是标题\n```\n\n又一段足够长的正文，跟在三级标题后面。\n\n"
        "## 参考\n\n- 参考一节的文字，一律不留下，再长也不。\n"
    )
    assert list(passages(page)) == [
        ("甲", "一段足够长的正文，跟在二级标题后面。"),
        ("甲 / 乙 x", "又一段足够长的正文，跟在三级标题后面。"),
    ]
