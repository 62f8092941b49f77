"""Rates and irregularity of the balanced networks, with rasters."""

import numpy as np

from neuro.network import standard
from neuro.network.network import Network
from neuro.network.result import Result, Spikes
from neuro.plot.activity import plot_raster, plot_rates
from neuro.statistics import cv_isi

from .._config import Config
from .._runner import Context

# rates and CVs that NEST 3.10 and Brian2 2.9 give with the same parameters
PEERS = {"cuba": (5.1, 0.615), "coba": (14.35, None), "brunel": (37.45, None)}


def _network(name: str, cfg: Config, seed: int) -> Network:
    if name == "brunel":
        return standard.brunel(scale=cfg.scale, dt=cfg.dt)
    return standard.vogels_abbott(name, scale=cfg.scale, dt=cfg.dt, seed=seed)


def _measure(result: Result) -> tuple[float, float]:
    """Return the mean rate in hertz and the mean CV of intervals."""
    spikes = total = 0
    cvs = []
    for name, s in result.spikes.items():
        spikes += s.times.size
        total += result.spike_counts(name).shape[1]
        cvs.append(cv_isi(s.times, s.indices, min_intervals=5))
    cv = np.concatenate(cvs)
    rate = spikes / max(total, 1) / result.duration
    return rate, float(cv.mean()) if cv.size else float("nan")


def _trains(result: Result) -> list[Spikes]:
    return list(result.spikes.values())


def run(cfg: Config, ctx: Context) -> None:
    """Run every network with several seeds; draw the first."""
    import matplotlib.pyplot as plt

    for name in cfg.networks:
        rates, cvs, alive = [], [], []
        for k in ctx.progress(range(cfg.seeds), label=name):
            seed = ctx.seed + k
            simulation = _network(name, cfg, seed).build(
                engine="grid", seed=seed, threads=cfg.threads
            )
            simulation.run(cfg.warm)
            result = simulation.run(cfg.duration)
            rate, cv = _measure(result)
            # without a drive the activity may die: such seeds are counted apart
            end = cfg.warm + cfg.duration - 0.02
            alive.append(float(any((s.times > end).any() for s in _trains(result))))
            if alive[-1]:
                rates.append(rate)
                cvs.append(cv)
            if name == cfg.networks[0] and k == 0:
                ctx.counts(result.counts)
            if len(rates) == 1 and alive[-1]:
                figure, (a, b) = plt.subplots(
                    2, 1, figsize=(6.4, 5.0), sharex=True, layout="constrained"
                )
                window = (cfg.warm, cfg.warm + min(0.3, cfg.duration))
                plot_raster(result, ax=a, window=window, share=0.1)
                plot_rates(result, ax=b)
                a.set_title(f"{name}: {rate:.1f} Hz")
                a.set_xlabel("")
                ctx.figure(f"raster-{name}", figure)
        peer_rate, peer_cv = PEERS[name]
        ctx.metric(f"{name}_alive", alive)
        if rates:
            ctx.metric(f"{name}_rate", rates, unit="Hz", paper=peer_rate)
        if rates and np.isfinite(cvs).all():
            ctx.metric(f"{name}_cv", cvs, paper=peer_cv)
