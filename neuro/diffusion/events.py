"""The denoiser event by event, on the kernels of the core, with exact counts.

Every convolution with binary input delivers the spikes of one step by kernel scatter
(:class:`neuro.core.Conv`); a neuron that does not fire costs its update only. The
residual stream is an accumulator per position that is copied on; nothing but the
potentials is carried from one step to the next, and those start anew in every call.

Counts by kind of input (:mod:`neuro.diffusion.cost`): ``mac`` for the first convolution
and the time embedding, once per call; ``mac`` at every step for 1x1 shortcuts on the
real stream and for the head; ``synop`` and ``ac`` for every synapse that a spike met.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuro.core import Conv
from neuro.counts import LayerInfo, OpCounts
from neuro.diffusion.folded import FoldedConv, fold_unet, to_grid
from neuro.diffusion.unet import Block, Up
from neuro.errors import ParameterError

__all__ = ["CallResult", "EventDenoiser", "Mismatch", "compare", "paper_counts"]

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
    """

    noise: Array
    stream: Array
    spikes: dict[str, NDArray[np.bool_]]
    counts: OpCounts


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
        self._info: dict[str, LayerInfo] = {}
        self._plan()

    def _synapse(self, name: str, conv: Any, size: int, up: int = 1) -> int:
        """Lay out one convolution; return the side of its output."""
        synapse = _Synapse(conv, (size, size), up)
        self._synapses[name] = synapse
        layout = synapse.layout
        binary = self.folded.kinds[name] == "binary"
        self._info[name] = LayerInfo(
            kind="conv", in_shape=layout.in_shape, out_shape=layout.out_shape,
            kernel=tuple(layout.rows.shape[1:3]), stride=(layout.stride,) * 2,
            padding=(layout.padding,) * 2, weights=layout.rows.size,
            synapses=layout.dense_products, steps=self.config.steps, bias=True,
            leaky=False, a_bits=1 if binary else 32,
            input_class="binary" if binary else "real",
        )  # fmt: skip
        return int(layout.out_shape[1])

    def _neuron(self, name: str, module: Any, c: int, size: int) -> None:
        self._neurons[name] = (module, (c, size, size))
        self._info[name] = LayerInfo(
            kind="population", neurons=c * size * size, steps=self.config.steps,
            leaky=bool((module.beta < 1).any()),
        )  # fmt: skip

    def _plan(self) -> None:
        f, ch, size = self.folded, self.config.ch, self.side
        self._synapse("encoder.conv1", f.encoder.conv1, size)
        self._neuron("encoder.neuron", f.encoder.neuron, ch, size)
        self._synapse("encoder.conv2", f.encoder.conv2, size)
        self._order: list[tuple[str, Any]] = []
        for part in ("down", "middle", "up"):
            for k, module in enumerate(getattr(f, part)):
                name = f"{part}.{k}"
                self._order.append((name, module))
                if isinstance(module, Block):
                    ci, co = module.conv1.weight.shape[2], module.conv1.weight.shape[1]
                    self._neuron(f"{name}.neuron1", module.neuron1, ci, size)
                    self._synapse(f"{name}.conv1", module.conv1, size)
                    self._neuron(f"{name}.neuron2", module.neuron2, co, size)
                    self._synapse(f"{name}.conv2", module.conv2, size)
                    if module.shortcut is not None:
                        self._synapse(f"{name}.shortcut", module.shortcut, size)
                else:
                    c = module.conv.weight.shape[2]
                    self._neuron(f"{name}.neuron", module.neuron, c, size)
                    up = 2 if isinstance(module, Up) else 1
                    size = self._synapse(f"{name}.conv", module.conv, size, up)

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
        counts = OpCounts(len(images))
        for name, info in self._info.items():
            counts.layer(name, info)
        streams, rasters = [], []
        todo: Iterable[int] = range(len(images))
        if progress is not None:
            todo = progress(todo, total=len(images), label="denoiser, event by event")
        for i in todo:
            one = _Call(self, images[i : i + 1], times[i : i + 1], counts, i)
            streams.append(one.run())
            rasters.append(one.spikes)
        stream = np.stack(streams, 1)
        self._count_head(counts, len(images))
        with torch.no_grad():
            noise = self.folded.head(torch.as_tensor(stream)).numpy()
        spikes = {
            k: np.stack([np.stack(r[k]) for r in rasters], 1) for k in self._neurons
        }
        return CallResult(noise, stream, spikes, counts)

    def _count_head(self, counts: OpCounts, n: int) -> None:
        head, area = self.folded.head, self.side**2
        for name, module in (
            ("head.conv", head.conv),
            ("head.temporal", head.temporal),
        ):
            w = module.conv.weight
            products = area * w.numel()
            shape = (self.side, self.side)
            counts.layer(
                name,
                LayerInfo(
                    kind="conv", in_shape=(w.shape[1], *shape),
                    out_shape=(w.shape[0], *shape), kernel=tuple(w.shape[2:]),
                    stride=(1, 1), padding=(1, 1), weights=w.numel(),
                    synapses=products, steps=self.config.steps, bias=True,
                    a_bits=32, input_class="real",
                ),
            )  # fmt: skip
            total = np.full(n, products * self.config.steps, np.int64)
            counts.add(name, "mac", total, a_bits=32)


class _Call:
    """One image through all steps: potentials, spikes, counts."""

    def __init__(
        self, run: EventDenoiser, x: Any, t: Any, counts: OpCounts, sample: int
    ) -> None:
        self.run_, self.counts, self.sample = run, counts, sample
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
        layout = run._synapses["encoder.conv1"].layout
        self._add("encoder.conv1", "mac", layout.dense_products * len(self.first), 32)
        for name, m in f.named_modules():
            if isinstance(m, torch.nn.Linear) and not name.startswith("head"):
                owner = name.removesuffix(".linear")
                info = LayerInfo(
                    kind="linear", in_shape=(m.in_features,),
                    out_shape=(m.out_features,), weights=m.weight.numel(),
                    synapses=m.weight.numel(), bias=True, a_bits=32,
                    input_class="real",
                )  # fmt: skip
                counts.layer(owner, info)
                self._add(owner, "mac", m.weight.numel(), 32)

    def _add(self, layer: str, op: str, n: int, a_bits: int = 1) -> None:
        self.counts.add(layer, op, int(n), a_bits=a_bits, sample=self.sample)

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
        active = np.flatnonzero(raster).astype(np.int32)
        self.spikes[name].append(raster.reshape(c, h, w))
        self._add(name, "neuron_update", s.size)
        self._add(name, "spike_out", active.size)
        self._add(name, "reset", active.size)
        return active

    def _deliver(self, name: str, active: NDArray[np.int32], n: int) -> Array:
        synapse = self.run_._synapses[name]
        current, visited = synapse.scatter(active, n)
        up = synapse.layout.upsample
        self._add(name, "spike_in", active.size * up * up)
        self._add(name, "synop", visited)
        self._add(name, "ac", visited)
        self._add(name, "bias", current.size)
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
        synapse = self.run_._synapses[key]
        self._add(key, "mac", synapse.layout.dense_products, 32)
        return h + synapse.pointwise(x, n)


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


def paper_counts(counts: OpCounts) -> OpCounts:
    """Return the operations as the paper counts them: rates times dense products.

    Only the first convolution is multiply-accumulates; every other convolution counts
    mean input rate times steps times dense products (padding included) as
    accumulations, those with real input at rate 1 per step left out, as the paper does.

    Parameters
    ----------
    counts : OpCounts
        Of :class:`EventDenoiser`.
    """
    out = OpCounts(counts.n_samples)
    for name, info in counts.layers.items():
        out.layer(name, info)
        if name == "encoder.conv1":
            out.add(name, "mac", counts.per_sample("mac", name), a_bits=32)
        elif info.kind == "conv" and info.input_class == "binary":
            spikes = counts.per_sample("spike_in", name)
            channels, height, width = info.in_shape
            positions = height * width
            if info.out_shape[1] > height:
                positions = info.out_shape[1] * info.out_shape[2]
            rate = spikes / (info.steps * channels * positions)
            total = np.rint(rate * info.steps * info.synapses).astype(np.int64)
            out.add(name, "ac", total)
            out.add(name, "synop", total)
    return out
