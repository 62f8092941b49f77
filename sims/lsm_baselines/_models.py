"""The trained baselines: the liquid's equations with trained weights, and an RNN."""

from typing import Any

import torch
from torch import nn

from neuro.grad import Activation, Lif, Recurrent, Surrogate

from .._config import Config

__all__ = ["MODELS", "build", "squared_error"]

MODELS = ("srnn_ann", "srnn_snn", "rnn")

# Surrogate of the authors' code: 1 / (2 * 0.25) within 0.25 of the threshold.
_SURROGATE = Surrogate("rectangle", 0.5)


class RecurrentNet(nn.Module):  # type: ignore[misc]
    """Binary frames -> recurrent layer -> one output per class and step.

    Parameters
    ----------
    recurrent, readout : torch.nn.Module
        Map (steps, batch, lines) to (steps, batch, neurons), and those to classes.
    """

    def __init__(self, recurrent: Any, readout: Any) -> None:
        super().__init__()
        self.recurrent, self.readout = recurrent, readout

    def forward(self, frames: Any) -> Any:
        """Map frames (batch, steps, lines) to outputs (steps, batch, classes)."""
        return self.readout(self.recurrent(frames.transpose(0, 1).float()))


def _lif(decay: float, threshold: float) -> Lif:
    """Return the liquid's neuron: strict threshold, reset to zero and in the graph."""
    return Lif(
        decay,
        threshold=threshold,
        strict=True,
        reset="zero",
        detach_reset=False,
        surrogate=_SURROGATE,
    )


def build(
    name: str,
    cfg: Config,
    n_in: int,
    classes: int,
    *,
    recurrence: float = 1.0,
    seed: int,
) -> Any:
    """Build a baseline with weights drawn from `seed`.

    Parameters
    ----------
    name : {"srnn_ann", "srnn_snn", "rnn"}
        Spiking with a linear read-out on the rates, spiking with leaky output neurons,
        or tanh units with a linear read-out on their mean activity.
    cfg : Config
        With ``n``, ``array_sd`` and ``srnn``.
    n_in, classes : int
        Sizes.
    recurrence : float
        Factor on the initial recurrent weights of the spiking networks.
    seed : int
        Seed of the initial weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "rnn":
            recurrent = Recurrent(n_in, cfg.n, Activation(nn.Tanh()))
            return RecurrentNet(recurrent, nn.Linear(cfg.n, classes))
        recurrent = Recurrent(n_in, cfg.n, _lif(cfg.srnn.decay, cfg.srnn.v_threshold))
        sd = cfg.srnn.const * cfg.array_sd
        nn.init.normal_(recurrent.input.weight, std=sd)
        nn.init.zeros_(recurrent.input.bias)
        nn.init.normal_(recurrent.feedback.weight, std=sd * recurrence)
        readout: Any = nn.Linear(cfg.n, classes)
        if name == "srnn_snn":
            nn.init.normal_(readout.weight, std=cfg.srnn.sd_out)
            neurons = _lif(cfg.srnn.decay_out, cfg.srnn.v_threshold_out)
            readout = nn.Sequential(readout, neurons)
        return RecurrentNet(recurrent, readout)


def squared_error(model: Any, batch: Any, generator: Any) -> Any:
    """Squared distance of the mean output from the one-hot label."""
    frames, labels = batch
    output = model(frames).mean(0)
    target = nn.functional.one_hot(labels, output.shape[-1]).to(output.dtype)
    return nn.functional.mse_loss(output, target)
