"""Sequence memory of cells in mini-columns, the algorithm behind HTM.

A cell that receives enough active, connected synapses on one of its segments is
predictive. When a column becomes active, its predictive cells win; without any, all its
cells burst and one of them learns. Winners grow synapses towards the winners of the
step before, so that the same input in different contexts activates different cells.

The rules are those that produced the published results (Cui, Ahmad & Hawkins 2016;
NuPIC's ``temporal_memory``), every branch of them; ``tests/naive/temporal_memory.py``
is the slow, literal form and gives the same cells, synapses and draws. Ties and samples
come from one seed. Permanences are whole units (see ``TemporalMemoryParams.levels``).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.core.growable import MAX_SYNAPSES, Growable
from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ParameterError
from neuro.htm import _memory_file
from neuro.htm._kernels import memory as kernels
from neuro.htm._kernels import state
from neuro.htm.parameters import TemporalMemoryParams
from neuro.htm.records import MemoryTrace, as_stream
from neuro.random import stream

__all__ = ["TemporalMemory"]

_MIN_TRACE = 1 << 16
_PER_SEGMENT = ("matching", "matched_counts", "masks", "keys", "order")


class TemporalMemory:
    """Temporal memory with learning.

    Parameters
    ----------
    params : TemporalMemoryParams, optional
        Parameters; the published ones by default.
    seed : int
        Seed of all draws (ties of the least used cell, sampling of synapses).

    Attributes
    ----------
    synapses : Growable
        The distal synapses, from cells to segments.

    Examples
    --------
    >>> memory = TemporalMemory(seed=1)
    >>> memory.compute(range(41))
    1.0
    >>> memory.active_cells.size
    1312
    """

    __references__ = ("cui2016", "hawkins2016")

    def __init__(
        self, params: TemporalMemoryParams | None = None, *, seed: int = 1960
    ) -> None:
        self.params = p = params or TemporalMemoryParams()
        self.seed = int(seed)
        draws = stream(self.seed, "temporal memory")
        self.synapses = Growable(
            p.n_cells,
            levels=p.levels,
            threshold=p.units("connected_permanence"),
            match=p.matching_threshold,
        )
        self._rules = state.Rules(
            cells_per_column=p.cells_per_column,
            activation_threshold=p.activation_threshold,
            matching_threshold=p.matching_threshold,
            initial=p.units("initial_permanence"),
            increment=p.units("permanence_increment"),
            decrement=p.units("permanence_decrement"),
            punishment=p.units("predicted_decrement"),
            connected=p.units("connected_permanence"),
            levels=p.levels,
            new_synapses=p.new_synapses,
            max_synapses=p.max_synapses,
            max_segments=p.max_segments,
        )
        n = p.n_cells
        self._memory = state.Memory(
            active=np.zeros((2, n), np.int32),
            winners=np.zeros((2, p.columns), np.int32),
            bits=np.zeros(n // 32 + 1, np.uint32),
            dead=np.zeros(n, np.uint8),
            flags=np.zeros(p.columns, np.uint8),
            mark=np.zeros(n, np.uint16),
            candidates=np.zeros(p.columns, np.int64),
            taken=np.zeros(p.columns, np.uint8),
            matching=np.zeros(0, np.uint32),
            matched_counts=np.zeros(0, np.uint16),
            masks=np.zeros((0, MAX_SYNAPSES // 32), np.uint32),
            keys=np.zeros(0, np.int64),
            order=np.zeros(0, np.int64),
            rng=draws.integers(2**64, size=1, dtype=np.uint64),
            info=np.zeros(state.INFO_SIZE, np.int64),
        )
        self.anomaly_score = 0.0

    # ------------------------------------------------------------------ running
    def compute(self, columns: Iterable[int], *, learn: bool = True) -> float:
        """Process one record and return its anomaly score.

        Parameters
        ----------
        columns : iterable of int
            Active columns, distinct, in any order; may be empty.
        learn : bool
            False changes nothing but the activity.

        Raises
        ------
        ParameterError
            For columns out of range or given twice; nothing is changed then.
        """
        return float(self.run([columns], learn=learn).anomaly_scores[0])

    def run(
        self,
        records: Sequence[Iterable[int]] | NDArray[np.integer[Any]],
        *,
        learn: bool = True,
        keep_predicted: bool = False,
        keep_cells: bool = False,
    ) -> MemoryTrace:
        """Process a stream of records, much faster than one by one.

        Parameters
        ----------
        records : sequence of iterables of int, or ndarray (n_records, n_active)
            Active columns of each record.
        learn : bool
            False changes nothing but the activity.
        keep_predicted, keep_cells : bool
            Whether the trace holds the predicted columns and the active cells.
        """
        columns, ends = as_stream(records, self.params.columns)
        n = ends.size - 1
        bursting = np.zeros(n, np.int64)
        none = np.zeros(0, np.int32)
        predicted_ends = np.zeros(n + 1 if keep_predicted else 0, np.int64)
        cell_ends = np.zeros(n + 1 if keep_cells else 0, np.int64)
        predicted, cells = none, none
        done = 0
        while True:
            self._grow_scratch()
            done = kernels.run(
                self.synapses.store,
                self._memory,
                self._rules,
                columns,
                ends,
                learn,
                done,
                (predicted, predicted_ends, cells, cell_ends),
                bursting,
            )
            if done == n:
                break
            width = int(ends[done + 1] - ends[done])
            self._make_room(width)
            if keep_predicted:
                used = int(predicted_ends[done])
                predicted = _more(predicted, used, self.params.columns)
            if keep_cells:
                used = int(cell_ends[done])
                cells = _more(cells, used, width * self.params.cells_per_column)
        widths = np.diff(ends)
        scores = bursting / np.maximum(widths, 1)
        if n:
            self.anomaly_score = float(scores[-1])
        return MemoryTrace(
            scores,
            predicted[: predicted_ends[-1]].copy() if keep_predicted else none,
            predicted_ends,
            cells[: cell_ends[-1]].copy() if keep_cells else none,
            cell_ends,
        )

    def _make_room(self, n_columns: int) -> None:
        segments, synapse_words, list_words = kernels.needs(
            self.synapses.store, self._memory, self._rules, n_columns
        )
        self.synapses.ensure(
            segments=int(segments),
            synapse_words=int(synapse_words),
            list_words=int(list_words),
        )

    def _grow_scratch(self) -> None:
        capacity = self.synapses.store.counts.size
        held = self._memory.matching.size
        if held >= capacity:
            return
        more = capacity - held
        self._memory = self._memory._replace(
            **{
                name: np.concatenate(
                    [array, np.zeros((more, *array.shape[1:]), array.dtype)]
                )
                for name, array in self._memory._asdict().items()
                if name in _PER_SEGMENT
            }
        )

    def reset(self) -> None:
        """Forget the activity (active, winner and predictive cells), keep synapses."""
        info = self._memory.info
        info[[state.N_ACTIVE, state.N_WINNERS, state.N_MATCHING]] = 0
        self._memory.bits[:] = 0
        self.anomaly_score = 0.0

    def kill_cells(self, cells: ArrayLike) -> None:
        """Let cells die: their segments vanish, they never become active again.

        Synapses of living cells onto dead ones stay and never receive activity.

        Parameters
        ----------
        cells : array_like of int
            Cell ids; dead ones may be named again.
        """
        ids = np.unique(np.asarray(cells, np.int64))
        if ids.size and (ids[0] < 0 or ids[-1] >= self.params.n_cells):
            raise ParameterError(
                f"TemporalMemory.kill_cells: cells must lie in "
                f"0..{self.params.n_cells - 1}, got {ids[0]}..{ids[-1]}"
            )
        kernels.kill(self.synapses.store, self._memory, ids, self._rules.connected)

    def kill_fraction(self, fraction: float, *, rng: np.random.Generator) -> None:
        """Kill a random share of all cells.

        Parameters
        ----------
        fraction : float
            Share of ``columns * cells_per_column``, 0..1.
        rng : numpy.random.Generator
            Draws the permutation.
        """
        if not 0 <= fraction <= 1:
            raise ParameterError(
                f"TemporalMemory.kill_fraction: expected 0..1, got {fraction}"
            )
        n = round(fraction * self.params.n_cells)
        self.kill_cells(rng.permutation(self.params.n_cells)[:n])

    # ------------------------------------------------------------------ state
    @property
    def active_cells(self) -> NDArray[np.int32]:
        """Active cells, sorted; ``column * cells_per_column + k``."""
        info = self._memory.info
        return self._memory.active[info[state.NOW], : info[state.N_ACTIVE]].copy()

    @property
    def winner_cells(self) -> NDArray[np.int32]:
        """Winner cells, sorted."""
        info = self._memory.info
        return self._memory.winners[info[state.NOW], : info[state.N_WINNERS]].copy()

    def _matching(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        n = self._memory.info[state.N_MATCHING]
        ids = self._memory.matching[:n].astype(np.int64)
        head = self.synapses.store.segment_head
        cells, births = head[ids, 2].astype(np.int64), head[ids, 3].astype(np.int64)
        order = np.lexsort((births, cells))
        return ids[order], self._memory.matched_counts[:n][order].astype(np.int64)

    @property
    def matching_segments(self) -> NDArray[np.int64]:
        """Segments with enough active synapses, by cell and age."""
        return self._matching()[0]

    @property
    def active_segments(self) -> NDArray[np.int64]:
        """Segments with enough active, connected synapses, by cell and age."""
        ids, counts = self._matching()
        return ids[counts >> 8 >= self.params.activation_threshold]

    @property
    def predictive_cells(self) -> NDArray[np.int32]:
        """Cells with an active segment, sorted."""
        head = self.synapses.store.segment_head
        return np.unique(head[self.active_segments, 2]).astype(np.int32)

    @property
    def predicted_columns(self) -> NDArray[np.int32]:
        """Columns of the predictive cells, sorted."""
        return np.unique(self.predictive_cells // self.params.cells_per_column)

    @property
    def dead_cells(self) -> NDArray[np.int64]:
        """Killed cells, sorted."""
        return np.flatnonzero(self._memory.dead)

    @property
    def steps(self) -> int:
        """Records processed."""
        return int(self._memory.info[state.STEP])

    @property
    def nbytes(self) -> int:
        """Bytes of synapses and state in use."""
        fixed = sum(
            a.nbytes
            for name, a in self._memory._asdict().items()
            if name not in _PER_SEGMENT
        )
        return int(self.synapses.nbytes + fixed + 38 * self.synapses.n_post)

    @property
    def counts(self) -> OpCounts:
        """Operations so far; the whole stream is one sample.

        ``synop`` are visits of connected, ``synop_zero`` of unconnected synapses,
        ``plastic`` permanences updated, ``grow`` synapses created, ``spike_in`` active
        columns, ``spike_out`` active cells. The layer's ``weights`` is 0, since the
        number of synapses changes all the time.
        """
        info, out = self._memory.info, OpCounts(1)
        out.layer(
            "distal",
            LayerInfo(
                kind="segment",
                in_shape=(self.params.n_cells,),
                out_shape=(self.params.n_cells,),
                neurons=self.params.n_cells,
                w_bits=1,
            ),
        )
        for op, at, bits in (
            ("synop", state.SYNOP, 1),
            ("synop_zero", state.SYNOP_ZERO, 1),
            ("ac", state.SYNOP, 1),
            ("plastic", state.PLASTIC, 8),
            ("grow", state.GROWN, 8),
            ("spike_in", state.SPIKE_IN, 1),
            ("spike_out", state.SPIKE_OUT, 1),
        ):
            out.add("distal", op, int(info[at]), w_bits=bits)
        return out

    # ------------------------------------------------------------------ files
    def save(self, path: Path | str) -> None:
        """Write the whole state; loading it goes on with the very same results."""
        _memory_file.save(self, path)

    @classmethod
    def load(cls, path: Path | str) -> "TemporalMemory":
        """Read :meth:`save`.

        Raises
        ------
        ParameterError
            If the file is no saved memory or is inconsistent.
        """
        out = cls.__new__(cls)
        _memory_file.load_into(out, path)
        return out

    def __repr__(self) -> str:
        p = self.params
        return (
            f"TemporalMemory({p.columns} x {p.cells_per_column} cells, "
            f"{self.synapses.n_segments} segments, "
            f"{self.synapses.n_synapses} synapses, {self.steps} records)"
        )


def _more(array: NDArray[np.int32], used: int, need: int) -> NDArray[np.int32]:
    if used + need <= array.size:
        return array
    out = np.empty(max(2 * array.size, used + need, _MIN_TRACE), np.int32)
    out[:used] = array[:used]
    return out
