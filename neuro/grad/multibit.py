r"""Spiking neurons that send integers: a few bits per spike.

Torch twin of :func:`neuro.quantize.multibit_step`, with a straight-through gradient.

References
----------
.. [1] Shen et al., CVPR 2024, pp. 27538-27547 (the order of reset and quantisation is
       not printed there; see :mod:`neuro.quantize`).
"""

from typing import Any

import torch
from torch import nn

from neuro.errors import ParameterError

__all__ = ["MultiBit", "multibit_spike"]

__references__ = ("shen2024",)


def _bits(what: str, bits: int) -> int:
    if isinstance(bits, bool) or int(bits) != bits or bits < 1:
        raise ParameterError(f"{what}: bits must be an integer >= 1, got {bits!r}")
    return int(bits)


class _Level(torch.autograd.Function):  # type: ignore[misc]
    """Rounded and clipped membrane; gradient 1 on [-1/2, 2**b - 1/2], else 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, top: int, floor: bool) -> Any:
        """Return the integer level of ``x = v / v_threshold``."""
        ctx.save_for_backward(x)
        ctx.top = top
        whole = x.floor() if floor else x.round()
        return whole.clamp(0, top)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Pass the gradient inside the range."""
        (x,) = ctx.saved_tensors
        inside = (x >= -0.5) & (x <= ctx.top + 0.5)
        return gradient * inside, None, None


def multibit_spike(
    v: Any, bits: int, *, threshold: float = 1.0, floor: bool = False
) -> Any:
    """Return the level ``k`` in 0..2**bits - 1 that a membrane sends.

    Parameters
    ----------
    v : Tensor
        Membrane potential.
    bits : int
        Width of a spike.
    threshold : float
        Potential per level.
    floor : bool
        Round down instead of to the nearest level.
    """
    bits = _bits("multibit_spike", bits)
    return _Level.apply(v / threshold, 2**bits - 1, floor)


class MultiBit(nn.Module):  # type: ignore[misc]
    r"""Leaky neurons that send integers, one per step.

    .. math:: v \leftarrow \beta v + x,\quad
              k = \mathrm{clip}(\mathrm{round}(v/\theta), 0, 2^b - 1),\quad
              v \leftarrow v - k\theta

    The spike's value is :math:`k\theta`. With one bit and ``floor=True`` this is the
    ordinary neuron with subtracted threshold.

    Parameters
    ----------
    bits : int
        Bits of one spike.
    beta : float
        Decay per step, in (0, 1].
    threshold : float
        Threshold.
    reset : {"subtract", "zero"}
        What a spike does to the potential.
    floor : bool
        Round down instead of to the nearest.
    """

    __references__ = ("shen2024",)
    spiking = True

    def __init__(
        self,
        bits: int,
        *,
        beta: float = 1.0,
        threshold: float = 1.0,
        reset: str = "subtract",
        floor: bool = False,
    ) -> None:
        super().__init__()
        self.bits = _bits("MultiBit", bits)
        if not 0 < beta <= 1:
            raise ParameterError(f"MultiBit.beta: expected (0, 1], got {beta}")
        if not threshold > 0:
            raise ParameterError(f"MultiBit.threshold: expected > 0, got {threshold}")
        if reset not in ("subtract", "zero"):
            raise ParameterError(
                f"MultiBit.reset: expected 'subtract' or 'zero', got {reset!r}"
            )
        self.beta, self.threshold = float(beta), float(threshold)
        self.reset, self.floor = reset, bool(floor)

    def initial(self, x: Any) -> Any:
        """Return the potential before the first step."""
        return torch.zeros_like(x)

    def step(self, x: Any, v: Any) -> tuple[Any, Any]:
        """Advance one step: current and potential -> spikes, potential."""
        u = self.beta * v + x
        k = multibit_spike(u, self.bits, threshold=self.threshold, floor=self.floor)
        s = k * self.threshold
        if self.reset == "zero":
            return s, torch.where(k > 0, torch.zeros_like(u), u)
        return s, u - s

    def forward(self, x: Any) -> Any:
        """Return spikes (steps, batch, ...) of currents of the same shape."""
        v = self.initial(x[0])
        out = []
        for current in x:
            s, v = self.step(current, v)
            out.append(s)
        return torch.stack(out)

    def extra_repr(self) -> str:
        """Describe the neuron."""
        return (
            f"bits={self.bits}, beta={self.beta}, threshold={self.threshold}, "
            f"reset={self.reset!r}"
        )
