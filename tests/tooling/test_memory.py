"""memory: the peaks of this process."""

import sys
import types

import pytest

from tooling.memory import peak_memory, reset_peak_memory


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_a_peak_rises_with_use_and_falls_with_a_reset(no_torch: None) -> None:
    reset_peak_memory()
    low, vram = peak_memory()
    assert low > 0 and vram is None
    ballast = bytearray(b"x" * 200_000_000)
    assert peak_memory()[0] >= low + 150
    del ballast
    reset_peak_memory()
    assert peak_memory()[0] < low + 150


def test_video_memory_is_asked_for_where_there_is_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    resets = []
    cuda = types.SimpleNamespace(
        is_available=lambda: True,
        reset_peak_memory_stats=lambda: resets.append(1),
        max_memory_allocated=lambda: 3 * 2**20,
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    reset_peak_memory()
    assert resets == [1] and peak_memory()[1] == 3
