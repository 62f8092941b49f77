r"""Samplers: from noise to images with a denoiser ``model(x, t) -> eps``.

``"ddpm"`` ancestral sampling, also with skipped steps; ``"ddim"`` (Song et al.,
2021); ``"dpm1"`` the first-order DPM-Solver (Lu et al., 2022), which is the same map as
DDIM with ``eta = 0`` written in the log signal-to-noise ratio, on times equidistant in
it and without clamping.

The predicted image is clamped to [-1, 1] before it is used, and the network's noise is
kept as it is, as in the reference implementations. At the end the predicted image of
the last call made is returned, so that S solver steps are S calls of the denoiser; with
``last="state"`` the sampler's state at t = 0 is returned instead, which for DDIM still
carries noise of standard deviation 0.01.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

from neuro.diffusion.schedule import Schedule
from neuro.errors import ParameterError, did_you_mean

__all__ = ["SAMPLERS", "Samples", "sample", "timesteps"]

__references__ = ("ho2020", "song2021ddim", "lu2022dpm")

SAMPLERS = ("ddim", "ddpm", "dpm1")


class Samples(NamedTuple):
    """Images and how they came about.

    Attributes
    ----------
    images : Tensor, shape (n, channels, height, width)
        In [-1, 1].
    path : Tensor, shape (n_kept, n, channels, height, width), or None
        The predicted image at the kept steps.
    calls : int
        Calls of the denoiser.
    """

    images: Any
    path: Any
    calls: int


def timesteps(schedule: Schedule, steps: int, method: str = "ddim") -> list[int]:
    """Return the diffusion steps visited, falling, the last one without a call.

    Parameters
    ----------
    schedule : Schedule
        Its length bounds `steps`.
    steps : int
        Calls of the denoiser.
    method : {"ddim", "ddpm", "dpm1"}
        "dpm1" spaces the log signal-to-noise ratio, the others the time.

    Examples
    --------
    >>> timesteps(Schedule(), 4)
    [999, 749, 499, 249, 0]
    """
    if not 1 <= steps <= schedule.n:
        raise ParameterError(
            f"sample.steps: expected 1..{schedule.n} (the schedule), got {steps}"
        )
    if method == "dpm1":
        bar = schedule.alpha_bar
        lam = 0.5 * np.log(bar / (1 - bar))
        grid = np.linspace(lam[-1], lam[0], steps + 1)
        times = [int(np.abs(lam - value).argmin()) for value in grid]
        return list(dict.fromkeys(times))
    n = schedule.n
    times = [max(int(n - 1 - i * n / steps), 0) for i in range(steps)]
    return times if times[-1] == 0 else [*times, 0]


def _noise(like: Any, generator: Any) -> Any:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like)


def sample(
    model: Callable[[Any, Any], Any],
    noise: Any,
    schedule: Schedule | None = None,
    *,
    method: str = "ddim",
    steps: int = 50,
    eta: float = 0.0,
    variance: str = "fixedlarge",
    last: str = "image",
    keep: int = 0,
    generator: Any = None,
    batch: int = 256,
    progress: Callable[..., Iterable[Any]] | None = None,
) -> Samples:
    """Denoise.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: images (batch, ...) and long (batch,) -> predicted noise.
    noise : Tensor, shape (n, channels, height, width)
        Standard normal start; hand the same to two models to compare them.
    schedule : Schedule, optional
        The one of the training; the standard one if not given.
    method : {"ddim", "ddpm", "dpm1"}
        Solver.
    steps : int
        Calls of the denoiser (of the schedule's length for the full "ddpm").
    eta : float
        Noise of DDIM, 0: deterministic, 1: that of DDPM.
    variance : {"fixedlarge", "fixedsmall"}
        Of "ddpm".
    last : {"image", "state"}
        What is returned, see the module.
    keep : int
        Number of predicted images kept along the way.
    generator : torch.Generator, optional
        Needed wherever noise is added.
    batch : int
        Images per call.
    progress : callable, optional
        ``progress(iterable, total=, label=)``.

    Returns
    -------
    Samples
        Images in [-1, 1], path, number of calls per image.
    """
    if method not in SAMPLERS:
        raise ParameterError(
            f"sample.method: {method!r}{did_you_mean(method, SAMPLERS)}; accepted: "
            f"{', '.join(SAMPLERS)}"
        )
    if variance not in ("fixedlarge", "fixedsmall") or last not in ("image", "state"):
        raise ParameterError(
            f"sample: variance 'fixedlarge' or 'fixedsmall', last 'image' or 'state'; "
            f"got {variance!r}, {last!r}"
        )
    if generator is None and (method == "ddpm" or eta > 0):
        raise ParameterError(f"sample: {method} with noise needs generator=")
    schedule = schedule or Schedule()
    times = timesteps(schedule, steps, method)
    calls = len(times) if times == sorted(set(times), reverse=True) else steps
    calls = min(calls, steps)
    pairs = list(zip(times[:calls], [*times[1:], -1][:calls], strict=True))
    kept = set(np.linspace(0, calls - 1, keep).round().astype(int)) if keep else set()
    images, paths = [], []
    chunks = range(0, len(noise), batch)
    todo: Iterable[Any] = [(c, k) for c in chunks for k in range(calls)]
    if progress is not None:
        todo = progress(todo, total=len(chunks) * calls, label="sampling")
    x = x0 = noise[:0]
    path: list[Any] = []
    with torch.no_grad():
        for begin, k in todo:
            if k == 0:
                x, path = noise[begin : begin + batch], []
            t, s = pairs[k]
            eps = model(x, torch.full((len(x),), t, dtype=torch.long, device=x.device))
            x, x0 = _advance(x, eps, schedule, t, s, method, eta, variance, generator)
            if k in kept:
                path.append(x0)
            if k == calls - 1:
                end = x0 if last == "image" else x
                images.append(end.clamp(-1, 1))
                if keep:
                    paths.append(torch.stack(path))
    return Samples(
        torch.cat(images) if images else noise,
        torch.cat(paths, 1) if paths else None,
        calls,
    )


def _advance(
    x: Any,
    eps: Any,
    schedule: Schedule,
    t: int,
    s: int,
    method: str,
    eta: float,
    variance: str,
    generator: Any,
) -> tuple[Any, Any]:
    """One solver step from t to s: next state and predicted image."""
    at, as_ = schedule.alpha_bar_at(t), schedule.alpha_bar_at(s)
    x0 = (x - (1 - at) ** 0.5 * eps) / at**0.5
    if method == "dpm1":
        lam_t, lam_s = (0.5 * np.log(a / (1 - a)) for a in (at, min(as_, 1 - 1e-12)))
        ratio = (as_ / at) ** 0.5
        shift = (1 - as_) ** 0.5 * np.expm1(lam_s - lam_t)
        return ratio * x - float(shift) * eps, x0.clamp(-1, 1)
    x0 = x0.clamp(-1, 1)
    if s < 0:
        return x0, x0
    if method == "ddim":
        sigma = eta * ((1 - at / as_) * (1 - as_) / (1 - at)) ** 0.5
        x = as_**0.5 * x0 + max(1 - as_ - sigma**2, 0.0) ** 0.5 * eps
        return (x + sigma * _noise(x, generator) if eta > 0 else x), x0
    beta = (1 - at) - at / as_ * (1 - as_)
    mean = (at / as_) ** 0.5 * (1 - as_) / (1 - at) * x + as_**0.5 * beta / (
        1 - at
    ) * x0
    var = beta if variance == "fixedlarge" else beta * (1 - as_) / (1 - at)
    return mean + var**0.5 * _noise(x, generator), x0
