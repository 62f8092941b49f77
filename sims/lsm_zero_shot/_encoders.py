"""Trained spiking encoders of the liquid's size, the published baseline SRNN-CLIP."""

from typing import Any

import torch
from torch import nn

from neuro.grad import Lif, Recurrent, Surrogate

from .._config import Config

__all__ = ["encoders"]

# Surrogate of the authors' code: 1 / (2 * 0.25) within 0.25 of the threshold.
_SURROGATE = Surrogate("rectangle", 0.5)


class SpikeCounter(nn.Module):  # type: ignore[misc]
    """Binary frames -> recurrent spiking layer -> spikes per neuron.

    Attributes
    ----------
    width : int
        Neurons.
    """

    def __init__(self, n_in: int, cfg: Config) -> None:
        super().__init__()
        srnn = cfg.srnn
        neuron = Lif(
            srnn.decay,
            threshold=srnn.v_threshold,
            strict=True,
            reset="zero",
            detach_reset=False,
            surrogate=_SURROGATE,
        )
        self.recurrent = Recurrent(n_in, srnn.n, neuron)
        sd = srnn.const * srnn.array_sd
        nn.init.normal_(self.recurrent.input.weight, std=sd)
        nn.init.zeros_(self.recurrent.input.bias)
        nn.init.normal_(self.recurrent.feedback.weight, std=sd * srnn.recurrence)
        self.width = srnn.n

    def forward(self, frames: Any) -> Any:
        """Map frames (batch, steps, lines) to spike rates (batch, neurons)."""
        return self.recurrent(frames.transpose(0, 1).float()).mean(0)


def encoders(n_a: int, n_b: int, cfg: Config, *, seed: int) -> tuple[Any, Any]:
    """Build both encoders with weights drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SpikeCounter(n_a, cfg), SpikeCounter(n_b, cfg)
