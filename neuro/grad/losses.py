"""Losses, accuracies and activity of networks whose output is a sequence.

A *classifier* here maps its input to logits (steps, batch, classes).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from neuro.errors import ParameterError

__all__ = [
    "Activity",
    "accuracy",
    "cross_entropy",
    "firing_rates",
    "mean_logits",
    "record_activity",
    "shifted",
]


def mean_logits(outputs: Any) -> Any:
    """Return the mean over steps of (steps, batch, classes).

    Parameters
    ----------
    outputs : Tensor, shape (steps, batch, classes) or (batch, classes)
        Without a step axis they are returned as they are.
    """
    return outputs.mean(0) if outputs.ndim == 3 else outputs


def cross_entropy(*, rate_target: float | None = None, rate_weight: float = 0.0) -> Any:
    """Return a loss for :func:`neuro.grad.fit`: cross entropy of the mean logits.

    Parameters
    ----------
    rate_target : float, optional
        Mean firing rate (spikes per neuron and step) that is not punished.
    rate_weight : float
        Factor of ``(rate - target)^2`` above the target, mean over spiking layers.
    """

    def loss(model: Any, batch: Any, generator: Any) -> Any:
        x, y = batch
        if not rate_weight:
            return nn.functional.cross_entropy(mean_logits(model(x)), y)
        with record_activity(model, detach=False) as activity:
            value = nn.functional.cross_entropy(mean_logits(model(x)), y)
        rates = torch.stack([s.mean() for s in activity.spikes.values()])
        excess = (rates - (rate_target or 0.0)).clamp_min(0)
        return value + rate_weight * (excess**2).mean()

    return loss


def shifted(loss: Any, pixels: int) -> Any:
    """Return a loss on frames that in training move by a random step, cyclically.

    Parameters
    ----------
    loss : callable
        ``loss(model, (frames, labels), generator)``.
    pixels : int
        Largest step along the last two axes; one step for all of a batch.
    """

    def moved(model: Any, batch: Any, generator: Any) -> Any:
        x, y = batch
        if model.training and pixels:
            steps = torch.randint(-pixels, pixels + 1, (2,), generator=generator)
            x = torch.roll(x, steps.tolist(), (-2, -1))
        return loss(model, (x, y), generator)

    return moved


def accuracy(model: Any, batch: Any) -> Any:
    """Return 1 or 0 per sample, float, shape (batch,): a metric for ``fit``.

    Parameters
    ----------
    model : callable
        Frames to logits.
    batch : tuple (frames, labels)
        Labels long, shape (batch,).
    """
    x, y = batch
    return (mean_logits(model(x)).argmax(-1) == y).float()


class Activity:
    """What the spiking layers sent: ``spikes[name]`` of shape (steps, batch, ...)."""

    def __init__(self) -> None:
        self.spikes: dict[str, Any] = {}

    def rates(self) -> dict[str, float]:
        """Return spikes per neuron and step of every layer."""
        return {k: float(v.detach().mean()) for k, v in self.spikes.items()}

    def total(self) -> int:
        """Return the number of spikes of all layers."""
        return int(
            sum(int(v.detach().sum(dtype=torch.float64)) for v in self.spikes.values())
        )


@contextmanager
def record_activity(model: Any, *, detach: bool = True) -> Iterator[Activity]:
    """Record the output of every spiking layer during the calls inside the block.

    Parameters
    ----------
    model : torch.nn.Module
        Its neuron modules carry ``spiking = True``.
    detach : bool
        Whether the recorded spikes are cut from the graph.
    """
    activity = Activity()
    handles = []
    for name, module in model.named_modules():
        if getattr(module, "spiking", False):

            def hook(_m: Any, _i: Any, output: Any, name: str = name) -> None:
                activity.spikes[name] = output.detach() if detach else output

            handles.append(module.register_forward_hook(hook))
    if not handles:
        raise ParameterError("record_activity: the model has no spiking layer")
    try:
        yield activity
    finally:
        for handle in handles:
            handle.remove()


def firing_rates(model: Any, x: Any) -> dict[str, float]:
    """Return spikes per neuron and step of every spiking layer for one batch.

    Parameters
    ----------
    model : torch.nn.Module
        With spiking layers; its mode is left as it is.
    x : Tensor
        One batch.
    """
    with torch.no_grad(), record_activity(model) as activity:
        model(x)
    return activity.rates()
