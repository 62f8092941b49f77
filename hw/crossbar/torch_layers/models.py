"""Whole models: conversion, noise while training, programming, time, calibration."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuro.errors import ParameterError, UnsupportedNodeError

from ..analog import AnalogMatrix
from ..config import AnalogConfig
from .core import Injection
from .layers import AnalogConv2d, AnalogLinear, AnalogRecurrent

__all__ = [
    "analog_layers",
    "calibrate",
    "clip_weights",
    "noise_injection",
    "program",
    "seed",
    "set_time",
    "to_analog",
    "to_digital",
    "unprogram",
]


def analog_layers(model: nn.Module) -> dict[str, AnalogLinear | AnalogConv2d]:
    """Return the analog layers by name; warns if there is none."""
    found = {
        name: m
        for name, m in model.named_modules()
        if isinstance(m, AnalogLinear | AnalogConv2d)
    }
    if not found:
        warnings.warn(
            f"{type(model).__name__} has no analog layer; convert it with "
            "to_analog(model, config)",
            stacklevel=3,
        )
    return found


def _convert(layer: nn.Module, config: AnalogConfig) -> nn.Module | None:
    if type(layer) is nn.Linear:
        new: Any = AnalogLinear(
            layer.in_features,
            layer.out_features,
            layer.bias is not None,
            config=config,
        )
        new.weight, new.bias = layer.weight, layer.bias
    elif type(layer) is nn.Conv2d:
        new = AnalogConv2d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
            layer.bias is not None,
            config=config,
        )
        new.weight, new.bias = layer.weight, layer.bias
    elif type(layer) is nn.RNN:
        if layer.num_layers != 1 or layer.bidirectional:
            raise UnsupportedNodeError(
                "to_analog: nn.RNN with one layer and one direction only"
            )
        new = AnalogRecurrent(
            layer.input_size,
            layer.hidden_size,
            layer.nonlinearity,
            layer.bias,
            layer.batch_first,
            config=config,
        )
        new.input.weight, new.recurrent.weight = layer.weight_ih_l0, layer.weight_hh_l0
        if layer.bias:
            new.input.bias, new.recurrent.bias = layer.bias_ih_l0, layer.bias_hh_l0
    else:
        return None
    new.train(layer.training)
    return new  # type: ignore[no-any-return]


def to_analog(
    module: nn.Module,
    config: AnalogConfig | Callable[[str], AnalogConfig],
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
) -> nn.Module:
    """Replace ``Linear``, ``Conv2d`` and ``RNN`` layers; parameters are shared.

    Parameters
    ----------
    module : nn.Module
        Changed in place and returned (a bare layer is returned anew).
    config : AnalogConfig or callable
        One for all, or a function of the layer's name.
    include, exclude : iterable of str
        Names as in ``named_modules``.
    """
    wanted = None if include is None else set(include)
    banned = set(exclude)
    names = {n for n, _ in module.named_modules()}
    for name in (wanted or set()) | banned:
        if name not in names:
            raise ParameterError(f"to_analog: no layer {name!r} in the model")

    def pick(name: str) -> AnalogConfig:
        return config(name) if callable(config) else config

    own = _convert(module, pick(""))
    if own is not None:
        return own
    done = 0
    for name, parent in list(module.named_modules()):
        for key, child in list(parent.named_children()):
            full = f"{name}.{key}" if name else key
            if full in banned or (wanted is not None and full not in wanted):
                continue
            new = _convert(child, pick(full))
            if new is not None:
                setattr(parent, key, new)
                done += 1
    if not done:
        warnings.warn("to_analog: no layer was converted", stacklevel=2)
    return module


def to_digital(module: nn.Module) -> nn.Module:
    """Undo :func:`to_analog`; parameters are shared."""

    def back(layer: nn.Module) -> nn.Module | None:
        new: Any
        if isinstance(layer, AnalogLinear):
            new = nn.Linear(
                layer.in_features, layer.out_features, layer.bias is not None
            )
        elif isinstance(layer, AnalogConv2d):
            out_c, in_c = layer.weight.shape[:2]
            new = nn.Conv2d(
                in_c,
                out_c,
                layer.kernel_size,  # type: ignore[arg-type]
                layer.stride,  # type: ignore[arg-type]
                layer.padding,  # type: ignore[arg-type]
                layer.dilation,  # type: ignore[arg-type]
                bias=layer.bias is not None,
            )
        else:
            return None
        new.weight, new.bias = layer.weight, layer.bias
        return new  # type: ignore[no-any-return]

    own = back(module)
    if own is not None:
        return own
    for _, parent in list(module.named_modules()):
        for key, child in list(parent.named_children()):
            new = back(child)
            if new is not None:
                setattr(parent, key, new)
    return module


@contextmanager
def noise_injection(
    model: nn.Module, injection: Injection | None = None, **options: Any
) -> Iterator[nn.Module]:
    """Inside, forwards in training mode see perturbed weights.

    Parameters
    ----------
    model : nn.Module
    injection : Injection, optional
        Or its fields as keywords.
    generator : torch.Generator, optional
        Source of the noise (keyword).
    """
    generator = options.pop("generator", None)
    how = Injection(**options) if injection is None else injection
    layers = list(analog_layers(model).values())
    held = [(m.injection, m.generator) for m in layers]
    for m in layers:
        m.injection, m.generator, m._shift = how, generator, None
    try:
        yield model
    finally:
        for m, (a, b) in zip(layers, held, strict=True):
            m.injection, m.generator, m._shift = a, b, None


def clip_weights(model: nn.Module, sigma: float = 2.5) -> None:
    """Clip every analog layer's weights to `sigma` of their standard deviations.

    Call it after (or before) each training step: a few large weights otherwise set the
    scale of the whole array, and all others drown in its noise.
    """
    with torch.no_grad():
        for m in analog_layers(model).values():
            bound = float(sigma * m.weight.std())
            m.weight.clamp_(-bound, bound)


def program(model: nn.Module, *, seed: int) -> nn.Module:
    """Write the present weights into arrays; ``eval()`` forwards then go through them.

    Parameters
    ----------
    seed : int
        Of programming; every layer has its own stream.
    """
    words = np.random.SeedSequence(seed).generate_state(len(analog_layers(model)) + 1)
    for k, m in enumerate(analog_layers(model).values()):
        w = m.matrix_weight().detach().cpu().double().numpy()
        m.matrix = AnalogMatrix(w, m.config, int(words[k]))
    return model


def unprogram(model: nn.Module) -> nn.Module:
    """Forget the arrays: ``eval()`` forwards use the clean weights again."""
    for m in analog_layers(model).values():
        m.matrix = None
    return model


def set_time(model: nn.Module, t: float) -> None:
    """Set the time since programming of all arrays, seconds."""
    for name, m in analog_layers(model).items():
        if m.matrix is None:
            raise ParameterError(f"set_time: layer {name!r} is not programmed yet")
        m.matrix.at_time(t)


def seed(model: nn.Module, value: int) -> None:
    """Seed the noise of training forwards."""
    for k, m in enumerate(analog_layers(model).values()):
        m.generator = torch.Generator().manual_seed(
            int(np.random.SeedSequence([value, k]).generate_state(1)[0])
        )


def calibrate(model: nn.Module, x: Tensor) -> None:
    """Set converter ranges of programmed layers from a forward pass over `x`."""
    layers = analog_layers(model)
    seen: dict[str, Any] = {}
    hooks = []
    for name, m in layers.items():
        if m.matrix is None:
            raise ParameterError(f"calibrate: layer {name!r} is not programmed yet")

        def keep(
            module: Any, inputs: Any, name: str = name
        ) -> None:  # first call is enough
            seen.setdefault(name, inputs[0].detach())

        hooks.append(m.register_forward_pre_hook(keep))
    held = model.training
    matrices = [m.matrix for m in layers.values() if m.matrix is not None]
    converters = [a._adc for a in matrices]
    model.eval()
    try:
        for a in matrices:
            a._adc = None  # what a layer sees must not depend on open ranges before it
        with torch.no_grad():
            model(x)
    finally:
        for a, adc in zip(matrices, converters, strict=True):
            a._adc = adc
        for h in hooks:
            h.remove()
        model.train(held)
    for name, m in layers.items():
        if name not in seen or m.matrix is None:
            continue
        data = seen[name]
        if isinstance(m, AnalogConv2d):
            data = functional.unfold(
                data,
                m.kernel_size,
                dilation=m.dilation,
                padding=m.padding,
                stride=m.stride,
            ).transpose(1, 2)
        flat = data.reshape(-1, m.matrix.shape[1]).cpu().double().numpy()
        m.matrix.calibrate(flat[:4096])
