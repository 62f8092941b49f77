r"""Quantisation-aware and noise-aware layers, as factories.

Weights are transformed in the forward pass and trained through the transform with the
straight-through estimator: the gradient passes as if the transform were the identity
(inside its clip range). A transform is any callable on a weight tensor:
:class:`QuantizedWeights` with the project's quantiser, :class:`WeightNoise` with the
statistics of a device, or what an experiment hands in.

Activations of ``b`` bits are

.. math:: Q(x) = \frac{s}{2^b - 1} \mathrm{clip}(\mathrm{round}((2^b - 1) x / s),
          0, 2^b - 1)

with a trained clip ``s`` (step size gradient of Esser et al., 2020).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from neuro.errors import ParameterError
from neuro.quantize import quantize_weights, weight_gradient

__all__ = [
    "QuantizedActivation",
    "QuantizedState",
    "QuantizedWeights",
    "WeightNoise",
    "transformed_conv",
    "transformed_linear",
]

Transform = Callable[[Any], Any]
__references__ = ("esser2020",)


class _StraightThrough(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, gate: Any) -> Any:
        ctx.save_for_backward(gate)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (gate,) = ctx.saved_tensors
        return grad * gate, None, None


class QuantizedWeights:
    """Weights of a few bits, symmetric, one step per output channel.

    Parameters
    ----------
    bits : int
        Width, >= 1.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        quantize_weights([0.0], bits)

    def __call__(self, w: Any) -> Any:
        """Return quantised weights with a straight-through gradient."""
        held = w.detach().cpu().numpy()
        y = torch.as_tensor(quantize_weights(held, self.bits).values).to(w)
        gate = torch.as_tensor(weight_gradient(held, self.bits)).to(w)
        return _StraightThrough.apply(w, y, gate)


class WeightNoise:
    """Fresh Gaussian noise on the weights at every training step.

    Parameters
    ----------
    relative : float
        Standard deviation as a share of the largest weight of the layer.
    seed : int
        Of the noise.

    Notes
    -----
    Noise is drawn only while gradients are on, so evaluation sees the plain weights.
    The stream goes on from call to call; a resumed run draws it anew.
    """

    def __init__(self, relative: float, *, seed: int = 0) -> None:
        if not relative >= 0:
            raise ParameterError(f"WeightNoise.relative: expected >= 0, got {relative}")
        self.relative = relative
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, w: Any) -> Any:
        """Return weights with noise."""
        if not torch.is_grad_enabled() or self.relative == 0:
            return w
        noise = torch.randn(w.shape, generator=self._generator).to(w)
        return w + (self.relative * w.detach().abs().max()) * noise


class _Transformed:
    """What transformed convolutions and linear layers share."""

    transforms: Sequence[Transform]
    weight: Any

    def effective(self) -> Any:
        """Return the weights as the forward pass sees them."""
        w = self.weight
        for f in self.transforms:
            w = f(w)
        return w


class _Conv2d(_Transformed, nn.Conv2d):  # type: ignore[misc]
    def forward(self, x: Any) -> Any:
        return self._conv_forward(x, self.effective(), self.bias)


class _Linear(_Transformed, nn.Linear):  # type: ignore[misc]
    def forward(self, x: Any) -> Any:
        return nn.functional.linear(x, self.effective(), self.bias)


def transformed_conv(*transforms: Transform) -> Callable[..., Any]:
    """Return a factory of convolutions whose weights pass through transforms.

    Examples
    --------
    >>> layer = transformed_conv(QuantizedWeights(4))(1, 2, 3, padding=1)
    >>> len(layer.effective().unique()) <= 2 * 15
    True
    """

    def make(*args: Any, **kwargs: Any) -> Any:
        layer = _Conv2d(*args, **kwargs)
        layer.transforms = transforms
        return layer

    return make


def transformed_linear(*transforms: Transform) -> Callable[..., Any]:
    """Return a factory of linear layers whose weights pass through transforms."""

    def make(*args: Any, **kwargs: Any) -> Any:
        layer = _Linear(*args, **kwargs)
        layer.transforms = transforms
        return layer

    return make


class QuantizedState:
    """A membrane of a few bits: rounded to a grid and saturated, straight-through.

    Parameters
    ----------
    bits : int
        Width of the signed integer, >= 2.
    step : float
        Grid step; a power of two keeps the threshold a level.
    """

    def __init__(self, bits: int, step: float) -> None:
        if bits < 2 or not step > 0:
            raise ParameterError(
                f"QuantizedState: expected bits >= 2 and step > 0, got {bits}, {step}"
            )
        self.bits, self.step = bits, float(step)
        self.low, self.high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def __call__(self, v: Any) -> Any:
        """Return the stored potential."""
        level = torch.round(v.detach() / self.step)
        gate = ((level >= self.low) & (level <= self.high)).to(v.dtype)
        return _StraightThrough.apply(
            v, level.clamp(self.low, self.high) * self.step, gate
        )


class QuantizedActivation(nn.Module):  # type: ignore[misc]
    """Unsigned uniform activation of a few bits with a trained clip.

    Parameters
    ----------
    bits : int
        Width, >= 1; levels 0 to ``2^bits - 1``.
    clip : float
        Start of the trained clip.
    """

    spiking = False

    def __init__(self, bits: int, *, clip: float = 6.0) -> None:
        super().__init__()
        if bits < 1 or not clip > 0:
            raise ParameterError(
                f"QuantizedActivation: expected bits >= 1 and clip > 0, got {bits}, "
                f"{clip}"
            )
        self.bits, self.levels = bits, 2**bits - 1
        self.clip = nn.Parameter(torch.tensor(float(clip)))

    def forward(self, x: Any) -> Any:
        """Quantise; gradients flow to `x` inside the clip range and to the clip."""
        z = (x / self.clip).clamp(0, 1)
        rounded = torch.round(z * self.levels) / self.levels
        return self.clip * (z + (rounded - z).detach())
