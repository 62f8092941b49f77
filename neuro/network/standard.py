"""Standard networks of the field, with the parameters of their papers.

Used by ``neuro bench engine``, by the experiments and as worked examples. Each function
returns a :class:`~neuro.network.Network`; nothing is allocated before it is built.

References
----------
.. [1] Vogels & Abbott, J. Neurosci. 25:10786 (2005); Brette et al., J. Comput.
   Neurosci. 23:349 (2007), benchmarks 1 (COBA) and 2 (CUBA).
.. [2] Brunel, J. Comput. Neurosci. 8:183 (2000), model A.
.. [3] Morrison, Aertsen & Diesmann, Neural Comput. 19:1437 (2007).
.. [4] Potjans & Diesmann, Cereb. Cortex 24:785 (2014).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.network.description import Population, Projection
from neuro.network.distributions import Normal, Uniform
from neuro.network.models import LifCondExp, LifDelta, LifExp, LifExpEI
from neuro.network.network import Network
from neuro.network.plasticity import PowerLawStdp
from neuro.network.rules import FixedIndegree, FixedTotal, Pairs
from neuro.network.stimuli import Events, Poisson
from neuro.random import stream

__all__ = [
    "MICROCIRCUIT_POPULATIONS",
    "MICROCIRCUIT_RATES_HZ",
    "brunel",
    "camera",
    "camera_events",
    "microcircuit",
    "vogels_abbott",
]


def vogels_abbott(
    model: str = "cuba",
    *,
    scale: float = 1.0,
    dt: float = 1e-4,
    seed: int = 1,
    records: tuple[Any, ...] = (),
) -> Network:
    """Sparse network of 4,000 neurons with in-degree 64 + 16, without a drive.

    Parameters
    ----------
    model : {"cuba", "coba"}
        Current- or conductance-based synapses.
    scale : float
        Factor on the number of neurons, at the same in-degree.
    dt : float
        Step, seconds; the delay is 0.1 ms or one step.
    seed : int
        Seed of the initial state.
    records : tuple of Record
        Recorders.
    """
    n = int(4000 * scale)
    n_exc = int(0.8 * n)
    sizes = {"E": n_exc, "I": n - n_exc}
    delay = max(1e-4, dt)
    init: dict[str, dict[str, Any]] = {k: {"v": Uniform(-60e-3, -50e-3)} for k in sizes}
    neuron: Any
    if model == "cuba":
        neuron = LifExpEI(
            tau_mem=20e-3, tau_exc=5e-3, tau_inh=10e-3, v_leak=-49e-3,
            v_threshold=-50e-3, v_reset=-60e-3, t_ref=5e-3,
        )  # fmt: skip
        w_exc, w_inh = 1.62e-3, -9e-3  # volts of drive, r = 1
    else:
        neuron = LifCondExp(
            c=200e-12, g_leak=10e-9, v_leak=-60e-3, e_exc=0.0, e_inh=-80e-3,
            tau_exc=5e-3, tau_inh=10e-3, v_threshold=-50e-3, v_reset=-60e-3,
            t_ref=5e-3,
        )  # fmt: skip
        w_exc, w_inh = 6e-9, 67e-9  # siemens
        for name, m in sizes.items():
            rng = stream(seed, "initial conductances", name)
            g_exc = 10e-9 * np.maximum(0, 4 + 1.5 * rng.standard_normal(m))
            g_inh = 10e-9 * np.maximum(0, 20 + 12 * rng.standard_normal(m))
            init[name] |= {"g_exc": g_exc, "g_inh": g_inh}
    parts: list[Any] = [
        Population(k, m, neuron, init=init[k]) for k, m in sizes.items()
    ]
    for post in sizes:
        parts.append(
            Projection(
                "E", post, FixedIndegree(64), weight=w_exc, delay=delay, port="exc"
            )
        )
        parts.append(
            Projection(
                "I", post, FixedIndegree(16), weight=w_inh, delay=delay, port="inh"
            )
        )
    return Network(*parts, *records, dt=dt)


def brunel(
    *,
    scale: float = 1.0,
    indegree_scale: float = 1.0,
    g: float = 5.0,
    eta: float = 2.0,
    dt: float = 1e-4,
    stdp: bool = False,
    records: tuple[Any, ...] = (),
) -> Network:
    """Balanced random network of 12,500 neurons with delta synapses.

    Parameters
    ----------
    scale : float
        Factor on the number of neurons.
    indegree_scale : float
        Factor on the in-degree (1,000 + 250) and on 1/J.
    g, eta : float
        Relative inhibition; external rate over that which reaches the threshold.
    dt : float
        Step, seconds.
    stdp : bool
        Power-law STDP on E -> E.
    records : tuple of Record
        Recorders.
    """
    sizes = {"E": int(10_000 * scale), "I": int(2_500 * scale)}
    in_exc, in_inh = int(1000 * indegree_scale), int(250 * indegree_scale)
    j = 0.1e-3 / indegree_scale
    rate_hz = eta * 20e-3 / (j * in_exc * 20e-3) * in_exc
    neuron = LifDelta(tau_mem=20e-3, v_threshold=20e-3, v_reset=10e-3, t_ref=2e-3)
    # reference weight: 1 pA of the 45.61 pA in the published benchmark
    rule = PowerLawStdp(
        tau_plus=15e-3, tau_minus=30e-3, rate=0.1, alpha=0.0513, mu=0.4, w0=j / 45.61
    )
    parts: list[Any] = [
        Population(k, n, neuron, init={"v": Uniform(0.0, 20e-3)})
        for k, n in sizes.items()
    ]
    for post in sizes:
        plastic = rule if stdp and post == "E" else None
        parts.append(
            Projection(
                "E", post, FixedIndegree(in_exc), weight=j, delay=1.5e-3,
                plasticity=plastic,
            )
        )  # fmt: skip
        parts.append(
            Projection("I", post, FixedIndegree(in_inh), weight=-g * j, delay=1.5e-3)
        )
        parts.append(Poisson(post, rate_hz, j))
    return Network(*parts, *records, dt=dt)


MICROCIRCUIT_POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
_N = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
_P = (
    np.array(  # connection probabilities, [target, source]; Potjans & Diesmann, Table 5
        [
            [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
            [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
            [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
            [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
            [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
            [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
            [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
            [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
        ]
    )
)
_K_EXT = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
_BACKGROUND_HZ = 8.0
MICROCIRCUIT_RATES_HZ = np.array(
    [0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]
)
"""Mean rates of the full circuit, used to compensate a reduced in-degree."""
_V0_MEAN = np.array([-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43])
_V0_SD = np.array([5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48])


def microcircuit(
    *,
    scale: float = 1.0,
    k_scale: float | None = None,
    drive: str = "poisson",
    dt: float = 1e-4,
    records: tuple[Any, ...] = (),
) -> Network:
    """Cortical microcircuit of eight populations, 77,169 neurons at full scale.

    Parameters
    ----------
    scale : float
        Factor on the number of neurons.
    k_scale : float, optional
        Factor on the in-degrees (`scale` by default); weights grow by its square root
        and a constant current replaces the lost mean input.
    drive : {"poisson", "dc"}
        Background; "dc" is only meaningful at full in-degree.
    dt : float
        Step, seconds.
    records : tuple of Record
        Recorders.
    """
    ks = scale if k_scale is None else k_scale
    full = np.log(1.0 - _P) / np.log(1.0 - 1.0 / np.outer(_N, _N))
    n = np.round(_N * scale).astype(int)
    k = np.round(full * scale * ks).astype(int)
    tau_mem, tau_syn, c = 10e-3, 0.5e-3, 250e-12
    # current that peaks at a postsynaptic potential of one volt
    ratio = tau_mem / tau_syn
    power = 1.0 / (tau_syn - tau_mem)
    peak = (
        tau_mem * tau_syn / c * power
        * (ratio ** (power * tau_mem) - ratio ** (power * tau_syn))
    )  # fmt: skip
    psp = np.full((8, 8), 0.15e-3)
    psp[:, 1::2] *= -4.0
    psp[0, 2] = 0.3e-3
    w, w_ext = psp / peak, 0.15e-3 / peak
    k_ext = np.round(_K_EXT * ks)
    dc = np.zeros(8)
    if ks != 1.0:
        indegree = full / _N[:, None]
        lost = (w * indegree * MICROCIRCUIT_RATES_HZ).sum(1)
        lost = lost + w_ext * _K_EXT * _BACKGROUND_HZ
        dc = tau_syn * (1 - np.sqrt(ks)) * lost
        w, w_ext = w / np.sqrt(ks), w_ext / np.sqrt(ks)
    if drive == "dc":
        dc = dc + tau_syn * w_ext * k_ext * _BACKGROUND_HZ
    parts: list[Any] = []
    for i, name in enumerate(MICROCIRCUIT_POPULATIONS):
        neuron = LifExp(
            tau_mem=tau_mem, tau_syn=tau_syn, r=tau_mem / c, v_leak=-65e-3,
            v_threshold=-50e-3, v_reset=-65e-3, t_ref=2e-3, i_e=float(dc[i]),
        )  # fmt: skip
        v0 = Normal(float(_V0_MEAN[i]) * 1e-3, float(_V0_SD[i]) * 1e-3)
        parts.append(Population(name, int(n[i]), neuron, init={"v": v0}))
        if drive == "poisson":
            parts.append(Poisson(name, _BACKGROUND_HZ * float(k_ext[i]), float(w_ext)))
    for i, post in enumerate(MICROCIRCUIT_POPULATIONS):
        for j, pre in enumerate(MICROCIRCUIT_POPULATIONS):
            if k[i, j] == 0:
                continue
            exc = j % 2 == 0
            d = 1.5e-3 if exc else 0.75e-3
            mean = float(w[i, j])
            low, high = (0.0, np.inf) if exc else (-np.inf, 0.0)
            parts.append(
                Projection(
                    pre, post, FixedTotal(int(k[i, j])),
                    weight=Normal(mean, 0.1 * abs(mean), low, high),
                    delay=Normal(d, 0.5 * d, 0.5 * dt),
                )
            )  # fmt: skip
    return Network(*parts, *records, dt=dt)


def camera_events(
    n: int = 4000, t_ms: float = 300.0, side: int = 34, seed: int = 7
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Synthetic recording of an event camera in three saccades.

    A ring-shaped contour moves by one saccade per third of the time (velocity as a
    squared sine); pixels near it fire, polarity by the motion; 5 % is uniform noise.

    Returns
    -------
    t_us, channel : ndarray of int64
        Sorted microseconds and channels ``(y * side + x) * 2 + p``.
    """
    rng = np.random.default_rng(seed)
    total, m = int(t_ms * 1000), int(n * 1.3)
    saccade = rng.integers(0, 3, m)
    phase = np.arccos(1 - 2 * rng.random(m)) / np.pi
    t = ((saccade + phase) * total / 3).astype(np.int64)
    move = np.array([[4.0, 4.0], [4.0, -4.0], [-8.0, 0.0]])
    start = np.vstack([[0.0, 0.0], np.cumsum(move, 0)[:-1]])
    centre = start[saccade] + move[saccade] * phase[:, None] + side / 2 - 2
    angle = rng.random(m) * 2 * np.pi
    radius = 7.0 + rng.normal(0, 0.7, m)
    x = np.clip(np.round(centre[:, 0] + radius * np.cos(angle)), 0, side - 1)
    y = np.clip(np.round(centre[:, 1] + radius * np.sin(angle)), 0, side - 1)
    x, y = x.astype(np.int64), y.astype(np.int64)
    toward = np.cos(angle) * move[saccade, 0] + np.sin(angle) * move[saccade, 1]
    polarity = (toward > 0).astype(np.int64)
    noise = rng.random(m) < 0.05
    x[noise] = rng.integers(0, side, noise.sum())
    y[noise] = rng.integers(0, side, noise.sum())
    channels = side * side * 2
    key = np.unique(np.minimum(t, total - 1) * channels + (y * side + x) * 2 + polarity)
    key = np.sort(rng.permutation(key)[:n])
    return key // channels, key % channels


def camera(
    n: int = 1000,
    *,
    repeat: int = 10,
    dt: float = 1e-4,
    seed: int = 11,
    records: tuple[Any, ...] = (),
) -> Network:
    """Reservoir of n neurons driven by a recording of :func:`camera_events`.

    Parameters
    ----------
    n : int
        Neurons, 80 % excitatory; 16 inputs and 100 outputs each.
    repeat : int
        Recordings presented one after another, 301 ms each.
    dt : float
        Step, seconds.
    seed : int
        Seed of the connections.
    records : tuple of Record
        Recorders.
    """
    side, n_in = 34, 34 * 34 * 2
    rng = np.random.default_rng(seed)
    in_post = np.repeat(np.arange(n), 16)
    in_pre = rng.integers(0, n_in, in_post.size)
    order = np.argsort(in_pre, kind="stable")
    in_pre, in_post = in_pre[order], in_post[order]
    w_in = 0.15 * rng.uniform(0.5, 1.5, in_pre.size)
    pre = np.repeat(np.arange(n), 100)
    post = rng.integers(0, n, pre.size)
    w = np.where(pre < int(0.8 * n), 0.02, -0.10) * rng.uniform(0.5, 1.5, pre.size)
    tau_mem, tau_syn = 20e-3, 5e-3
    at = np.log(tau_mem / tau_syn) * tau_mem * tau_syn / (tau_mem - tau_syn)
    peak = (
        tau_syn / (tau_syn - tau_mem) * (np.exp(-at / tau_syn) - np.exp(-at / tau_mem))
    )
    t_us, channel = camera_events(side=side)
    period = 301_000
    times = np.concatenate([t_us + 1000 + r * period for r in range(repeat)])
    neuron = LifExp(
        tau_mem=tau_mem, tau_syn=tau_syn, v_threshold=1.0, v_reset=0.0, t_ref=2e-3
    )
    return Network(
        Events("camera", n_in, times, np.tile(channel, repeat)),
        Population("reservoir", n, neuron),
        Projection(
            "camera",
            "reservoir",
            Pairs(in_pre, in_post),
            weight=w_in / peak,
            delay=1e-3,
        ),
        Projection(
            "reservoir", "reservoir", Pairs(pre, post), weight=w / peak, delay=1e-3
        ),
        *records,
        dt=dt,
    )
