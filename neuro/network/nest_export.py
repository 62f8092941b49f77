"""Write a network as a NEST script and arrays: the route to clusters with MPI.

``to_nest`` makes a folder that needs neither this package nor the machine it was made
on: ``network.json`` (models, parameters, stimuli), ``arrays.npz`` (every synapse),
``run_nest.py`` (builds, runs, writes spikes as npz). Run it with
``mpirun -n 4 python run_nest.py --ms 1000`` where NEST has MPI.
"""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from neuro.errors import ParameterError, UnsupportedNodeError
from neuro.network.description import Population
from neuro.network.expand import expand
from neuro.network.models import (
    Adex,
    LifAlpha,
    LifCondExp,
    LifDelta,
    LifExp,
    LifExpEI,
)
from neuro.network.network import Network
from neuro.network.stimuli import Current, Events, Frames, Poisson, SpikeList, to_steps
from neuro.results import atomic_write, write_arrays, write_json

__all__ = ["to_nest"]


def _membrane(m: Any, **extra: Any) -> dict[str, Any]:
    """Volts, amperes, farads, seconds -> mV, pA, pF, ms; C = tau / R."""
    if m.reset != "value":
        raise ParameterError("NEST's models reset to a value; reset='subtract' is not")
    return {
        "E_L": np.asarray(m.v_leak) * 1e3,
        "V_th": np.asarray(m.v_threshold) * 1e3,
        "V_reset": np.asarray(m.v_reset) * 1e3,
        "C_m": np.asarray(m.tau_mem) / m.r * 1e12,
        "tau_m": np.asarray(m.tau_mem) * 1e3,
        "t_ref": np.asarray(m.t_ref) * 1e3,
        "I_e": np.asarray(m.i_e) * 1e12,
        **extra,
    }


def _exp(m: Any, precise: bool) -> tuple[str, dict[str, Any], dict[str, float]]:
    tau = np.asarray(m.tau_syn) * 1e3
    name = "iaf_psc_exp_ps" if precise else "iaf_psc_exp"
    return name, _membrane(m, tau_syn_ex=tau, tau_syn_in=tau), {"input": 1e12}


def _exp_ei(m: Any, precise: bool) -> tuple[str, dict[str, Any], dict[str, float]]:
    name = "iaf_psc_exp_ps" if precise else "iaf_psc_exp"
    taus = {
        "tau_syn_ex": np.asarray(m.tau_exc) * 1e3,
        "tau_syn_in": np.asarray(m.tau_inh) * 1e3,
    }
    return name, _membrane(m, **taus), {"exc": 1e12, "inh": 1e12}


def _delta(m: Any, precise: bool) -> tuple[str, dict[str, Any], dict[str, float]]:
    name = "iaf_psc_delta_ps" if precise else "iaf_psc_delta"
    return name, _membrane(m), {"input": 1e3}


def _alpha(m: Any, precise: bool) -> tuple[str, dict[str, Any], dict[str, float]]:
    tau = np.asarray(m.tau_syn) * 1e3
    name = "iaf_psc_alpha_ps" if precise else "iaf_psc_alpha"
    return name, _membrane(m, tau_syn_ex=tau, tau_syn_in=tau), {"input": 1e12}


def _conductance(m: Any, precise: bool) -> tuple[str, dict[str, Any], dict[str, float]]:
    values = {
        "E_L": np.asarray(m.v_leak) * 1e3,
        "E_ex": np.asarray(m.e_exc) * 1e3,
        "E_in": np.asarray(m.e_inh) * 1e3,
        "V_th": np.asarray(m.v_threshold) * 1e3,
        "V_reset": np.asarray(m.v_reset) * 1e3,
        "C_m": np.asarray(m.c) * 1e12,
        "g_L": np.asarray(m.g_leak) * 1e9,
        "tau_syn_ex": np.asarray(m.tau_exc) * 1e3,
        "tau_syn_in": np.asarray(m.tau_inh) * 1e3,
        "t_ref": np.asarray(m.t_ref) * 1e3,
        "I_e": np.asarray(m.i_e) * 1e12,
    }
    return "iaf_cond_exp", values, {"exc": 1e9, "inh": -1e9}


def _adex(m: Any, precise: bool) -> tuple[str, dict[str, Any], dict[str, float]]:
    tau = np.asarray(m.tau_syn) * 1e3
    values = {
        "C_m": np.asarray(m.c) * 1e12,
        "g_L": np.asarray(m.g_leak) * 1e9,
        "E_L": np.asarray(m.v_leak) * 1e3,
        "V_th": np.asarray(m.v_t) * 1e3,
        "V_peak": np.asarray(m.v_peak) * 1e3,
        "V_reset": np.asarray(m.v_reset) * 1e3,
        "Delta_T": np.asarray(m.delta) * 1e3,
        "a": np.asarray(m.a) * 1e9,
        "b": np.asarray(m.b) * 1e12,
        "tau_w": np.asarray(m.tau_w) * 1e3,
        "tau_syn_ex": tau,
        "tau_syn_in": tau,
        "t_ref": np.asarray(m.t_ref) * 1e3,
        "I_e": np.asarray(m.i_e) * 1e12,
    }
    return "aeif_psc_exp", values, {"input": 1e12}


_Writer = Callable[[Any, bool], tuple[str, dict[str, Any], dict[str, float]]]
_MODELS: dict[type, _Writer] = {
    LifExp: _exp,
    LifExpEI: _exp_ei,
    LifDelta: _delta,
    LifAlpha: _alpha,
    LifCondExp: _conductance,
    Adex: _adex,
}
_PRECISE = (LifExp, LifExpEI, LifDelta, LifAlpha)
_STATE = {  # state row -> NEST's name and factor
    "v": ("V_m", 1e3),
    "w": ("w", 1e12),
    "g_exc": ("g_ex", 1e9),
    "g_inh": ("g_in", 1e9),
}


def _population(
    net: Network, pop: Population, seed: int, precise: bool
) -> tuple[dict[str, Any], dict[str, float]]:
    write = _MODELS.get(type(pop.model))
    if write is None or (precise and type(pop.model) not in _PRECISE):
        known = _PRECISE if precise else tuple(_MODELS)
        raise UnsupportedNodeError(
            f"to_nest: population {pop.name!r}: {type(pop.model).__name__} has no "
            f"{'precise ' if precise else ''}NEST model here; those that have: "
            f"{', '.join(c.__name__ for c in known)}"
        )
    try:
        name, values, factors = write(pop.model, precise)
    except ParameterError as error:
        raise UnsupportedNodeError(
            f"to_nest: population {pop.name!r}: {error}"
        ) from None
    for d in net.drives:
        if isinstance(d, Current) and d.target == pop.name:
            if d.times is not None or d.port != "current":
                raise UnsupportedNodeError(
                    f"to_nest: Current -> {pop.name!r}: constant currents only"
                )
            values["I_e"] = values["I_e"] + np.asarray(d.amplitude) * 1e12
    state = net.initial(pop.name, seed)
    for row, (label, factor) in _STATE.items():
        from neuro.network.registry import model_of

        rows = model_of(pop.model).state
        if row in rows:
            values[label] = state[rows.index(row)] * factor
    plain = {}
    for k, v in values.items():
        flat = np.broadcast_to(np.asarray(v, np.float64), pop.n)
        same = flat.size and (flat == flat[0]).all()
        plain[k] = float(flat[0]) if same else flat.tolist()
    return {"model": name, "n": pop.n, "params": plain}, factors


def to_nest(
    net: Network, path: str | Path, *, seed: int = 0, precise: bool = False
) -> Path:
    """Write a network for NEST 3.

    Parameters
    ----------
    net : Network
        Static synapses; models with a counterpart in NEST; ``SpikeList`` and
        ``Events`` sources, Poisson drives, constant currents.
    path : str or Path
        Folder to make.
    seed : int
        Seed of the build: synapses and initial state are those of
        ``net.build(seed=seed)``.
    precise : bool
        Models with spikes off the grid (``..._ps``), the counterpart of
        ``engine="exact"``; stimuli keep their exact times.

    Returns
    -------
    Path
        The script.

    Raises
    ------
    UnsupportedNodeError
        A part has no counterpart; the message has its name.

    Notes
    -----
    NEST needs delays of at least one step and stimulus times after 0. In NEST the sign
    of a weight chooses the receptor. Poisson drives agree in distribution only.
    """
    if net.dimensionless or net.convention == "brian2":
        raise UnsupportedNodeError(
            "to_nest: needs a network with units and the convention 'nest' or 'nir'"
        )
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    described: dict[str, Any] = {"dt_ms": net.dt * 1e3, "precise": precise}
    described |= {"populations": {}, "sources": {}, "poisson": [], "projections": []}
    arrays: dict[str, Any] = {}
    factors: dict[str, dict[str, float]] = {}
    for name, pop in net.populations.items():
        described["populations"][name], factors[name] = _population(
            net, pop, seed, precise
        )
    for k, (name, s) in enumerate(net.sources.items()):
        if isinstance(s, Frames):
            raise UnsupportedNodeError(
                f"to_nest: stimulus {name!r}: frames have no counterpart; use SpikeList"
            )
        times, channels = _times(s, net.dt, precise)
        if times.size and times.min() <= 0:
            raise UnsupportedNodeError(
                f"to_nest: stimulus {name!r}: NEST needs times > 0, got "
                f"{times.min():g} ms; shift the stimulus"
            )
        described["sources"][name] = {"n": s.n, "key": f"source{k}"}
        arrays[f"source{k}_times"], arrays[f"source{k}_channels"] = times, channels
    for d in net.drives:
        if isinstance(d, Poisson):
            if d.times is not None or np.ndim(d.rate_hz):
                raise UnsupportedNodeError(
                    f"to_nest: {d.name!r}: one constant rate only"
                )
            described["poisson"].append(
                {
                    "target": d.target,
                    "rate": float(d.rate_hz),
                    "weight": float(d.weight) * factors[d.target][d.port],
                }
            )
        elif not isinstance(d, Current):
            raise UnsupportedNodeError(
                f"to_nest: {type(d).__name__} -> {d.target!r} has no counterpart here"
            )
    for k, (name, q) in enumerate(zip(net.names, net.projections, strict=True)):
        if q.plasticity is not None or q.gain is not None or q.delay is None:
            raise UnsupportedNodeError(
                f"to_nest: projection {name!r}: static synapses with a delay only"
            )
        if q.port not in factors[q.post]:
            raise UnsupportedNodeError(
                f"to_nest: projection {name!r}: port {q.port!r} is not supported"
            )
        edges = expand(
            q, net.n_of(q.pre), net.n_of(q.post), name=name, dt=net.dt, seed=seed
        )
        weight = edges.weight * factors[q.post][q.port]
        _check_sign(name, q.port, weight)
        key = f"projection{k}"
        described["projections"].append({"pre": q.pre, "post": q.post, "key": key})
        arrays[f"{key}_pre"], arrays[f"{key}_post"] = edges.pre, edges.post
        arrays[f"{key}_weight"] = weight
        arrays[f"{key}_delay"] = np.round(edges.delay * net.dt * 1e3, 9)
    write_json(folder / "network.json", described)
    write_arrays(folder / "arrays.npz", arrays)
    script = resources.files("neuro.network").joinpath("_nest_script.py").read_text()
    atomic_write(folder / "run_nest.py", lambda f: f.write(script.encode()))
    return folder / "run_nest.py"


def _times(s: SpikeList | Events, dt: float, precise: bool) -> tuple[Any, Any]:
    if not precise:
        steps, channels = to_steps(s, dt)
        return np.round(steps * dt * 1e3, 9), channels
    if isinstance(s, Events):
        return np.asarray(s.t_us, np.float64) * 1e-3, np.asarray(s.channels)
    return np.asarray(s.times) * 1e3, np.asarray(s.channels)


def _check_sign(name: str, port: str, weight: Any) -> None:
    wrong = (weight < 0) if port == "exc" else (weight > 0)
    if port in ("exc", "inh") and np.any(wrong):
        k = int(np.argmax(wrong))
        raise UnsupportedNodeError(
            f"to_nest: projection {name!r}: weight[{k}] has the sign of the other "
            f"receptor; NEST chooses the receptor by the sign"
        )
