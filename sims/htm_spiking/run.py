"""Spiking temporal memory on the sets I, II and III (Bouhadjar et al. 2022).

Every episode presents all sequences once. Before the last element the read-out asks
which groups hold a dendritic plateau: the error is the distance from the right answer.
The control is the first episode, before anything is learnt: no group is predicted and
every neuron of a group fires.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.htm.spiking_memory import SpikingMemory, spiking_task
from neuro.plot.htm import COLOURS

from .._config import Config
from .._runner import Context

__all__ = ["run"]

LASTING = 5  # episodes at the end that must be free of error to call it learnt


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    held: dict[str, list[dict[str, Any]]] = {}
    jobs = [(name, k) for name in cfg.sets for k in range(cfg.seeds)]
    for name, k in ctx.progress(jobs, label="networks"):
        found = ctx.step(f"{name}-{k}", lambda n=name, k=k: _learn(cfg, ctx, n, k))
        held.setdefault(name, []).append(found)
    counts = OpCounts()
    for name, runs in held.items():
        _metrics(cfg, ctx, name, runs)
        counts.add(
            f"set {name}", "synop", np.array([int(r["synops"]) for r in runs]), w_bits=8
        )
    zero = [_episodes_to_zero(r["errors"]) for runs in held.values() for r in runs]
    if np.isfinite(zero).any():
        ctx.metric(
            "episodes_to_zero_error",
            [z for z in zero if np.isfinite(z)],
            unit="episodes",
        )
    ctx.metric(
        "spikes_per_predicted_symbol",
        [_spikes(r["spikes"], cfg) for runs in held.values() for r in runs],
        unit="spikes",
        paper=20.0,
    )
    ctx.counts(counts)
    _figure(cfg, ctx, held)
    ctx.arrays(
        "episodes",
        **{
            f"{name}/{k}/{part}": r[part]
            for name, runs in held.items()
            for k, r in enumerate(runs)
            for part in ("errors", "false_positives", "false_negatives", "spikes")
        },
    )


def _learn(cfg: Config, ctx: Context, name: str, k: int) -> dict[str, NDArray[Any]]:
    """Learn one set; the seeds of the networks count from the user's seed + 1."""
    task = spiking_task(name)
    memory = SpikingMemory(task, episodes=cfg.episodes, seed=1 + ctx.seed * 1000 + k)
    parts: dict[str, list[Any]] = {}
    counts = OpCounts()
    for _ in range(cfg.episodes):
        episode = memory.run_episode()
        counts += memory.result.counts
        for field in ("errors", "false_positives", "false_negatives", "spikes"):
            parts.setdefault(field, []).append(getattr(episode, field))
    replay = memory.replay()
    ordered = [
        "".join(symbol for symbol, _ in fired).startswith(sequence)
        for sequence, fired in replay.items()
    ]
    last = task.length - 1
    pace = [
        (fired[last][1] - fired[0][1]) / last
        for fired, right in zip(replay.values(), ordered, strict=True)
        if right
    ]
    spikes = memory.result.spikes["E"]
    return {
        **{field: np.array(v) for field, v in parts.items()},
        "replayed": np.array(ordered),
        "pace": np.array(pace),
        "synops": np.array(counts.total("synop")),
        "last_times": spikes.times - (cfg.episodes - 1) * task.episode,
        "last_indices": spikes.indices,
    }


def _episodes_to_zero(errors: NDArray[np.float64]) -> float:
    """Return the episode from which the mean error stays 0; NaN if it does not."""
    wrong = np.flatnonzero(errors.mean(1) > 0)
    first = int(wrong[-1]) + 1 if wrong.size else 0
    return float(first) if first + LASTING <= len(errors) else float("nan")


def _spikes(spikes: NDArray[np.int64], cfg: Config) -> float:
    """Return the median spikes of predicted elements in the last episodes."""
    return float(np.median(spikes[-min(LASTING, cfg.episodes) :, :, 1:]))


def _metrics(cfg: Config, ctx: Context, name: str, runs: list[dict[str, Any]]) -> None:
    tail = f"_{name.lower()}"
    zero = [_episodes_to_zero(r["errors"]) for r in runs]
    learnt = [z for z in zero if np.isfinite(z)]
    if learnt:
        ctx.metric(f"episodes_to_zero_error{tail}", learnt, unit="episodes")
    ctx.metric(f"share_learnt{tail}", [float(np.isfinite(z)) for z in zero], paper=1.0)
    last = slice(-min(LASTING, cfg.episodes), None)
    ctx.metric(
        f"error{tail}",
        [float(r["errors"][last].mean()) for r in runs],
        paper=0.0,
        control=f"error_first_episode{tail}",
    )
    ctx.metric(
        f"error_first_episode{tail}", [float(r["errors"][0].mean()) for r in runs]
    )
    for part in ("false_positives", "false_negatives"):
        ctx.metric(f"{part}{tail}", [float(r[part][last].mean()) for r in runs])
    ctx.metric(
        f"spikes_per_predicted_symbol{tail}",
        [_spikes(r["spikes"], cfg) for r in runs],
        unit="spikes",
        paper=20.0,
        control=f"spikes_per_unpredicted_symbol{tail}",
    )
    ctx.metric(
        f"spikes_per_unpredicted_symbol{tail}",
        [float(np.median(r["spikes"][last][:, :, 0])) for r in runs],
        unit="spikes",
        paper=None if spiking_task(name).sparse_start else 150.0,
    )
    ctx.metric(f"replayed{tail}", [float(r["replayed"].mean()) for r in runs])
    paces = np.concatenate([r["pace"] for r in runs])
    if paces.size:
        ctx.metric(f"replay_per_element{tail}", paces, unit="s", control="element")
        if "element" not in ctx.record()["metrics"]:
            ctx.metric("element", 0.04, unit="s")


def _figure(cfg: Config, ctx: Context, held: dict[str, list[dict[str, Any]]]) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    episodes = np.arange(1, cfg.episodes + 1)
    for colour, (name, runs) in zip(COLOURS, held.items(), strict=False):
        errors = np.array([r["errors"].mean(1) for r in runs])
        active = np.array([r["spikes"][:, :, 1:].mean((1, 2)) / 150 for r in runs])
        for ax, values in ((axes[0], errors), (axes[1], active)):
            ax.plot(episodes, values.mean(0), color=colour, label=f"set {name}")
            ax.fill_between(
                episodes, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0
            )
    axes[0].set(xlabel="episode", ylabel="prediction error")
    axes[0].legend(fontsize=8, frameon=False)
    axes[1].axhline(20 / 150, color="k", ls="--", lw=1, label="rho / n (paper)")
    axes[1].set(
        xlabel="episode", ylabel="active share of a group,\nelements after the first"
    )
    axes[1].legend(fontsize=8, frameon=False)
    name, first = next((n, r[0]) for n, r in held.items())
    axes[2].plot(
        1e3 * first["last_times"], first["last_indices"], ".", color=COLOURS[0], ms=1.5
    )
    symbols = spiking_task(name).symbols
    axes[2].set_yticks(150 * np.arange(len(symbols)) + 75, list(symbols))
    axes[2].set(xlabel="time in the last episode (ms)", ylabel="group (150 neurons)")
    axes[2].set_title(f"set {name}", fontsize=9)
    for g in range(1, len(symbols)):
        axes[2].axhline(150 * g, color="0.85", lw=0.5)
    ctx.figure("spiking", figure)
