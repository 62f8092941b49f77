"""Random networks under Poisson drive: statistics within the spread of the peers' seeds.

Two networks of 1,000 neurons, with currents and with conductances; NEST and Brian2.
"""

import itertools
import logging

import numpy as np
import pytest
from scipy.stats import ks_2samp

from neuro.network import (
    FixedIndegree,
    LifCondExp,
    LifExp,
    Network,
    Poisson,
    Population,
    Projection,
    Uniform,
    to_brian2,
    to_nest,
)
from neuro.statistics import cv_isi
from tests.validation.nest_peer import run_nest

pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Brian2's parser
]
N, T, SEEDS = 1000, 2.0, 5
log = logging.getLogger(__name__)  # figures: -rP --log-level=INFO


def _network(kind):
    if kind == "currents":
        model = LifExp(
            tau_mem=20e-3, tau_syn=2e-3, r=80e6, v_leak=-65e-3, v_threshold=-50e-3,
            v_reset=-65e-3, t_ref=2e-3,
        )  # fmt: skip
        ports, exc, inh = ("input", "input"), 60e-12, -300e-12
        rate, drive = 1900.0, 60e-12
    else:
        model = LifCondExp(t_ref=2e-3)
        ports, exc, inh = ("exc", "inh"), 0.5e-9, 8e-9
        rate, drive = 1000.0, 1.2e-9
    start = {"v": Uniform(model.v_reset, model.v_threshold)}
    return Network(
        Population("e", 800, model, init=start),
        Population("i", 200, model, init=start),
        *[Projection("e", post, FixedIndegree(80), weight=exc, delay=1.5e-3,
                     port=ports[0]) for post in "ei"],
        *[Projection("i", post, FixedIndegree(20), weight=inh, delay=0.8e-3,
                     port=ports[1]) for post in "ei"],
        *[Poisson(post, rate, drive, port=ports[0], name=f"drive {post}")
          for post in "ei"],
        dt=1e-4,
    )  # fmt: skip


def _statistics(trains):
    """Rates, CVs, and correlations of 200 neurons at 2 ms, after the first 200 ms."""
    times = np.concatenate([t for t, _ in trains])
    indices = np.concatenate([trains[0][1], trains[1][1] + 800])
    order = np.argsort(times, kind="stable")
    times, indices = times[order], indices[order]
    keep = times > 0.2
    times, indices = times[keep], indices[keep]
    rates = np.bincount(indices, minlength=N) / (T - 0.2)
    bins = np.zeros((200, round((T - 0.2) / 2e-3) + 1))
    mine = indices < 200
    np.add.at(bins, (indices[mine], ((times[mine] - 0.2) / 2e-3).astype(int)), 1)
    bins = bins[bins.std(1) > 0]
    c = np.corrcoef(bins)
    cv = np.asarray(cv_isi(times, indices, min_intervals=5))
    return {"rate": rates, "cv": cv, "correlation": c[np.triu_indices(len(c), 1)]}


def _ours(net, engine, seed):
    result = net.build(engine=engine, seed=seed).run(T)
    return [(result.spikes[p].times, result.spikes[p].indices) for p in "ei"]


def _nest(net, engine, seed, folder):
    script = to_nest(net, folder / str(seed), seed=seed, precise=engine == "exact")
    data = run_nest(script, T * 1e3, seed + 1)
    return [(data[f"{p}/times_ms"] * 1e-3, data[f"{p}/indices"]) for p in "ei"]


def _brian2(net, engine, seed, folder):
    brian2 = pytest.importorskip("brian2")
    brian2.prefs.codegen.target = "numpy"
    brian2.seed(seed)
    theirs = to_brian2(net, seed=seed)
    theirs.network.run(T * brian2.second)
    monitors = [theirs.spikes[p] for p in "ei"]
    return [(np.asarray(m.t_[:]), np.asarray(m.i[:])) for m in monitors]


@pytest.mark.parametrize(
    ("kind", "engine", "peer"),
    [
        ("currents", "grid", _nest),
        ("currents", "exact", _nest),
        ("currents", "grid", _brian2),
        ("conductances", "grid", _nest),
        ("conductances", "grid", _brian2),
    ],
)
def test_distributions_are_within_the_spread_of_the_peer(kind, engine, peer, tmp_path):
    net = _network(kind)
    ours = [_statistics(_ours(net, engine, seed)) for seed in range(SEEDS)]
    theirs = [_statistics(peer(net, engine, seed, tmp_path)) for seed in range(SEEDS)]
    for name in ("rate", "cv", "correlation"):
        between = [
            ks_2samp(a[name], b[name]).statistic
            for a, b in itertools.combinations(theirs, 2)
        ]
        across = [ks_2samp(a[name], b[name]).statistic for a in ours for b in theirs]
        means = [np.array([s[name].mean() for s in side]) for side in (ours, theirs)]
        spreads = [m.std(ddof=1) for m in means]
        said = (
            f"{name}: ours {means[0].mean():.4f} +- {spreads[0]:.4f}, theirs "
            f"{means[1].mean():.4f} +- {spreads[1]:.4f}, KS {np.mean(across):.3f}, "
            f"theirs {np.mean(between):.3f} (max {np.max(between):.3f})"
        )
        log.info(said)
        assert np.mean(across) <= np.max(between), said
        gap = abs(means[0].mean() - means[1].mean())
        assert gap <= 3 * max(spreads) * np.sqrt(2 / SEEDS), said
    assert 1 < np.mean([s["rate"].mean() for s in ours]) < 60
