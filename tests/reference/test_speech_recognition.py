"""The page's front end, held against librosa and scipy; its Goertzel detector against the DFT."""

import math
from typing import Any

import librosa
import numpy as np
import pytest
import scipy.signal
import torch

from tests.reference.conftest import Execute

MODULE = "beyond/speech_recognition.py"
GIVEN: dict[str, Any] = {
    "np": np,
    "torch": torch,
    "math": math,
    "SEED": 0,
    "SAMPLE_RATE": 8000,
    "WINDOW": 320,
    "HOP": 160,
    "N_MELS": 64,
    "device": "cpu",
}


@pytest.fixture
def page(execute: Execute) -> dict[str, Any]:
    return execute(MODULE, "fft", "mel", **GIVEN)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("size", [256, 320, 400, 512, 1024, 2048])
@pytest.mark.parametrize("n_mels", [20, 40, 64, 80, 128])
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_mel_filters(page: dict[str, Any], rate: int, size: int, n_mels: int) -> None:
    wanted = librosa.filters.mel(sr=rate, n_fft=size, n_mels=n_mels, dtype=np.float64)
    np.testing.assert_allclose(page["mel_filters"](rate, size, n_mels), wanted, rtol=1e-9, atol=1e-12)


def test_the_mel_scale(page: dict[str, Any]) -> None:
    hz = np.linspace(0, 24000, 2001)
    mel = page["hz_to_mel"](hz)
    np.testing.assert_allclose(mel, librosa.hz_to_mel(hz), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(page["mel_to_hz"](mel), hz, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12, 25, 64, 100, 256, 320, 400, 1000, 1024])
def test_fft(page: dict[str, Any], n: int) -> None:
    x = torch.from_numpy(np.random.default_rng(n).standard_normal((2, n)))
    np.testing.assert_allclose(page["fft"](x).numpy(), np.fft.fft(x.numpy()), atol=1e-9)


@pytest.mark.parametrize("size", [205, 256, 320, 400])
def test_window(page: dict[str, Any], size: int) -> None:
    np.testing.assert_allclose(page["hann"](size), scipy.signal.get_window("hann", size), atol=1e-6)


@pytest.mark.parametrize("case", range(20))
def test_power_spectrum_and_mel(page: dict[str, Any], case: int) -> None:
    rng = np.random.default_rng(case)
    size, hop = ((320, 160), (256, 128), (400, 160), (512, 200))[case % 4]
    wave = rng.standard_normal(int(rng.integers(size, 9000))).astype(np.float32)
    power = page["power_spectrum"](torch.from_numpy(wave), size, hop)
    wanted = np.abs(librosa.stft(wave, n_fft=size, hop_length=hop, center=False)) ** 2
    np.testing.assert_allclose(power.numpy().T, wanted, rtol=1e-4, atol=1e-4)
    mel = power @ torch.from_numpy(page["mel_filters"](8000, size, 40)).float().T
    wanted = librosa.feature.melspectrogram(
        y=wave, sr=8000, n_fft=size, hop_length=hop, center=False, n_mels=40
    )
    np.testing.assert_allclose(mel.numpy().T, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [205, 256, 320])
def test_goertzel(execute: Execute, size: int) -> None:
    page = execute(MODULE, "goertzel", **GIVEN)
    blocks = np.random.default_rng(size).standard_normal((3, 4, size))
    hz = np.array([697, 941, 1209, 1477])
    wave = np.exp(-2j * np.pi * np.arange(size)[:, None] * hz / 8000)
    np.testing.assert_allclose(page["goertzel"](blocks, hz), np.abs(blocks @ wave) ** 2, rtol=1e-8)
