r"""The diffusion clock: noise schedule, noised samples, training loss.

With ``abar_t`` the product of ``1 - beta_s`` for ``s <= t``,

.. math:: x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\,\epsilon

and the denoiser is trained on the plain mean of ``(eps_theta(x_t, t) - eps)^2`` over
all elements (Ho et al., 2020). This clock has nothing to do with the steps of the
spiking network: one call of the denoiser runs all of them from a zero state.
"""

from typing import Any

import numpy as np
import torch

from neuro.errors import ParameterError

__all__ = ["Schedule", "denoising_loss"]


class Schedule:
    """Linear variance schedule, in float64.

    Parameters
    ----------
    n : int
        Number of diffusion steps.
    beta_start, beta_end : float
        First and last variance, both included.

    Attributes
    ----------
    beta, alpha_bar : ndarray of float64, shape (n,)
        Variances and cumulated products.

    References
    ----------
    .. [1] J. Ho, A. Jain, P. Abbeel, NeurIPS 2020, arXiv:2006.11239.
    """

    __references__ = ("ho2020",)

    def __init__(
        self, n: int = 1000, *, beta_start: float = 1e-4, beta_end: float = 0.02
    ) -> None:
        if n < 1 or not 0 < beta_start <= beta_end < 1:
            raise ParameterError(
                f"Schedule: expected n >= 1 and 0 < beta_start <= beta_end < 1, got "
                f"n={n}, {beta_start}, {beta_end}"
            )
        self.n = n
        self.beta = np.linspace(beta_start, beta_end, n)
        self.alpha_bar = np.cumprod(1 - self.beta)

    def alpha_bar_at(self, t: int) -> float:
        """Return the cumulated product at `t`; 1 for ``t = -1``."""
        return 1.0 if t < 0 else float(self.alpha_bar[t])

    def noised(self, x: Any, t: Any, noise: Any) -> Any:
        """Return x_t for images `x` (batch, ...) and steps `t`, long (batch,)."""
        bar = torch.as_tensor(self.alpha_bar)[t].reshape(-1, *(1,) * (x.ndim - 1))
        signal, spread = bar.sqrt().to(x), (1 - bar).sqrt().to(x)
        return signal * x + spread * noise


def denoising_loss(schedule: Schedule) -> Any:
    """Return the loss for :func:`neuro.grad.fit` on batches ``(images, ...)``."""

    def loss(model: Any, batch: Any, generator: Any) -> Any:
        x = batch[0] if isinstance(batch, (tuple, list)) else batch
        t = torch.randint(schedule.n, (len(x),), generator=generator)
        noise = torch.randn(x.shape, generator=generator)
        noise, t = noise.to(x), t.to(x.device)
        return ((model(schedule.noised(x, t.cpu(), noise), t) - noise) ** 2).mean()

    return loss
