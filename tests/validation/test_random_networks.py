"""A random network under Poisson drive: statistics within the spread of NEST's seeds."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from neuro.network import (
    FixedIndegree,
    LifExp,
    Network,
    Poisson,
    Population,
    Projection,
    Uniform,
    to_nest,
)
from neuro.statistics import cv_isi
from tests.validation.nest_peer import run_nest

pytestmark = [pytest.mark.peer, pytest.mark.slow]
N, T, SEEDS = 1000, 2.0, 5


def _network():
    membrane = {
        "tau_mem": 20e-3, "tau_syn": 2e-3, "r": 80e6, "v_leak": -65e-3,
        "v_threshold": -50e-3, "v_reset": -65e-3, "t_ref": 2e-3,
    }  # fmt: skip
    start = {"v": Uniform(-65e-3, -50e-3)}
    w = 60e-12
    return Network(
        Population("e", 800, LifExp(**membrane), init=start),
        Population("i", 200, LifExp(**membrane), init=start),
        Projection("e", "e", FixedIndegree(80), weight=w, delay=1.5e-3),
        Projection("e", "i", FixedIndegree(80), weight=w, delay=1.5e-3),
        Projection("i", "e", FixedIndegree(20), weight=-5 * w, delay=0.8e-3),
        Projection("i", "i", FixedIndegree(20), weight=-5 * w, delay=0.8e-3),
        Poisson("e", 1900.0, w, name="drive e"),
        Poisson("i", 1900.0, w, name="drive i"),
        dt=1e-4,
    )


def _statistics(times, indices):
    """Rates, CVs, and correlations of 200 neurons at 2 ms, after the first 200 ms."""
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


@pytest.mark.parametrize("engine", ["grid", "exact"])
def test_distributions_are_within_the_spread_of_the_peer(engine, tmp_path):
    net = _network()
    ours, theirs = [], []
    for seed in range(SEEDS):
        result = net.build(engine=engine, seed=seed).run(T)
        t = np.concatenate([result.spikes[p].times for p in "ei"])
        i = np.concatenate(
            [result.spikes["e"].indices, result.spikes["i"].indices + 800]
        )
        order = np.argsort(t, kind="stable")
        ours.append(_statistics(t[order], i[order]))
        script = to_nest(
            net, tmp_path / str(seed), seed=seed, precise=engine == "exact"
        )
        data = run_nest(script, T * 1e3, seed + 1)
        t = np.concatenate([data["e/times_ms"], data["i/times_ms"]]) * 1e-3
        i = np.concatenate([data["e/indices"], data["i/indices"] + 800])
        order = np.argsort(t, kind="stable")
        theirs.append(_statistics(t[order], i[order]))
    for name in ("rate", "cv", "correlation"):
        between = [
            ks_2samp(a[name], b[name]).statistic
            for k, a in enumerate(theirs)
            for b in theirs[k + 1 :]
        ]
        across = [ks_2samp(a[name], b[name]).statistic for a in ours for b in theirs]
        means = [[np.mean(s[name]) for s in side] for side in (ours, theirs)]
        assert np.mean(across) <= np.max(between), name
        spread = max(np.std(means[0], ddof=1), np.std(means[1], ddof=1))
        assert abs(np.mean(means[0]) - np.mean(means[1])) <= 3 * spread * np.sqrt(
            2 / SEEDS
        )
    assert 1 < np.mean([s["rate"].mean() for s in ours]) < 60
