"""The page's accountant and its per-sample gradients, held against Opacus."""

import numpy as np
import pytest
from opacus import GradSampleModule
from opacus.accountants import RDPAccountant
from opacus.accountants.analysis.rdp import compute_rdp

from tests.reference.conftest import Execute

MODULE = "challenges/data_security.py"
# sigma, q, steps, delta: the page's own settings for epsilon 3 and 8, then those of larger trainings
SETTINGS = [
    (4.88, 512 / 1437, 100, 1e-4),
    (2.24, 512 / 1437, 100, 1e-4),
    (1.1, 0.01, 10_000, 1e-5),
    (0.8, 0.004, 5_000, 1e-6),
    (10.0, 1.0, 100, 1e-5),
]


@pytest.mark.parametrize(("sigma", "q", "steps", "delta"), SETTINGS)
def test_epsilon_agrees_with_opacus(
    execute: Execute, sigma: float, q: float, steps: int, delta: float
) -> None:
    page = execute(MODULE, "setup", "rdp-accountant")
    accountant = RDPAccountant()
    accountant.history = [(sigma, q, steps)]
    ours = page["epsilon"](steps * page["rdp"](sigma, q), delta)
    theirs = accountant.get_epsilon(delta)  # fractional orders too, so it may be a little smaller
    assert theirs * (1 - 1e-9) <= ours <= theirs * 1.01


@pytest.mark.parametrize(("sigma", "q", "steps", "delta"), SETTINGS)
def test_same_orders_give_the_same_divergence(
    execute: Execute, sigma: float, q: float, steps: int, delta: float
) -> None:
    page = execute(MODULE, "setup", "rdp-accountant")
    orders = list(range(2, 64))
    theirs = compute_rdp(q=q, noise_multiplier=sigma, steps=steps, orders=orders)
    np.testing.assert_allclose(steps * page["rdp"](sigma, q)[: len(orders)], theirs, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_per_sample_gradients_agree_with_opacus(execute: Execute) -> None:
    page = execute(MODULE, "setup", "rdp-accountant", "find-sigma", "per-sample-gradients")
    torch, x, y = page["torch"], page["x"][:16], page["y"][:16]
    model = page["build"](64, 0)
    params = {name: p.detach() for name, p in model.named_parameters()}
    ours = page["per_sample_gradients"](params, model, x, y)
    wrapped = GradSampleModule(model, loss_reduction="sum")
    torch.nn.functional.cross_entropy(wrapped(x), y, reduction="sum").backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad_sample, atol=1e-6, rtol=1e-4)
