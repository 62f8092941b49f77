r"""Convolution and batch norm over sequences, and the temporal scale.

The temporal-wise spiking mechanism gives every convolution one factor per step of the
spiking network, ``I[n] = p[n] (W S[n] + b)`` before the batch norm, shared by all
channels and pixels. It starts at 1, where the network is what it was without.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from neuro.errors import ParameterError
from neuro.grad import Lif

__all__ = ["StepConv", "StepNorm", "add_temporal_scale", "guided", "temporal_scales"]


class StepConv(nn.Module):  # type: ignore[misc]
    """A convolution of every step, with an optional factor per step.

    Parameters
    ----------
    conv : torch.nn.Module
        Maps (steps * batch, ci, h, w).
    """

    def __init__(self, conv: Any) -> None:
        super().__init__()
        self.conv = conv
        self.fixed = False
        self.register_parameter("p", None)

    def forward(self, x: Any) -> Any:
        """Map (steps, batch, ci, h, w) to (steps, batch, co, h', w').

        A constant input has one step; with a factor per step it comes out with all.
        """
        y = self.conv(x.reshape(-1, *x.shape[2:]))
        y = y.reshape(x.shape[0], x.shape[1], *y.shape[1:])
        return y if self.p is None else y * self.p[:, None, None, None, None]


class StepNorm(nn.BatchNorm2d):  # type: ignore[misc]
    """Batch norm with statistics over steps, batch and space."""

    def forward(self, x: Any) -> Any:
        """Normalise (steps, batch, channels, h, w)."""
        return super().forward(x.reshape(-1, *x.shape[2:])).reshape(x.shape)


def add_temporal_scale(model: Any) -> None:
    """Give every convolution of a U-Net a trainable factor per step, all 1.

    The network's output is unchanged by the conversion. The next training stage trains
    weights, norms and factors together, for about a tenth of the first stage's steps.

    Parameters
    ----------
    model : SpikingUNet
        Of at least two steps; changed in place.

    Raises
    ------
    ParameterError
        If the network already has them, or has a single step.
    """
    steps = model.config.steps
    if steps < 2:
        raise ParameterError("add_temporal_scale: a network of one step has no time")
    if model.config.readout != "leaky":
        raise ParameterError("add_temporal_scale: the read-out must be 'leaky'")
    for name, module in model.convolutions():
        if module.p is not None:
            raise ParameterError(f"add_temporal_scale: {name} already has a scale")
        module.p = nn.Parameter(torch.ones(steps))


def temporal_scales(model: Any) -> dict[str, Any]:
    """Return the factors per step of every convolution, ndarray (steps,) by name.

    Parameters
    ----------
    model : SpikingUNet
        After :func:`add_temporal_scale`; otherwise the mapping is empty.
    """
    return {
        name: module.p.detach().cpu().numpy()
        for name, module in model.convolutions()
        if module.p is not None
    }


@contextmanager
def guided(model: Any, threshold: float | None) -> Iterator[Any]:
    """Use another threshold in all neurons inside the block: threshold guidance.

    Parameters
    ----------
    model : torch.nn.Module
        With :class:`neuro.grad.Lif` neurons.
    threshold : float or None
        New threshold; None changes nothing. Lowering it is what Cao et al. call
        inhibitory guidance.
    """
    neurons = [m for m in model.modules() if isinstance(m, Lif)]
    if threshold is not None and not threshold > 0:
        raise ParameterError(f"guided: expected a threshold > 0, got {threshold}")
    if threshold is not None and not neurons:
        raise ParameterError("guided: the model has no integrate-and-fire neuron")
    held = [n.threshold for n in neurons]
    try:
        if threshold is not None:
            for n in neurons:
                n.threshold = float(threshold)
        yield model
    finally:
        for n, value in zip(neurons, held, strict=True):
            n.threshold = value
