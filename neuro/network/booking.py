"""Results of the two step drivers: rasters, traces and the ledger of a run."""

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.connectivity import Rows
from neuro.counts import LayerInfo, OpCounts
from neuro.network.grid import GridEngine
from neuro.network.grid_state import plastic_updates
from neuro.network.layered import LayeredEngine, Outcome
from neuro.network.network import Network
from neuro.network.result import Result, Spikes, Trace
from neuro.network.weights import WeightSource

__all__ = [
    "Tally",
    "grid_result",
    "layered_result",
    "place_probes",
    "warn_of_runaway",
]


class Tally:
    """Counters of the grid engine before a run."""

    def __init__(self, engine: GridEngine) -> None:
        self.spikes = engine.state.spike_counts.copy()
        self.plastic = plastic_updates(engine.plan, engine.state)


def grid_result(
    simulation: Any,
    engine: GridEngine,
    before: Tally,
    raster: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]],
    *,
    first: int,
    duration: float,
    start: float,
) -> Result:
    """Make the result of a run of the grid engine from step `first` on."""
    raster_step, raster_source, flat = raster
    net, last = simulation.net, engine.step
    steps = last - first
    spent = engine.state.spike_counts - before.spikes
    counts = OpCounts(1)
    spike_counts = {
        name: spent[None, engine.plan.first[name] : engine.plan.first[name] + p.n]
        for name, p in net.populations.items()
    }
    events = dict(spike_counts)
    late = 0 if net.convention == "brian2" else 1
    for name, s in net.sources.items():
        at, n = engine.plan.source_first[name], s.n
        own = (engine.plan.stream_source >= at) & (engine.plan.stream_source < at + n)
        low = first - late if first == 0 else first
        now = (engine.plan.stream_step >= low) & (engine.plan.stream_step < last)
        channel = engine.plan.stream_source[own & now] - at
        events[name] = np.bincount(channel, minlength=n)[None].astype(np.int64)
    for k, q in enumerate(net.projections):
        name, spikes = net.names[k], events[q.pre][0]
        degree, zero = engine.plan.table.out_degree[k], engine.plan.table.zero_degree[k]
        n_synapses = int(degree.sum())
        counts.layer(
            name,
            LayerInfo(
                in_shape=(net.n_of(q.pre),),
                out_shape=(net.n_of(q.post),),
                weights=n_synapses,
                synapses=n_synapses,
                steps=steps,
            ),
        )
        visits = int(spikes @ degree)
        zeros = int(spikes @ zero) if zero is not None else 0
        counts.add(name, "spike_in", int(spikes.sum()))
        counts.add(name, "synop", visits - zeros)
        if zeros:
            counts.add(name, "synop_zero", zeros)
        counts.add(name, "ac", visits)
    for k, n in plastic_updates(engine.plan, engine.state).items():
        counts.add(net.names[k], "plastic", n - before.plastic[k])
    book_populations(counts, net, spike_counts, 1, steps)
    if engine.runaway == "warn":
        warn_of_runaway(net, spike_counts, duration, level=5)
    outcome = Outcome()
    outcome.step.append(raster_step)
    outcome.unit.append(raster_source)
    outcome.sample.append(np.zeros(raster_source.size, np.int32))
    traces = {}
    at = 0
    for name, index, interval in engine.probes.names:
        n = last // interval - first // interval
        values = flat[at : at + n * index.size].reshape(n, index.size)
        at += values.size
        times = (first // interval + 1 + np.arange(n)) * (interval * float(net.dt))
        traces[name] = Trace(times.astype(np.float64), index, values)
    for name, rows in engine.weight_traces.items():
        values = np.array([w for _, w in rows])
        index = np.arange(values.shape[1], dtype=np.int32)
        traces[name] = Trace(np.array([n for n, _ in rows]) * net.dt, index, values)
    return Result(
        spikes=sort_spikes(net, engine.plan.first, outcome, first, batch=False),
        traces=traces,
        counts=counts,
        duration=float(duration),
        engine=simulation.engine,
        seed=simulation.seed,
        wall_s=time.perf_counter() - start,
        _spike_counts=spike_counts,
    )


def place_probes(engine: LayeredEngine, first: int, last: int) -> int:
    """Give every recorded row its place in a sample's trace; return its length."""
    at = 0
    for row, (_, index, interval) in zip(engine.probe, engine.probe_names, strict=True):
        row[5], row[6] = at, first // interval + 1
        at += index.size * (last // interval - first // interval)
    return at


def layered_result(
    simulation: Any,
    engine: LayeredEngine,
    outcome: Outcome,
    counts: OpCounts,
    n_samples: int,
    first: int,
    last: int,
    duration: float,
    start: float,
    *,
    batch: bool,
) -> Result:
    """Make the result of the steps `first` to `last` of the layered driver."""
    net = simulation.net
    steps = last - first
    n_all = np.concatenate(
        [*outcome.spike_counts, np.zeros((0, engine.n_neurons), np.int64)]
    )
    spike_counts = {}
    for name, p in net.populations.items():
        at = engine.first[name]
        spike_counts[name] = n_all[:, at : at + p.n]
    spikes = sort_spikes(net, engine.first, outcome, first, batch=batch)
    visited = np.concatenate(
        [*outcome.visited, np.zeros((0, len(engine.links), 4), np.int64)]
    )
    merged = np.zeros((len(net.projections), n_samples, 4), np.int64)
    for i, link in enumerate(engine.links):
        merged[link.projection] += visited[:, i]
    for k, q in enumerate(net.projections):
        n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
        name = net.names[k]
        size = getattr(q.rule, "size", None)
        n = (
            int(sum(x.length.sum() for x in engine.links if x.projection == k))
            if callable(size) or not isinstance(q.rule, Rows | WeightSource)
            else n_pre * n_post
        )
        counts.layer(
            name,
            LayerInfo(
                in_shape=(n_pre,),
                out_shape=(n_post,),
                weights=n,
                synapses=n,
                steps=steps,
                input_class="real" if merged[k, :, 3].any() else "binary",
                a_bits=32 if merged[k, :, 3].any() else 1,
            ),
        )
        events, synapses, zeros, macs = merged[k].T
        counts.add(name, "spike_in", events)
        counts.add(name, "synop", synapses - zeros)
        if zeros.any():
            counts.add(name, "synop_zero", zeros)
        if macs.any():
            counts.add(name, "mac", macs, a_bits=32)
        else:
            counts.add(name, "ac", synapses)
    book_populations(counts, net, spike_counts, n_samples, steps)
    traces = {}
    flat = np.concatenate(outcome.traces or [np.zeros((0, 0))]) if batch else None
    for row, (name, index, interval) in zip(
        engine.probe, engine.probe_names, strict=True
    ):
        n = last // interval - first // interval
        source = flat if flat is not None else outcome.traces[0]
        at = int(row[5])
        values = source[:, at : at + n * index.size].reshape(-1, n, index.size)
        times = (first // interval + 1 + np.arange(n)) * (interval * float(net.dt))
        traces[name] = Trace(
            times.astype(np.float64), index, values if batch else values[0]
        )
    return Result(
        spikes=spikes,
        traces=traces,
        counts=counts,
        duration=float(duration),
        engine=simulation.engine,
        seed=simulation.seed,
        wall_s=time.perf_counter() - start,
        _spike_counts=spike_counts,
    )


def warn_of_runaway(
    net: Network,
    spike_counts: Mapping[str, NDArray[np.int64]],
    duration: float,
    *,
    level: int,
) -> None:
    """Warn of populations above half of the highest rate, ``1 / t_ref``.

    Parameters
    ----------
    net : Network
        The description.
    spike_counts : mapping of str to ndarray
        Spikes per neuron in the run.
    duration : float
        Of the run, seconds; nothing is said below 0.1 s, or of networks in steps.
    level : int
        Calls between here and the user's line.
    """
    if net.dimensionless or duration < 0.1:
        return
    for name, p in net.populations.items():
        n, t_ref = spike_counts[name], np.asarray(getattr(p.model, "t_ref", 0.0))
        shortest = float(np.min(t_ref, initial=np.inf))
        rate = float(np.mean(n)) / duration if np.size(n) else 0.0
        if shortest > 0 and rate > 0.5 / shortest:
            warnings.warn(
                f"population {name!r} fires at {rate:.0f} per unit of time, more than "
                "half of 1/t_ref: a runaway?",
                stacklevel=level,
            )


def book_populations(
    counts: OpCounts,
    net: Network,
    spike_counts: Mapping[str, NDArray[np.int64]],
    n_samples: int,
    steps: int,
) -> None:
    """Book updates, spikes and resets of every population."""
    for p in net.populations.values():
        counts.layer(p.name, LayerInfo(kind="population", neurons=p.n, steps=steps))
        counts.add(p.name, "neuron_update", np.full(n_samples, steps * p.n, np.int64))
        total = spike_counts[p.name].sum(1)
        counts.add(p.name, "spike_out", total)
        counts.add(p.name, "reset", total)


def sort_spikes(
    net: Network,
    firsts: Mapping[str, int],
    outcome: Outcome,
    first: int,
    *,
    batch: bool,
) -> dict[str, Spikes]:
    unit = np.concatenate([*outcome.unit, np.zeros(0, np.int32)])
    step = np.concatenate([*outcome.step, np.zeros(0, np.int64)])
    sample = np.concatenate([*outcome.sample, np.zeros(0, np.int32)])
    late = 0 if net.convention == "brian2" else 1
    spikes = {}
    for name, p in net.populations.items():
        r = net.records.get(name)
        if r is not None and not r.spikes:
            continue
        u = unit - np.int32(firsts[name])
        own = np.flatnonzero(u.view(np.uint32) < p.n)  # negative: a large unsigned
        s, u, b = step[own], u[own], sample[own] if batch else None
        key = (
            s if b is None else b.astype(np.int64) * (int(step.max(initial=0)) + 1) + s
        )
        if (key[1:] < key[:-1]).any():
            order = np.argsort(key, kind="stable")
            s, u = s[order], u[order]
            b = None if b is None else b[order]
        spikes[name] = Spikes((s + late) * net.dt, u, b)
    return spikes
