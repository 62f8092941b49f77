"""Diffusion equations: schedule, samplers, oracles."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.diffusion import Schedule, denoising_loss, sample, timesteps
from neuro.errors import ParameterError


def test_schedule_end_points():
    s = Schedule()
    assert s.alpha_bar.dtype == np.float64
    assert s.alpha_bar[999] == pytest.approx(4.04e-5, rel=2e-3)
    assert s.alpha_bar[0] == pytest.approx(0.9999, abs=1e-12)
    assert s.alpha_bar_at(-1) == 1


def test_noised_samples_of_unit_variance_data_have_unit_variance():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, 1, generator=g)
    noise = torch.randn(200_000, 1, generator=g)
    for t in (0, 250, 999):
        xt = Schedule().noised(x, torch.full((200_000,), t), noise)
        assert float(xt.var()) == pytest.approx(1, abs=0.01)


def _oracle(schedule, x0):
    def model(x, t):
        bar = torch.as_tensor(schedule.alpha_bar)[t][:, None, None, None]
        return (x - bar.sqrt() * x0[: len(x)]) / (1 - bar).sqrt()

    return model


@pytest.mark.parametrize("method", ["ddim", "dpm1", "ddpm"])
@pytest.mark.parametrize("steps", [1, 7, 50])
def test_perfect_denoiser_returns_the_image(method, steps):
    schedule = Schedule()
    g = torch.Generator().manual_seed(1)
    x0 = torch.rand(3, 1, 4, 4, dtype=torch.float64, generator=g) * 2 - 1
    noise = torch.randn(3, 1, 4, 4, dtype=torch.float64, generator=g)
    out = sample(
        _oracle(schedule, x0), noise, schedule, method=method, steps=steps, generator=g,
        keep=2,
    )  # fmt: skip
    torch.testing.assert_close(out.images, x0, rtol=0, atol=1e-9)
    assert out.calls <= steps
    assert out.path.shape[1:] == x0.shape


def test_state_at_the_last_step_still_carries_noise():
    schedule = Schedule()
    g = torch.Generator().manual_seed(2)
    x0 = torch.zeros(64, 1, 4, 4, dtype=torch.float64)
    noise = torch.randn(64, 1, 4, 4, dtype=torch.float64, generator=g)
    out = sample(_oracle(schedule, x0), noise, schedule, steps=50, last="state")
    assert float(out.images.std()) == pytest.approx(0.01, rel=0.1)


def test_time_lists():
    times = timesteps(Schedule(), 50)
    assert (times[:2], times[-2:]) == ([999, 979], [19, 0])
    assert timesteps(Schedule(), 1000)[-1] == 0
    assert len(timesteps(Schedule(), 1000)) == 1000
    lam = timesteps(Schedule(), 10, "dpm1")
    assert lam[0] == 999
    assert lam[-1] == 0
    assert lam == sorted(lam, reverse=True)


def test_first_order_solver_is_ddim_without_clamping():
    """On the same times both make the same move."""
    from neuro.diffusion.samplers import _advance

    schedule = Schedule()
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64, generator=g) * 0.05
    eps = torch.randn(2, 1, 4, 4, dtype=torch.float64, generator=g) * 0.05
    a, _ = _advance(x, eps, schedule, 500, 300, "ddim", 0.0, "fixedlarge", None)
    b, _ = _advance(x, eps, schedule, 500, 300, "dpm1", 0.0, "fixedlarge", None)
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_adjacent_ddpm_mean_is_that_of_the_paper():
    from neuro.diffusion.samplers import _advance

    schedule = Schedule()
    t = 400
    x = torch.full((1, 1, 1, 1), 0.3, dtype=torch.float64)
    eps = torch.full((1, 1, 1, 1), 0.2, dtype=torch.float64)
    g = torch.Generator().manual_seed(3)
    got, x0 = _advance(x, eps, schedule, t, t - 1, "ddpm", 0.0, "fixedsmall", g)
    bar, last = schedule.alpha_bar[t], schedule.alpha_bar[t - 1]
    beta = schedule.beta[t]
    mean = np.sqrt(last) * beta / (1 - bar) * float(x0)
    mean += np.sqrt(1 - beta) * (1 - last) / (1 - bar) * 0.3
    z = torch.randn(1, 1, 1, 1, dtype=torch.float64, generator=g.manual_seed(3))
    sd = np.sqrt(beta * (1 - last) / (1 - bar))
    assert float(got) == pytest.approx(mean + sd * float(z), rel=1e-12)


def test_eta_one_equals_the_small_variance_of_ddpm():
    from neuro.diffusion.samplers import _advance

    schedule = Schedule()
    x = torch.full((1, 1, 1, 1), 0.1, dtype=torch.float64)
    eps = torch.full((1, 1, 1, 1), 0.05, dtype=torch.float64)
    outs = [
        _advance(x, eps, schedule, 500, 400, m, 1.0, "fixedsmall",
                 torch.Generator().manual_seed(0))[0]
        for m in ("ddim", "ddpm")
    ]  # fmt: skip
    torch.testing.assert_close(*outs, rtol=1e-9, atol=1e-12)


def test_loss_of_zero_prediction_is_one():
    loss = denoising_loss(Schedule())
    x = torch.zeros(4000, 1, 4, 4)
    value = loss(
        lambda x, t: torch.zeros_like(x), (x,), torch.Generator().manual_seed(0)
    )
    assert float(value) == pytest.approx(1, abs=0.02)


def test_wrong_arguments():
    noise = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ParameterError, match="did you mean 'ddim'"):
        sample(lambda x, t: x, noise, method="ddin")
    with pytest.raises(ParameterError, match="needs generator="):
        sample(lambda x, t: x, noise, method="ddpm")
    with pytest.raises(ParameterError, match=r"expected 1\.\.1000"):
        sample(lambda x, t: x, noise, steps=0)
