"""The same network in Brian2, for cross-checks.

With ``convention="brian2"`` and double precision both run the same arithmetic on the
same step: spike trains are equal, not merely similar. Values are passed as plain
numbers in SI units (voltages as ``1``), so that networks without units work too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neuro.errors import UnsupportedNodeError, optional_import
from neuro.network.description import Population
from neuro.network.expand import expand
from neuro.network.models import (
    Adex,
    Alif,
    IfDelta,
    Izhikevich,
    LifAlpha,
    LifCondExp,
    LifDelta,
    LifExp,
    LifExpEI,
)
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.stimuli import Current, Frames, Poisson, to_steps

__all__ = ["Brian2Network", "to_brian2"]


@dataclass(frozen=True)
class _Model:
    """Equations of a model as text.

    ``ports`` names the variable an arrival adds to; ``each_step`` is code run every
    step in the slot ``when``; ``early`` steps are taken off the delays, for models in
    which an arrival acts during the step in which it is due.
    """

    equations: str
    method: str
    ports: Mapping[str, str]
    threshold: str = "v > v_threshold"
    reset: str = "v = v_reset"
    each_step: str = ""
    when: str = "groups"
    early: int = 0


_IZHIKEVICH = "(0.04*v**2 + 5*v + 140 - u + arriving + i_e)"
_HALF_STEPS = f"""
v += 0.5*dt/ms*{_IZHIKEVICH}
v += 0.5*dt/ms*{_IZHIKEVICH}
u += dt/ms*a*(b*v - u)
arriving = 0
"""
_EULER = f"""
slope = {_IZHIKEVICH}
u += dt/ms*a*(b*v - u)
v += dt/ms*slope
arriving = 0
"""
_TEXT: dict[type, _Model] = {
    IfDelta: _Model(
        "dv/dt = r*i_e/second : 1 (unless refractory)", "euler", {"input": "v"}
    ),
    LifDelta: _Model(
        "dv/dt = (v_leak - v + r*i_e)/tau_mem : 1 (unless refractory)",
        "exact",
        {"input": "v"},
    ),
    LifExp: _Model(
        """dv/dt = (v_leak - v + r*(i_e + i_syn))/tau_mem : 1 (unless refractory)
           di_syn/dt = -i_syn/tau_syn : 1""",
        "exact",
        {"input": "i_syn"},
    ),
    LifExpEI: _Model(
        """dv/dt = (v_leak - v + r*(i_e + i_exc + i_inh))/tau_mem : 1
                   (unless refractory)
           di_exc/dt = -i_exc/tau_exc : 1
           di_inh/dt = -i_inh/tau_inh : 1""",
        "exact",
        {"exc": "i_exc", "inh": "i_inh"},
    ),
    LifAlpha: _Model(
        """dv/dt = (v_leak - v + r*(i_e + i_syn))/tau_mem : 1 (unless refractory)
           di_syn/dt = slope/second - i_syn/tau_syn : 1
           dslope/dt = -slope/tau_syn : 1""",
        "exact",
        {"input": "slope"},
    ),
    Alif: _Model(
        """dv/dt = (v_leak - v + r*(i_e + i_syn - (1 - raised)*adaptation))/tau_mem : 1
                   (unless refractory)
           di_syn/dt = -i_syn/tau_syn : 1
           dadaptation/dt = -adaptation/tau_adapt : 1""",
        "exact",
        {"input": "i_syn"},
        threshold="v > v_threshold + raised*adaptation",
        reset="v = v_reset; adaptation += b",
    ),
    LifCondExp: _Model(
        """dv/dt = (g_leak*(v_leak - v) + g_exc*(e_exc - v) + g_inh*(e_inh - v)
                    + i_e)/c/second : 1 (unless refractory)
           dg_exc/dt = -g_exc/tau_exc : 1
           dg_inh/dt = -g_inh/tau_inh : 1""",
        "exponential_euler",
        {"exc": "g_exc", "inh": "g_inh"},
    ),
    Adex: _Model(
        """dv/dt = (g_leak*(v_leak - clip(v, -1, v_peak)) - w + i_e
                    + g_leak*delta*exp((clip(v, -1, v_peak) - v_t)/delta)
                    + i_syn*exp(-(t - began)/tau_syn))/c/second : 1 (unless refractory)
           dw/dt = (a*(clip(v, -1, v_peak) - v_leak) - w)/tau_w : 1
           i_syn : 1
           began : second""",
        "rk4",
        {"input": "i_syn"},
        threshold="v >= v_peak",
        reset="v = v_reset; w += b",
        each_step="i_syn *= exp(-dt/tau_syn); began = t + dt",
        when="after_groups",
    ),
    Izhikevich: _Model(
        """v : 1
           u : 1
           arriving : 1""",
        "euler",
        {"input": "arriving", "current": "arriving"},
        threshold="v >= v_peak",
        reset="v = c; u += d",
        each_step=_HALF_STEPS,
        early=1,
    ),
}
_TIMES = ("tau_mem", "tau_syn", "tau_exc", "tau_inh", "tau_adapt", "tau_w", "t_ref")


@dataclass(frozen=True)
class Brian2Network:
    """Brian2 objects of a network.

    Attributes
    ----------
    network : brian2.Network
        All of them; ``network.run(duration * second)``.
    groups, synapses, spikes : dict
        Neuron groups and sources, synapses, spike monitors by name.
    """

    network: Any
    groups: dict[str, Any]
    synapses: dict[str, Any]
    spikes: dict[str, Any]


def _group(b2: Any, net: Network, pop: Population, seed: int) -> Any:
    m = pop.model
    if type(m) not in _TEXT:
        names = ", ".join(c.__name__ for c in _TEXT)
        raise UnsupportedNodeError(
            f"to_brian2: population {pop.name!r}: no equations for "
            f"{type(m).__name__}; models with equations: {names}"
        )
    text = _TEXT[type(m)]
    values = {
        f.name: getattr(m, f.name)
        for f in fields(m)
        if not isinstance(getattr(m, f.name), str)
    }
    shift = sum(
        (
            np.asarray(d.amplitude, np.float64)
            for d in net.drives
            if isinstance(d, Current) and d.target == pop.name
        ),
        np.zeros(()),
    )
    values["i_e"] = np.asarray(values["i_e"]) + shift
    if isinstance(m, Alif):
        values["raised"] = float(m.adaptation == "threshold")
    lines = [f"{k} : {'second' if k in _TIMES else '1'} (constant)" for k in values]
    subtract = getattr(m, "reset", "value") == "subtract"
    group = b2.NeuronGroup(
        pop.n,
        "\n".join([text.equations, *lines]),
        threshold=text.threshold,
        reset=text.reset.replace("v = v_reset", "v -= v_threshold")
        if subtract
        else text.reset,
        refractory="t_ref" if "t_ref" in values else False,
        method=text.method,
        dt=net.dt * b2.second,
        name=_identifier(pop.name),
    )
    for k, value in values.items():
        unit = b2.second if k in _TIMES else 1
        setattr(group, k, np.broadcast_to(np.asarray(value, float), pop.n) * unit)
    for k, row in zip(model_of(m).state, net.initial(pop.name, seed), strict=True):
        if k != "refractory":
            setattr(group, k, row)
    if text.each_step:
        euler = getattr(m, "method", "") == "euler"
        code = _EULER if euler else text.each_step
        group.run_regularly(code, when=text.when)
    return group


def _identifier(name: str) -> str:
    text = "".join(c if c.isalnum() else "_" for c in name)
    return f"n_{text}"


def to_brian2(net: Network, *, seed: int = 0) -> Brian2Network:
    """Return the network as Brian2 objects.

    Parameters
    ----------
    net : Network
        Static synapses, models with text equations, constant currents, Poisson drives,
        ``SpikeList`` and ``Events`` sources.
    seed : int
        Seed of the build: connectivity, weights and initial state are those of
        ``net.build(seed=seed)``.

    Raises
    ------
    UnsupportedNodeError
        A part has no counterpart here; the message has its name.

    Notes
    -----
    Spike for spike equality holds for ``convention="brian2"`` with
    ``precision="double"``; Poisson drives agree in distribution only.
    """
    b2 = optional_import("brian2", "brian")
    second = b2.second
    groups: dict[str, Any] = {}
    for name, pop in net.populations.items():
        groups[name] = _group(b2, net, pop, seed)
    for name, s in net.sources.items():
        if isinstance(s, Frames):
            raise UnsupportedNodeError(
                f"to_brian2: stimulus {name!r}: frames are not supported; use SpikeList"
            )
        steps, channels = to_steps(s, net.dt)
        if steps.size and np.unique(np.stack([steps, channels]), axis=1).shape[1] != (
            steps.size
        ):
            raise UnsupportedNodeError(
                f"to_brian2: stimulus {name!r}: two events of one channel in a step; "
                "Brian2's generators allow one"
            )
        groups[name] = b2.SpikeGeneratorGroup(
            s.n,
            channels,
            steps * net.dt * second,
            dt=net.dt * second,
            name=_identifier(name),
        )
    drives = []
    for d in net.drives:
        target = groups[d.target]
        if isinstance(d, Poisson) and d.times is None and np.ndim(d.rate_hz) == 0:
            variable = _TEXT[type(net.populations[d.target].model)].ports[d.port]
            # a binomial draw of many rare inputs: Poisson to 0.1 % of its variance
            parts = 1000 * max(1, math.ceil(float(d.rate_hz) * net.dt))
            rate = float(d.rate_hz) / parts / second
            drives.append(
                b2.PoissonInput(target, variable, parts, rate, float(d.weight))
            )
        elif not isinstance(d, Current) or d.times is not None:
            raise UnsupportedNodeError(
                f"to_brian2: {type(d).__name__} -> {d.target!r}: constant currents and "
                "constant Poisson rates only"
            )
    synapses: dict[str, Any] = {}
    for name, q in zip(net.names, net.projections, strict=True):
        if q.plasticity is not None or q.gain is not None:
            raise UnsupportedNodeError(
                f"to_brian2: projection {name!r}: static synapses only"
            )
        model = net.populations[q.post].model
        text = _TEXT[type(model)]
        port = text.ports.get(q.port)
        if port is None:
            raise UnsupportedNodeError(
                f"to_brian2: projection {name!r}: port {q.port!r} is not supported"
            )
        edges = expand(
            q, net.n_of(q.pre), net.n_of(q.post), name=name, dt=net.dt, seed=seed
        )
        if text.early and edges.delay.size and edges.delay.min() < text.early:
            raise UnsupportedNodeError(
                f"to_brian2: projection {name!r}: {type(model).__name__} needs delays "
                "of at least one step"
            )
        effect = "weight"
        if isinstance(model, LifAlpha):
            effect = "weight*e_number*second/tau_syn_post"
        made = b2.Synapses(
            groups[q.pre],
            groups[q.post],
            "weight : 1 (constant)",
            on_pre=f"{port}_post += {effect}",
            namespace={"e_number": float(np.e)},
            name=f"s_{len(synapses)}",
            dt=net.dt * second,
        )
        if edges.pre.size:
            made.connect(i=edges.pre, j=edges.post)
            made.weight = edges.weight
            made.delay = (edges.delay - text.early) * net.dt * second
        else:
            made.connect(condition="False")
        synapses[name] = made
    monitors = {
        name: b2.SpikeMonitor(groups[name], name=f"m{_identifier(name)}")
        for name in net.populations
    }
    network = b2.Network(
        *groups.values(), *synapses.values(), *monitors.values(), *drives
    )
    return Brian2Network(network, groups, synapses, monitors)
