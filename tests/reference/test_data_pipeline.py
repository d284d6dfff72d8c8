"""The batches of the data pipeline page: no block can hold PyTorch's against tf.data's, so a test does."""

import re
from collections import Counter

from .conftest import PROJECT


def test_both_frameworks_publish_the_same_batches() -> None:
    page = (PROJECT.docs / "challenges" / "data-pipeline.md").read_text(encoding="utf-8")
    batches = Counter(re.findall(r"^ +(\S+：\d+ 批，.+校验和 \d+)$", page, re.MULTILINE))
    assert len(batches) == 2
    assert set(batches.values()) == {2}
