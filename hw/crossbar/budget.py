"""Error budget of an analog matrix: each effect alone and all together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuro.statistics import Summary, summary

from .. import _checks
from ._inputs import voltages
from .analog import AnalogMatrix
from .config import EFFECTS, AnalogConfig

__all__ = ["ErrorBudget", "error_budget"]


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """What each effect costs.

    Attributes
    ----------
    effects : mapping of str to Summary
        Root-mean-square output error over the root-mean-square ideal output, over
        programming seeds; "all" has every effect on.
    clip_share : float
        Share of conversions outside the converter's range, all effects on.
    weight_clip_share : float
        Share of weights beyond ``w_max``.
    utilisation : float
        Used cells over the cells of all arrays.
    arrays : int
        Arrays used.
    cells : int
        Cells used.
    conversions : int
        Conversions of one read.
    serial_conversions : int
        Conversions one after the other on a shared converter.
    array_j : float
        Energy in the cells of one read of the mean sample, joules.
    """

    effects: Mapping[str, Summary]
    clip_share: float
    weight_clip_share: float
    utilisation: float
    arrays: int
    cells: int
    conversions: int
    serial_conversions: int
    array_j: float

    def __str__(self) -> str:
        lines = ["effect          rms error   sd (over programming seeds)"]
        for name, s in self.effects.items():
            sd = "-" if s.sd is None else f"{s.sd:.2g}"
            lines.append(f"{name:<14}  {s.mean:>9.3g}   {sd} (n={s.n})")
        lines += [
            f"conversions clipped {self.clip_share:.3g}, weights clipped "
            f"{self.weight_clip_share:.3g}",
            f"{self.arrays} arrays, {self.cells} cells, utilisation "
            f"{self.utilisation:.3g}",
            f"{self.conversions} conversions per read, {self.serial_conversions} of "
            f"them in turn; {self.array_j:.3g} J in the cells per read",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "effects": {k: s._asdict() for k, s in self.effects.items()},
            **{k: getattr(self, k) for k in self.__slots__ if k != "effects"},
        }


def error_budget(
    W: ArrayLike,
    config: AnalogConfig,
    X: ArrayLike,
    *,
    seeds: int = 5,
    seed: int = 0,
    t: float = 0.0,
    spikes: bool = False,
) -> ErrorBudget:
    """Measure each effect alone and all together on given inputs.

    Parameters
    ----------
    W : array_like, shape (post, pre)
        Weights.
    config : AnalogConfig
    X : array_like, shape (n, pre)
        Inputs; converters are calibrated on the first half where their range is
        "calibrated" and errors are measured on the second.
    seeds : int
        Programming seeds.
    seed : int
        First seed's root.
    t : float
        Seconds after ``start_time``.
    spikes : bool
        Inputs are spikes: binary reads without DAC.
    """
    x = voltages(X, np.shape(W)[-1], "error_budget: X")[0]
    _checks.integer("error_budget: seeds", seeds, 1)
    half = len(x) // 2
    train, test = (x[:half], x[half:]) if half else (x, x)
    ideal = test @ np.asarray(W, np.float64).T
    reference = float(np.sqrt(np.mean(ideal**2))) or 1.0

    def measure(c: AnalogConfig) -> tuple[Summary, AnalogMatrix]:
        errors = []
        for k in range(seeds):
            a = AnalogMatrix(W, c, seed=seed + k)
            if c.adc is not None and c.adc.range == "calibrated":
                a.calibrate(train)
            a.at_time(t)
            y = a.spike_read(test > 0) if spikes else a.forward(test)
            errors.append(float(np.sqrt(np.mean((y - ideal) ** 2))) / reference)
        return summary(errors), a

    base = config.ideal()
    effects: dict[str, Summary] = {}
    for effect in EFFECTS:
        alone = config.only(effect)
        if alone != base:
            effects[effect] = measure(alone)[0]
    effects["all"], last = measure(config)
    drives = (test != 0).astype(np.int64).sum(0)
    joules = last.settle(drives)["array_j"] / len(test)
    serial = -(-last.conversions_per_read // max(1, len(last.row_tiles)))
    return ErrorBudget(
        effects=effects,
        clip_share=last.clip_share,
        weight_clip_share=last.encoded.clipped,
        utilisation=last.utilisation,
        arrays=len(last.row_tiles) * len(last.col_tiles),
        cells=last.cells,
        conversions=last.conversions_per_read,
        serial_conversions=min(config.columns_per_adc, serial),
        array_j=joules,
    )
