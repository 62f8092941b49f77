"""Fault tolerance (Fig. 9): kill a random share of all cells, go on without learning.

A memory learns once per seed; every share is then tested on a copy of it with the same
test stream. The control is the share 0. Published values reach to 0.5; 0.6 and 0.7 are
ours. Guessing among ten symbols scores 0.1.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.htm import TemporalMemory, TemporalMemoryParams
from neuro.htm.sequences import sequence_set, symbol_stream
from neuro.plot.htm import plot_against
from neuro.random import stream as random_stream

from .._config import Config
from .._htm import Learner
from .._runner import Context

__all__ = ["run"]

# recomputed from the authors' stored results, mean of 10 runs
PAPER = {
    "HTM": {0.0: 1.0, 0.1: 1.0, 0.2: 1.0, 0.3: 1.0, 0.4: 0.894, 0.5: 0.522},
    "LSTM": {0.0: 0.994, 0.1: 0.585, 0.2: 0.432, 0.3: 0.313, 0.4: 0.263, 0.5: 0.269},
    "ELM": {0.0: 0.960, 0.1: 0.855, 0.2: 0.799, 0.3: 0.575, 0.4: 0.570, 0.5: 0.378},
}


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    runs = [
        ctx.step(f"memory-{k}", lambda k=k: _test(cfg, ctx, k))["accuracy"]
        for k in ctx.progress(range(cfg.seeds), label="memories")
    ]
    accuracy = np.array(runs)
    for j, share in enumerate(cfg.shares):
        ctx.metric(
            _name(share),
            accuracy[:, j],
            paper=PAPER["HTM"].get(round(share, 3)),
            control=_name(0.0) if share and 0.0 in cfg.shares else None,
        )
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5.4, 3.8), constrained_layout=True)
    plot_against(
        cfg.shares,
        accuracy,
        references={
            f"paper, {name}": (list(points), list(points.values()))
            for name, points in PAPER.items()
        },
        label="HTM, ours",
        xlabel="share of dead cells",
        ylabel="accuracy",
        ax=ax,
    )
    ax.set_ylim(0, 1.05)
    ax.set_title("dead cells (paper's Fig. 9)")
    ctx.figure("faults", figure)
    ctx.arrays("accuracy", shares=np.array(cfg.shares), accuracy=accuracy)


def _name(share: float) -> str:
    return f"accuracy_f{round(10 * share):02d}"


def _test(cfg: Config, ctx: Context, k: int) -> dict[str, NDArray[Any]]:
    params = TemporalMemoryParams(
        cells_per_column=cfg.memory.cells_per_column,
        predicted_decrement=cfg.memory.predicted_decrement,
    )
    learner = Learner(sequence_set("H1"), params, ctx.seed, k)
    learner.run(symbol_stream(learner.task, cfg.learn_elements, rng=learner.rng))
    stream = symbol_stream(learner.task, cfg.test_elements, rng=learner.rng)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.npz"
        learner.memory.save(path)
        for share in cfg.shares:
            learner.memory = TemporalMemory.load(path)
            rng = random_stream(ctx.seed, "faults", k)
            learner.memory.kill_fraction(share, rng=rng)
            found.append(learner.run(stream, learn=False).mean())
    return {"accuracy": np.array(found)}
