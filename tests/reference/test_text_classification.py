"""The reviews are the ones that their README describes, and no template; the page's interval is Wilson's."""

import csv
import hashlib
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binomtest

from .conftest import PROJECT, Execute

DATA = PROJECT.snippets / "data"
MODULE = "nlp/text_classification.py"


@pytest.fixture
def reviews() -> list[dict[str, str]]:
    with (DATA / "reviews-zh.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_readme_names_the_checksum() -> None:
    checksum = hashlib.sha256((DATA / "reviews-zh.tsv").read_bytes()).hexdigest()
    assert f"`{checksum}`" in (DATA / "README.md").read_text(encoding="utf-8")


def test_every_domain_is_balanced(reviews: list[dict[str, str]]) -> None:
    counts = Counter((row["domain"], row["label"]) for row in reviews)
    assert set(counts.values()) == {34} and len(counts) == 14


def test_no_review_is_a_copy_or_a_template(reviews: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in reviews]
    assert all(8 <= len(text) <= 60 for text in texts)
    grams = [{text[i : i + 3] for i in range(len(text) - 2)} for text in texts]
    assert max(len(a & b) / len(a | b) for a, b in combinations(grams, 2)) < 0.2
    opening = Counter(text[:3] for text in texts)
    assert opening.most_common(1)[0][1] <= 4


@pytest.mark.parametrize(("correct", "total"), [(0, 68), (34, 68), (300, 476), (68, 68)])
def test_the_interval_is_wilsons(correct: int, total: int, execute: Execute) -> None:
    wilson = execute(MODULE, "intervals", np=np)["wilson"]
    expected = binomtest(correct, total).proportion_ci(0.95, "wilson")
    _, low, high = wilson(np.arange(total) < correct)
    np.testing.assert_allclose([low, high], [expected.low, expected.high], atol=1e-4)
