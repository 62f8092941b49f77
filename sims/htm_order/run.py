"""Sequences needed against their length (Fig. 7).

Four sequences per set; pairs share all but the first and the last element, so a perfect
prediction needs a memory that spans the whole length. A set is learnt when the moving
accuracy over 100 sequences reaches 0.999.
"""

import numpy as np
from numpy.typing import NDArray

from neuro.htm import TemporalMemoryParams
from neuro.htm.sequences import long_sequences, moving_accuracy, symbol_stream
from neuro.plot.htm import plot_against
from neuro.random import stream as random_stream

from .._config import Config
from .._htm import Learner
from .._runner import Context

__all__ = ["run"]

# Fig. 7B, read off the plot: one run
PAPER = {10: 255, 20: 510, 40: 800, 60: 1110, 80: 1560, 100: 1840}
PERFECT = 0.999


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    needed: dict[int, list[float]] = {length: [] for length in cfg.lengths}
    final: list[float] = []
    jobs = [(length, k) for length in cfg.lengths for k in range(cfg.seeds)]
    for length, k in ctx.progress(jobs, label="memories"):
        found = ctx.step(
            f"length-{length}-{k}", lambda n=length, k=k: _learn(cfg, ctx, n, k)
        )
        needed[length].append(float(found["needed"]))
        final.append(float(found["final"]))
    for length, values in needed.items():
        ctx.metric(
            f"sequences_needed_{length:03d}",
            values,
            unit="sequences",
            paper=PAPER.get(length),
        )
    ctx.metric("share_perfect", [float(v >= PERFECT) for v in final])
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5.2, 3.8), constrained_layout=True)
    plot_against(
        cfg.lengths,
        np.array([needed[length] for length in cfg.lengths]).T,
        references={"paper, one run (Fig. 7B)": (list(PAPER), list(PAPER.values()))},
        xlabel="length of the sequences (elements)",
        ylabel="sequences until perfect",
        ax=ax,
    )
    ctx.figure("order", figure)
    ctx.arrays(
        "needed",
        lengths=np.array(cfg.lengths),
        needed=np.array([needed[length] for length in cfg.lengths]),
    )


def _learn(cfg: Config, ctx: Context, length: int, k: int) -> dict[str, float]:
    task = long_sequences(length, rng=random_stream(ctx.seed, "set", length, k))
    params = TemporalMemoryParams(
        cells_per_column=cfg.memory.cells_per_column,
        predicted_decrement=cfg.memory.predicted_decrement,
    )
    learner = Learner(task, params, ctx.seed, k)
    hits: NDArray[np.bool_] = np.zeros(0, np.bool_)
    per_chunk = cfg.chunk * (length + 1)
    for _ in range(max(1, cfg.max_elements // per_chunk)):
        stream = symbol_stream(learner.task, per_chunk, rng=learner.rng)
        hits = np.concatenate([hits, learner.run(stream)])
        accuracy = moving_accuracy(hits)
        perfect = np.flatnonzero(accuracy[99:] >= PERFECT)
        if perfect.size:
            return {"needed": float(perfect[0] + 100), "final": 1.0}
    return {"needed": float("nan"), "final": float(accuracy[-1])}
