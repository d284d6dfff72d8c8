"""The page's genetic code is NCBI's table 1; its frames are those of both strands."""

import re
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from Bio.Data import CodonTable

from .conftest import Execute

DEGENERACY = dict(A=4, R=6, N=2, D=2, C=2, Q=2, E=2, G=4, H=2, I=3, L=6, K=2, M=1, F=2, P=4, S=6, T=4, W=1)
INSULIN_B = "TTTGTGAACCAACACCTGTGCGGCTCACACCTGGTGGAAGCTCTCTACCTAGTGTGCGGGGAACGAGGCTTCTTCTACACACCCAAGACC"


@pytest.fixture
def page(execute: Execute) -> dict[str, Any]:
    names = {"product": product, "Counter": Counter, "re": re, "np": np, "SEED": 42}
    return execute("beyond/bioinformatics.py", "genetic-code", "reading-frames", **names)


def test_degeneracy_and_stops(page: dict[str, Any]) -> None:
    code = page["CODE"]
    assert len(code) == 64 and {c for c, a in code.items() if a == "*"} == {"TAA", "TAG", "TGA"}
    assert Counter(code.values()) == Counter(DEGENERACY | dict(Y=2, V=4) | {"*": 3})


@pytest.mark.parametrize(
    ("dna", "protein"),
    [
        (INSULIN_B, "FVNQHLCGSHLVEALYLVCGERGFFYTPKT"),  # the B chain of human insulin
        ("TATGGTGGTTTTATG", "YGGFM"),  # met-enkephalin
        ("ATGTGGAT", "MW"),
        ("", ""),
    ],
)
def test_known_proteins(page: dict[str, Any], dna: str, protein: str) -> None:
    assert page["translate"](dna) == protein


def test_biopython_agrees(page: dict[str, Any]) -> None:
    table = CodonTable.unambiguous_dna_by_id[1]
    assert table.forward_table | dict.fromkeys(table.stop_codons, "*") == page["CODE"]


@pytest.mark.parametrize(
    ("dna", "found"),
    [
        ("CCATGGCTTGGTAACC", (3, "+", 2, "MAW")),
        ("GGTTACCAAGCCATGG", (3, "-", 2, "MAW")),  # the same gene, read from the other strand
        ("ATGGCTTGG", (0, "", 0, "")),  # no stop
    ],
)
def test_the_longest_frame_lies_on_its_strand(page: dict[str, Any], dna: str, found: tuple[object]) -> None:
    assert page["longest_orf"](dna) == found
