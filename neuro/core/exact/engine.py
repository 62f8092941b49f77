r"""Event-driven simulation without a time grid, over plain arrays.

Each neuron is advanced in closed form when an event reaches it; threshold crossings
are found in closed form or by Newton's method with a tolerance of 1e-12 time units.
Models: ``if_delta`` (:math:`\dot v = s`), ``lif_delta``
(:math:`\tau_m \dot v = v_\infty - v`; an input adds to v) and ``lif_exp``
(:math:`\tau_m \dot v = v_\infty - v + R I,\; \tau_s \dot I = -I`); others bring
their own functions (:class:`~neuro.core.exact.parts.OwnModel`).

Times inside are float64 from the start of a window of 1,000 time units, with the
number of the window as an integer: the resolution is 1e-13 at any simulated time.

References
----------
.. [1] Brette, Neural Computation 19 (2007), 2604. doi:10.1162/neco.2007.19.10.2604
.. [2] Hanuschkin et al., Front. Neuroinform. 4 (2010), 113.
   doi:10.3389/fninf.2010.00113
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.exact._kernels import layout as k
from neuro.core.exact.parts import (
    MODELS,
    WINDOW,
    WINDOW_NS,
    CellGroup,
    EventSource,
    SynapseGroup,
)
from neuro.core.exact.rows import MAX_FIFO, lay_out_rows, make_queue
from neuro.core.exact.solvers import MAX_OWN, Kernels
from neuro.core.interrupts import uninterrupted
from neuro.errors import ParameterError, ShapeError

__all__ = ["ExactCore", "StateError"]

_BUDGET = 4_000_000  # synapses between two returns to Python: about 0.2 s


class StateError(ParameterError):
    """State of a neuron is not finite."""

    def __init__(self, neuron: int, time: float) -> None:
        super().__init__(f"state of neuron {neuron} is not finite at {time:g}")
        self.neuron, self.time = neuron, time


class ExactCore:
    """State and queues of the exact engine.

    Parameters
    ----------
    cells : sequence of CellGroup
        Neurons, numbered through in this order.
    synapses : sequence of SynapseGroup
        Projections.
    sources : sequence of EventSource
        Stimuli.
    unit : float
        Of the time that functions of registered models see, in one time unit.
    """

    def __init__(
        self,
        cells: Sequence[CellGroup],
        synapses: Sequence[SynapseGroup] = (),
        sources: Sequence[EventSource] = (),
        *,
        unit: float = 1.0,
    ) -> None:
        self.n = n = sum(c.n for c in cells)
        self.sources = tuple(sources)
        self._classes, kind, self.class_group = _classes(cells, unit)
        self._kernels = Kernels([c.own for c in cells if c.own is not None])
        self._initial = (
            _values(cells, "v"),
            _values(cells, "i_syn"),
            _own_state(cells),
            kind,
        )
        self._source_offset = np.cumsum([0, *[s.n for s in sources]])
        self._check(synapses)
        starts = [
            0 if s.source is None else n + int(self._source_offset[s.source])
            for s in synapses
        ]
        self._rows = lay_out_rows(
            synapses, starts, n + int(self._source_offset[-1]), self._classes.fast[kind]
        )
        longest = int((self._rows.end - self._rows.begin).max(initial=1))
        self._decay = np.zeros((2, longest))
        self._n_projections = len(synapses)
        self.reset()

    def _check(self, synapses: Sequence[SynapseGroup]) -> None:
        for i, s in enumerate(synapses):
            delay = np.asarray(s.delay, float)
            if not np.isfinite(delay).all() or (delay < 0).any():
                raise ParameterError(f"projection {i}: delays must be finite and >= 0")
            if s.source is None and delay.size and delay.min() <= 0:
                raise ParameterError(
                    f"projection {i}: the exact engine needs delays > 0 between "
                    f"neurons, got {delay.min()}"
                )
            if not np.isfinite(np.asarray(s.weight, float)).all():
                raise ParameterError(f"projection {i}: weights must be finite")

    # -- state ---------------------------------------------------------------------
    def reset(self) -> None:
        """Return to the initial state at time 0."""
        n = self.n
        v, i_syn, own, kind = self._initial
        self._cells = k.Cells(
            v=v.copy(),
            i_syn=i_syn.copy(),
            t_last=np.zeros(n),
            t_free=np.full(n, -np.inf),
            kind=kind,
            stamp=np.zeros(n, np.int64),
            cross=np.zeros(n),
            heap=np.zeros(n, np.int32),
            place=np.full(n, -1, np.int32),
            touched=np.zeros(n, np.int32),
            firing=np.zeros(n + 1, np.int32),
            own=own.copy(),
        )
        self._book = np.zeros(k.N_BOOK, np.int64)
        self._queue, self._per_window = make_queue(self._rows, n, MAX_FIFO)
        pool = 1024 if self._queue.head.size else 1
        self._lists = (
            np.zeros(1024),
            np.zeros(1024, np.int64),
            np.zeros(pool),
            np.zeros(pool, np.int64),
            np.arange(1, pool + 1, dtype=np.int64),
        )
        self._lists[4][-1] = -1
        self._counts = k.Counts(
            np.zeros(max(1, self._n_projections), np.int64),
            np.zeros(max(1, self._n_projections), np.int64),
            np.zeros(self._classes.model.size, np.int64),
            np.zeros(n, np.int64),
        )
        self.window, self.offset_ns = 0, 0
        self._kept = 0  # emitted spikes kept for delivery, already handed out
        self._late: tuple[NDArray[Any], NDArray[Any]] = (
            np.zeros(0),
            np.zeros(0, np.int64),
        )
        self._kernels.predict_all(self._cells, self._classes, self._book)
        self._load()

    @property
    def time(self) -> float:
        """Present time, time units."""
        return self.window * WINDOW + self.offset_ns / 1e6

    # -- stimulus ------------------------------------------------------------------
    def _load(self) -> None:
        """Expand the events of the present window into sorted arrivals."""
        rows = self._rows
        times, groups = [self._late[0]], [self._late[1]]
        for source, offset in zip(self.sources, self._source_offset[:-1], strict=True):
            t, channel = source.window(self.window)
            channel = np.asarray(channel, np.int64) + (self.n + int(offset))
            begin = rows.indptr[channel]
            size = rows.indptr[channel + 1] - begin
            event = np.repeat(np.arange(channel.size), size)
            within = np.arange(event.size) - np.repeat(np.cumsum(size) - size, size)
            group = begin[event] + within
            times.append(np.asarray(t, np.float64)[event] + rows.delay[group])
            groups.append(group)
        t, group = np.concatenate(times), np.concatenate(groups)
        order = np.argsort(t, kind="stable")
        t, group = t[order], group[order]
        cut = int(np.searchsorted(t, WINDOW, side="right"))
        self._late = (t[cut:], group[cut:])
        self._arrivals = k.Arrivals(t[:cut].copy(), group[:cut].astype(np.int64))
        self._book[k.ARRIVAL] = 0

    # -- run -----------------------------------------------------------------------
    def run(
        self, duration_ns: int, on_pause: Callable[[float], None] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Advance; return times (time units, absolute) and neurons of the spikes.

        Parameters
        ----------
        duration_ns : int
            Duration in millionths of the time unit (ns where the unit is ms).
        on_pause : callable, optional
            Called with the present time about every 0.2 s; may raise to interrupt, the
            state is then consistent and the run can go on.
        """
        end = self.window * WINDOW_NS + self.offset_ns + int(duration_ns)
        target, rest = divmod(end, WINDOW_NS)
        out_t: list[NDArray[np.float64]] = []
        out_i: list[NDArray[Any]] = []
        while True:
            last = self.window == target
            stop_ns = rest if last else WINDOW_NS
            with uninterrupted():
                status = self._advance(stop_ns / 1e6)
                t, i = self._collect()
                out_t.append(t)
                out_i.append(i)
                if status == k.PAUSED:  # all events up to here have been processed
                    reached = int(np.ceil(self._cells.t_last.max(initial=0.0) * 1e6))
                    self.offset_ns = min(stop_ns, max(self.offset_ns, reached))
                else:
                    self.offset_ns = stop_ns
                    if not last:
                        self._next_window()
            if status == k.PAUSED:
                if on_pause is not None:
                    on_pause(self.time)
            elif last:
                break
        times, indices = np.concatenate(out_t), np.concatenate(out_i)
        order = np.lexsort((indices, times))
        return times[order], indices[order].astype(np.int32)

    def _advance(self, t_end: float) -> int:
        status, self._lists = self._kernels.run_until(
            t_end,
            _BUDGET,
            self._cells,
            self._classes,
            self._rows,
            self._arrivals,
            self._queue,
            self._counts,
            self._book,
            self._lists,
            self._decay,
        )
        self._check_finite()
        return int(status)

    def _check_finite(self) -> None:
        c = self._cells
        if np.isfinite(c.v.sum() + c.i_syn.sum() + c.own.sum()):
            return
        whole = np.isfinite(c.v) & np.isfinite(c.i_syn)
        if len(c.own) == self.n:
            whole &= np.isfinite(c.own).all(1)
        bad = np.flatnonzero(~whole)
        if bad.size:
            raise StateError(
                int(bad[0]), self.window * WINDOW + float(c.t_last[bad[0]])
            )

    def _collect(self) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Hand out new spikes; keep in the list what is still under way."""
        emit_t, emit_i = self._lists[:2]
        n = int(self._book[k.N_EMIT])
        t = emit_t[self._kept : n] + self.window * WINDOW
        i = emit_i[self._kept : n].copy()
        cut = int(self._queue.cursor.min()) if self._queue.cursor.size else n
        emit_t[: n - cut] = emit_t[cut:n].copy()
        emit_i[: n - cut] = emit_i[cut:n].copy()
        self._queue.cursor[:] -= cut
        self._kept = n - cut
        self._book[k.N_EMIT] = n - cut
        return t, i

    def _next_window(self) -> None:
        cells, book = self._cells, self._book
        for times in (cells.t_last, cells.t_free, self._late[0]):
            times -= WINDOW
        cells.cross[cells.heap[: book[k.N_HEAP]]] -= WINDOW
        self._lists[0][: book[k.N_EMIT]] -= WINDOW
        if self._queue.head.size:
            self._lists[2][:] -= WINDOW
        self.window += 1
        self.offset_ns = 0
        book[k.BASE] = self.window * self._per_window
        self._load()

    # -- looking -------------------------------------------------------------------
    def sample(
        self, indices: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the state of `indices` at the present time.

        Returns
        -------
        v, i_syn : ndarray of float64, shape (n_indices,)
            Voltage and synaptic current.
        own : ndarray of float64, shape (n_indices, n_rows)
            State rows of registered models.
        """
        m = len(indices)
        v, i_syn = np.zeros(m), np.zeros(m)
        own = np.zeros((m, self._cells.own.shape[1]))
        self._kernels.sample(
            self.offset_ns / 1e6,
            np.asarray(indices, np.int64),
            self._cells,
            self._classes,
            v,
            i_syn,
            own,
        )
        return v, i_syn, own

    @property
    def synops(self) -> NDArray[np.int64]:
        """Synapses visited, per projection."""
        return self._counts.delivered[: self._n_projections]

    @property
    def zero_synops(self) -> NDArray[np.int64]:
        """Visits to synapses of weight 0, per projection."""
        return self._counts.zeros[: self._n_projections]

    @property
    def spike_counts(self) -> NDArray[np.int64]:
        """Spikes of each neuron since the reset."""
        return self._counts.spikes

    def updates(self, n_groups: int) -> NDArray[np.int64]:
        """Return event-driven updates per cell group."""
        out = np.zeros(n_groups, np.int64)
        if self.class_group:
            np.add.at(out, self.class_group, self._counts.updates)
        return out

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays held."""
        return sum(
            a.nbytes
            for part in (
                self._cells,
                self._classes,
                self._rows,
                self._queue,
                self._arrivals,
                self._lists,
            )
            for a in part
        )

    # -- checkpoint ----------------------------------------------------------------
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state as arrays, for a checkpoint."""
        state: dict[str, NDArray[Any]] = {
            "position": np.array([self.window, self.offset_ns, self._kept], np.int64),
            "book": self._book.copy(),
            "late_t": self._late[0],
            "late_group": self._late[1],
        }
        for prefix, part in (
            ("cells", self._cells),
            ("queue", self._queue),
            ("counts", self._counts),
            ("arrivals", self._arrivals),
        ):
            for name, value in part._asdict().items():
                state[f"{prefix}_{name}"] = value.copy()
        for i, value in enumerate(self._lists):
            state[f"lists_{i}"] = value.copy()
        return state

    def from_arrays(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from the state of :meth:`to_arrays` of an equal network."""
        if state["cells_v"].shape != (self.n,):
            raise ShapeError(
                f"checkpoint of {state['cells_v'].size} neurons, network of {self.n}"
            )
        self.window, self.offset_ns, self._kept = (int(x) for x in state["position"])
        self._book = state["book"].copy()
        self._late = (state["late_t"].copy(), state["late_group"].copy())

        def part(kind: Any, prefix: str) -> Any:
            return kind(*(state[f"{prefix}_{f}"].copy() for f in kind._fields))

        self._cells = part(k.Cells, "cells")
        self._queue = part(k.Queue, "queue")
        self._counts = part(k.Counts, "counts")
        self._arrivals = part(k.Arrivals, "arrivals")
        self._lists = (
            state["lists_0"].copy(),
            state["lists_1"].copy(),
            state["lists_2"].copy(),
            state["lists_3"].copy(),
            state["lists_4"].copy(),
        )


def _classes(
    cells: Sequence[CellGroup], unit: float
) -> tuple[k.Classes, NDArray[np.int32], list[int]]:
    """Return the parameter sets, the set of each neuron, the group of a set."""
    own = [c.own for c in cells if c.own is not None]
    if len(own) > MAX_OWN:
        raise ParameterError(
            f"exact engine: {len(own)} populations of registered models; at most "
            f"{MAX_OWN} in one network"
        )
    model, par, params, solver, kinds = [], [], [], [], []
    group_of: list[int] = []
    width = max([m.params.shape[0] for m in own], default=1)
    for number, c in enumerate(cells):
        first = len(group_of)
        if c.own is None:
            rows, index = c.table()
            mine = np.zeros((len(rows), width))
        else:
            mine, place = np.unique(c.own.params.T, axis=0, return_inverse=True)
            index = np.broadcast_to(place.reshape(-1).astype(np.int32), c.n)
            mine = np.pad(mine, ((0, 0), (0, width - mine.shape[1])))
            rows = np.zeros((len(mine), k.N_COLUMNS))
        m = len(rows)
        kinds.append(index + np.int32(first))
        group_of += [number] * m
        model.append(np.full(m, MODELS[c.model] if c.own is None else k.OWN, np.int32))
        solver.append(np.full(m, 0 if c.own is None else _place(own, c)))
        par.append(rows)
        params.append(mine)
    if not cells:
        model, par = [np.zeros(1, np.int32)], [np.zeros((1, k.N_COLUMNS))]
        params, solver = [np.zeros((1, width))], [np.zeros(1, np.int64)]
    models, table = np.concatenate(model), np.concatenate(par)
    fast = (models == k.LIF_EXP) & (table[:, k.NEAR] == 0)
    classes = k.Classes(
        model=models,
        par=table,
        fast=fast.astype(np.uint8),
        own=np.concatenate(params),
        solver=np.concatenate(solver).astype(np.int32),
        unit=np.array([unit]),
    )
    return classes, np.concatenate([*kinds, np.zeros(0, np.int32)]), group_of


def _place(own: Sequence[Any], cell: CellGroup) -> int:
    return next(i for i, m in enumerate(own) if m is cell.own)


def _values(cells: Sequence[CellGroup], name: str) -> NDArray[np.float64]:
    parts = [np.broadcast_to(np.asarray(getattr(c, name), float), c.n) for c in cells]
    return np.concatenate([*parts, np.zeros(0)])


def _own_state(cells: Sequence[CellGroup]) -> NDArray[np.float64]:
    """State rows of registered models by neuron; one unused row where there is none."""
    width = max([c.own.state.shape[0] for c in cells if c.own is not None], default=1)
    n = sum(c.n for c in cells)
    if all(c.own is None for c in cells):
        n = min(n, 1)
    out, at = np.zeros((n, width)), 0
    for c in cells:
        if c.own is not None:
            out[at : at + c.n, : c.own.state.shape[0]] = c.own.state.T
        at += c.n
    return out
