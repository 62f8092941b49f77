r"""Random weights of a resistive array: differential pairs after stochastic forming.

.. math:: w_{ji} = c\,(G^+_{ji} - G^-_{ji}), \qquad
   \mathrm{SD}(G^+ - G^-) = \sqrt2\,\mathrm{SD}(G)

Whatever the distribution of one cell, the difference of two is symmetric. Each
distribution is scaled by its theoretical moments, so that without noise and faults the
weights have mean ``const * mean`` and standard deviation ``const * sd`` (`lin2025`_).
The distribution of a single cell of the published 40 nm array is not known: only the
moments of the difference enter the network, the cell only the energy.

.. _lin2025: https://doi.org/10.1038/s43588-024-00751-z
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.network import WeightBlock
from neuro.random import stream

from .. import _checks
from .forming import PRISTINE, draw_pairs

__all__ = ["RandomWeights"]

DISTRIBUTIONS = ("normal", "lognormal", "mixture", "measured")
SIEMENS_PER_UNIT = 1e-6  # the published array statistics are read as microsiemens


class RandomWeights:
    """Fixed random weights of a resistive array, with its noise, as a weight source.

    Parameters
    ----------
    shape : tuple of int
        ``(post, pre)``: bit lines (pairs), word lines.
    const : float
        Weight per unit of conductance difference.
    mean, sd : float
        Of the conductance difference of a pair, units of `unit`.
    distribution : {"normal", "lognormal", "mixture"}
        Of one formed cell: normal truncated at 0, log-normal, or normal with a share
        `p_unformed` of pristine cells where the whole mixture is scaled to `sd`. With
        the first two, unformed cells lower the spread below `sd`.
    p_unformed : float
        Probability that a cell is pristine; pairs of two pristine cells are exactly 0.
        See :func:`formed_probability`.
    cell_cv : float
        Coefficient of variation of a formed cell. Free: it sets the mean conductance,
        hence the energy, not the weights.
    programming_noise : float
        Relative standard deviation added once when the array is written.
    read_noise : float
        Relative standard deviation, fresh in every read.
    read_noise_additive : float
        Standard deviation of a pair in every read, units of `unit`.
    noise_reference : {"weight", "cell"}
        What relative noise refers to: the weight, or each of the two cells (larger,
        since two large conductances make one small weight).
    stuck_on, stuck_off : float
        Fractions of cells stuck at `g_on` and at `g_off`; disjoint.
    g_on, g_off : float, optional
        Units of `unit`; default: mean plus three standard deviations of a formed cell,
        and the pristine conductance.
    drift_nu, drift_nu_sd : float
        Drift exponent, one per cell: ``G(t) = G (1 + t / drift_t0)^-nu``.
    drift_t0 : float
        Seconds.
    age : float
        Seconds between programming and ``t = 0``.
    update_every : float
        Seconds between new blocks while the array drifts.
    seconds_per_step : float
        Length of one unit of `t`, seconds: 1 where the network runs in seconds, the
        frame period where it is dimensionless.
    adc_bits : int, optional
        Signed converter per pair of columns with a code at zero (2^bits - 1 codes).
    adc_range : "max" or float
        Half range in weight units; "max": largest possible sum of any column.
        :meth:`calibrate` sets it from observed sums.
    v_read : float
        Read voltage, volts.
    t_read : float
        Length of a read pulse, seconds.
    unit : float
        Siemens per unit of `mean` and `sd`.
    seed : int
        Seed of the random weights.
    programming_seed : int, optional
        Seed of programming noise, faults and drift: another copy of the same weights.
        Default: `seed`.

    Attributes
    ----------
    g_plus, g_minus : ndarray of float64, shape (post, pre)
        Conductances as written, faults included, siemens.

    Notes
    -----
    Streams for weights, forming, programming, faults and drift are independent:
    switching one effect on leaves the draws of the others as they were.

    Examples
    --------
    >>> liquid_input = RandomWeights((200, 256), const=0.07, mean=0.00156, sd=6.61329)
    >>> liquid_input.block(0.0).w.shape
    (200, 256)
    """

    __references__ = ("lin2025",)

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        const: float,
        mean: float = 0.0,
        sd: float,
        distribution: str = "normal",
        p_unformed: float = 0.0,
        cell_cv: float = 0.2,
        programming_noise: float = 0.0,
        read_noise: float = 0.0,
        read_noise_additive: float = 0.0,
        noise_reference: str = "weight",
        stuck_on: float = 0.0,
        stuck_off: float = 0.0,
        g_on: float | None = None,
        g_off: float | None = None,
        drift_nu: float = 0.0,
        drift_nu_sd: float = 0.0,
        drift_t0: float = 20.0,
        age: float = 0.0,
        update_every: float = 1.0,
        seconds_per_step: float = 1.0,
        adc_bits: int | None = None,
        adc_range: str | float = "max",
        v_read: float = 0.2,
        t_read: float = 10e-9,
        unit: float = SIEMENS_PER_UNIT,
        seed: int = 0,
        programming_seed: int | None = None,
        _cells: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> None:
        name = type(self).__name__
        if len(shape) != 2 or min(shape) < 1:
            raise ShapeError(f"{name}: shape (post, pre), both >= 1, got {shape!r}")
        self._shape = (int(shape[0]), int(shape[1]))
        self.const = _checks.number(f"{name}.const", const)
        self.mean = _checks.number(f"{name}.mean", mean)
        self.sd = _checks.number(f"{name}.sd", sd, 0.0)
        self.distribution = _checks.choice(
            f"{name}.distribution", distribution, DISTRIBUTIONS
        )
        self.p_unformed = _checks.fraction(f"{name}.p_unformed", p_unformed)
        self.cell_cv = _checks.number(f"{name}.cell_cv", cell_cv, 0.0, 2.0, above=True)
        self.programming_noise = _checks.number(
            f"{name}.programming_noise", programming_noise, 0.0, 2.0
        )
        self.read_noise = _checks.number(f"{name}.read_noise", read_noise, 0.0, 2.0)
        self.read_noise_additive = _checks.number(
            f"{name}.read_noise_additive", read_noise_additive, 0.0
        )
        self.noise_reference = _checks.choice(
            f"{name}.noise_reference", noise_reference, ("weight", "cell")
        )
        self.stuck_on = _checks.fraction(f"{name}.stuck_on", stuck_on)
        self.stuck_off = _checks.fraction(f"{name}.stuck_off", stuck_off)
        if self.stuck_on + self.stuck_off > 1:
            raise ParameterError(
                f"{name}: stuck_on + stuck_off <= 1, got {stuck_on} + {stuck_off}"
            )
        if distribution == "mixture" and not 0 < self.p_unformed < 1:
            raise ParameterError(
                f"{name}: distribution 'mixture' needs 0 < p_unformed < 1, "
                f"got {p_unformed}"
            )
        self.drift_nu = _checks.number(f"{name}.drift_nu", drift_nu, 0.0)
        self.drift_nu_sd = _checks.number(f"{name}.drift_nu_sd", drift_nu_sd, 0.0)
        self.drift_t0 = _checks.number(
            f"{name}.drift_t0", drift_t0, 0.0, unit="s", above=True
        )
        self.age = _checks.number(f"{name}.age", age, 0.0, unit="s")
        self.update_every = _checks.number(
            f"{name}.update_every", update_every, 0.0, unit="s", above=True
        )
        self.seconds_per_step = _checks.number(
            f"{name}.seconds_per_step", seconds_per_step, 0.0, unit="s", above=True
        )
        self.adc_bits = (
            None
            if adc_bits is None
            else _checks.integer(f"{name}.adc_bits", adc_bits, 2, 24)
        )
        self.v_read = _checks.number(f"{name}.v_read", v_read, 0.0, unit="V")
        self.t_read = _checks.number(f"{name}.t_read", t_read, 0.0, unit="s")
        self.unit = _checks.number(f"{name}.unit", unit, 0.0, unit="S", above=True)
        self.seed = int(seed)
        self.programming_seed = seed if programming_seed is None else programming_seed
        self._write(g_on, g_off, _cells)
        self._set_adc(adc_range)

    @classmethod
    def from_conductances(
        cls, g_plus: ArrayLike, g_minus: ArrayLike, *, const: float, **options: Any
    ) -> "RandomWeights":
        """Take measured cells instead of drawn ones.

        Parameters
        ----------
        g_plus, g_minus : array_like of float, shape (post, pre)
            Siemens, >= 0.
        const : float
            Weight per `unit` of difference.
        **options
            Noise, faults, converter and read parameters of the class.
        """
        unit = options.get("unit", SIEMENS_PER_UNIT)
        plus = _checks.conductances("g_plus", g_plus) / unit
        minus = _checks.conductances("g_minus", g_minus) / unit
        if plus.shape != minus.shape:
            raise ShapeError(
                f"g_plus and g_minus: equal shapes, got {plus.shape} and {minus.shape}"
            )
        d = plus - minus
        return cls(
            (plus.shape[0], plus.shape[1]),
            const=const,
            mean=float(d.mean()),
            sd=float(d.std()),
            distribution="measured",
            _cells=(plus, minus),
            **options,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """``(post, pre)``."""
        return self._shape

    @property
    def n_cells(self) -> int:
        """Cells occupied: two per weight."""
        return 2 * self._shape[0] * self._shape[1]

    def _write(
        self,
        g_on: float | None,
        g_off: float | None,
        given: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    ) -> None:
        if given is None:
            given = draw_pairs(
                self._shape,
                mean=self.mean,
                sd=self.sd,
                distribution=self.distribution,
                cell_cv=self.cell_cv,
                p_unformed=self.p_unformed,
                seed=self.seed,
            )
        cells = np.stack(given)
        high = float(cells.mean() + 3 * cells.std())
        self.g_on = high if g_on is None else _checks.number("g_on", g_on, 0.0)
        self.g_off = PRISTINE if g_off is None else _checks.number("g_off", g_off, 0.0)
        seed = self.programming_seed
        if self.programming_noise > 0:
            z = stream(seed, "programming").standard_normal(cells.shape)
            if self.noise_reference == "cell":
                cells = np.maximum(cells * (1 + self.programming_noise * z), 0.0)
            else:
                # relative to the weight: half of the change to each cell
                d = (cells[0] - cells[1]) * self.programming_noise * z[0] / 2
                cells = np.maximum(np.stack([cells[0] + d, cells[1] - d]), 0.0)
        self._stuck = np.zeros(cells.shape, bool)
        if self.stuck_on + self.stuck_off > 0:
            u = stream(seed, "faults").random(cells.shape)
            on = u < self.stuck_on
            off = (u >= self.stuck_on) & (u < self.stuck_on + self.stuck_off)
            cells[on], cells[off] = self.g_on, self.g_off
            self._stuck = on | off
        self._nu: NDArray[np.float64] | None = None
        if self.drift_nu > 0 or self.drift_nu_sd > 0:
            z = stream(seed, "drift").standard_normal(cells.shape)
            nu = np.abs(self.drift_nu + self.drift_nu_sd * z)
            nu[self._stuck] = 0.0
            self._nu = nu
        self._cells = cells
        self._cached: tuple[float, WeightBlock, NDArray[np.float64]] | None = None

    @property
    def g_plus(self) -> NDArray[np.float64]:
        """Siemens, shape (post, pre)."""
        return np.asarray(self._cells[0] * self.unit)

    @property
    def g_minus(self) -> NDArray[np.float64]:
        """Siemens, shape (post, pre)."""
        return np.asarray(self._cells[1] * self.unit)

    def _at(self, seconds: float) -> NDArray[np.float64]:
        if self._nu is None:
            return self._cells
        decay = np.exp(-self._nu * np.log1p(seconds / self.drift_t0))
        return np.asarray(self._cells * decay)

    def conductances(
        self, seconds: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return both cells of every pair `seconds` after t = 0, drift included.

        Returns
        -------
        g_plus, g_minus : ndarray of float64, shape (post, pre)
            Siemens; for example for :meth:`hw.crossbar.AnalogMatrix.from_conductances`.
        """
        cells = self._at(self.age + _checks.number("seconds", seconds, 0.0, unit="s"))
        return np.asarray(cells[0] * self.unit), np.asarray(cells[1] * self.unit)

    def _set_adc(self, adc_range: str | float) -> None:
        self._adc: tuple[float, float, int] | None = None
        if self.adc_bits is None:
            return
        if isinstance(adc_range, str):
            _checks.choice("RandomWeights.adc_range", adc_range, ("max",))
            w = self.const * (self._cells[0] - self._cells[1])
            high = float(
                max(np.maximum(w, 0).sum(1).max(), np.maximum(-w, 0).sum(1).max())
            )
        else:
            high = _checks.number("RandomWeights.adc_range", adc_range, 0.0, above=True)
        high = high if high > 0 else 1.0
        self._adc = (-high, high, 2**self.adc_bits - 1)
        self._cached = None

    def calibrate(self, inputs: ArrayLike, percentile: float = 99.9) -> float:
        """Set the converter's range from observed column sums.

        Parameters
        ----------
        inputs : array_like, shape (n, pre)
            Patterns of driven rows from a separate set.
        percentile : float
            Of the absolute sums, 0..100.

        Returns
        -------
        float
            The half range, weight units.
        """
        if self.adc_bits is None:
            raise ParameterError("RandomWeights.calibrate: needs adc_bits")
        x = np.asarray(inputs, float).reshape(-1, self._shape[1])
        sums = np.abs(x @ self.block(0.0).w.T)
        high = float(np.percentile(sums, percentile))
        self._set_adc(high if high > 0 else 1.0)
        return 0.0 if self._adc is None else self._adc[1]

    def block(self, t: float) -> WeightBlock:
        """Return the weights at `t` (steps of `seconds_per_step`)."""
        seconds = max(float(t), 0.0) * self.seconds_per_step
        if self._nu is None:
            start, expires = 0.0, np.inf
        else:
            k = np.floor(seconds / self.update_every * (1 + 1e-12))
            start = k * self.update_every
            expires = (k + 1) * self.update_every / self.seconds_per_step
        if self._cached is not None and self._cached[0] == start:
            return self._cached[1]
        cells = self._at(self.age + start)
        d = cells[0] - cells[1]
        variance = None
        if self.read_noise > 0 or self.read_noise_additive > 0:
            square = d * d if self.noise_reference == "weight" else (cells**2).sum(0)
            variance = self.const**2 * (
                self.read_noise**2 * square + self.read_noise_additive**2
            )
        block = WeightBlock(self.const * d, variance, self._adc, float(expires))
        row_j = cells.sum((0, 1)) * (self.unit * self.v_read**2 * self.t_read)
        self._cached = (start, block, row_j)
        return block

    def settle(self, row_reads: NDArray[np.int64]) -> Mapping[str, float]:
        """Energy and number of row pulses since the last block.

        Parameters
        ----------
        row_reads : ndarray of int64, shape (pre,)
            Pulses per row.

        Returns
        -------
        mapping
            ``array_j``: joules dissipated in the cells, ``V^2 t sum G`` over driven
            rows (wires of zero resistance); ``row_pulses``.
        """
        reads = np.asarray(row_reads)
        if reads.shape != (self._shape[1],):
            raise ShapeError(
                f"RandomWeights.settle: row_reads of shape ({self._shape[1]},), "
                f"got {reads.shape}"
            )
        if self._cached is None:
            self.block(0.0)
        row_j = self._cached[2] if self._cached is not None else np.zeros(reads.size)
        return {
            "array_j": float(reads @ row_j),
            "row_pulses": float(reads.sum()),
        }

    def statistics(self) -> dict[str, float]:
        """Moments of the cells in siemens and of the weights, faults included."""
        w = self.block(0.0).w
        return {
            "cell_mean_s": float(self._cells.mean() * self.unit),
            "cell_sd_s": float(self._cells.std() * self.unit),
            "weight_mean": float(w.mean()),
            "weight_sd": float(w.std()),
            "zero_share": float((w == 0).mean()),
            "stuck_share": float(self._stuck.mean()),
        }

    def __repr__(self) -> str:
        return (
            f"RandomWeights({self._shape}, const={self.const:g}, mean={self.mean:g}, "
            f"sd={self.sd:g}, {self.distribution!r}, seed={self.seed})"
        )
