"""Robustness to temporal noise (Fig. 8).

In every sequence one element at position 1, 2 or 3 (0-based) is replaced by a random
noise symbol: throughout; only after the memory has learnt clean sequences; or up to
that point, clean afterwards. The control is the same memory without noise.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.htm import TemporalMemoryParams
from neuro.htm.sequences import sequence_set, symbol_stream
from neuro.plot.htm import plot_accuracy

from .._config import Config
from .._htm import Learner, accuracy_at, curve
from .._runner import Context

__all__ = ["run"]

# read off Fig. 8 (element range 13,000-14,500 after noise began): middle of the range
PAPER_THROUGHOUT = 0.55  # 0.5-0.6
PAPER_INJECTED = 0.51  # 0.46-0.56


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    n, at = cfg.elements, cfg.noise_at
    cases: dict[str, tuple[int, tuple[int, int] | None]] = {
        "throughout": (n, (0, n)),
        "injected": (n, (at, n)),
        "recovery": (cfg.recovery_elements, (0, at)),
        "clean": (n, None),
    }
    held: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
    jobs = [(name, k) for name in cases for k in range(cfg.seeds)]
    for name, k in ctx.progress(jobs, label="memories"):
        length, noise = cases[name]
        held[name].append(
            ctx.step(
                f"{name}-{k}",
                lambda m=length, x=noise, k=k: _learn(cfg, ctx, m, x, k),
            )
        )
    window = (at + (n - at) // 4, at + (n - at) * 5 // 8)  # 13,000-14,500

    def mean(name: str, begin: int, end: int) -> list[float]:
        return [
            float(r["hits"][(r["scored"] >= begin) & (r["scored"] < end)].mean())
            for r in held[name]
        ]

    ctx.metric(
        "accuracy_noise_throughout",
        mean("throughout", at, n),
        paper=PAPER_THROUGHOUT,
        control="accuracy_clean",
    )
    ctx.metric(
        "accuracy_noise_injected",
        mean("injected", *window),
        paper=PAPER_INJECTED,
        control="accuracy_clean",
    )
    ctx.metric(
        "accuracy_before_injection",
        [accuracy_at(r["scored"], r["hits"], at) for r in held["injected"]],
        paper=1.0,
    )
    end = cfg.recovery_elements
    ctx.metric(
        "accuracy_before_recovery",
        [accuracy_at(r["scored"], r["hits"], at) for r in held["recovery"]],
    )
    ctx.metric(
        "accuracy_recovered",
        [accuracy_at(r["scored"], r["hits"], end) for r in held["recovery"]],
        control="accuracy_clean",
    )
    ctx.metric(
        "accuracy_clean",
        [accuracy_at(r["scored"], r["hits"], n) for r in held["clean"]],
    )
    _figure(cfg, ctx, held, {k: v[0] for k, v in cases.items()})
    ctx.arrays(
        "hits",
        **{
            f"{name}/{k}/{part}": r[part]
            for name, runs in held.items()
            for k, r in enumerate(runs)
            for part in ("scored", "hits")
        },
    )


def _learn(
    cfg: Config, ctx: Context, n: int, noise: tuple[int, int] | None, k: int
) -> dict[str, NDArray[Any]]:
    params = TemporalMemoryParams(
        cells_per_column=cfg.memory.cells_per_column,
        predicted_decrement=cfg.memory.predicted_decrement,
    )
    learner = Learner(sequence_set("H1"), params, ctx.seed, k)
    stream = symbol_stream(learner.task, n, rng=learner.rng, noise=noise)
    return {"scored": stream.scored, "hits": learner.run(stream)}


def _figure(
    cfg: Config,
    ctx: Context,
    held: dict[str, list[dict[str, Any]]],
    lengths: dict[str, int],
) -> None:
    import matplotlib.pyplot as plt

    labels = {
        "throughout": "noise throughout",
        "injected": "noise from the line on",
        "recovery": "noise up to the line",
    }
    curves = {}
    for name, label in labels.items():
        found = [curve(r["scored"], r["hits"], lengths[name]) for r in held[name]]
        curves[label] = (found[0].elements, np.array([c.accuracy for c in found]))
    figure, ax = plt.subplots(figsize=(6.4, 3.8), constrained_layout=True)
    at, n = cfg.noise_at, cfg.elements
    plot_accuracy(curves, changes={"": at}, ax=ax)
    ax.fill_between(
        [at + (n - at) // 4, at + (n - at) * 5 // 8],
        0.46,
        0.56,
        color="0.3",
        alpha=0.35,
        label="paper's range, noise from the line on",
    )
    ax.legend(fontsize=8, frameon=False)
    ax.set_title("one noisy element per sequence (paper's Fig. 8)")
    ctx.figure("noise", figure)
