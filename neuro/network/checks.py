"""Checks of a network, each with object, index and value, before anything is built."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.connectivity import Connectivity
from neuro.errors import ParameterError, ShapeError, did_you_mean
from neuro.network.description import Population
from neuro.network.distributions import LogNormal, Normal, Uniform
from neuro.network.registry import MAX_MODELS, model_of, rule_of
from neuro.network.rules import Rule
from neuro.network.stimuli import Events, Frames, Poisson, SpikeList
from neuro.network.weights import WeightSource
from neuro.random import stream

if TYPE_CHECKING:
    from neuro.network.network import Network

__all__ = ["check_network", "initial_state", "parameter_rows", "topological_order"]

MAX_DELAY_STEPS = 2000


def check_network(net: "Network") -> None:
    """Check names, ports, parameters, delays and stimuli of a network."""
    if not (np.isfinite(net.dt) and net.dt > 0):
        raise ParameterError(f"Network.dt: expected > 0 s, got {net.dt}")
    if net.convention not in ("nest", "nir", "brian2"):
        raise ParameterError(
            f"Network.convention: 'nest', 'nir' or 'brian2', got {net.convention!r}"
        )
    steps = set()
    for p in net.populations.values():
        model = model_of(p.model)
        if net.convention == "brian2":
            if model.brian2_step is None:
                raise ParameterError(
                    f"Population {p.name!r}: {type(p.model).__name__} has no step in "
                    "Brian2's order; use convention='nest' or a built-in neuron"
                )
            steps.add(model.brian2_step)
        else:
            steps.add(model.step)
        parameter_rows(p, net.dt, net.convention)
        initial_state(p, 0)
    if len(steps) > MAX_MODELS:
        raise ParameterError(
            f"Network: {len(steps)} different models; at most {MAX_MODELS} in one "
            "network"
        )
    for k, q in enumerate(net.projections):
        _check_projection(net, net.names[k], q)
    for d in net.drives:
        _check_drive(net, d)
    for r in net.records.values():
        _check_record(net, r)
    for s in net.sources.values():
        if isinstance(s, Events) and net.dimensionless:
            raise ParameterError(
                f"Events({s.name!r}): microseconds need a network with units; use "
                "frames or dimensionless=False"
            )
    topological_order(net)


def _check_projection(net: "Network", name: str, q: Any) -> None:
    who = f"Projection {q.pre!r} -> {q.post!r}"
    ends = {**net.populations, **net.sources}
    for end, known in ((q.pre, ends), (q.post, net.populations)):
        if end not in known:
            raise ParameterError(f"{who}: no object {end!r}{did_you_mean(end, known)}")
    ports = model_of(net.populations[q.post].model).ports
    if q.port not in ports:
        raise ParameterError(
            f"{who}: {type(net.populations[q.post].model).__name__} has no port "
            f"{q.port!r}; its ports: {', '.join(ports)}"
        )
    n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
    if isinstance(q.rule, WeightSource):
        shape = tuple(q.rule.shape)
        if shape != (n_post, n_pre):
            raise ShapeError(
                f"{who}: weights are {shape}, expected ({n_post}, {n_pre})"
            )
    elif (
        isinstance(q.rule, Connectivity)
        and not isinstance(q.rule, Rule)
        and (q.rule.n_pre, q.rule.n_post) != (n_pre, n_post)
    ):
        raise ShapeError(
            f"{who}: the layout is {q.rule.n_pre} -> {q.rule.n_post}, the ends are "
            f"{n_pre} -> {n_post}"
        )
    source = net.sources.get(q.pre)
    if q.delay is None:
        if isinstance(source, Events | SpikeList):
            raise ParameterError(f"{who}: a stream of events needs a delay >= dt")
    elif not isinstance(q.delay, Normal | Uniform | LogNormal):
        delays = np.atleast_1d(np.asarray(q.delay, np.float64))
        steps = np.floor(delays / net.dt + 0.5)
        bad = np.flatnonzero((steps < 1) | (steps > MAX_DELAY_STEPS))
        if bad.size:
            at = f"[{bad[0]}]" if np.ndim(q.delay) else ""
            unit = "steps" if net.dimensionless else "s"
            slots = 1 << int(np.ceil(np.log2(max(steps[bad[0]], 1) + 1)))
            ring = (
                f" (a ring of {slots} slots, {4e-6 * slots * n_post:.0f} MB)"
                if steps[bad[0]] > MAX_DELAY_STEPS
                else ""
            )
            raise ParameterError(
                f"{who}.delay{at} = {delays[bad[0]]:g} {unit}: expected {net.dt:g} to "
                f"{MAX_DELAY_STEPS * net.dt:g}{ring}; None means the same step"
            )
        error = float(np.max(np.abs(delays / net.dt - steps), initial=0.0))
        if error > 1e-6:
            warnings.warn(
                f"{who}: delays are rounded to steps of {net.dt:g}; largest error "
                f"{error * net.dt:.3g}",
                stacklevel=5,
            )
    if isinstance(source, Frames) and q.plasticity is not None:
        raise ParameterError(f"{who}: plasticity needs spikes, not frames")
    if q.plasticity is not None:
        rule_of(q.plasticity)
        if q.delay is None:
            raise ParameterError(f"{who}: a plastic projection needs a delay >= dt")
        if isinstance(q.rule, WeightSource):
            raise ParameterError(f"{who}: hardware weights cannot be plastic")


def _check_drive(net: "Network", d: Any) -> None:
    kind = type(d).__name__
    if d.target not in net.populations:
        raise ParameterError(
            f"{kind} -> {d.target!r}: no population {d.target!r}"
            f"{did_you_mean(d.target, net.populations)}"
        )
    pop = net.populations[d.target]
    ports = model_of(pop.model).ports
    if d.port not in ports:
        raise ParameterError(
            f"{kind} -> {d.target!r}: {type(pop.model).__name__} has no port "
            f"{d.port!r}; its ports: {', '.join(ports)}"
        )
    values = {"Poisson": "rate_hz", "Current": "amplitude"}.get(kind)
    if values is not None:
        array = np.asarray(getattr(d, values), np.float64)
        last = array.shape[1:] if d.times is not None else array.shape
        if last not in ((), (pop.n,)):
            raise ShapeError(
                f"{kind} -> {d.target!r}.{values}: shape {array.shape} does not fit "
                f"{pop.n} neurons"
            )
    if isinstance(d, Poisson):
        mean = float(np.max(np.asarray(d.rate_hz, np.float64), initial=0.0)) * net.dt
        if mean > 30:
            warnings.warn(
                f"Poisson({d.name!r}): {mean:.3g} arrivals per step; more than 30 "
                "are drawn as a sum of smaller draws, slowly: use a shorter step",
                stacklevel=5,
            )
    names = [x.name for x in net.drives if isinstance(x, Poisson)]
    if isinstance(d, Poisson) and names.count(d.name) > 1:
        raise ParameterError(
            f"Poisson: the name {d.name!r} is used twice; give each drive a name"
        )


def _check_record(net: "Network", r: Any) -> None:
    if r.population not in net.populations:
        raise ParameterError(
            f"Record: no population {r.population!r}"
            f"{did_you_mean(r.population, net.populations)}"
        )
    pop = net.populations[r.population]
    rows = model_of(pop.model).state
    for v in r.variables:
        if v not in rows:
            raise ParameterError(
                f"Record({r.population!r}): no state {v!r}{did_you_mean(v, rows)}; "
                f"rows: {', '.join(rows)}"
            )
    if r.indices is not None and r.indices.size:
        bad = np.flatnonzero((r.indices < 0) | (r.indices >= pop.n))
        if bad.size:
            raise ParameterError(
                f"Record({r.population!r}).indices[{bad[0]}] = {r.indices[bad[0]]}: "
                f"out of range 0..{pop.n - 1}"
            )


def parameter_rows(pop: Population, dt: float, convention: str) -> NDArray[np.float64]:
    """Return the parameter rows of a step, float64, (n_params, 1 or n)."""
    model = model_of(pop.model)
    prepare = getattr(pop.model, "prepare", None)
    if prepare is not None:
        given = prepare(dt, convention)
        rows = [np.asarray(given[k], np.float64) for k in model.params]
    else:
        rows = [np.asarray(getattr(pop.model, k), np.float64) for k in model.params]
    n = 1
    for name, row in zip(model.params, rows, strict=True):
        if row.ndim > 1 or (row.ndim == 1 and row.size not in (1, pop.n)):
            raise ShapeError(
                f"Population {pop.name!r}: parameter {name!r} has shape {row.shape}; "
                f"expected a number or ({pop.n},)"
            )
        bad = np.flatnonzero(np.isnan(row))
        if bad.size:
            raise ParameterError(
                f"Population {pop.name!r}: parameter {name!r}[{bad[0]}] is nan"
            )
        n = max(n, row.size)
    if not rows:
        return np.zeros((1, 1))
    return np.ascontiguousarray([np.broadcast_to(r, (n,)) for r in rows])


def initial_state(pop: Population, seed: int) -> NDArray[np.float64]:
    """Return the initial state, float64, (n_state, n)."""
    model = model_of(pop.model)
    state = np.zeros((len(model.state), pop.n))
    own = getattr(pop.model, "initial", None)
    values: dict[str, Any] = dict(own()) if own is not None else {}
    values.update(pop.init or {})
    for name, value in values.items():
        if name not in model.state:
            raise ParameterError(
                f"Population {pop.name!r}.init: no state {name!r}"
                f"{did_you_mean(name, model.state)}; rows: {', '.join(model.state)}"
            )
        if isinstance(value, Normal | Uniform | LogNormal):
            value = value.draw(pop.n, stream(seed, pop.name, "init", name))
        array = np.asarray(value, np.float64)
        if array.shape not in ((), (1,), (pop.n,)):
            raise ShapeError(
                f"Population {pop.name!r}.init[{name!r}]: shape {array.shape}, "
                f"expected a number or ({pop.n},)"
            )
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            raise ParameterError(
                f"Population {pop.name!r}.init[{name!r}][{bad[0]}] is "
                f"{array.flat[bad[0]]}; must be finite"
            )
        state[model.state.index(name)] = array
    return state


def topological_order(net: "Network") -> list[str]:
    """Return the populations so that every same-step edge goes forward.

    Raises
    ------
    ParameterError
        If edges with ``delay=None`` form a cycle.
    """
    edges: dict[str, set[str]] = {name: set() for name in net.populations}
    for q in net.projections:
        if q.delay is None and q.pre in net.populations:
            edges[q.post].add(q.pre)
    order: list[str] = []
    left = dict(edges)
    while left:
        ready = [k for k, needs in left.items() if not needs - set(order)]
        if not ready:
            raise ParameterError(
                "Network: projections without a delay form a cycle through "
                f"{', '.join(sorted(left))}; give one of them a delay >= dt"
            )
        order.append(ready[0])
        del left[ready[0]]
    return order
