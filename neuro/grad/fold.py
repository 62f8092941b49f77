r"""Folding: batch norm into the weights before it, exactly, in float64.

In evaluation mode a batch norm after a convolution or linear layer is an affine map per
output channel: with ``g = gamma / sqrt(var + eps)``, ``W' = g W`` and
``b' = g (b - mu) + beta``. This is exact at zero-padded borders too, because the norm
follows the convolution. Norms that look at the current activations (group norm, layer
norm) cannot be folded, nor can batch norm in training mode.

A *grid* of ``k`` bits rounds every folded weight and bias to a multiple of ``2^-k``. As
long as no partial sum reaches ``2^(53 - k)`` in magnitude (``2^(24 - k)`` in float32),
every sum is then exact and the order of its terms does not matter: the condition for
equal spikes in two engines.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuro.errors import ParameterError, UnsupportedNodeError
from neuro.grad.layers import PerStep, Recurrent
from neuro.grad.neurons import Lif

__all__ = [
    "Stage",
    "fold_norm",
    "folded_stages",
    "on_grid",
    "with_folded_norms",
]


def on_grid(x: NDArray[np.floating], bits: int | None) -> NDArray[np.float64]:
    """Round to multiples of ``2^-bits``, half to even; None changes nothing.

    Parameters
    ----------
    x : ndarray of float
        Of any shape.
    bits : int or None
        Fraction bits.
    """
    y: NDArray[np.float64] = np.asarray(x, np.float64)
    return y if bits is None else np.asarray(np.rint(y * 2.0**bits) / 2.0**bits)


def fold_norm(
    weight: Any, bias: Any, norm: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weight and bias with a batch norm folded in.

    Parameters
    ----------
    weight : Tensor, shape (out, ...)
        Of the layer before the norm.
    bias : Tensor of shape (out,), or None
        Of the layer before the norm.
    norm : torch.nn.BatchNorm1d, BatchNorm2d or None
        With running statistics.
    """
    w = weight.detach().double().cpu().numpy()
    b = np.zeros(len(w)) if bias is None else bias.detach().double().cpu().numpy()
    if norm is None:
        return w, b
    if norm.running_mean is None:
        raise UnsupportedNodeError(
            "fold_norm: the batch norm keeps no running statistics"
        )
    mu, var = (
        v.detach().double().cpu().numpy() for v in (norm.running_mean, norm.running_var)
    )
    g, shift = np.ones(len(w)), np.zeros(len(w))
    if norm.affine:
        g = norm.weight.detach().double().cpu().numpy()
        shift = norm.bias.detach().double().cpu().numpy()
    g = g / np.sqrt(var + norm.eps)
    return w * g.reshape(-1, *(1,) * (w.ndim - 1)), g * (b - mu) + shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One synaptic layer with the neuron it feeds.

    Attributes
    ----------
    name : str
        Of the neuron stage (or of the last layer).
    weight, bias : ndarray of float64
        Folded; (out, in) or (out, in, k_y, k_x).
    conv : dict or None
        stride, padding, dilation of a convolution.
    feedback : ndarray of float64, shape (out, out), or None
        Recurrent weights.
    neuron : Lif or None
        None for the read-out.
    """

    name: str
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    conv: dict[str, int] | None
    feedback: NDArray[np.float64] | None
    neuron: Any


def _one(pair: Any, what: str) -> int:
    values = set(pair) if isinstance(pair, tuple) else {pair}
    if len(values) != 1 or not isinstance(next(iter(values)), int):
        raise UnsupportedNodeError(f"folded_stages: {what}={pair} of a convolution")
    return int(values.pop())


def _synaptic(layers: Any, name: str) -> tuple[Any, Any]:
    """Return the weight layer and the norm of a stateless stage."""
    weight = norm = None
    for layer in layers:
        w = getattr(layer, "weight", None)
        if w is not None and w.ndim in (2, 4):
            if weight is not None:
                raise UnsupportedNodeError(f"{name}: two weight layers in one stage")
            weight = layer
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and weight is not None:
            norm = layer
        elif not isinstance(layer, nn.Flatten | nn.Dropout | nn.Identity):
            raise UnsupportedNodeError(
                f"{name}: cannot export {type(layer).__name__}; accepted: one "
                "convolution or linear layer, batch norm after it, flatten, dropout"
            )
    return weight, norm


def folded_stages(model: Any, *, grid_bits: int | None = None) -> list[Stage]:
    """Return the synaptic layers of a frame classifier, folded, on a grid if asked.

    Parameters
    ----------
    model : FrameClassifier
        Trained; unchanged.
    grid_bits : int, optional
        Fraction bits of weights and biases.

    Raises
    ------
    UnsupportedNodeError
        If a stage has no equivalent in the engine.
    """
    found: list[Stage] = []
    pending: tuple[Any, Any] | None = None
    for k, stage in enumerate(model.stages):
        if isinstance(stage, PerStep):
            layer, norm = _synaptic(stage.layers, f"stage {k}")
            if layer is None:
                continue
            if pending is not None:
                raise UnsupportedNodeError(f"stage {k}: no neuron before it")
            pending = (layer, norm)
            continue
        if isinstance(stage, Recurrent):
            layer, norm, neuron, feedback = (
                stage.input,
                stage.norm,
                stage.neuron,
                stage.feedback,
            )
        else:
            if pending is None:
                raise UnsupportedNodeError(f"stage {k}: a neuron without synapses")
            (layer, norm), neuron, feedback = pending, stage, None
            pending = None
        if not isinstance(neuron, Lif):
            raise UnsupportedNodeError(
                f"stage {k}: the engine runs neuro.grad.Lif neurons, got "
                f"{type(neuron).__name__}"
            )
        if neuron.amplitude != 1 or neuron.quantize_state is not None:
            raise UnsupportedNodeError(
                f"stage {k}: spikes of another value than 1 and quantised states have "
                "no equivalent in the engine; fold the amplitude into the next weights"
            )
        found.append(
            _stage(f"layer{len(found)}", layer, norm, feedback, neuron, grid_bits)
        )
    if pending is not None:
        found.append(_stage("readout", *pending, None, None, grid_bits))
    if not found:
        raise ParameterError("folded_stages: the model has no synaptic layer")
    return found


def _stage(
    name: str, layer: Any, norm: Any, feedback: Any, neuron: Any, bits: int | None
) -> Stage:
    weight, bias = fold_norm(layer.weight, getattr(layer, "bias", None), norm)
    conv = None
    if weight.ndim == 4:
        if getattr(layer, "groups", 1) != 1:
            raise UnsupportedNodeError(f"{name}: grouped convolution")
        conv = {
            key: _one(getattr(layer, key), key)
            for key in ("stride", "padding", "dilation")
        }
    back = None
    if feedback is not None:
        back = on_grid(feedback.weight.detach().double().cpu().numpy(), bits)
    return Stage(
        name=name, weight=on_grid(weight, bits), bias=on_grid(bias, bits), conv=conv,
        feedback=back, neuron=neuron,
    )  # fmt: skip


def with_folded_norms(model: Any, *, grid_bits: int | None = None) -> Any:
    """Return a copy of a frame classifier without norms, weights on the grid.

    The torch side of a comparison with the engine: both share the folded numbers.

    Parameters
    ----------
    model : FrameClassifier
        Trained; unchanged.
    grid_bits : int, optional
        Fraction bits of weights and biases.
    """
    folded = copy.deepcopy(model).eval()
    stages = iter(folded_stages(model, grid_bits=grid_bits))
    for k, stage in enumerate(folded.stages):
        if isinstance(stage, PerStep):
            layer, _norm = _synaptic(stage.layers, f"stage {k}")
            if layer is None:
                continue
            values = next(stages)
            _put(layer, values.weight, values.bias)
            kept = [
                m
                for m in stage.layers
                if not isinstance(m, nn.modules.batchnorm._BatchNorm)
            ]
            stage.layers = nn.Sequential(*kept)
        elif isinstance(stage, Recurrent):
            values = next(stages)
            _put(stage.input, values.weight, values.bias)
            stage.norm = None
            _put(stage.feedback, values.feedback, None)
    if grid_bits is not None:
        for m in folded.modules():
            if isinstance(m, Lif):
                m.threshold = grid_threshold(m.threshold, grid_bits)
    return folded.double()


def grid_threshold(threshold: float, bits: int) -> float:
    """Return the next grid point at or above a threshold."""
    return float(np.ceil(threshold * 2.0**bits) / 2.0**bits)


def _put(layer: Any, weight: Any, bias: Any) -> None:
    layer.weight = nn.Parameter(torch.as_tensor(weight).double(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(torch.as_tensor(bias).double(), requires_grad=False)
