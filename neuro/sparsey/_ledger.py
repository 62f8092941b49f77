"""Operations of a level, kept per frame and summed per sample when asked for."""

import numpy as np
from numpy.typing import NDArray

from neuro.counts import LayerInfo, OpCounts
from neuro.sparsey._kernels import Output

_BITS = np.array([i.bit_count() for i in range(8)], np.int64)
_COLUMNS = 7  # start, rows, visits, writes, computed, products, coded


class Ledger:
    """Rows summed, set synapses met, weights written, codes made; frame by frame."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.int64]] = []

    def book(self, out: Output, starts: NDArray[np.uint8]) -> None:
        """Take over one batch."""
        signals = _BITS[out.used]
        columns = [
            starts.astype(np.int64),
            out.rows.sum(1, dtype=np.int64),
            out.visits.sum(1, dtype=np.int64),
            out.writes.sum(1, dtype=np.int64),
            out.computed.sum(1, dtype=np.int64),
            # one normalisation per signal, one product less
            np.maximum(2 * signals - 1, 0).sum(1, dtype=np.int64),
            (out.codes[:, :, 0] >= 0).sum(1, dtype=np.int64),
        ]
        self._parts.append(np.stack(columns))

    def clear(self) -> None:
        """Forget everything."""
        self._parts = []

    @property
    def frames(self) -> NDArray[np.int64]:
        """Per-frame numbers, shape (7, n_frames)."""
        if not self._parts:
            return np.zeros((_COLUMNS, 0), np.int64)
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts, 1)]
        return self._parts[0]

    @frames.setter
    def frames(self, values: NDArray[np.int64]) -> None:
        self._parts = [np.array(values, np.int64)] if values.shape[1] else []

    def counts(self, name: str, info: LayerInfo, units: int, n_cms: int) -> OpCounts:
        """Return the ledger; a sample is an item or a sequence."""
        counts = OpCounts()
        counts.layer(name, info)
        held = self.frames
        if held.shape[1] == 0:
            return counts
        begins = np.flatnonzero(held[0])
        if begins.size == 0 or begins[0] != 0:
            begins = np.concatenate([[0], begins])
        rows, visits, writes, computed, products, coded = np.add.reduceat(
            held[1:], begins, axis=1
        )
        for op, n in (
            ("synop", visits),
            ("synop_zero", rows * units - visits),
            ("ac", rows * units),
            ("mac", products * units),
            ("neuron_update", computed * units),
            ("plastic", writes),
            ("spike_in", rows),
            ("spike_out", coded * n_cms),
        ):
            counts.add(name, op, n, a_bits=1, w_bits=info.w_bits)
        return counts
