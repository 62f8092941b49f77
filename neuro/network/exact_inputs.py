"""A network description in the units and numbers of the exact core."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.exact import WINDOW, CellGroup, EventSource, OwnModel, SynapseGroup
from neuro.errors import ParameterError
from neuro.network.description import Population, Projection
from neuro.network.distributions import LogNormal, Normal, Uniform
from neuro.network.exact_support import CURRENT_ROWS, MODELS
from neuro.network.expand import chunks
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.stimuli import Current, Events, Poisson
from neuro.random import stream

__all__ = [
    "cell_group",
    "poisson_group",
    "poisson_source",
    "stream_source",
    "synapse_group",
]

Array = NDArray[Any]


def cell_group(net: Network, pop: Population, seed: int, scale: float) -> CellGroup:
    """Return a population in the units of the core."""
    m = pop.model
    if type(m) not in MODELS:
        return _registered(net, pop, seed)
    shift: Any = 0.0
    for d in net.drives:
        if isinstance(d, Current) and d.target == pop.name:
            shift = shift + np.asarray(d.amplitude, np.float64)
    values = MODELS[type(m)](pop, scale, shift)
    state = net.initial(pop.name, seed)
    rows = CURRENT_ROWS.get(type(m), ())
    return CellGroup(
        n=pop.n,
        v_threshold=m.v_threshold,
        v_reset=m.v_reset,
        t_ref=np.asarray(m.t_ref) * scale,
        v=state[0],
        i_syn=state[1 : 1 + len(rows)].sum(0) if rows else 0.0,
        subtract=m.reset == "subtract",
        strict=net.convention != "nest",
        **values,
    )


def _registered(net: Network, pop: Population, seed: int) -> CellGroup:
    """A model with its own functions: its fields are the parameters."""
    advance, crossing, reset = model_of(pop.model).exact or (None, None, None)
    fields = dataclasses.fields(pop.model)
    params = [np.asarray(getattr(pop.model, f.name), np.float64) for f in fields]
    rows: Array = np.zeros((1, 1))
    if params:
        rows = np.array(np.broadcast_arrays(*map(np.atleast_1d, params)))
    own = OwnModel(advance, crossing, reset, rows, net.initial(pop.name, seed))
    return CellGroup(n=pop.n, model=type(pop.model).__name__, own=own)


def row_of(net: Network, target: str, port: str) -> int:
    """Return the state row of a registered model that a port adds to (0 otherwise)."""
    model = model_of(net.populations[target].model)
    return model.state.index(model.arrivals[port]) if port in model.arrivals else 0


def synapse_group(
    net: Network,
    name: str,
    q: Projection,
    seed: int,
    scale: float,
    first: Mapping[str, int],
) -> SynapseGroup:
    """Return a projection with delays as given; Normal ones are at least dt."""
    n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
    rng = stream(seed, name, "delays")
    parts = []
    for s in chunks(q, n_pre, n_post, name=name, dt=net.dt, seed=seed, delays=False):
        delay = q.delay
        if isinstance(delay, Normal | Uniform | LogNormal):
            delay = delay.draw(s.pre.size, rng)
            if isinstance(q.delay, Normal):
                delay = np.maximum(delay, net.dt)  # as on the grid
        parts.append((s.pre, s.post, s.weight, delay))
    if not parts:
        nothing = np.zeros(0, np.int32)
        parts = [(nothing, nothing, np.zeros(0), np.zeros(0))]
    pre, post, weight = (np.concatenate([p[k] for p in parts]) for k in range(3))
    drawn = isinstance(q.delay, Normal | Uniform | LogNormal)
    given = np.concatenate([p[3] for p in parts]) if drawn else q.delay
    delay = np.asarray(0.0 if given is None else given, np.float64) * scale
    if delay.size and delay.min() < 0:
        raise ParameterError(f"projection {name!r}: delay {delay.min() / scale:g} < 0")
    source = None
    if q.pre in net.sources:
        source = list(net.sources).index(q.pre)
        start = 0
    else:
        start = first[q.pre]
    return SynapseGroup(
        pre=pre.astype(np.int64) + start,
        post=post + first[q.post],
        weight=weight,
        delay=delay,
        source=source,
        into=row_of(net, q.post, q.port),
    )


def poisson_group(
    net: Network, k: int, d: Poisson, first: Mapping[str, int]
) -> SynapseGroup:
    """Return the synapses of Poisson drive k: one per neuron, no delay."""
    index = np.arange(net.populations[d.target].n)
    return SynapseGroup(
        pre=index,
        post=index + first[d.target],
        weight=float(d.weight),
        delay=0.0,
        source=len(net.sources) + k,
        into=row_of(net, d.target, d.port),
    )


def poisson_source(net: Network, d: Poisson, seed: int, scale: float) -> EventSource:
    """Return a Poisson process per neuron, drawn window by window."""
    n = net.populations[d.target].n
    times = [0.0] if d.times is None else list(np.asarray(d.times) * scale)
    rates = np.asarray(d.rate_hz, np.float64) / scale
    rows = [rates] if d.times is None else list(rates)
    edges = [*times, np.inf]

    def window(w: int) -> tuple[NDArray[np.float64], Array]:
        rng = stream(seed, d.name, "poisson", w)
        parts = [(np.zeros(0), np.zeros(0, np.int64))]
        for row, a, b in zip(rows, edges, edges[1:], strict=False):
            low, high = max(a - w * WINDOW, 0.0), min(b - w * WINDOW, WINDOW)
            if high <= low:
                continue
            rate = np.broadcast_to(row, n)
            m = int(rng.poisson(rate.sum() * (high - low)))
            if m == 0:
                continue
            t = np.sort(rng.uniform(low, high, m))
            channel = (
                rng.integers(0, n, m)
                if np.ndim(row) == 0
                else rng.choice(n, m, p=rate / rate.sum())
            )
            parts.append((t, channel))
        return (
            np.concatenate([p[0] for p in parts]),
            np.concatenate([p[1] for p in parts]),
        )

    return EventSource(n, window)


def stream_source(s: Any, scale: float) -> EventSource:
    """Return a stream of the network as events of the core."""
    if isinstance(s, Events):
        return EventSource.from_ns(np.asarray(s.t_us, np.int64) * 1000, s.channels, s.n)
    return EventSource.from_times(np.asarray(s.times) * scale, s.channels, s.n)
