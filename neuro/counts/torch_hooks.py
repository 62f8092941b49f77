"""Count torch modules while they run: hooks that keep integers, never rasters.

Per weight layer one byte per input unit and sample collects how often the unit was
non-zero (emptied into an integer array before it overflows); multiplied once by the
layer's fan-out map it is the exact number of pairs. Memory does not grow with the
number of steps. NumPy does the comparing: on a processor it is ten times faster at it
than torch, and shares the memory of the tensor.

Watched: ``nn.Conv*``, ``nn.ConvTranspose*``, ``nn.Linear`` and spiking neurons
(snnTorch's, spikingjelly's, or the classes given). A layer that is used several times
per step (tied) is counted each time; a tied parameter is stored once.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuro.counts.activity import CountWarning
from neuro.counts.layers import LayerSpec, fan_out
from neuro.counts.ledger import OpCounts
from neuro.counts.tally import Tally
from neuro.errors import ParameterError, ShapeError

__all__ = ["Recorder"]

_SPIKING = {"SpikingNeuron", "BaseNode", "SpikingNeuronBase", "SNNModule"}
_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def _numbers(x: torch.Tensor) -> NDArray[Any]:
    """Return the values as an array; without a copy on the processor."""
    held = x.detach()
    if held.dtype == torch.bfloat16:
        held = held.float()
    found: NDArray[Any] = held.cpu().numpy()
    return found


@dataclass
class _Use:
    """A layer with one input shape: what it saw in the current batch."""

    spec: LayerSpec
    seen: Tally
    calls: int = 0


@dataclass
class _Watch:
    """State of one watched module."""

    name: str
    module: nn.Module
    kind: str
    uses: dict[tuple[int, ...], _Use] = field(default_factory=dict)
    calls: int = 0
    input_class: str = "binary"
    first_odd: float | None = None
    amplitude: float | None = None
    spikes: Tally | None = None
    neurons: int = 0
    changed: torch.Tensor | None = None
    before: torch.Tensor | None = None


class Recorder:
    """Counts of a module between ``__enter__`` and ``__exit__``.

    Parameters
    ----------
    module : torch.nn.Module
        What is watched.
    time_axis : None, "caller", 0 or 1
        Who loops over time. None: one call of `module` is a whole inference of a
        batch, it loops inside. ``"caller"``: each call is one step; ``next_batch()``
        ends a batch. 0 or 1: a call is a whole inference and its input is ``[T,
        batch, ...]`` or ``[batch, T, ...]``; layers may see both axes, folded or not.
    inner_axis : 0 or 1, optional
        Axis of time inside the module where it differs from the input's (a module that
        transposes): 0 for ``[T, batch, ...]``. Only the split by sample depends on it.
    steps : int, optional
        Number of steps where the input has no axis of time and the module repeats it;
        needs `inner_axis`.
    zero_weights : {"count", "skip"}
        Whether an event that meets a stored zero is an operation.
    multibit : {"serial", "mac"}
        As in :func:`neuro.counts.count`.
    fold_scale : bool
        Fold one common amplitude into the weights.
    w_bits, a_bits, v_bits : int
        Declared widths; weights default to the stored dtype.
    neurons : sequence of type
        Further neuron classes.
    membranes : bool
        Also count changed membranes (NeuroBench's MembraneUpdates).

    Attributes
    ----------
    counts : OpCounts
        After the block.
    membrane_updates : float
        Changed membranes of all batches (all of them in the first step), if asked for.

    Examples
    --------
    >>> import torch
    >>> from neuro.counts import record
    >>> net = torch.nn.Linear(4, 3, bias=False)
    >>> with record(net) as recorder:
    ...     _ = net(torch.tensor([[1.0, 0.0, 1.0, 0.0]]))
    >>> recorder.counts.total("synop")
    6
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        time_axis: Literal["caller", 0, 1] | None = None,
        inner_axis: Literal[0, 1] | None = None,
        steps: int | None = None,
        zero_weights: Literal["count", "skip"] = "count",
        multibit: Literal["serial", "mac"] = "serial",
        fold_scale: bool = False,
        w_bits: int | None = None,
        a_bits: int = 1,
        v_bits: int = 32,
        neurons: Sequence[type] = (),
        membranes: bool = False,
    ) -> None:
        if time_axis not in (None, "caller", 0, 1):
            raise ParameterError(
                f"record: time_axis None, 'caller', 0 or 1, got {time_axis!r}"
            )
        for label, bits in (("w_bits", w_bits), ("a_bits", a_bits), ("v_bits", v_bits)):
            if bits is not None and bits < 1:
                raise ParameterError(f"record: {label} must be >= 1, got {bits}")
        if inner_axis not in (None, 0, 1):
            raise ParameterError(f"record: inner_axis 0 or 1, got {inner_axis!r}")
        if steps is not None and (steps < 1 or inner_axis is None):
            raise ParameterError("record: steps >= 1 go with inner_axis")
        self.module, self.time_axis = module, time_axis
        self.inner_axis = time_axis if inner_axis is None else inner_axis
        self.steps = steps
        self.zero_weights, self.multibit = zero_weights, multibit
        self.fold_scale, self.membranes = fold_scale, membranes
        self.w_bits, self.a_bits, self.v_bits = w_bits, a_bits, v_bits
        self.counts = OpCounts()
        self._watches: list[_Watch] = []
        self._handles: list[Any] = []
        self._batch = 0
        self._steps = 0
        self._axes: tuple[int, int] | None = None
        self._parts: list[OpCounts] = []
        self.membrane_updates = 0.0
        extra = tuple(neurons)
        for name, sub in module.named_modules():
            label = name or type(sub).__name__.lower()
            if isinstance(sub, (*_CONV, *_TRANSPOSED, nn.Linear)):
                self._watches.append(_Watch(label, sub, "weights"))
            elif (
                isinstance(sub, extra)
                or getattr(sub, "spiking", False) is True
                or _SPIKING & {c.__name__ for c in type(sub).__mro__}
            ):
                self._watches.append(_Watch(label, sub, "neurons"))
        if not any(w.kind == "weights" for w in self._watches):
            raise ParameterError(
                "record: the module has no convolution and no linear layer to count"
            )

    def __enter__(self) -> "Recorder":
        # the module may be a watched layer itself: its axes must be known first
        self._handles.append(self.module.register_forward_pre_hook(self._on_call))
        for watch in self._watches:
            if watch.kind == "weights":

                def before(_m: Any, args: Any, w: _Watch = watch) -> None:
                    self._on_input(w, args[0])

                def shape(_m: Any, args: Any, out: Any, w: _Watch = watch) -> None:
                    self._on_output(w, args[0], out)

                self._handles.append(watch.module.register_forward_pre_hook(before))
                self._handles.append(watch.module.register_forward_hook(shape))
            else:

                def spikes(_m: Any, _a: Any, out: Any, w: _Watch = watch) -> None:
                    self._on_spikes(w, out)

                self._handles.append(watch.module.register_forward_hook(spikes))
        self._handles.append(self.module.register_forward_hook(self._on_return))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if error[0] is None:
            self.next_batch()
            self.counts = OpCounts.concatenate(self._parts)
            if self._parts and not (
                self.counts.total("spike_in") or self.counts.total("spike_out")
            ):
                warnings.warn(
                    "no spikes recorded: check that hooks ran and that states were "
                    "reset",
                    CountWarning,
                    stacklevel=2,
                )

    def _on_call(self, _module: Any, args: Any) -> None:
        if self.time_axis in (0, 1):
            x = args[0]
            t, b = x.shape[int(self.time_axis)], x.shape[1 - int(self.time_axis)]  # type: ignore[arg-type]
            self._axes = (int(t), int(b))
        elif self.steps is not None:
            self._axes = (self.steps, int(args[0].shape[0]))

    def _on_return(self, _module: Any, _args: Any, _out: Any) -> None:
        self._steps += 1
        if self.time_axis != "caller":
            self.next_batch()

    def _split(self, x: torch.Tensor, unit_dims: int, name: str) -> torch.Tensor:
        """Bring an input to (batch, calls-in-it, *units)."""
        lead = tuple(x.shape[: x.ndim - unit_dims])
        units = tuple(x.shape[x.ndim - unit_dims :])
        if self._axes is not None:
            t, b = self._axes
            if lead in ((t, b), (t * b,)) and self.inner_axis == 0:
                return x.reshape(t, b, *units).transpose(0, 1)
            if lead in ((b, t), (t * b,)) and self.inner_axis == 1:
                return x.reshape(b, t, *units)
        if len(lead) == 0:
            return x.reshape(1, 1, *units)
        if self._batch and lead[0] != self._batch and len(lead) == 1:
            raise ShapeError(
                f"record: {name}: a batch of {lead[0]} after one of {self._batch} in "
                "the same inference; if axis 0 is time, give time_axis=0"
            )
        return x.reshape(lead[0], -1, *units)

    def _on_input(self, watch: _Watch, x: torch.Tensor) -> None:
        dims = 1 if isinstance(watch.module, nn.Linear) else _dims(watch.module) + 1
        y = _numbers(self._split(x, dims, watch.name))
        self._batch = y.shape[0]
        shape = tuple(y.shape[2:])
        nonzero = y != 0
        use = watch.uses.get(shape)
        if use is None or use.seen.bytes.shape[0] != y.shape[0]:
            if use is not None:
                raise ShapeError(
                    f"record: {watch.name}: the batch changed within one inference "
                    f"({use.seen.bytes.shape[0]} to {y.shape[0]}); call next_batch() "
                    "between"
                )
            use = watch.uses[shape] = _Use(
                self._spec(watch, shape), Tally((y.shape[0], *shape))
            )
        for k in range(y.shape[1]):
            use.seen.add(nonzero[:, k])
        use.calls += y.shape[1]
        watch.calls += y.shape[1]
        if watch.input_class != "real" and y.dtype != np.bool_:
            self._classify(watch, y, nonzero)

    def _classify(
        self, watch: _Watch, y: NDArray[Any], nonzero: NDArray[np.bool_]
    ) -> None:
        if watch.input_class == "binary" and np.array_equal(y == 1, nonzero):
            return
        values = y[nonzero]
        if values.size == 0:
            return
        if not np.isfinite(values).all():
            raise ParameterError(
                f"record: {watch.name} is fed with NaN or infinity; repair the model"
            )
        if watch.first_odd is None:
            odd = values[values != 1]
            watch.first_odd = float(odd[0]) if odd.size else None
        ones = bool((np.abs(values) == 1).all())
        scaled = bool((values == values[0]).all())
        whole = bool(((values > 0) & (values == np.rint(values))).all())
        order = ["binary", "ternary", "scaled", "multibit", "real"]
        kind = "real"
        amplitude = float(values[0])
        if ones and watch.input_class in ("binary", "ternary"):
            kind = "ternary" if bool((values < 0).any()) else "binary"
        elif scaled and watch.amplitude in (None, amplitude):
            kind = "scaled"
            watch.amplitude = amplitude
        elif whole and float(values.max()) < 2**self.a_bits and self.a_bits > 1:
            kind = "multibit"
        if order.index(kind) > order.index(watch.input_class):
            watch.input_class = kind

    def _on_output(self, watch: _Watch, x: torch.Tensor, out: torch.Tensor) -> None:
        dims = 1 if isinstance(watch.module, nn.Linear) else _dims(watch.module) + 1
        use = watch.uses[tuple(x.shape[x.ndim - dims :])]
        if not use.spec.out_shape:
            use.spec = replace(use.spec, out_shape=tuple(out.shape[out.ndim - dims :]))

    def _on_spikes(self, watch: _Watch, out: Any) -> None:
        parts = out if isinstance(out, (tuple, list)) else (out,)
        spikes = parts[0].detach()
        lead, whole = 1, False
        if self._axes is not None:
            t, b = self._axes
            first = self.inner_axis == 0
            shape = (t, b) if first else (b, t)
            whole = spikes.ndim > 2 and tuple(spikes.shape[:2]) == shape
            if not whole and spikes.shape[0] == t * b and t > 1:
                spikes = spikes.reshape(*shape, *spikes.shape[1:])
                whole = True
            if whole:
                lead = t
                spikes = spikes.transpose(0, 1) if first else spikes
        nonzero = _numbers(spikes) != 0
        if nonzero.ndim < 2:
            nonzero = nonzero[None]
        batch = nonzero.shape[0]
        steps = nonzero.swapaxes(0, 1) if lead > 1 or whole else nonzero[None]
        for step in steps:
            if watch.spikes is None:
                watch.spikes = Tally(step.shape)
            watch.spikes.add(step)
        watch.calls += lead
        watch.neurons = nonzero.size // batch // lead
        state = parts[-1] if len(parts) > 1 else getattr(watch.module, "mem", None)
        if self.membranes and state is not None:
            state = state.detach()
            flat = state.reshape(batch, -1)
            new = (
                torch.full((batch,), flat.shape[1], device=flat.device)
                if watch.before is None or watch.before.shape != flat.shape
                else torch.count_nonzero(flat != watch.before, dim=1)
            )
            watch.changed = new if watch.changed is None else watch.changed + new
            watch.before = flat.clone()

    def _spec(self, watch: _Watch, shape: tuple[int, ...]) -> LayerSpec:
        module: Any = watch.module
        w = module.weight.detach()
        bits = self.w_bits or _declared_bits(module) or 8 * w.element_size()
        common: dict[str, Any] = {
            "name": watch.name,
            "in_shape": shape,
            "bias": module.bias is not None,
            "w_bits": bits,
            "a_bits": self.a_bits,
            "v_bits": self.v_bits,
        }
        if isinstance(module, nn.Linear):
            return LayerSpec(kind="linear", out_shape=(module.out_features,), **common)
        n = _dims(module)
        padding = module.padding
        ends: tuple[int, ...] = ()
        if isinstance(padding, str):
            total = [
                d * (k - 1) if padding == "same" else 0
                for d, k in zip(module.dilation, module.kernel_size, strict=True)
            ]
            padding = tuple(t // 2 for t in total)
            ends = tuple(t - t // 2 for t in total)
        return LayerSpec(
            kind="conv" if isinstance(module, _CONV) else "conv_transpose",
            kernel=tuple(module.kernel_size),
            stride=tuple(module.stride),
            padding=tuple(padding)[:n],
            padding_end=ends,
            dilation=tuple(module.dilation),
            groups=module.groups,
            **common,
        )

    def next_batch(self) -> None:
        """End the current batch; its samples join the ledger."""
        if not any(w.calls for w in self._watches):
            return
        counts = OpCounts()
        weights = [w for w in self._watches if w.kind == "weights" and w.calls]
        steps = self._n_steps(weights)
        stored: set[int] = set()
        for watch in weights:
            self._book(counts, watch, steps, stored)
        busy = [w for w in self._watches if w.kind == "neurons" and w.calls]
        for watch in busy:
            # a wrapper around neurons that ran themselves would count them twice
            inner = set(watch.module.modules()) - {watch.module}
            if not any(w.module in inner for w in busy):
                self._book_neurons(counts, watch, steps)
        self._parts.append(counts)
        for watch in self._watches:
            watch.uses.clear()
            watch.calls, watch.spikes, watch.before = 0, None, None
            if watch.changed is not None:
                self.membrane_updates += float(watch.changed.sum())
            watch.changed = None
        self._steps, self._batch, self._axes = 0, 0, None

    def _n_steps(self, weights: Sequence[_Watch]) -> int:
        if self.time_axis == "caller":
            return max(1, self._steps)
        if self._axes is not None:
            return self._axes[0]
        steps = min(w.calls for w in weights)
        if steps == 1 and any(w.kind == "neurons" and w.calls for w in self._watches):
            warnings.warn(
                "each call of the module advanced its neurons by one step and was "
                "taken as a whole inference; if you loop over steps yourself, give "
                "time_axis='caller'",
                CountWarning,
                stacklevel=4,
            )
        return steps

    def _book(
        self, counts: OpCounts, watch: _Watch, steps: int, stored: set[int]
    ) -> None:
        weight: Any = watch.module.weight
        effective = getattr(watch.module, "effective", None)
        held = weight if effective is None else effective()
        w = held.detach().cpu().numpy()
        full = valid = 0
        kind = watch.input_class
        batch = next(iter(watch.uses.values())).seen.bytes.shape[0]
        zeros = np.zeros(batch, np.int64)
        pairs, zero, events = zeros.copy(), zeros.copy(), zeros.copy()
        bias = zeros.copy()
        for use in watch.uses.values():
            spec = replace(use.spec, weight=w)
            seen = use.seen.value()
            met = seen @ fan_out(spec, nonzero=True).reshape(-1)
            total = seen @ fan_out(spec).reshape(-1)
            pairs += met
            zero += total - met
            events += seen.sum(1)
            info = spec.info(steps=steps)
            per_step = use.calls / steps
            full += round(info.synapses * per_step)
            valid += round(info.synapses_valid * per_step)
            if spec.bias:
                bias += spec.n_out * use.calls
        name, bits = watch.name, spec.w_bits
        counts.add(name, "synop", pairs, w_bits=bits)
        counts.add(name, "synop_zero", zero, w_bits=bits)
        counts.add(name, "spike_in", events, w_bits=bits)
        done = pairs + zero if self.zero_weights == "count" else pairs
        if kind in ("binary", "ternary") or (kind == "scaled" and self.fold_scale):
            counts.add(name, "ac", done, w_bits=bits)
        elif kind == "multibit" and self.multibit == "serial":
            counts.add(name, "ac", self.a_bits * done, a_bits=self.a_bits, w_bits=bits)
        else:
            width = self.a_bits if self.a_bits > 1 else 32
            counts.add(name, "mac", done, a_bits=width, w_bits=bits)
        if spec.bias:
            counts.add(name, "bias", bias, a_bits=32, w_bits=bits)
        first = id(weight) not in stored
        stored.add(id(weight))
        counts.layer(
            name,
            replace(
                info,
                synapses=full,
                synapses_valid=valid,
                weights=info.weights if first else 0,
                nonzero=info.nonzero if first else 0,
                input_class={"scaled": "binary" if self.fold_scale else "real"}.get(
                    kind, kind
                ),
            ),
        )

    def _book_neurons(self, counts: OpCounts, watch: _Watch, steps: int) -> None:
        sent = np.zeros(0, np.int64) if watch.spikes is None else watch.spikes.value()
        sent = sent.sum(1)
        spec = LayerSpec(
            name=watch.name,
            kind="neuron",
            in_shape=(watch.neurons,),
            out_shape=(watch.neurons,),
            neuron=_neuron_kind(watch.module),
            v_bits=self.v_bits,
        )
        updates = np.full(sent.size, watch.neurons * watch.calls, np.int64)
        counts.layer(watch.name, spec.info(steps=steps))
        counts.add(watch.name, "neuron_update", updates)
        counts.add(watch.name, "spike_out", sent)
        counts.add(watch.name, "reset", sent)

    def odd_inputs(self) -> dict[str, float]:
        """First value other than 0 and 1 that each non-binary layer was fed with."""
        return {w.name: w.first_odd for w in self._watches if w.first_odd is not None}


def _declared_bits(module: Any) -> int | None:
    """Weight bits of a layer that quantises in its forward pass."""
    found = [getattr(t, "bits", None) for t in getattr(module, "transforms", ())]
    widths = [int(b) for b in found if b is not None]
    return min(widths) if widths else None


def _dims(module: nn.Module) -> int:
    found: Any = module.weight
    return int(found.ndim) - 2


def _neuron_kind(module: nn.Module) -> str:
    beta = getattr(module, "beta", None)
    if beta is not None and torch.is_tensor(beta) and bool((beta == 1).all()):
        return "if"
    return "if" if type(module).__name__.upper().startswith("IF") else "lif"
