"""The recorder: hooks on the layers of a module, from entry to exit."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import nn

from neuro.counts.activity import CountWarning
from neuro.counts.layers import reached
from neuro.counts.ledger import OpCounts
from neuro.counts.torch_hooks.booking import (
    Rules,
    book_neurons,
    book_norm,
    book_weights,
)
from neuro.counts.torch_hooks.modules import layer_spec, numbers, role_of, unit_dims
from neuro.counts.torch_hooks.reach import Reach
from neuro.counts.torch_hooks.watch import NeuronWatch, NormWatch, WeightWatch
from neuro.errors import ParameterError, ShapeError

__all__ = ["Recorder"]


class Recorder:
    """Counts of a module between ``__enter__`` and ``__exit__``.

    Watched: ``nn.Conv*``, ``nn.ConvTranspose*``, ``nn.Linear`` and spiking neurons
    (snnTorch's, spikingjelly's, or the classes given). A layer that is used several
    times per step (tied) is counted each time; a tied parameter is stored once.

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
    method : {"exact", "rate"}
        ``"rate"`` takes the share of non-zero inputs times dense products.
    mode : {"clocked", "event"}
        Neurons advance at every step, or only when an event reaches them.
    multibit : {"serial", "mac"}
        As in :func:`neuro.counts.count`.
    fold_scale : bool
        Fold one common amplitude into the weights.
    fold_bn : bool
        Batch normalisation is folded into the weights; else one product per value.
    w_bits, a_bits, v_bits : int
        Declared widths; weights default to the stored dtype.
    neurons : sequence of type
        Further neuron classes.
    membranes : bool
        Also count changed membranes (NeuroBench's MembraneUpdates), as the measure
        ``membrane_updates`` of the ledger, of neurons whose state can be seen.

    Attributes
    ----------
    counts : OpCounts
        After the block.

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
        method: Literal["exact", "rate"] = "exact",
        mode: Literal["clocked", "event"] = "clocked",
        multibit: Literal["serial", "mac"] = "serial",
        fold_scale: bool = False,
        fold_bn: bool = True,
        w_bits: int | None = None,
        a_bits: int = 1,
        v_bits: int = 32,
        neurons: Sequence[type] = (),
        membranes: bool = False,
    ) -> None:
        _check_choice("time_axis", time_axis, (None, "caller", 0, 1))
        _check_choice("inner_axis", inner_axis, (None, 0, 1))
        _check_choice("zero_weights", zero_weights, ("count", "skip"))
        _check_choice("method", method, ("exact", "rate"))
        _check_choice("mode", mode, ("clocked", "event"))
        _check_choice("multibit", multibit, ("serial", "mac"))
        for label, bits in (("w_bits", w_bits), ("a_bits", a_bits), ("v_bits", v_bits)):
            if bits is not None and bits < 1:
                raise ParameterError(f"record: {label} must be >= 1, got {bits}")
        if steps is not None and (steps < 1 or inner_axis is None):
            raise ParameterError("record: steps >= 1 go with inner_axis")
        self.module, self.time_axis = module, time_axis
        self.inner_axis = time_axis if inner_axis is None else inner_axis
        self.steps, self.membranes = steps, membranes
        self.rules = Rules(
            zero_weights=zero_weights,
            multibit=multibit,
            method=method,
            mode=mode,
            fold_scale=fold_scale,
            fold_bn=fold_bn,
            w_bits=w_bits,
            a_bits=a_bits,
            v_bits=v_bits,
        )
        self.counts = OpCounts()
        self._weights: list[WeightWatch] = []
        self._neurons: list[NeuronWatch] = []
        self._norms: list[NormWatch] = []
        self._pools: list[nn.Module] = []
        self._reach = Reach() if mode == "event" else None
        self._handles: list[Any] = []
        self._parts: list[OpCounts] = []
        self._axes: tuple[int, int] | None = None
        self._batch = self._calls = 0
        self._events: Any = None  # (batch, calls, *units), of the layer that runs
        self._find(module, tuple(neurons))

    def _find(self, module: nn.Module, neurons: tuple[type, ...]) -> None:
        for name, sub in module.named_modules():
            label = name or type(sub).__name__.lower()
            role = role_of(sub, neurons)
            if role == "weights":
                self._weights.append(WeightWatch(label, sub))
            elif role == "neurons":
                self._neurons.append(NeuronWatch(label, sub))
            elif role == "norm" and not self.rules.fold_bn:
                self._norms.append(NormWatch(label, sub))
            elif role == "pool" and self._reach is not None:
                self._pools.append(sub)
        if not self._weights:
            raise ParameterError(
                "record: the module has no convolution and no linear layer to count"
            )

    def __enter__(self) -> "Recorder":
        # the module may be a watched layer itself: its axes must be known first
        self._before(self.module, lambda args: self._on_call(args[0]))
        for w in self._weights:
            self._before(w.module, lambda args, w=w: self._on_input(w, args[0]))  # type: ignore[misc]
            self._after(w.module, lambda args, out, w=w: self._on_output(w, args, out))  # type: ignore[misc]
        for norm in self._norms:
            self._after(norm.module, lambda _, out, n=norm: _on_norm(n, out))  # type: ignore[misc]
        for pool in self._pools:
            self._after(pool, lambda _, __, p=pool: self._on_pool(p))  # type: ignore[misc]
        for cells in self._neurons:
            self._after(cells.module, lambda _, out, n=cells: self._on_spikes(n, out))  # type: ignore[misc]
        self._after(self.module, lambda _args, _out: self._on_return())
        return self

    def _before(self, module: nn.Module, act: Callable[[Any], None]) -> None:
        def hook(_module: Any, args: Any) -> None:
            act(args)

        self._handles.append(module.register_forward_pre_hook(hook))

    def _after(self, module: nn.Module, act: Callable[[Any, Any], None]) -> None:
        def hook(_module: Any, args: Any, out: Any) -> None:
            act(args, out)

        self._handles.append(module.register_forward_hook(hook))

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if error[0] is not None:
            return
        self.next_batch()
        self.counts = OpCounts.concatenate(self._parts)
        if self._parts and not (
            self.counts.total("spike_in") or self.counts.total("spike_out")
        ):
            warnings.warn(
                "no spikes recorded: check that hooks ran and that states were reset",
                CountWarning,
                stacklevel=2,
            )

    def next_batch(self) -> None:
        """End the current batch; its samples join the ledger."""
        weights = [w for w in self._weights if w.calls]
        if not weights and not any(n.calls for n in self._neurons):
            return
        counts, stored = OpCounts(), set[int]()
        steps = self._n_steps(weights)
        for watch in weights:
            book_weights(counts, watch, self.rules, steps=steps, stored=stored)
        for norm in self._norms:
            if norm.values:
                book_norm(counts, norm, batch=self._batch, steps=steps)
        book_neurons(counts, self._neurons, self.rules, steps=steps)
        self._parts.append(counts)
        watches: list[Any] = [*self._weights, *self._norms, *self._neurons]
        for watch in watches:
            watch.clear()
        if self._reach is not None:
            self._reach.clear()
        self._calls, self._batch, self._axes = 0, 0, None

    def odd_inputs(self) -> dict[str, float]:
        """First value other than 0 and 1 that each non-binary layer was fed with."""
        return {w.name: w.first_odd for w in self._weights if w.first_odd is not None}

    def _n_steps(self, weights: Sequence[WeightWatch]) -> int:
        if self.time_axis == "caller":
            return max(1, self._calls)
        if self._axes is not None:
            return self._axes[0]
        steps = min((w.calls for w in weights), default=1)
        if steps == 1 and any(n.calls for n in self._neurons):
            warnings.warn(
                "each call of the module advanced its neurons by one step and was "
                "taken as a whole inference; if you loop over steps yourself, give "
                "time_axis='caller'",
                CountWarning,
                stacklevel=4,
            )
        return steps

    def _on_call(self, x: torch.Tensor) -> None:
        if self.time_axis == 0:
            self._axes = (int(x.shape[0]), int(x.shape[1]))
        elif self.time_axis == 1:
            self._axes = (int(x.shape[1]), int(x.shape[0]))
        elif self.steps is not None:
            self._axes = (self.steps, int(x.shape[0]))

    def _on_return(self) -> None:
        self._calls += 1
        if self._reach is not None:
            self._reach.clear()  # outputs that no neurons took
        if self.time_axis != "caller":
            self.next_batch()

    def _on_input(self, watch: WeightWatch, x: torch.Tensor) -> None:
        y = numbers(self._split(x, unit_dims(watch.module), watch.name))
        self._batch = y.shape[0]
        rules, shape = self.rules, tuple(y.shape[2:])
        if shape in watch.uses:
            spec = watch.uses[shape].spec
        else:
            spec = layer_spec(
                watch.name,
                watch.module,
                shape,
                w_bits=rules.w_bits,
                a_bits=rules.a_bits,
                v_bits=rules.v_bits,
            )
        self._events = watch.see(y, spec)

    def _on_output(self, watch: WeightWatch, args: Any, out: torch.Tensor) -> None:
        x, dims = args[0], unit_dims(watch.module)
        shapes = (tuple(v.shape[v.ndim - dims :]) for v in (x, out))
        use = watch.shaped(*shapes)
        if self._reach is not None:
            events = self._events.swapaxes(0, 1)
            flat = events.reshape(-1, *events.shape[2:])
            masks = reached(use.spec, flat)
            self._reach.offer(
                watch.name, masks.reshape(*events.shape[:2], *masks.shape[1:])
            )

    def _on_pool(self, module: nn.Module) -> None:
        if self._reach is not None:
            self._reach.pool(module)

    def _on_spikes(self, watch: NeuronWatch, out: Any) -> None:
        parts = out if isinstance(out, (tuple, list)) else (out,)
        steps = numbers(self._steps_of(parts[0].detach())) != 0
        if steps.ndim < 3:  # one sample without an axis of its own
            steps = steps.reshape(1, 1, -1)
        watch.see(steps)
        batch = steps.shape[1]
        if self._reach is not None:
            watch.reach(
                self._reach.take(
                    watch.name,
                    steps=steps.shape[0],
                    batch=batch,
                    units=watch.neurons,
                )
            )
        state: Any = parts[-1] if len(parts) > 1 else getattr(watch.module, "mem", None)
        if self.membranes and torch.is_tensor(state) and len(state) == batch:
            watch.membranes(state, batch)

    def _split(self, x: torch.Tensor, dims: int, name: str) -> torch.Tensor:
        """Bring an input to (batch, calls in it, *units)."""
        lead = tuple(x.shape[: x.ndim - dims])
        units = tuple(x.shape[x.ndim - dims :])
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

    def _steps_of(self, spikes: torch.Tensor) -> torch.Tensor:
        """Bring the output of neurons to (steps, batch, ...)."""
        if self._axes is not None:
            t, b = self._axes
            first = self.inner_axis == 0
            shape = (t, b) if first else (b, t)
            both = spikes.ndim > 2 and tuple(spikes.shape[:2]) == shape
            if not both and spikes.shape[0] == t * b and t > 1:
                spikes = spikes.reshape(*shape, *spikes.shape[1:])
                both = True
            if both:
                return spikes if first else spikes.transpose(0, 1)
        return spikes[None]


def _on_norm(watch: NormWatch, out: torch.Tensor) -> None:
    watch.shape = tuple(out.shape[1:])
    watch.values += out.numel()


def _check_choice(name: str, given: object, accepted: Sequence[object]) -> None:
    if given not in accepted:
        raise ParameterError(
            f"record: {name}: expected {', '.join(map(repr, accepted))}, got {given!r}"
        )
