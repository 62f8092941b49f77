"""The denoiser event by event, on the kernels of the core, with exact counts.

Every convolution with binary input delivers the spikes of one step by kernel scatter
(:class:`neuro.core.Conv`); a neuron that does not fire costs its update only. The
residual stream is an accumulator per position that is copied on; nothing but the
potentials is carried from one step to the next, and those start anew in every call.

The spikes sent are counted by :mod:`neuro.diffusion.ledger`; the synapses that the
kernels visited are kept beside, so that one can be held against the other.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuro.core import Conv
from neuro.counts import LayerSpec, OpCounts
from neuro.diffusion.folded import FoldedConv, fold_unet, to_grid
from neuro.diffusion.ledger import (
    call_counts,
    conv_layer,
    dense_layers,
    neuron_layer,
)
from neuro.diffusion.unet import Block, Up
from neuro.errors import ParameterError

__all__ = ["CallResult", "EventDenoiser", "Mismatch", "compare"]

Array = NDArray[np.float64]


class CallResult(NamedTuple):
    """One denoiser call.

    Attributes
    ----------
    noise : ndarray of float64, shape (n, channels, height, width)
        Predicted noise.
    stream : ndarray of float64, shape (steps, n, ch, height, width)
        Residual stream before the head.
    spikes : dict of str to ndarray of bool, shape (steps, n, c, h, w)
        Of every neuron layer.
    counts : OpCounts
        One sample per image.
    visited : dict of str to int
        Synapses that the kernels visited, per layer with binary input.
    """

    noise: Array
    stream: Array
    spikes: dict[str, NDArray[np.bool_]]
    counts: OpCounts
    visited: dict[str, int]


class _Synapse:
    """A folded convolution: scatter per weight set, dense for real input."""

    def __init__(self, conv: FoldedConv, shape: tuple[int, ...], up: int = 1) -> None:
        weight = conv.weight.double().numpy()
        self.sets = [
            Conv(w, (weight.shape[2], *shape), stride=conv.stride,  # type: ignore[arg-type]
                 padding=conv.padding, upsample=up)
            for w in weight
        ]  # fmt: skip
        self.bias = conv.bias.double().numpy()
        self.bits = conv.bits
        self.layout = self.sets[0]
        self.dense = weight[:, :, :, 0, 0] if weight.shape[-1] == 1 else None

    def _set(self, n: int) -> int:
        return n if len(self.sets) > 1 else 0

    def scatter(self, active: NDArray[np.int32], n: int) -> tuple[Array, int]:
        """Return currents (positions, co) of spikes at step n and synapses visited."""
        k = self._set(n)
        out = np.tile(self.bias[k], (self.layout.n_post // len(self.bias[k]), 1))
        return out, self.sets[k].scatter(active, out)

    def pointwise(self, x: Array, n: int) -> Array:
        """Return the dense 1x1 convolution of a real stream, rounded to the grid."""
        if self.dense is None:
            raise ParameterError("EventDenoiser: only 1x1 shortcuts may be dense")
        k = self._set(n)
        y: Array = x @ self.dense[k].T + self.bias[k]
        return y if self.bits is None else np.rint(y * 2.0**self.bits) / 2.0**self.bits


class EventDenoiser:
    """A spiking U-Net run event by event.

    Parameters
    ----------
    model : SpikingUNet
        Trained, with :class:`neuro.grad.Lif` neurons (reset to zero or by
        subtraction).
    side : int
        Height and width of the images.
    grid_bits : int, optional
        With it, spikes and stream equal those of the folded torch network exactly.

    Examples
    --------
    >>> from neuro.diffusion import SpikingUNet, UNetConfig
    >>> run = EventDenoiser(SpikingUNet(UNetConfig.preset("tiny")), 8, grid_bits=10)
    >>> run(np.zeros((1, 1, 8, 8)), 500).noise.shape
    (1, 1, 8, 8)
    """

    def __init__(self, model: Any, side: int, *, grid_bits: int | None = None) -> None:
        self.folded = fold_unet(model, grid_bits=grid_bits)
        self.config, self.bits, self.side = model.config, grid_bits, side
        if self.config.readout != "leaky":
            raise ParameterError("EventDenoiser: the read-out must be 'leaky'")
        self._synapses: dict[str, _Synapse] = {}
        self._neurons: dict[str, tuple[Any, tuple[int, int, int]]] = {}
        self._layers: list[LayerSpec] = []
        self._plan()

    def _synapse(
        self, name: str, conv: Any, size: int, source: str = "", up: int = 1
    ) -> int:
        """Lay out one convolution; return the side of its output."""
        synapse = _Synapse(conv, (size, size), up)
        self._synapses[name] = synapse
        kind, layout = self.folded.kinds[name], synapse.layout
        self._layers.append(
            conv_layer(name, layout, kind, source, sets=len(synapse.sets))
        )
        return int(layout.out_shape[1])

    def _neuron(self, name: str, module: Any, c: int, size: int) -> str:
        shape = (c, size, size)
        self._neurons[name] = (module, shape)
        leaky = bool((module.beta < 1).any())
        self._layers.append(neuron_layer(name, shape, leaky))
        return name

    def _plan(self) -> None:
        f, ch, size = self.folded, self.config.ch, self.side
        self._synapse("encoder.conv1", f.encoder.conv1, size)
        sender = self._neuron("encoder.neuron", f.encoder.neuron, ch, size)
        self._synapse("encoder.conv2", f.encoder.conv2, size, sender)
        self._order: list[tuple[str, Any]] = []
        for part in ("down", "middle", "up"):
            for k, module in enumerate(getattr(f, part)):
                name = f"{part}.{k}"
                self._order.append((name, module))
                if isinstance(module, Block):
                    self._plan_block(name, module, size)
                else:
                    c = module.conv.weight.shape[2]
                    sender = self._neuron(f"{name}.neuron", module.neuron, c, size)
                    up = 2 if isinstance(module, Up) else 1
                    size = self._synapse(f"{name}.conv", module.conv, size, sender, up)
        self._layers += dense_layers(f, self.side)

    def _plan_block(self, name: str, module: Any, size: int) -> None:
        ci, co = module.conv1.weight.shape[2], module.conv1.weight.shape[1]
        first = self._neuron(f"{name}.neuron1", module.neuron1, ci, size)
        self._synapse(f"{name}.conv1", module.conv1, size, first)
        second = self._neuron(f"{name}.neuron2", module.neuron2, co, size)
        self._synapse(f"{name}.conv2", module.conv2, size, second)
        if module.shortcut is not None:
            self._synapse(f"{name}.shortcut", module.shortcut, size, first)

    def __call__(
        self,
        x: NDArray[np.floating],
        t: int | NDArray[np.integer],
        *,
        progress: Callable[..., Iterable[int]] | None = None,
    ) -> CallResult:
        """Predict the noise of images, one at a time.

        Parameters
        ----------
        x : ndarray of float, shape (n, channels, height, width)
            Noised images; rounded to the grid if there is one.
        t : int or ndarray of int, shape (n,)
            Diffusion step.
        progress : callable, optional
            ``progress(iterable, total=, label=)``.
        """
        images = to_grid(torch.as_tensor(np.asarray(x, np.float64)), self.bits)
        times = torch.as_tensor(np.broadcast_to(t, (len(images),)).astype(np.int64))
        streams, rasters = [], []
        visited = dict.fromkeys(
            (n for n in self._synapses if self.folded.kinds[n] == "binary"), 0
        )
        todo: Iterable[int] = range(len(images))
        if progress is not None:
            todo = progress(todo, total=len(images), label="denoiser, event by event")
        for i in todo:
            one = _Call(self, images[i : i + 1], times[i : i + 1], visited)
            streams.append(one.run())
            rasters.append(one.spikes)
        stream = np.stack(streams, 1)
        with torch.no_grad():
            output = self.folded.head(torch.as_tensor(stream))
            noise = self.folded.noise(output, images, times).numpy()
        spikes = {
            k: np.stack([np.stack(r[k]) for r in rasters], 1) for k in self._neurons
        }
        counts = call_counts(self._layers, spikes)
        return CallResult(noise, stream, spikes, counts, visited)


class _Call:
    """One image through all steps: potentials and spikes."""

    def __init__(
        self, run: EventDenoiser, x: Any, t: Any, visited: dict[str, int]
    ) -> None:
        self.run_, self.visited = run, visited
        f = run.folded
        with torch.no_grad():
            first = f.encoder.conv1(x.unsqueeze(0))[:, 0]
            temb = f.embed(t)
            self.time = {
                name: m.time(temb)[0].double().numpy()
                for name, m in run._order
                if isinstance(m, Block)
            }
        self.first = _flat(first.double().numpy())
        self.v = {
            k: np.full((c[1] * c[2], c[0]), m.v_init)
            for k, (m, c) in run._neurons.items()
        }
        self.spikes: dict[str, list[NDArray[np.bool_]]] = {k: [] for k in run._neurons}

    def _fire(self, name: str, current: Array) -> NDArray[np.int32]:
        """Advance one layer of neurons; return the active units, channels first."""
        module, (c, h, w) = self.run_._neurons[name]
        v = self.v[name]
        v *= float(module.beta)
        v += current
        s = v > module.threshold if module.strict else v >= module.threshold
        if module.reset == "zero":
            v[s] = 0
        else:
            v[s] -= module.threshold
        raster = np.ascontiguousarray(s.T)
        self.spikes[name].append(raster.reshape(c, h, w))
        return np.flatnonzero(raster).astype(np.int32)

    def _deliver(self, name: str, active: NDArray[np.int32], n: int) -> Array:
        current, visited = self.run_._synapses[name].scatter(active, n)
        self.visited[name] += visited
        return current

    def run(self) -> Array:
        """Return the stream before the head, (steps, ch, height, width)."""
        side = self.run_.side
        out = [self._sweep(n) for n in range(self.run_.config.steps)]
        return np.stack([o.T.reshape(-1, side, side) for o in out])

    def _sweep(self, n: int) -> Array:
        """One step of the spiking network, layers in topological order."""
        first = self.first[n if len(self.first) > 1 else 0]
        h = self._deliver("encoder.conv2", self._fire("encoder.neuron", first), n)
        if self.run_.config.encoder == "residual":
            h = h + first
        skips = [h]
        for name, module in self.run_._order:
            if isinstance(module, Block):
                if name.startswith("up"):
                    h = np.concatenate([h, skips.pop()], 1)
                h = self._block(name, module, h, n)
            else:
                h = self._deliver(f"{name}.conv", self._fire(f"{name}.neuron", h), n)
            if name.startswith("down"):
                skips.append(h)
        return h

    def _block(self, name: str, module: Any, x: Array, n: int) -> Array:
        s = self._fire(f"{name}.neuron1", x)
        h = self._deliver(f"{name}.conv1", s, n) + self.time[name]
        h = self._deliver(f"{name}.conv2", self._fire(f"{name}.neuron2", h), n)
        if module.shortcut is None:
            return h + x
        key = f"{name}.shortcut"
        if module.from_spikes:
            return h + self._deliver(key, s, n)
        return h + self.run_._synapses[key].pointwise(x, n)


def _flat(x: NDArray[np.floating]) -> Array:
    """(steps, c, h, w) -> (steps, positions, c)."""
    flat: Array = np.ascontiguousarray(
        x.reshape(*x.shape[:2], -1).transpose(0, 2, 1), dtype=np.float64
    )
    return flat


class Mismatch(NamedTuple):
    """How far two engines differ in one denoiser call.

    Attributes
    ----------
    spikes : dict of str to int
        Differing spikes of every neuron layer.
    total, n : int
        Differing spikes, and neurons times steps, of all layers.
    stream : float
        Largest difference of the stream before the head.
    """

    spikes: dict[str, int]
    total: int
    n: int
    stream: float

    @property
    def rate(self) -> float:
        """Differing spikes per neuron and step."""
        return self.total / max(self.n, 1)


def compare(
    run: EventDenoiser, model: Any, x: NDArray[np.floating], t: Any
) -> tuple[Mismatch, CallResult]:
    """Run both engines on the same images and count differing spikes.

    Parameters
    ----------
    run : EventDenoiser
        The event-driven side.
    model : SpikingUNet
        The torch side: ``fold_unet(model, grid_bits=k)`` for an exact comparison, the
        trained network itself for the mismatch off the grid.
    x, t
        As for the event-driven side.
    """
    from neuro.grad import record_activity

    result = run(x, t)
    dtype = next(iter(model.state_dict().values())).dtype
    images = to_grid(torch.as_tensor(np.asarray(x, np.float64)), run.bits).to(dtype)
    times = torch.as_tensor(np.broadcast_to(t, (len(images),)).astype(np.int64))
    model.eval()
    with torch.no_grad(), record_activity(model) as activity:
        stream = model.stream(images, times)
    differing = {}
    for name, raster in result.spikes.items():
        theirs = activity.spikes[name].numpy().astype(bool)
        differing[name] = int((raster != theirs).sum())
    n = sum(r.size for r in result.spikes.values())
    gap = float(np.abs(result.stream - stream.double().numpy()).max())
    return Mismatch(differing, sum(differing.values()), n, gap), result
