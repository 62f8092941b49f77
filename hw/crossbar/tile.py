"""One physical array of a larger matrix: its cells, its circuit, its columns."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.random import stream

from ..devices import DeviceArray
from .array import Crossbar
from .config import AnalogConfig
from .mapping import Encoded
from .noise import clipped_moments

__all__ = ["Tile", "split"]

Floats = NDArray[np.float64]


def split(total: int, largest: int, how: str) -> list[slice]:
    """Split `total` lines into tiles of at most `largest`.

    Examples
    --------
    >>> split(10, 4, "max")
    [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None)]
    >>> split(10, 4, "equal")
    [slice(0, 4, None), slice(4, 7, None), slice(7, 10, None)]
    """
    count = -(-total // largest)
    if how == "max":
        return [slice(a, min(a + largest, total)) for a in range(0, total, largest)]
    edges = np.cumsum([0] + [len(p) for p in np.array_split(np.arange(total), count)])
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


class Tile:
    """Cells of one array: the planes of an output lie side by side, a dummy last.

    Parameters
    ----------
    rows, cols : slice
        Inputs and outputs of the matrix that this array holds.
    encoded : Encoded
        Of the whole matrix.
    config : AnalogConfig
    seed, key : int, tuple
        Stream of this array.
    """

    def __init__(
        self,
        rows: slice,
        cols: slice,
        encoded: Encoded,
        config: AnalogConfig,
        seed: int,
        key: tuple[int, int],
    ) -> None:
        self.rows, self.cols, self.config = rows, cols, config
        self.planes = len(encoded.planes)
        parts = [p[rows, cols] for p in encoded.planes]
        target = np.stack(parts, axis=2).reshape(parts[0].shape[0], -1)
        self._used = target.shape[1]
        if encoded.dummy is not None:
            column = np.full((target.shape[0], 1), encoded.dummy)
            target = np.concatenate([target, column], axis=1)
        self.devices: DeviceArray = config.device.program(
            target, rng=stream(seed, "tile", *key)
        )
        self._held: tuple[float, Floats, NDArray[np.float32] | None] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Physical rows and columns."""
        return (self.devices.shape[0], self.devices.shape[1])

    def program(self) -> None:
        """Write the same targets again."""
        self.devices.program()
        self._held = None

    def cells(self, seconds: float) -> Floats:
        """Conductances that a read at `seconds` sees (white noise apart)."""
        c = self.config
        dt, origin = c.update_every, c.start_time
        if c.read_mode in ("none", "white"):
            return self.devices.at_time(seconds, dt=dt, origin=origin)
        return self.devices.read(seconds, mode=c.read_mode, dt=dt, origin=origin)

    def circuit(self, seconds: float) -> Crossbar:
        """Array with the cells of `seconds`."""
        self.effective(seconds)
        return self._array

    def effective(self, seconds: float) -> tuple[Floats, NDArray[np.float32] | None]:
        """Return effective conductances and, for white noise, their variance.

        Cells that noise would push below 0 keep the mean and variance of the clipped
        read. The variance of a cell is carried to the output with the square of
        ``G_eff / G`` (local attenuation: exact without wires).
        """
        if self._held is not None and self._held[0] == seconds:
            return self._held[1], self._held[2]
        c = self.config
        g = self.cells(seconds)
        self._array = Crossbar(
            g,
            r_word=c.r_word,
            r_bit=c.r_bit,
            r_source=c.r_source,
            r_sense=c.r_sense,
            topology=c.topology,
            tol=c.tol,
            threads=c.threads,
        )
        wired = c.wired and c.topology == "driven"
        g_eff = self._array.effective_conductance() if wired else g
        variance = None
        if c.read_mode == "white":
            sigma = self.devices.read_sigma(seconds)
            if sigma.any():
                mean, square = clipped_moments(g, sigma)
                with np.errstate(divide="ignore", invalid="ignore"):
                    seen = np.where(g > 0, g_eff / g, 1.0)
                g_eff = g_eff + seen * (mean - g)
                variance = np.asarray(seen * seen * square, np.float32)
        self._held = (seconds, g_eff, variance)
        return g_eff, variance

    def plane(self, a: NDArray[Any], k: int) -> NDArray[Any]:
        """Columns of plane `k` of a physical array, shape (rows, outputs)."""
        return a[..., k : self._used : self.planes]

    def dummy(self, a: NDArray[Any]) -> NDArray[Any]:
        """Dummy column of a physical array, shape (rows,)."""
        return a[..., self._used]

    def state_dict(self) -> dict[str, Any]:
        """State of the devices."""
        return self.devices.state_dict()
