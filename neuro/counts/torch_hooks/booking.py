"""From what a batch has seen to the ledger."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neuro.counts.activity import CountWarning
from neuro.counts.layers import LayerSpec, fan_out
from neuro.counts.ledger import LayerInfo, OpCounts
from neuro.counts.torch_hooks.modules import effective_weight, neuron_kind
from neuro.counts.torch_hooks.watch import NeuronWatch, NormWatch, WeightWatch

__all__ = ["Rules", "book_neurons", "book_norm", "book_weights"]


@dataclass(frozen=True)
class Rules:
    """How seen events become operations; as of :func:`neuro.counts.count`."""

    zero_weights: Literal["count", "skip"] = "count"
    multibit: Literal["serial", "mac"] = "serial"
    method: Literal["exact", "rate"] = "exact"
    mode: Literal["clocked", "event"] = "clocked"
    fold_scale: bool = False
    fold_bn: bool = True
    w_bits: int | None = None
    a_bits: int = 1
    v_bits: int = 32


def book_weights(
    counts: OpCounts, watch: WeightWatch, rules: Rules, *, steps: int, stored: set[int]
) -> None:
    """Book pairs, events, additions or products, and biases of one layer.

    Parameters
    ----------
    counts : OpCounts
        Ledger of the batch.
    watch : WeightWatch
        With at least one call.
    rules : Rules
        How to count.
    steps : int
        Steps of one inference.
    stored : set of int
        Identities of weights booked already: a tied weight is stored once.
    """
    w = effective_weight(watch.module)
    full = valid = 0
    pairs, zero, events, bias = np.zeros((4, watch.batch), np.int64)
    for use in watch.uses.values():
        spec = replace(use.spec, weight=w)
        info = spec.info(steps=steps)
        seen = use.seen.value()
        if rules.method == "rate":
            total = np.rint(seen.sum(1) * (info.synapses / spec.n_in)).astype(np.int64)
            share = info.nonzero / max(1, info.weights)
            met = np.rint(total * share).astype(np.int64)
        else:
            total = seen @ fan_out(spec).reshape(-1)
            met = seen @ fan_out(spec, nonzero=True).reshape(-1)
        pairs += met
        zero += total - met
        events += seen.sum(1)
        per_step = use.calls / steps
        full += round(info.synapses * per_step)
        valid += round(info.synapses_valid * per_step)
        if spec.bias:
            bias += spec.n_out * use.calls
    name, bits, kind = watch.name, spec.w_bits, watch.input_class
    counts.add(name, "synop", pairs, w_bits=bits)
    counts.add(name, "synop_zero", zero, w_bits=bits)
    counts.add(name, "spike_in", events, w_bits=bits)
    done = pairs + zero if rules.zero_weights == "count" else pairs
    if kind in ("binary", "ternary") or (kind == "scaled" and rules.fold_scale):
        counts.add(name, "ac", done, w_bits=bits)
    elif kind == "multibit" and rules.multibit == "serial":
        counts.add(name, "ac", rules.a_bits * done, a_bits=rules.a_bits, w_bits=bits)
    else:
        width = rules.a_bits if rules.a_bits > 1 else 32
        counts.add(name, "mac", done, a_bits=width, w_bits=bits)
    if spec.bias:
        counts.add(name, "bias", bias, a_bits=32, w_bits=bits)
    first = id(watch.module.weight) not in stored
    stored.add(id(watch.module.weight))
    scaled = "binary" if rules.fold_scale else "real"
    counts.layer(
        name,
        replace(
            info,
            synapses=full,
            synapses_valid=valid,
            weights=info.weights if first else 0,
            nonzero=info.nonzero if first else 0,
            input_class=scaled if kind == "scaled" else kind,
        ),
    )


def book_neurons(
    counts: OpCounts, watches: Sequence[NeuronWatch], rules: Rules, *, steps: int
) -> None:
    """Book updates, spikes and resets of all neuron layers that ran."""
    busy = [w for w in watches if w.calls]
    for watch in busy:
        # a wrapper around neurons that ran themselves would count them twice
        inner = set(watch.module.modules()) - {watch.module}
        if not any(w.module in inner for w in busy):
            _book_neuron(counts, watch, rules, steps)


def _book_neuron(
    counts: OpCounts, watch: NeuronWatch, rules: Rules, steps: int
) -> None:
    sent = np.zeros(0, np.int64) if watch.spikes is None else watch.spikes.value()
    sent = sent.sum(1)
    spec = LayerSpec(
        name=watch.name,
        kind="neuron",
        in_shape=(watch.neurons,),
        out_shape=(watch.neurons,),
        neuron=neuron_kind(watch.module),
        v_bits=rules.v_bits,
    )
    updates = np.full(sent.size, watch.neurons * watch.calls, np.int64)
    if rules.mode == "event":
        if watch.unfollowed or watch.reached is None:
            warnings.warn(
                f"{watch.name}: cannot tell which neurons an event reached; all are "
                "counted at every step",
                CountWarning,
                stacklevel=5,
            )
        else:
            updates = watch.reached
    counts.layer(watch.name, spec.info(steps=steps))
    counts.add(watch.name, "neuron_update", updates)
    counts.add(watch.name, "spike_out", sent)
    counts.add(watch.name, "reset", sent)
    if watch.changed is not None:
        changed = float(watch.changed.sum())
        counts.measure(watch.name, "membrane_updates", changed)


def book_norm(counts: OpCounts, watch: NormWatch, *, batch: int, steps: int) -> None:
    """Book one product per normalised value, as a layer of kind ``norm``."""
    info = LayerInfo(kind="norm", out_shape=watch.shape, steps=steps, leaky=False)
    counts.layer(watch.name, info)
    each = np.full(batch, watch.values // batch, np.int64)
    counts.add(watch.name, "mac", each, a_bits=32, w_bits=32)
