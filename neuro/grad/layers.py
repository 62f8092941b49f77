"""Layers that act on sequences (steps, batch, ...)."""

from typing import Any

import torch
from torch import nn

from neuro.errors import ParameterError

__all__ = ["PerStep", "Recurrent", "repeat"]


class PerStep(nn.Module):  # type: ignore[misc]
    """Apply stateless layers to every step at once: steps are folded into the batch.

    Batch norm inside therefore takes its statistics over steps, batch and space, which
    is threshold-dependent batch norm with ``alpha * theta = 1`` (Zheng et al., 2021).

    Parameters
    ----------
    *layers : torch.nn.Module
        Applied one after the other to (steps * batch, ...).
    """

    __references__ = ("zheng2021",)

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Any) -> Any:
        """Map (steps, batch, ...) to (steps, batch, ...)."""
        y = self.layers(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]))
        return y.reshape(x.shape[0], x.shape[1], *y.shape[1:])


class Recurrent(nn.Module):  # type: ignore[misc]
    """A recurrent layer: the spikes of step n - 1 come back as current at step n.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    neuron : torch.nn.Module
        With ``initial`` and ``step`` (``Lif``, ``SnnTorch``, ``Activation``).
    linear : callable
        Factory ``linear(n_in, n_out, bias=...)`` of the two weight layers.
    norm : bool
        Whether the input current passes a batch norm (over steps and batch).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        neuron: Any,
        *,
        linear: Any = nn.Linear,
        norm: bool = False,
    ) -> None:
        super().__init__()
        self.input = linear(n_in, n_out, bias=True)
        self.feedback = linear(n_out, n_out, bias=False)
        self.norm = nn.BatchNorm1d(n_out) if norm else None
        self.neuron = neuron
        self.spiking = bool(getattr(neuron, "spiking", False))

    def forward(self, x: Any) -> Any:
        """Map currents (steps, batch, n_in) to spikes (steps, batch, n_out)."""
        current = self.input(x)
        if self.norm is not None:
            current = self.norm(current.flatten(0, 1)).reshape(current.shape)
        state = self.neuron.initial(current[0])
        s = torch.zeros_like(current[0])
        out = []
        for drive in current:
            s, state = self.neuron.step(drive + self.feedback(s), state)
            out.append(s)
        return torch.stack(out)


def repeat(x: Any, steps: int) -> Any:
    """Return (steps, *x.shape), a view: direct coding of an analogue input.

    Parameters
    ----------
    x : Tensor
        Input that is the same at every step.
    steps : int
        At least 1.
    """
    if steps < 1:
        raise ParameterError(f"repeat: steps must be >= 1, got {steps}")
    return x.unsqueeze(0).expand(steps, *x.shape)
