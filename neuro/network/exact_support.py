"""Which networks the exact engine can run, and when ``engine="auto"`` takes it."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from neuro.errors import ParameterError
from neuro.network.description import Population
from neuro.network.models import IfDelta, LifDelta, LifExp, LifExpEI
from neuro.network.network import Network
from neuro.network.registry import model_of, registered_neurons
from neuro.network.stimuli import Current, Events, Poisson, SpikeList
from neuro.network.weights import WeightSource

__all__ = [
    "CURRENT_ROWS",
    "INPUT_PORTS",
    "MODELS",
    "choose_engine",
    "exact_models",
    "ports_of",
    "prefer_exact",
    "unsupported",
]

log = logging.getLogger(__name__)

# Measured unit costs, nanoseconds (one core, AMD Zen 4): a grid step of a neuron and an
# event of the exact engine; `neuro bench engine --network camera` measures both.
_STEP_NS = {IfDelta: 1.0, LifDelta: 1.0, LifExp: 1.05, LifExpEI: 1.5}
_EVENT_NS = 36.0
_ASSUMED_RATE_HZ = 10.0  # of neurons, for the recurrent part of the estimate


def _lif_exp(pop: Population, scale: float, shift: Any) -> dict[str, Any]:
    m = pop.model
    tau_syn = m.tau_syn if isinstance(m, LifExp) else m.tau_exc
    return {
        "model": "lif_exp",
        "tau_mem": np.asarray(m.tau_mem) * scale,
        "tau_syn": np.asarray(tau_syn) * scale,
        "r": m.r,
        "v_inf": np.asarray(m.v_leak) + np.asarray(m.r) * (m.i_e + shift),
    }


def _lif_delta(pop: Population, scale: float, shift: Any) -> dict[str, Any]:
    m = pop.model
    return {
        "model": "lif_delta",
        "tau_mem": np.asarray(m.tau_mem) * scale,
        "v_inf": np.asarray(m.v_leak) + np.asarray(m.r) * (m.i_e + shift),
    }


def _if_delta(pop: Population, scale: float, shift: Any) -> dict[str, Any]:
    m = pop.model
    return {"model": "if_delta", "v_inf": np.asarray(m.r) * (m.i_e + shift) / scale}


MODELS: dict[type, Callable[[Population, float, Any], dict[str, Any]]] = {
    IfDelta: _if_delta,
    LifDelta: _lif_delta,
    LifExp: _lif_exp,
    LifExpEI: _lif_exp,
}
INPUT_PORTS = {
    IfDelta: ("input",),
    LifDelta: ("input",),
    LifExp: ("input",),
    LifExpEI: ("exc", "inh"),
}
_RECORDED = {
    IfDelta: ("v",),
    LifDelta: ("v",),
    LifExp: ("v", "i_syn"),
    LifExpEI: ("v",),
}
CURRENT_ROWS = {LifExp: ("i_syn",), LifExpEI: ("i_exc", "i_inh")}


def exact_models() -> list[str]:
    """Return the names of the models that run on the exact engine."""
    own = [c.__name__ for c, m in registered_neurons().items() if m.exact is not None]
    return [*(c.__name__ for c in MODELS), *sorted(own)]


def ports_of(pop: Population) -> tuple[str, ...]:
    """Return the ports at which events can arrive on the exact engine."""
    if type(pop.model) in INPUT_PORTS:
        return INPUT_PORTS[type(pop.model)]
    return tuple(model_of(pop.model).arrivals)


def unsupported(net: Network) -> str | None:
    """Return why a network cannot run on the exact engine, None if it can."""
    for p in net.populations.values():
        if type(p.model) not in MODELS and model_of(p.model).exact is None:
            return (
                f"population {p.name!r}: {type(p.model).__name__} has no solution "
                f"between events; models that have one: {', '.join(exact_models())}; "
                "register_neuron(..., exact=...) gives one to your own"
            )
        if isinstance(p.model, LifExpEI) and np.any(
            np.asarray(p.model.tau_exc) != np.asarray(p.model.tau_inh)
        ):
            return (
                f"population {p.name!r}: LifExpEI needs tau_exc == tau_inh; two "
                "different synaptic time constants run on the grid only"
            )
    if net.convention == "brian2":
        return "convention 'brian2' is an order within a step; use 'nest' or 'nir'"
    for name, s in net.sources.items():
        if not isinstance(s, Events | SpikeList):
            return (
                f"stimulus {name!r}: frames belong to a step; use Events or SpikeList"
            )
    for r in net.records.values():
        model = net.populations[r.population].model
        rows = _RECORDED.get(type(model), model_of(model).state)
        for v in r.variables:
            if v not in rows:
                return (
                    f"Record({r.population!r}): state {v!r} belongs to a step; here: "
                    f"{', '.join(rows)}"
                )
    for d in net.drives:
        if isinstance(d, Poisson):
            if d.port not in ports_of(net.populations[d.target]):
                return f"{d.name!r}: Poisson events into port {d.port!r}"
        elif not isinstance(d, Current) or d.times is not None or d.port != "current":
            return (
                f"{type(d).__name__} -> {d.target!r}: only a constant Current into "
                "the port 'current'"
            )
        elif type(net.populations[d.target].model) not in MODELS:
            return (
                f"Current -> {d.target!r}: make it a parameter of "
                f"{type(net.populations[d.target].model).__name__}"
            )
    for name, q in zip(net.names, net.projections, strict=True):
        if q.plasticity is not None or q.gain is not None:
            return f"projection {name!r}: plasticity and gains need a step"
        if isinstance(q.rule, WeightSource):
            return f"projection {name!r}: hardware weights need a step"
        if q.port not in ports_of(net.populations[q.post]):
            return f"projection {name!r}: port {q.port!r} acts over a step"
        if q.delay is None and q.pre in net.populations:
            return f"projection {name!r}: needs a delay > 0"
    return None


def prefer_exact(net: Network) -> tuple[bool, str]:
    """Decide for ``engine="auto"`` by the measured crossover.

    The exact engine is taken for networks driven by microsecond streams whose neurons
    are hit more rarely than ``c_step / (c_event dt)``: for other inputs the step is the
    user's own statement of the time resolution.

    Returns
    -------
    bool
        Whether to take the exact engine.
    str
        Why, for the log.
    """
    streams = [s for s in net.sources.values() if isinstance(s, Events)]
    if not streams:
        return False, "no stream with microsecond times"
    reason = unsupported(net)
    if reason is not None:
        return False, reason
    n = sum(p.n for p in net.populations.values())
    last = max((float(s.t_us[-1]) * 1e-6 for s in streams if len(s.t_us)), default=0.0)
    if n == 0 or last == 0.0:
        return False, "no events"
    rate = 0.0
    for q in net.projections:
        size = getattr(q.rule, "size", None)
        n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
        rows = (
            float(size(n_pre, n_post))
            if callable(size)
            else float(getattr(q.rule, "weights", np.zeros(n_pre * n_post)).size)
        ) / max(n_pre, 1)
        source = net.sources.get(q.pre)
        per_s = (
            _ASSUMED_RATE_HZ * n_pre
            if source is None
            else len(np.asarray(getattr(source, "channels", ()))) / last
        )
        rate += rows * per_s / n
    for d in net.drives:
        if isinstance(d, Poisson):
            rate += float(np.mean(d.rate_hz)) * net.populations[d.target].n / n
    step = max(_STEP_NS.get(type(p.model), 1.5) for p in net.populations.values())
    crossover = step / (_EVENT_NS * net.dt)
    return rate < crossover, (
        f"about {rate:.0f} events per second and neuron (recurrent part at an assumed "
        f"{_ASSUMED_RATE_HZ:.0f} spikes/s), crossover {crossover:.0f} at "
        f"dt = {net.dt:g} s"
    )


def choose_engine(net: Network, engine: str) -> str:
    """Return "grid" or "exact" for the option of ``build``; say why in the log."""
    if engine not in ("auto", "grid", "exact"):
        raise ParameterError(
            f"Network.build: engine must be 'auto', 'grid' or 'exact', got {engine!r}"
        )
    if engine != "auto":
        return engine
    exact, why = prefer_exact(net)
    taken = "exact" if exact else "grid"
    log.info("engine='auto' takes %s: %s", taken, why)
    return taken
