"""Rates, CV and correlations per population, beside the published rates."""

import numpy as np
from numpy.typing import NDArray

from neuro.network.result import Result
from neuro.network.standard import (
    MICROCIRCUIT_POPULATIONS,
    MICROCIRCUIT_RATES_HZ,
    microcircuit,
)
from neuro.plot.activity import plot_raster
from neuro.statistics import cv_isi

from .._config import Config
from .._runner import Context


def correlation(
    result: Result, name: str, cfg: Config, rng: np.random.Generator
) -> float:
    """Return the mean pairwise correlation of binned spike trains, NaN if too few."""
    active = np.flatnonzero(result.spike_counts(name)[0] > 0)
    if active.size < 2:
        return float("nan")
    chosen = rng.permutation(active)[: cfg.correlated]
    s = result.spikes[name]
    place = np.full(result.spike_counts(name).shape[1], -1)
    place[chosen] = np.arange(chosen.size)
    own = place[s.indices] >= 0
    n_bins = max(2, int(cfg.duration / cfg.bin))
    bins = np.minimum(((s.times[own] - cfg.warm) / cfg.bin).astype(int), n_bins - 1)
    x: NDArray[np.float64] = np.zeros((chosen.size, n_bins))
    np.add.at(x, (place[s.indices[own]], np.maximum(bins, 0)), 1)
    c = np.corrcoef(x)
    return float(np.nanmean(c[np.triu_indices_from(c, 1)]))


def run(cfg: Config, ctx: Context) -> None:
    """Run the circuit with several seeds; draw the first."""
    import matplotlib.pyplot as plt

    rates: dict[str, list[float]] = {k: [] for k in MICROCIRCUIT_POPULATIONS}
    cvs: dict[str, list[float]] = {k: [] for k in MICROCIRCUIT_POPULATIONS}
    correlations: dict[str, list[float]] = {k: [] for k in MICROCIRCUIT_POPULATIONS}
    net = microcircuit(scale=cfg.scale, k_scale=cfg.k_scale, drive=cfg.drive, dt=cfg.dt)
    for k in ctx.progress(range(cfg.seeds), label="seeds"):
        simulation = net.build(engine="grid", seed=ctx.seed + k, threads=cfg.threads)
        simulation.run(cfg.warm)
        result = simulation.run(cfg.duration)
        rng = ctx.rng(f"correlated neurons {k}")
        for name in MICROCIRCUIT_POPULATIONS:
            counts = result.spike_counts(name)
            rates[name].append(counts.sum() / max(counts.size, 1) / cfg.duration)
            s = result.spikes[name]
            cv = cv_isi(s.times, s.indices, min_intervals=3)
            cvs[name].append(float(cv.mean()) if cv.size else float("nan"))
            correlations[name].append(correlation(result, name, cfg, rng))
        if k == 0:
            ctx.counts(result.counts)
            figure, ax = plt.subplots(figsize=(6.4, 5.0), layout="constrained")
            window = (cfg.warm, cfg.warm + min(0.4, cfg.duration))
            top_down = MICROCIRCUIT_POPULATIONS[::-1]
            plot_raster(result, ax=ax, populations=top_down, window=window)
            ax.set_title(
                f"microcircuit, scale {cfg.scale:g}, in-degree {cfg.k_scale:g}"
            )
            ctx.figure("raster", figure)
    for name, paper in zip(
        MICROCIRCUIT_POPULATIONS, MICROCIRCUIT_RATES_HZ, strict=True
    ):
        ctx.metric(f"rate_{name}", rates[name], unit="Hz", paper=float(paper))
        if np.isfinite(cvs[name]).all():
            ctx.metric(f"cv_{name}", cvs[name])
        if np.isfinite(correlations[name]).all():
            ctx.metric(f"correlation_{name}", correlations[name])
