"""The page's PSNR, SSIM and non-local means, held against scikit-image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.restoration import denoise_nl_means
from sklearn.datasets import load_sample_images
from torch.nn import functional as F

from tests.reference.conftest import Execute

MODULE = "vision/image_enhancement.py"


def batch(image: np.ndarray) -> torch.Tensor:
    """(H, W, 3) to (1, 3, H, W), in double precision."""
    return torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("case", range(24))
def test_metrics(case: int, execute: Execute) -> None:
    page = execute(MODULE, "metrics", torch=torch, F=F)
    rng = np.random.default_rng(case)
    peak = (1.0, 255.0)[case % 2]
    shape = (*rng.integers(11, 60, size=2), 3)
    truth = peak * rng.random(shape)
    if case % 3 == 0:  # smooth, as photographs are
        truth = peak * np.cumsum(rng.random(shape), axis=0) / shape[0]
    estimate = truth + rng.normal(0, peak * rng.uniform(0.01, 0.3), shape)
    wanted = structural_similarity(
        truth,
        estimate,
        data_range=peak,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert math.isclose(page["ssim"](batch(estimate), batch(truth), peak), wanted, abs_tol=1e-6)
    wanted = peak_signal_noise_ratio(truth, estimate, data_range=peak)
    assert math.isclose(page["psnr"](batch(estimate), batch(truth), peak), wanted, abs_tol=1e-6)


def test_identical_pictures(execute: Execute) -> None:
    page = execute(MODULE, "metrics", torch=torch, F=F)
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert math.isclose(page["ssim"](picture, picture), 1, abs_tol=1e-5)
    assert page["psnr"](picture, picture) == math.inf


def test_non_local_means_is_no_weaker_than_the_library(execute: Execute) -> None:
    sigma = 25 / 255
    page = execute(MODULE, "metrics", "denoise-filters", torch=torch, F=F, SIGMA=sigma)
    truth = load_sample_images().images[0][100:228, 150:278] / 255  # china.jpg
    noisy = truth + np.random.default_rng(0).normal(0, sigma, truth.shape)
    library = max(
        peak_signal_noise_ratio(
            truth,
            denoise_nl_means(
                noisy,
                patch_size=3,
                patch_distance=4,
                h=h * sigma,
                sigma=sigma,
                fast_mode=True,
                channel_axis=-1,
            ).clip(0, 1),
            data_range=1,
        )
        for h in (0.4, 0.6, 0.8, 1.0)
    )
    own = max(page["psnr"](page["non_local_means"](batch(noisy), h), batch(truth)) for h in (0.6, 0.8, 1.0))
    assert own > library - 0.2
