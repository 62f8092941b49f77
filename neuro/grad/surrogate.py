r"""Surrogate derivatives of the spike.

A spike is ``S = 1[U >= theta]``; in the backward pass its derivative is replaced by a
bump around the threshold, a function of ``x = U - theta``:

=============  ====================================================  ==============
name           dS/dU                                                 shape parameter
=============  ====================================================  ==============
atan           ``(alpha/2) / (1 + (pi/2 * alpha * x)^2)``            alpha = 2
rectangle      ``1/alpha`` where ``|x| < alpha/2``, else 0           alpha = 1
fast_sigmoid   ``1 / (1 + alpha |x|)^2``                             alpha = 25
=============  ====================================================  ==============
"""

import math
from dataclasses import dataclass
from typing import Any

import torch

from neuro.errors import ParameterError, did_you_mean

__all__ = ["SURROGATES", "Surrogate", "spike"]

SURROGATES = ("atan", "rectangle", "fast_sigmoid")
_DEFAULTS = {"atan": 2.0, "rectangle": 1.0, "fast_sigmoid": 25.0}


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A surrogate derivative by name.

    Parameters
    ----------
    name : {"atan", "rectangle", "fast_sigmoid"}
        Shape of the bump.
    alpha : float, optional
        Shape parameter, > 0; 2, 1 and 25 where not given.

    Examples
    --------
    >>> Surrogate("atan").derivative(torch.zeros(1))
    tensor([1.])
    """

    name: str = "atan"
    alpha: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in SURROGATES:
            raise ParameterError(
                f"Surrogate: unknown name {self.name!r}"
                f"{did_you_mean(self.name, SURROGATES)}; accepted: "
                f"{', '.join(SURROGATES)}"
            )
        if self.alpha == 0.0:
            object.__setattr__(self, "alpha", _DEFAULTS[self.name])
        if not self.alpha > 0:
            raise ParameterError(f"Surrogate.alpha: expected > 0, got {self.alpha}")

    @property
    def code(self) -> int:
        """Number of the shape in the compiled kernels."""
        return SURROGATES.index(self.name)

    def derivative(self, x: Any) -> Any:
        """Return dS/dU at ``x = U - theta``, same shape and dtype."""
        if self.name == "atan":
            return (self.alpha / 2) / (1 + (math.pi / 2 * self.alpha * x) ** 2)
        if self.name == "rectangle":
            return (x.abs() < self.alpha / 2).to(x.dtype) / self.alpha
        return 1 / (1 + self.alpha * x.abs()) ** 2


class _Spike(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any, surrogate: Surrogate, strict: bool) -> Any:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return ((x > 0) if strict else (x >= 0)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * ctx.surrogate.derivative(x), None, None


def spike(x: Any, surrogate: Surrogate | None = None, *, strict: bool = False) -> Any:
    """Return ``1[x >= 0]`` (``1[x > 0]`` if `strict`) with a surrogate derivative.

    Parameters
    ----------
    x : Tensor
        Potential minus threshold.
    surrogate : Surrogate, optional
        ATan with alpha 2 where not given.
    strict : bool
        Whether a potential exactly at the threshold stays silent.
    """
    return _Spike.apply(x, surrogate or Surrogate(), strict)
