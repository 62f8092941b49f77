"""Distance against processor minutes of training, from finished runs.

::

    python -m sims.diffusion_digits.equal_time RUN [RUN ...] OUT.png

Runs of equal length are repetitions: one point each at their mean processor time.
"""

import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuro.errors import ParameterError
from neuro.results import atomic_write

__all__ = ["draw", "points"]

_KINDS = {
    "spiking": ("spiking",),
    "non-spiking": ("dense", "dense_equal_time"),
}
_COLOURS = {"spiking": "#D55E00", "non-spiking": "#0072B2"}


def points(
    records: Sequence[tuple[int, dict[str, Any]]], names: Sequence[str]
) -> list[tuple[float, list[float]]]:
    """Return minutes of training and the distances reached, by rising time.

    Parameters
    ----------
    records : sequence of (int, dict)
        Training steps and run record of every run.
    names : sequence of str
        Networks as the record names them, e.g. ``"dense"``.

    Raises
    ------
    ParameterError
        If no run of a length has noted its processor time.
    """
    found = []
    for steps in sorted({s for s, _ in records}):
        runs = [r for s, r in records if s == steps]
        for name in names:
            times = [t for r in runs for t in r["cpu_s"].get(f"training_{name}", ())]
            held = [r["metrics"].get(f"fd_{name}") for r in runs]
            values = [h["value"] for h in held if h is not None]
            if values and not times:
                raise ParameterError(
                    f"equal_time: no run of {steps} steps notes the time of {name!r}"
                )
            if values:
                found.append((float(np.mean(times)) / 60, values))
    return sorted(found)


def draw(folders: Sequence[Path], out: Path) -> None:
    """Draw the figure.

    Parameters
    ----------
    folders : sequence of Path
        Finished runs of diffusion-digits.
    out : Path
        PNG to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    records = []
    for folder in folders:
        steps = tomllib.loads((folder / "config.toml").read_text("utf-8"))["steps"]
        record = json.loads((folder / "metrics.json").read_text("utf-8"))
        records.append((steps, {"cpu_s": {}, **record}))
    figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    for label, names in _KINDS.items():
        rows = points(records, names)
        x = [minutes for minutes, _ in rows]
        ax.plot(x, [np.mean(v) for _, v in rows], "-", c=_COLOURS[label], label=label)
        for minutes, values in rows:
            ax.plot([minutes] * len(values), values, "o", ms=4, c=_COLOURS[label])
    for name, label, colour in (
        ("fd_ceiling_noise", "noise", "#777777"),
        ("fd_ceiling_pixels", "independent pixels", "#E69F00"),
        ("fd_floor", "real against real", "#009E73"),
    ):
        level = np.mean([r["metrics"][name]["value"] for _, r in records])
        ax.axhline(level, c=colour, ls="--", lw=1, label=f"{label}: {level:.2f}")
    ax.set(xlabel="processor minutes of training, one core", yscale="log",
           ylabel="Fréchet distance of classifier features")  # fmt: skip
    ax.set_xlim(0)
    ax.legend(fontsize=7, ncols=2, loc="upper right", bbox_to_anchor=(1, 0.9))
    atomic_write(out, lambda f: figure.savefig(f, format="png", dpi=110))
    plt.close(figure)


if __name__ == "__main__":
    draw([Path(a) for a in sys.argv[1:-1]], Path(sys.argv[-1]))
