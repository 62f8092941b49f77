"""A weight matrix on crossbar arrays: program, age, multiply, read spikes, account.

``AnalogMatrix`` is a ``neuro.network.WeightSource`` where the arrays act on spikes as a
matrix; :meth:`AnalogMatrix.source` gives a ``ColumnReader`` where they do not (gated
arrays with wires, several converters per output).
"""

from collections.abc import Mapping as MappingType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.counts import OpCounts
from neuro.errors import DatasetError, ParameterError, ShapeError
from neuro.network import WeightBlock
from neuro.random import stream
from neuro.results import write_arrays

from .. import _checks
from ._accounting import book, settle
from ._decode import decoded_variance, decoded_weights, mean_magnitude
from ._inputs import voltages
from ._matrix_state import matrix_state, restore_matrix
from ._products import multiply, read_pattern, spike_pattern
from .config import AnalogConfig
from .converters import ADC
from .mapping import Encoded
from .reader import AnalogReader, TransposedMatrix
from .tile import Tile, split

if TYPE_CHECKING:
    from .budget import ErrorBudget

__all__ = ["AnalogMatrix"]

Floats = NDArray[np.float64]


class AnalogMatrix:
    """A programmed weight matrix.

    Parameters
    ----------
    W : array_like, shape (post, pre)
        Weights.
    config : AnalogConfig, optional
        Default: generic resistive cells, no wires, ideal converters.
    seed : int
        Of programming, faults, drift and read noise.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> A = AnalogMatrix(rng.normal(size=(4, 6)), seed=1)
    >>> (A @ np.ones(6)).shape
    (4,)
    """

    __references__ = ("rasch2021", "joksas2020")

    def __init__(
        self, W: ArrayLike, config: AnalogConfig | None = None, seed: int = 0
    ) -> None:
        c = _config(config)
        encoded = c.mapping.encode(W, c.device.g_min, c.device.g_max)
        self._build(np.array(W, np.float64), encoded, c, seed)

    @classmethod
    def from_conductances(
        cls,
        g_plus: ArrayLike,
        g_minus: ArrayLike,
        *,
        weight_per_siemens: float,
        config: AnalogConfig | None = None,
        seed: int = 0,
    ) -> "AnalogMatrix":
        """Take the two cells of every weight as they are, for example as formed.

        Parameters
        ----------
        g_plus, g_minus : array_like, shape (post, pre)
            Siemens; targets of the configuration's device, whose range must hold them.
        weight_per_siemens : float
            ``w = weight_per_siemens (g_plus - g_minus)``.
        config, seed
            As for the class; the mapping is not used.
        """
        planes = [
            np.ascontiguousarray(_checks.conductances(name, g).T)
            for name, g in (("g_plus", g_plus), ("g_minus", g_minus))
        ]
        if planes[0].shape != planes[1].shape:
            raise ShapeError(
                f"g_plus and g_minus: equal shapes, got {planes[0].shape[::-1]} and "
                f"{planes[1].shape[::-1]}"
            )
        factor = np.array([float(weight_per_siemens)])
        encoded = Encoded(planes, [factor, -factor], np.zeros(1), ((0, 1),), 0.0)
        new = cls.__new__(cls)
        new._build(encoded.weights(), encoded, _config(config), seed)
        return new

    def _build(self, W: Floats, encoded: Encoded, c: AnalogConfig, seed: int) -> None:
        self.W, self.encoded, self.config = W, encoded, c
        self.seed = _checks.integer("AnalogMatrix.seed", seed, 0, 2**63)
        planes, dummy = len(encoded.planes), encoded.dummy is not None
        if planes + dummy > c.cols_max:
            raise ParameterError(
                f"AnalogMatrix: one output takes {planes + dummy} columns, cols_max is "
                f"{c.cols_max}"
            )
        self.row_tiles = split(self.W.shape[1], c.rows_max, c.tiling)
        self.col_tiles = split(
            self.W.shape[0], (c.cols_max - dummy) // planes, c.tiling
        )
        self.tiles = [
            [
                Tile(r, k, self.encoded, c, self.seed, (i, j))
                for j, k in enumerate(self.col_tiles)
            ]
            for i, r in enumerate(self.row_tiles)
        ]
        self.time = 0.0
        self._reads = 0
        self._adc = c.adc_for(max(r.stop - r.start for r in self.row_tiles))
        self._dac = c.dac
        self._block: tuple[float, WeightBlock] | None = None
        self._reference: Floats | None = None
        self.clip_share = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """``(post, pre)``."""
        return (self.W.shape[0], self.W.shape[1])

    def __repr__(self) -> str:
        arrays = len(self.row_tiles) * len(self.col_tiles)
        return f"AnalogMatrix({self.shape}, {self.config.device.name}, {arrays} arrays)"

    # --- time

    def program(self) -> "AnalogMatrix":
        """Write the same weights again (a new cycle on the same devices)."""
        for row in self.tiles:
            for tile in row:
                tile.program()
        self._block = self._reference = None
        return self

    def at_time(self, t: float) -> "AnalogMatrix":
        """Set the time of the following products, seconds after ``start_time``."""
        self.time = _checks.number("AnalogMatrix.at_time: t", t, 0.0, unit="s")
        return self

    def _seconds(self, t: float) -> tuple[float, float]:
        """Return the device time of the block at `t`, and when it expires."""
        c = self.config
        here = max(float(t), 0.0) * c.seconds_per_step
        if not c.moving:
            return c.start_time, np.inf
        k = np.floor(here / c.update_every * (1 + 1e-12))
        end = (k + 1) * c.update_every / c.seconds_per_step
        return c.start_time + k * c.update_every, float(end)

    # --- weights

    def effective_weights(self, t: float = 0.0) -> Floats:
        """Weights that the arrays realise at `t`, wires included, (post, pre)."""
        self._linear("effective_weights")
        return decoded_weights(self, self._seconds(t)[0])

    def gain(self, seconds: float) -> Floats:
        """Drift compensation in force at a device time, shape (1,) or (post,)."""
        how = self.config.drift_compensation
        if how == "none" or seconds == self.config.start_time:
            return np.ones(1)
        if self._reference is None:
            self._reference = mean_magnitude(self, self.config.start_time, how)
        now = mean_magnitude(self, seconds, how)
        return np.asarray(self._reference / np.where(now > 0, now, 1.0))

    def _linear(self, what: str) -> None:
        if self.config.topology == "gated" and self.config.wired:
            raise ParameterError(
                f"AnalogMatrix.{what}: gated arrays with wires depend on the pattern; "
                "use spike_read or source()"
            )

    @property
    def needs_reader(self) -> bool:
        """Whether spikes must go through :meth:`source`'s column reader."""
        c, e = self.config, self.encoded
        if (c.topology == "gated" and c.wired) or c.column_limit is not None:
            return True
        if e.dummy is not None and c.read_mode == "white":
            return True  # the noise of a dummy column is common to all outputs
        if c.adc is None:
            return False
        return bool(
            c.drift_compensation == "column"
            or len(self.row_tiles) > 1
            or len(e.groups) > 1
            or e.offset.any()
            or e.dummy is not None
            or any(f.size > 1 for f in e.factors)
        )

    def source(self) -> "AnalogMatrix | AnalogReader":
        """Return what a ``neuro.network.Projection`` takes as its rule."""
        return AnalogReader(self) if self.needs_reader else self

    # --- neuro.network.WeightSource

    def block(self, t: float) -> WeightBlock:
        """Return weights, read variance and converter in force at `t`."""
        seconds, expires = self._seconds(t)
        if self._block is not None and self._block[0] == seconds:
            return self._block[1]
        if self.config.topology == "gated" and self.config.wired:
            w, variance = self.encoded.weights(), None
        else:
            w = decoded_weights(self, seconds)
            variance = decoded_variance(self, seconds)
        adc = None
        if self._adc is not None and not self.needs_reader:
            lo, hi = self._adc.limits
            scale = float(np.abs(self.encoded.factors[0]).max()) / self.config.v_read
            scale *= float(self.gain(seconds)[0])
            adc = (lo * scale, hi * scale, self._adc.codes_count)
        block = WeightBlock(w, variance, adc, expires)
        self._block = (seconds, block)
        return block

    def settle(self, row_reads: NDArray[np.int64]) -> MappingType[str, float]:
        """Energy in the cells and number of row pulses.

        ``array_j`` is ``V^2 t sum_j G_ij`` over driven rows: exact without wires, an
        upper bound with them. Gated inputs are binary, so it holds for both topologies.
        """
        return settle(self, row_reads)

    def book(
        self,
        counts: OpCounts,
        layer: str,
        row_reads: NDArray[np.int64],
        reads: int,
        *,
        sample: int = 0,
    ) -> None:
        """Write a run's array operations into a ledger.

        Parameters
        ----------
        counts : OpCounts
        layer : str
        row_reads : ndarray of int64, shape (pre,)
            Pulses per row.
        reads : int
            Reads of the whole matrix (time steps with or without input).
        sample : int
        """
        book(self, counts, layer, row_reads, reads, sample=sample)

    @property
    def conversions_per_read(self) -> int:
        """Conversions of one read of the whole matrix."""
        columns = self.shape[0] * len(self.encoded.groups)
        if self.encoded.dummy is not None:
            columns += len(self.col_tiles)
        return columns * len(self.row_tiles)

    @property
    def cells(self) -> int:
        """Cells in use, dummy columns included."""
        dummy = self.encoded.dummy is not None
        columns = self.shape[0] * len(self.encoded.planes) + dummy * len(self.col_tiles)
        return self.shape[1] * columns

    @property
    def utilisation(self) -> float:
        """Used cells over the cells of all arrays at their full size."""
        c = self.config
        arrays = len(self.row_tiles) * len(self.col_tiles)
        return self.cells / (arrays * c.rows_max * c.cols_max)

    # --- converters

    def calibrate(self, X: ArrayLike) -> "AnalogMatrix":
        """Set converter ranges from inputs of a separate set.

        Parameters
        ----------
        X : array_like, shape (n, pre)
        """
        x = self._rows(X, "AnalogMatrix.calibrate: X")
        if self._dac is not None:
            self._dac = self._dac.calibrate(x)
        if self.config.adc is not None:
            held, self._adc = self._adc, None
            seen: list[Floats] = []
            try:
                self._multiply(x, seen)
            finally:
                self._adc = held
            samples = np.concatenate([s.ravel() for s in seen])
            adc: ADC = self.config.adc
            self._adc = adc.calibrate(samples)
        self._block = None
        return self

    # --- products

    def __matmul__(self, x: ArrayLike) -> Floats:
        """Multiply: ``(pre,)`` or ``(pre, batch)`` as for a NumPy matrix."""
        a = np.asarray(x, np.float64)
        if a.ndim not in (1, 2) or a.shape[0] != self.shape[1]:
            raise ShapeError(
                f"AnalogMatrix @ x: expected ({self.shape[1]},) or ({self.shape[1]}, "
                f"batch), got {a.shape}"
            )
        out = self._multiply(self._rows(a.T, "AnalogMatrix @ x"))
        return out[0] if a.ndim == 1 else np.ascontiguousarray(out.T)

    def _rows(self, X: ArrayLike, name: str) -> Floats:
        """Return finite inputs as rows (n, pre)."""
        return voltages(X, self.shape[1], name)[0]

    def forward(self, X: ArrayLike) -> Floats:
        """Multiply rows: ``(batch, pre)`` to ``(batch, post)``."""
        return np.ascontiguousarray((self @ np.asarray(X, np.float64).T).T)

    @property
    def T(self) -> TransposedMatrix:
        """The arrays read from their outputs: ``A.T @ y``."""
        self._linear("T")
        return TransposedMatrix(self)

    def _next_rng(self) -> np.random.Generator:
        self._reads += 1
        return stream(self.seed, "white", self._reads)

    def _multiply(self, x: Floats, seen: list[Floats] | None = None) -> Floats:
        return multiply(self, x, seen)

    def spike_read(self, spikes: ArrayLike, t: float | None = None) -> Floats:
        """One binary read: no DAC, rows of spiking inputs driven at the read voltage.

        Parameters
        ----------
        spikes : array_like
            Boolean (pre,) or (batch, pre), or a list of active rows.
        t : float, optional
            Simulated time; default: that of :meth:`at_time`.

        Returns
        -------
        ndarray of float64, shape (post,) or (batch, post)
            Summed weights of the active rows as the hardware delivers them.
        """
        pattern, many = spike_pattern(spikes, self.shape[1])
        held = self.time
        if t is not None:
            self.time = t * self.config.seconds_per_step
        try:
            out = read_pattern(self, pattern)
        finally:
            self.time = held
        return out if many else out[0]

    def report(self, X: ArrayLike, **options: Any) -> "ErrorBudget":
        """Error budget on inputs `X`; options of :func:`hw.crossbar.error_budget`."""
        from .budget import error_budget

        options = {"seed": self.seed, "t": self.time} | options
        return error_budget(self.W, self.config, X, **options)

    # --- state

    def state_dict(self) -> dict[str, Any]:
        """Return arrays and numbers that rebuild this matrix bit for bit (flat)."""
        return matrix_state(self)

    @classmethod
    def from_state_dict(
        cls, config: AnalogConfig, state: MappingType[str, Any]
    ) -> "AnalogMatrix":
        """Rebuild from :meth:`state_dict` and the configuration."""
        return restore_matrix(cls, config, state)

    def save(self, path: Any) -> None:
        """Write the state to a compressed npz; the configuration is the caller's."""
        write_arrays(path, {k: np.asarray(v) for k, v in self.state_dict().items()})

    @classmethod
    def load(cls, path: Any, config: AnalogConfig) -> "AnalogMatrix":
        """Read what :meth:`save` wrote.

        Raises
        ------
        DatasetError
            If there is no such file or it holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                state = {k: stored[k] for k in stored.files}
        except (OSError, ValueError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "not a saved matrix"
            raise DatasetError(f"{path}: cannot be read ({reason})") from None
        return cls.from_state_dict(config, state)


def _config(given: AnalogConfig | None) -> AnalogConfig:
    if given is None:
        return AnalogConfig()
    if not isinstance(given, AnalogConfig):
        raise ParameterError(
            f"AnalogMatrix: config is an AnalogConfig, got {given!r}; for example "
            "AnalogConfig(device=Device.preset('rram_generic'))"
        )
    return given
