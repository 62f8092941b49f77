r"""The U-Net with its norms folded, on a dyadic grid: what the event-driven form runs.

A convolution followed by its batch norm, with the temporal factor ``p[n]``, is

.. math:: W'_n = g\,p[n]\,W, \qquad b'_n = g (p[n] b - \mu) + \beta, \qquad
          g = \gamma / \sqrt{\sigma^2 + \varepsilon}

With ``grid_bits=k`` weights, biases, time-embedding currents and the image lie on the
grid ``2^-k``. Sums of products with spikes are then exact. Products of two reals (the
first convolution, 1x1 shortcuts on the real stream) are computed in float64 and rounded
to the grid, half to even, on both sides. The head is dense and left as it is.
"""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from neuro.diffusion.cost import input_kinds
from neuro.diffusion.steps import StepConv, StepNorm
from neuro.errors import ParameterError
from neuro.grad import Lif
from neuro.grad.fold import fold_norm, grid_threshold, on_grid

__all__ = ["FoldedConv", "fold_unet", "to_grid"]

_PAIRS = {"conv1": "norm1", "conv2": "norm2", "conv": "norm"}


def to_grid(x: Any, bits: int | None) -> Any:
    """Round a tensor to multiples of ``2^-bits``, half to even.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    bits : int or None
        Fraction bits; None changes nothing.
    """
    return x if bits is None else torch.round(x * 2.0**bits) / 2.0**bits


class FoldedConv(nn.Module):  # type: ignore[misc]
    """A convolution over sequences with one weight set, or one per step.

    Parameters
    ----------
    weight : ndarray of float64, shape (1 or steps, co, ci, k, k)
        On the grid.
    bias : ndarray of float64, shape (1 or steps, co)
        On the grid.
    stride, padding : int
        Of the convolution.
    real : bool
        Whether the input is real: computed in float64, then rounded.
    bits : int or None
        Of the grid.
    """

    p = None

    def __init__(
        self,
        weight: Any,
        bias: Any,
        *,
        stride: int,
        padding: int,
        real: bool,
        bits: int | None,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", torch.as_tensor(weight))
        self.register_buffer("bias", torch.as_tensor(bias))
        self.stride, self.padding = stride, padding
        self.real, self.bits = real, bits

    def _apply_set(self, x: Any, k: int) -> Any:
        w, b = self.weight[k], self.bias[k]
        if self.real and self.bits is not None:
            y = nn.functional.conv2d(
                x.double(), w.double(), b.double(), self.stride, self.padding
            )
            return to_grid(y, self.bits).to(x.dtype)
        return nn.functional.conv2d(x, w, b, self.stride, self.padding)

    def forward(self, x: Any) -> Any:
        """Map (steps, batch, ci, h, w)."""
        if len(self.weight) == 1:
            y = self._apply_set(x.reshape(-1, *x.shape[2:]), 0)
            return y.reshape(x.shape[0], x.shape[1], *y.shape[1:])
        if len(x) == 1:
            x = x.expand(len(self.weight), *x.shape[1:])
        return torch.stack([self._apply_set(x[n], n) for n in range(len(x))])


class _GridLinear(nn.Module):  # type: ignore[misc]
    """The time current of a block, rounded to the grid."""

    def __init__(self, linear: Any, bits: int | None) -> None:
        super().__init__()
        self.linear, self.bits = linear, bits

    def forward(self, x: Any) -> Any:
        """Compute in float64, then round."""
        w, b = self.linear.weight, self.linear.bias
        y = nn.functional.linear(x.double(), w.double(), b.double())
        return to_grid(y, self.bits).to(x.dtype)


def _fold(conv: StepConv, norm: Any, steps: int, bits: int | None, real: bool) -> Any:
    scales = [1.0] if conv.p is None else conv.p.detach().double().tolist()[:steps]
    weight, bias = [], []
    for p in scales:
        b = conv.conv.bias
        w, b = fold_norm(conv.conv.weight * p, None if b is None else b * p, norm)
        weight.append(on_grid(w, bits))
        bias.append(on_grid(b, bits))
    return FoldedConv(
        np.stack(weight), np.stack(bias), stride=int(conv.conv.stride[0]),
        padding=int(conv.conv.padding[0]), real=real, bits=bits,
    )  # fmt: skip


def fold_unet(
    model: Any, *, grid_bits: int | None = None, dtype: Any = torch.float64
) -> Any:
    """Return a copy of a spiking U-Net without norms before the head.

    Parameters
    ----------
    model : SpikingUNet
        With :class:`neuro.grad.Lif` neurons.
    grid_bits : int, optional
        Fraction bits of everything that is summed before a neuron.
    dtype : torch.dtype
        Of the copy. float32 sums are exact while every partial sum is below
        ``2^(24 - grid_bits)``.

    Raises
    ------
    ParameterError
        If the neurons cannot be exported.
    """
    neurons = [m for m in model.modules() if getattr(m, "spiking", False)]
    if not neurons or not all(isinstance(m, Lif) for m in neurons):
        raise ParameterError("fold_unet: expected a U-Net of neuro.grad.Lif neurons")
    if any(m.amplitude != 1 or m.quantize_state is not None for m in neurons):
        raise ParameterError(
            "fold_unet: spikes of another value than 1 and quantised states have no "
            "event-driven form yet; fold the amplitude into the next weights"
        )
    kinds = input_kinds(model)
    folded = copy.deepcopy(model).eval()
    steps = model.config.steps
    for name, owner in list(folded.named_modules()):
        if name.startswith("head"):
            continue
        for key in ("conv1", "conv2", "conv", "shortcut"):
            conv = getattr(owner, key, None)
            if not isinstance(conv, StepConv):
                continue
            norm = getattr(owner, _PAIRS.get(key, ""), None)
            full = f"{name}.{key}" if name else key
            real = kinds[full] != "binary"
            setattr(owner, key, _fold(conv, norm, steps, grid_bits, real))
            if isinstance(norm, StepNorm):
                setattr(owner, _PAIRS[key], nn.Identity())
        if isinstance(getattr(owner, "time", None), nn.Linear):
            owner.time = _GridLinear(owner.time, grid_bits)
    folded.encoder.steps = steps
    if grid_bits is not None:
        for m in folded.modules():
            if isinstance(m, Lif):
                m.threshold = grid_threshold(m.threshold, grid_bits)
    folded.grid_bits = grid_bits
    folded.kinds = kinds
    return folded.to(dtype)
