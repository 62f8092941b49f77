"""What one denoiser call did, in the ledger of the project, by kind of input.

The layers are described once (:class:`neuro.counts.LayerSpec`) and counted by
:mod:`neuro.counts` from the spikes that were sent:

* ``mac`` for products of two reals: the first convolution and the time embedding once
  per call, 1x1 shortcuts on the real stream and the head at every step, dense;
* ``ac`` and ``synop`` for every synapse that a spike met, fewer at borders.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core import Conv
from neuro.counts import LayerSpec, NetSpec, OpCounts
from neuro.counts.activity import Raster, Rate, Signal
from neuro.counts.booking import count_layers

__all__ = ["call_counts", "conv_layer", "dense_layers", "neuron_layer", "paper_counts"]

_CONSTANT, _STREAM, _UPSAMPLED = "constant", "stream", ", upsampled by "


def conv_layer(
    name: str, layout: Conv, kind: str, source: str, *, sets: int = 1
) -> LayerSpec:
    """Describe a convolution of the U-Net; upsampling belongs to its input.

    Parameters
    ----------
    name : str
        Of the layer.
    layout : Conv
        Its kernel and shapes.
    kind : {"constant", "real", "binary"}
        Of its input.
    source : str
        Neurons that send, for binary input.
    sets : int
        Stored weight sets: one, or one per step.
    """
    c, height, width = layout.in_shape
    up = layout.upsample
    return LayerSpec(
        name=name, kind="conv", in_shape=(c, up * height, up * width),
        out_shape=tuple(layout.out_shape), kernel=tuple(layout.rows.shape[1:3]),
        stride=(layout.stride,) * 2, padding=(layout.padding,) * 2, dilation=(1, 1),
        bias=kind != _CONSTANT, n_weights=layout.rows.size * sets,
        a_bits=1 if kind == "binary" else 32,
        sources=(_source(kind, source, up),),
    )  # fmt: skip


def _source(kind: str, source: str, up: int) -> str:
    if kind == "binary":
        return source if up == 1 else f"{source}{_UPSAMPLED}{up}"
    return _CONSTANT if kind == "constant" else _STREAM


def neuron_layer(name: str, shape: tuple[int, int, int], leaky: bool) -> LayerSpec:
    """Describe neurons; all of them are updated at every step.

    Parameters
    ----------
    name : str
        Of the layer.
    shape : tuple of int
        Channels, height, width.
    leaky : bool
        Whether an update multiplies the potential.
    """
    return LayerSpec(
        name=name, kind="neuron", in_shape=shape, out_shape=shape,
        neuron="lif" if leaky else "if",
    )  # fmt: skip


def dense_layers(model: Any, side: int) -> list[LayerSpec]:
    """Describe the linear layers of the time embedding and the head.

    Parameters
    ----------
    model : SpikingUNet
        Folded or not.
    side : int
        Height and width of the images.
    """
    found = []
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if weight is None or not weight.ndim:
            continue
        if weight.ndim == 2:
            found.append(
                LayerSpec(
                    name=name.removesuffix(".linear"), kind="linear",
                    in_shape=(weight.shape[1],), out_shape=(weight.shape[0],),
                    n_weights=weight.numel(), a_bits=32, sources=(_CONSTANT,),
                )
            )  # fmt: skip
        elif name.startswith("head") and weight.ndim == 4:
            shape = (side, side)
            found.append(
                LayerSpec(
                    name=name.removesuffix(".conv"), kind="conv",
                    in_shape=(weight.shape[1], *shape),
                    out_shape=(weight.shape[0], *shape),
                    kernel=tuple(weight.shape[2:]), stride=(1, 1), padding=(1, 1),
                    dilation=(1, 1), n_weights=weight.numel(), bias=True, a_bits=32,
                    sources=(_STREAM,),
                )
            )  # fmt: skip
    return found


def call_counts(
    layers: Iterable[LayerSpec], spikes: Mapping[str, NDArray[np.bool_]]
) -> OpCounts:
    """Count one denoiser call.

    Parameters
    ----------
    layers : iterable of LayerSpec
        Of this module's descriptions.
    spikes : mapping of str to ndarray of bool, shape (steps, n, c, h, w)
        Of every neuron layer.

    Returns
    -------
    OpCounts
        One sample per image.
    """
    held = tuple(layers)
    steps = len(next(iter(spikes.values())))
    # real streams are dense: every entry, at every step or once per call
    given: dict[str, Signal] = {
        _STREAM: Rate(1.0, "real"), _CONSTANT: Rate(1.0 / steps, "real"),
    }  # fmt: skip
    for name, raster in spikes.items():
        given[name] = Raster(raster)
    for source in {s for layer in held for s in layer.sources} - set(given):
        name, _, factor = source.partition(_UPSAMPLED)
        big = spikes[name].repeat(int(factor), -1).repeat(int(factor), -2)
        given[source] = Raster(big)
    spec = NetSpec("denoiser", held, input_shape=(), steps=steps)
    return count_layers(spec, given)


def paper_counts(counts: OpCounts) -> OpCounts:
    """Return the operations as the paper counts them: rates times dense products.

    Only the first convolution is multiply-accumulates; every other convolution counts
    mean input rate times steps times dense products (padding included) as
    accumulations, those with real input at rate 1 per step left out, as the paper does.

    Parameters
    ----------
    counts : OpCounts
        Of :class:`neuro.diffusion.events.EventDenoiser`.
    """
    out = OpCounts(counts.n_samples)
    for name, info in counts.layers.items():
        out.layer(name, info)
        if name == "encoder.conv1":
            out.add(name, "mac", counts.per_sample("mac", name), a_bits=32)
        elif info.kind == "conv" and info.input_class == "binary":
            spikes = counts.per_sample("spike_in", name)
            rate = spikes / (info.steps * int(np.prod(info.in_shape)))
            total = np.rint(rate * info.steps * info.synapses).astype(np.int64)
            out.add(name, "ac", total)
            out.add(name, "synop", total)
    return out
