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

    def _factors(self, x: Any, t: Any) -> tuple[Any, Any]:
        """Roots of abar and 1 - abar at `t`, shaped to multiply images."""
        bar = torch.as_tensor(self.alpha_bar)[t].reshape(-1, *(1,) * (x.ndim - 1))
        return bar.sqrt().to(x), (1 - bar).sqrt().to(x)

    def noised(self, x: Any, t: Any, noise: Any) -> Any:
        """Return x_t for images `x` (batch, ...) and steps `t`, long (batch,)."""
        signal, spread = self._factors(x, t)
        return signal * x + spread * noise

    def velocity(self, x: Any, t: Any, noise: Any) -> Any:
        """Return ``sqrt(abar) noise - sqrt(1 - abar) x`` (Salimans and Ho, 2022)."""
        signal, spread = self._factors(x, t)
        return signal * noise - spread * x


def denoising_loss(schedule: Schedule) -> Any:
    """Return the loss for :func:`neuro.grad.fit` on batches ``(images, ...)``.

    The plain mean square of what the network predicts: of the noise, or of the velocity
    for a U-Net with ``prediction="velocity"``, whose schedule must then be this one.

    Parameters
    ----------
    schedule : Schedule
        Of the noise; its diffusion steps are drawn uniformly.
    """

    def loss(model: Any, batch: Any, generator: Any) -> Any:
        x = batch[0] if isinstance(batch, (tuple, list)) else batch
        t = torch.randint(schedule.n, (len(x),), generator=generator)
        noise = torch.randn(x.shape, generator=generator)
        noise, t = noise.to(x), t.to(x.device)
        noised = schedule.noised(x, t.cpu(), noise)
        config = getattr(model, "config", None)
        if getattr(config, "prediction", "noise") == "noise":
            return ((model(noised, t) - noise) ** 2).mean()
        signal = torch.as_tensor(np.sqrt(schedule.alpha_bar)).to(model.signal)
        if not torch.equal(signal, model.signal):
            raise ParameterError(
                "denoising_loss: a network that predicts the velocity has the standard "
                f"schedule of {len(model.signal)} steps; train it with that one"
            )
        velocity = schedule.velocity(x, t.cpu(), noise)
        return ((model.output(noised, t) - velocity) ** 2).mean()

    return loss
