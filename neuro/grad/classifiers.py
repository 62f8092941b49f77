"""Small classifiers of event frames: convolutional and recurrent.

Input (batch, steps, polarities, height, width), output logits (steps, batch, classes).
The neuron is a factory: with a non-spiking activation and the frames summed to one step
(:class:`Summed`) the same class is the artificial network of equal size.

Layers are stages of a sequence that the export to the engine walks: stateless layers in
:class:`~neuro.grad.layers.PerStep`, neurons, :class:`~neuro.grad.layers.Recurrent`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from neuro.errors import ShapeError
from neuro.grad.factory import NeuronFactory, neuron_factory
from neuro.grad.layers import PerStep, Recurrent

__all__ = ["FrameClassifier", "Summed", "conv_classifier", "recurrent_classifier"]


class FrameClassifier(nn.Module):  # type: ignore[misc]
    """A sequence of stages over frames.

    Parameters
    ----------
    in_shape : tuple (polarities, height, width)
        Of one frame.
    *stages : torch.nn.Module
        Map (steps, batch, ...) onward; the last one gives logits.
    """

    def __init__(self, in_shape: tuple[int, int, int], *stages: Any) -> None:
        super().__init__()
        self.in_shape = tuple(in_shape)
        self.stages = nn.Sequential(*stages)

    def forward(self, frames: Any) -> Any:
        """Return logits (steps, batch, classes) of frames (batch, steps, P, H, W)."""
        if frames.ndim != 5 or tuple(frames.shape[2:]) != self.in_shape:
            raise ShapeError(
                f"FrameClassifier: expected (batch, steps, {self.in_shape}), got "
                f"{tuple(frames.shape)}"
            )
        return self.stages(frames.transpose(0, 1).float())

    def n_parameters(self) -> int:
        """Return the number of trained parameters."""
        return int(sum(p.numel() for p in self.parameters()))


class Summed(nn.Module):  # type: ignore[misc]
    """Sum the frames to one step before the network: the non-spiking control.

    Parameters
    ----------
    model : FrameClassifier
        With a non-spiking activation.
    scale : float
        Factor on the sums.
    """

    def __init__(self, model: Any, *, scale: float = 1.0) -> None:
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, frames: Any) -> Any:
        """Return logits (1, batch, classes)."""
        return self.model(frames.sum(1, keepdim=True, dtype=torch.float32) * self.scale)

    def n_parameters(self) -> int:
        """Return the number of trained parameters."""
        return int(self.model.n_parameters())


def _convolutions(
    in_shape: tuple[int, int, int],
    channels: tuple[int, ...],
    kernel: int,
    neuron: NeuronFactory,
    conv: Callable[..., Any],
) -> tuple[list[Any], int]:
    """Return strided convolutions with norms and neurons, and their output size."""
    stages: list[Any] = []
    c, height, width = in_shape
    for out in channels:
        layer = conv(c, out, kernel, stride=2, padding=kernel // 2, bias=False)
        stages += [PerStep(layer, nn.BatchNorm2d(out)), neuron()]
        c, height, width = out, (height + 1) // 2, (width + 1) // 2
    return stages, c * height * width


def conv_classifier(
    in_shape: tuple[int, int, int],
    *,
    classes: int = 10,
    channels: tuple[int, ...] = (8, 16),
    hidden: int = 64,
    kernel: int = 5,
    neuron: NeuronFactory | None = None,
    conv: Callable[..., Any] = nn.Conv2d,
    linear: Callable[..., Any] = nn.Linear,
    dropout: float = 0.0,
) -> FrameClassifier:
    """Build strided convolutions, one hidden layer, a linear read-out.

    Parameters
    ----------
    in_shape : tuple (polarities, height, width)
        Of one frame.
    classes : int
        Read-out units.
    channels : tuple of int
        Channels of the convolutions; each has stride 2 and batch norm.
    hidden : int
        Units of the hidden layer.
    kernel : int
        Side of the kernels, odd.
    neuron : callable, optional
        Factory of neurons; leaky with beta 0.9 if not given.
    conv, linear : callable
        Factories with the interface of torch's layers: quantised, crossbar.
    dropout : float
        Before the hidden layer, in training.
    """
    neuron = neuron or neuron_factory("lif", beta=0.9)
    stages, size = _convolutions(in_shape, channels, kernel, neuron, conv)
    body = [nn.Flatten(), linear(size, hidden, bias=False), nn.BatchNorm1d(hidden)]
    if dropout:
        body.insert(1, nn.Dropout(dropout))
    stages += [PerStep(*body), neuron(), PerStep(linear(hidden, classes))]
    return FrameClassifier(in_shape, *stages)


def recurrent_classifier(
    in_shape: tuple[int, int, int],
    *,
    classes: int = 10,
    channels: tuple[int, ...] = (),
    hidden: int = 128,
    kernel: int = 5,
    neuron: NeuronFactory | None = None,
    conv: Callable[..., Any] = nn.Conv2d,
    linear: Callable[..., Any] = nn.Linear,
    dropout: float = 0.0,
    norm: bool = True,
) -> FrameClassifier:
    """Build one layer of recurrently connected neurons and a linear read-out.

    Parameters
    ----------
    in_shape, classes, kernel, neuron, conv, linear
        As of :func:`conv_classifier`.
    channels : tuple of int
        Channels of strided convolutions before the recurrent layer; none: the frames
        go straight into it.
    hidden : int
        Recurrent units.
    dropout : float
        Before the recurrent layer, in training.
    norm : bool
        Whether the input current of the recurrent layer passes a batch norm.
    """
    neuron = neuron or neuron_factory("lif", beta=0.9)
    stages, size = _convolutions(in_shape, channels, kernel, neuron, conv)
    layer = Recurrent(size, hidden, neuron(), linear=linear, norm=norm)
    for name, parameter in layer.named_parameters():
        if name == "feedback.weight":
            nn.init.orthogonal_(parameter, gain=0.5)
    flat = [nn.Flatten(), *([nn.Dropout(dropout)] if dropout else [])]
    stages += [PerStep(*flat), layer, PerStep(linear(hidden, classes))]
    return FrameClassifier(in_shape, *stages)
