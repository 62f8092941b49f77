"""Write a :class:`~neuro.network.Network` as a NIR graph.

The inverse of :mod:`neuro.network.nir_reader`: populations become neurons, projections
``Linear`` nodes (``Affine`` where a constant current enters), delays ``Delay`` nodes.
What NIR cannot say (refractory times, reset by subtraction, other models, random
drives, weights that learn) is refused by name.
"""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import MemoryLimitError, UnsupportedNodeError, optional_import
from neuro.network.description import Population, Projection
from neuro.network.distributions import Distribution
from neuro.network.expand import expand
from neuro.network.models import (
    CubaLi,
    IfDelta,
    Li,
    LifDelta,
    LifExp,
    Relay,
    ThresholdUnit,
)
from neuro.network.models.discrete import (
    EulerCubaLi,
    EulerCubaLif,
    EulerLi,
    EulerLif,
)
from neuro.network.network import Network
from neuro.network.nir_graph import strongly_connected
from neuro.network.registry import model_of
from neuro.network.stimuli import Current, Frames

__all__ = ["to_nir", "write_nir"]

Array = NDArray[np.float64]
_LARGEST = 2**28  # entries of one dense matrix: 2 GB


class _Neuron(NamedTuple):
    """A node to be, and the factors from our weights to NIR's."""

    kind: str
    fields: dict[str, Any]
    bias: Any = 0.0
    spike: dict[str, Any] | None = None  # factor by port
    real: dict[str, Any] | None = None


_WRITERS: dict[type, Callable[[Any, Network], _Neuron]] = {}


def _model(cls: type) -> Callable[[Any], Any]:
    def register(write: Any) -> Any:
        _WRITERS[cls] = write
        return write

    return register


def _refuse(pop: str, what: str) -> UnsupportedNodeError:
    return UnsupportedNodeError(f"to_nir: population {pop!r}: {what}")


def _plain(pop: Population) -> None:
    m = pop.model
    if np.any(np.asarray(getattr(m, "t_ref", 0.0))):
        raise _refuse(pop.name, "NIR has no refractory time; set t_ref=0")
    if getattr(m, "reset", "value") != "value":
        raise _refuse(pop.name, "NIR resets to a value; reset='subtract' is not in it")


def _start(pop: Population) -> Array:
    """Return the voltage a population starts at; 0 for one that is drawn."""
    own = getattr(pop.model, "initial", None)
    value = {**(own() if own else {}), **(pop.init or {})}.get("v", 0.0)
    return np.asarray(0.0 if isinstance(value, Distribution) else value, np.float64)


@_model(LifDelta)
def _lif(pop: Population, net: Network) -> _Neuron:
    _plain(pop)
    m = pop.model
    fields = {
        "tau": m.tau_mem,
        "r": m.r,
        "v_leak": m.v_leak,
        "v_threshold": m.v_threshold,
        "v_reset": m.v_reset,
    }
    return _Neuron(
        "LIF", fields, m.i_e, {"input": np.asarray(m.tau_mem) / m.r}, {"current": 1.0}
    )


@_model(IfDelta)
def _if(pop: Population, net: Network) -> _Neuron:
    _plain(pop)
    m = pop.model
    fields = {"r": m.r, "v_threshold": m.v_threshold, "v_reset": m.v_reset}
    return _Neuron(
        "IF", fields, m.i_e, {"input": 1.0 / np.asarray(m.r)}, {"current": 1.0}
    )


@_model(LifExp)
def _cuba_lif(pop: Population, net: Network) -> _Neuron:
    _plain(pop)
    m = pop.model
    start = np.broadcast_to(np.asarray((pop.init or {}).get("i_syn", 0.0)), pop.n)
    if np.any(start + np.asarray(m.i_e)):
        raise _refuse(
            pop.name,
            "a constant input of a CubaLIF settles with tau_syn; i_e without "
            "init={'i_syn': -i_e} cannot be written",
        )
    share = -np.expm1(-net.dt / np.asarray(m.tau_syn))
    fields = {
        "tau_syn": m.tau_syn,
        "tau_mem": m.tau_mem,
        "r": m.r,
        "v_leak": m.v_leak,
        "v_threshold": m.v_threshold,
        "v_reset": m.v_reset,
        "w_in": 1.0,
    }
    return _Neuron(
        "CubaLIF", fields, m.i_e, {"input": m.tau_syn}, {"input": 1.0 / share}
    )


@_model(Li)
def _li(pop: Population, net: Network) -> _Neuron:
    m = pop.model
    start = _start(pop)
    bias = (np.asarray(m.v_leak) - start) / m.r
    fields = {"tau": m.tau_mem, "r": m.r, "v_leak": start}
    return _Neuron(
        "LI", fields, bias, {"input": np.asarray(m.tau_mem) / m.r}, {"current": 1.0}
    )


@_model(CubaLi)
def _cuba_li(pop: Population, net: Network) -> _Neuron:
    m = pop.model
    share = -np.expm1(-net.dt / np.asarray(m.tau_syn))
    # a constant input that sets in at 0 is a current that starts at its negative
    bias = -np.asarray((pop.init or {}).get("i_syn", 0.0), float)
    fields = {
        "tau_syn": m.tau_syn,
        "tau_mem": m.tau_mem,
        "r": m.r,
        "v_leak": m.v_leak - m.r * bias,
        "w_in": 1.0,
    }
    return _Neuron("CubaLI", fields, bias, {"input": m.tau_syn}, {"input": 1.0 / share})


@_model(EulerLif)
@_model(EulerLi)
def _euler(pop: Population, net: Network) -> _Neuron:
    m = pop.model
    spikes = isinstance(m, EulerLif)
    keep, gain = np.asarray(m.keep, float), np.asarray(m.gain, float)
    out = {"v_threshold": m.v_threshold, "v_reset": m.v_reset} if spikes else {}
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = np.where(gain != 0, m.drive / gain, 0.0)
        # a cell of NIR starts at v_leak; the rest of the drive is a constant input
        rest = (m.drive - (1 - keep) * _start(pop)) / gain
        rest = np.where(gain != 0, rest, 0.0)
    one = {"input": 1.0}
    if np.all(keep == 1):
        fields = {"r": gain / net.dt, **out}
        return _Neuron("IF" if spikes else "I", fields, bias, one, one)
    if np.any(keep >= 1):
        raise _refuse(pop.name, "keep must be below 1 for all neurons, or 1 for all")
    tau = net.dt / (1 - keep)
    leak = np.where(gain != 0, _start(pop), m.drive / (1 - keep))
    fields = {"tau": tau, "r": gain * tau / net.dt, "v_leak": leak, **out}
    return _Neuron("LIF" if spikes else "LI", fields, rest, one, one)


@_model(EulerCubaLif)
@_model(EulerCubaLi)
def _euler_cuba(pop: Population, net: Network) -> _Neuron:
    m = pop.model
    spikes = isinstance(m, EulerCubaLif)
    if np.any(np.asarray(m.keep) >= 1) or np.any(np.asarray(m.keep_i) >= 1):
        raise _refuse(pop.name, "keep and keep_i must be below 1")
    tau = net.dt / (1 - np.asarray(m.keep, float))
    tau_s = net.dt / (1 - np.asarray(m.keep_i, float))
    out = {"v_threshold": m.v_threshold, "v_reset": m.v_reset} if spikes else {}
    fields = {
        "tau_syn": tau_s,
        "tau_mem": tau,
        "r": m.gain * tau / net.dt,
        "v_leak": m.drive * tau / net.dt,
        "w_in": m.gain_i * tau_s / net.dt,
        **out,
    }
    bias = np.asarray(m.drive_i) / m.gain_i
    one = {"input": 1.0}
    return _Neuron("CubaLIF" if spikes else "CubaLI", fields, bias, one, one)


@_model(ThresholdUnit)
def _threshold(pop: Population, net: Network) -> _Neuron:
    one = {"input": 1.0}
    return _Neuron("Threshold", {"threshold": pop.model.v_threshold}, 0.0, one, one)


@_model(Relay)
def _relay(pop: Population, net: Network) -> _Neuron:
    one = {"input": 1.0}
    return _Neuron("Scale", {"scale": 1.0}, 0.0, one, one)


def _neuron(pop: Population, net: Network) -> _Neuron:
    write = _WRITERS.get(type(pop.model))
    if write is None:
        known = ", ".join(sorted(c.__name__ for c in _WRITERS))
        raise _refuse(
            pop.name,
            f"{type(pop.model).__name__} has no NIR node; those with one: {known}",
        )
    return write(pop, net)


def _constants(net: Network, neurons: dict[str, _Neuron]) -> dict[str, Array]:
    """Constant input of each population, in NIR's terms."""
    out = {}
    for name, pop in net.populations.items():
        bias = np.broadcast_to(np.asarray(neurons[name].bias, float), pop.n).copy()
        for d in net.drives:
            if d.target != name:
                continue
            factors = neurons[name].real or {}
            if not isinstance(d, Current) or d.times is not None:
                raise _refuse(
                    name, f"a {type(d).__name__} drive cannot be written; use a source"
                )
            if d.port not in factors:
                raise _refuse(name, f"a current into port {d.port!r} is not in NIR")
            bias += np.asarray(d.amplitude) * factors[d.port]
        if bias.any():
            out[name] = bias
    return out


def _warn_of_start(
    net: Network, pop: Population, fields: dict[str, Array], seed: int
) -> None:
    rows = model_of(pop.model).state
    if "v" not in rows or type(pop.model) in (Relay, ThresholdUnit):
        return
    start, said = (
        net.initial(pop.name, seed)[rows.index("v")],
        fields.get("v_leak", 0.0),
    )
    if not np.allclose(start, said, rtol=1e-9, atol=1e-12):
        warnings.warn(
            f"to_nir: population {pop.name!r}: NIR has no initial state; it is read as "
            "starting at v_leak (IF: 0), not as given",
            stacklevel=3,
        )


def to_nir(net: Network, *, seed: int = 0, outputs: Iterable[str] | None = None) -> Any:
    """Return the network as a ``nir.NIRGraph``.

    Parameters
    ----------
    net : Network
        The description.
    seed : int
        Seed of the build: connectivity and weights that are drawn are drawn with it.
    outputs : iterable of str, optional
        Populations shown by Output nodes; by default those without projections that
        leave their own cycle.

    Raises
    ------
    UnsupportedNodeError
        A part has no counterpart in NIR; the message has its name.

    Notes
    -----
    Networks of the models ``Euler...`` are meant to be read with
    ``semantics="euler"`` and the same step, the others with ``"continuous"``; the
    graph's metadata say which. Matrices are dense.
    """
    nir = optional_import("nir", "nir")
    neurons = {k: _neuron(p, net) for k, p in net.populations.items()}
    bias = _constants(net, neurons)
    cyclic = strongly_connected(
        [*net.populations, *net.sources], [(q.pre, q.post) for q in net.projections]
    )
    nodes: dict[str, Any] = {
        name: nir.Input(np.array([s.n])) for name, s in net.sources.items()
    }
    edges: list[tuple[str, str]] = []
    for name, pop in net.populations.items():
        fields = {
            k: np.array(np.broadcast_to(np.asarray(v, np.float64), pop.n))
            for k, v in neurons[name].fields.items()
        }
        nodes[name] = getattr(nir, neurons[name].kind)(**fields)
        _warn_of_start(net, pop, fields, seed)
    for name, q in zip(net.names, net.projections, strict=True):
        parts = _matrices(net, name, q, neurons[q.post], seed)
        for delay, w in parts:
            label = _free(f"{q.pre} to {q.post}", nodes)
            constant = bias.pop(q.post, None)
            nodes[label] = (
                nir.Linear(w) if constant is None else nir.Affine(w, constant)
            )
            source = q.pre
            own_step = (q.pre, q.post) in cyclic and round(delay / net.dt) == 1
            if delay > 0 and not own_step:
                late = _free(f"delay {label}", nodes)
                nodes[late] = nir.Delay(np.full(net.n_of(q.pre), delay))
                edges.append((source, late))
                source = late
            edges += [(source, label), (label, q.post)]
    if bias:
        raise _refuse(
            next(iter(bias)), "a constant input needs at least one projection into it"
        )
    onward = {q.pre for q in net.projections if (q.pre, q.post) not in cyclic}
    shown = (
        list(outputs)
        if outputs is not None
        else [p for p in net.populations if p not in onward]
    )
    for name in shown:
        label = _free(f"output {name}" if len(shown) > 1 else "output", nodes)
        nodes[label] = nir.Output(np.array([net.n_of(name)]))
        edges.append((name, label))
    euler = any("Euler" in type(p.model).__name__ for p in net.populations.values())
    meta = {"semantics": "euler" if euler else "continuous", "dt": net.dt}
    return nir.NIRGraph(nodes, edges, metadata=meta)


def _free(name: str, nodes: dict[str, Any]) -> str:
    label, k = name, 2
    while label in nodes:
        label, k = f"{name} {k}", k + 1
    return label.replace("/", "_")


def _matrices(
    net: Network, name: str, q: Projection, neuron: _Neuron, seed: int
) -> list[tuple[float, Array]]:
    """Dense matrices by delay (seconds)."""
    if q.plasticity is not None or q.gain is not None:
        raise UnsupportedNodeError(
            f"to_nir: projection {name!r}: plasticity and gains are not in NIR"
        )
    n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
    pre = net.populations.get(q.pre)
    real = (
        model_of(pre.model).output is not None
        if pre is not None
        else isinstance(net.sources[q.pre], Frames)
        and getattr(net.sources[q.pre], "values", "") == "real"
    )
    factors = (neuron.real if real else neuron.spike) or {}
    if q.port not in factors:
        raise UnsupportedNodeError(
            f"to_nir: projection {name!r}: {'real values' if real else 'spikes'} into "
            f"port {q.port!r} are not in NIR; ports that can be written: "
            f"{', '.join(factors)}"
        )
    if n_pre * n_post > _LARGEST:
        raise MemoryLimitError(
            f"to_nir: projection {name!r}: a dense matrix of {n_post} x {n_pre} takes "
            f"{8e-9 * n_pre * n_post:.1f} GB; NIR has no sparse one"
        )
    s = expand(q, n_pre, n_post, name=name, dt=net.dt, seed=seed)
    factor = np.broadcast_to(np.asarray(factors[q.port], np.float64), n_post)
    out = []
    for steps in np.unique(s.delay):
        at = s.delay == steps
        w = np.zeros((n_post, n_pre))
        np.add.at(w, (s.post[at], s.pre[at]), s.weight[at] * factor[s.post[at]])
        out.append((float(steps) * net.dt, w))
    return out


def write_nir(net: Network, path: str | Path, **options: Any) -> None:
    """Write :func:`to_nir` of a network to a file (HDF5).

    Parameters
    ----------
    net : Network
        The description.
    path : str or Path
        File to write, customarily ``*.nir``.
    **options
        Handed to :func:`to_nir`.
    """
    optional_import("nir", "nir").write(Path(path), to_nir(net, **options))
