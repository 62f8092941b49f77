r"""Event-driven simulation without a time grid, over plain arrays.

Each neuron is advanced in closed form when an event reaches it; threshold crossings
are found in closed form or by Newton's method with a tolerance of 1e-12 time units.
Models: ``if_delta`` (:math:`\dot v = s`), ``lif_delta``
(:math:`\tau_m \dot v = v_\infty - v`; an input adds to v) and ``lif_exp``
(:math:`\tau_m \dot v = v_\infty - v + R I,\; \tau_s \dot I = -I`).

Times inside are float64 from the start of a window of 1,000 time units, with the
number of the window as an integer: the resolution is 1e-13 at any simulated time.

References
----------
.. [1] Brette, Neural Computation 19 (2007), 2604. doi:10.1162/neco.2007.19.10.2604
.. [2] Hanuschkin et al., Front. Neuroinform. 4 (2010), 113.
   doi:10.3389/fninf.2010.00113
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.core.exact import _kernels as k
from neuro.errors import ParameterError, ShapeError

__all__ = ["WINDOW", "CellGroup", "EventSource", "ExactCore", "SynapseGroup"]

WINDOW = 1000.0  # length of a window, time units (ms)
WINDOW_NS = 1_000_000_000
_MAX_FIFO = 16  # distinct (projection, delay) pairs up to which queues are cursors
_BUDGET = 4_000_000  # synapses between two returns to Python: about 0.2 s
_MODELS = {"if_delta": k.IF_DELTA, "lif_delta": k.LIF_DELTA, "lif_exp": k.LIF_EXP}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGroup:
    """Neurons of one model; every value is a scalar or an array of shape (n,).

    Parameters
    ----------
    n : int
        Number of neurons.
    model : {"if_delta", "lif_delta", "lif_exp"}
        Equations.
    tau_mem, tau_syn, t_ref : float or ndarray
        Time units; `tau_syn` for lif_exp only.
    v_threshold, v_reset : float or ndarray
        Voltages.
    v_inf : float or ndarray
        Asymptote with the constant drive, ``E_L + R I_e``; the slope for if_delta.
    r : float or ndarray
        Factor of the synaptic current (lif_exp).
    v, i_syn : float or ndarray
        Initial state.
    subtract : bool
        Subtract the threshold at a spike instead of setting `v_reset`.
    keep : bool
        Delta models: inputs during refractoriness act at its end instead of never.
    strict : bool
        Delta models: spike at ``v > v_threshold`` instead of ``>=``.
    """

    n: int
    model: str
    v_threshold: Any
    v_reset: Any = 0.0
    tau_mem: Any = np.inf
    tau_syn: Any = 1.0
    v_inf: Any = 0.0
    r: Any = 1.0
    t_ref: Any = 0.0
    v: Any = 0.0
    i_syn: Any = 0.0
    subtract: bool = False
    keep: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        if self.model not in _MODELS:
            raise ParameterError(
                f"exact engine: no model {self.model!r}; it has {', '.join(_MODELS)}"
            )

    def table(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return the distinct parameter rows and the row of each neuron."""
        columns = np.zeros((self.n, k.N_COLUMNS))
        tau_m = np.asarray(self.tau_mem, float)
        tau_s = np.asarray(self.tau_syn, float)
        if self.model != "lif_exp":
            tau_s = np.ones(())
        for column, value in (
            (k.TAU_MEM, tau_m),
            (k.TAU_SYN, tau_s),
            (k.THETA, self.v_threshold),
            (k.V_RESET, self.v_reset),
            (k.V_INF, self.v_inf),
            (k.GAIN, self.r),
            (k.T_REF, self.t_ref),
            (k.SUBTRACT, float(self.subtract)),
            (k.KEEP, float(self.keep)),
            (k.STRICT, float(self.strict)),
        ):
            columns[:, column] = value
        if self.n == 0:
            return np.zeros((1, k.N_COLUMNS)), np.zeros(0, np.int32)
        first = columns[:1]
        if (columns == first).all():
            rows, index = first.copy(), np.zeros(self.n, np.int64)
        else:
            rows, index = np.unique(columns, axis=0, return_inverse=True)
        rows[:, k.RATE_M] = -1.0 / rows[:, k.TAU_MEM]
        if self.model == "lif_exp":
            tau_m, tau_s = rows[:, k.TAU_MEM], rows[:, k.TAU_SYN]
            rows[:, k.RATE_S] = -1.0 / tau_s
            apart = np.where(tau_s == tau_m, np.inf, tau_s - tau_m)
            rows[:, k.COUPLING] = tau_s / apart
            rows[:, k.RHO] = tau_m / tau_s - 1.0
            rows[:, k.DELTA] = rows[:, k.RHO] / tau_m
            rows[:, k.NEAR] = np.abs(tau_s / tau_m - 1.0) < 0.1
            rows[:, k.KAPPA] = psp_peak(tau_m, tau_s)[1] * (1.0 + 1e-12)
        return rows, index.astype(np.int32).reshape(-1)


def psp_peak(tau_mem: ArrayLike, tau_syn: ArrayLike) -> tuple[Any, Any]:
    r"""Time and height of the response of lif_exp to a jump of R I to 1.

    .. math:: t^* = \frac{\tau_m \tau_s}{\tau_m - \tau_s}\ln\frac{\tau_m}{\tau_s},
              \qquad v(t^*) = e^{-t^*/\tau_s}

    Parameters
    ----------
    tau_mem, tau_syn : array_like
        Time constants; equal ones are allowed.
    """
    tau_m, tau_s = np.broadcast_arrays(
        np.asarray(tau_mem, float), np.asarray(tau_syn, float)
    )
    rho = tau_m / tau_s - 1.0
    safe = np.where(rho == 0.0, 1.0, rho)
    t = np.where(rho == 0.0, tau_m, tau_m * np.log1p(rho) / safe)
    return t, np.exp(-t / tau_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseGroup:
    """Synapses of one projection between global neuron (or channel) numbers.

    Parameters
    ----------
    pre, post : ndarray of int, shape (n_synapses,)
        Source (neuron, or channel of `source`) and target neuron.
    weight, delay : float or ndarray
        Added to the current (lif_exp) or the voltage; time units, > 0 between
        neurons, >= 0 from a source.
    source : int or None
        Number of the event source; None: the neurons themselves.
    """

    pre: NDArray[Any]
    post: NDArray[Any]
    weight: Any
    delay: Any
    source: int | None = None


class EventSource(NamedTuple):
    """Events of a stimulus, asked for window by window.

    Attributes
    ----------
    n : int
        Channels.
    window : callable
        ``window(w) -> (t, channel)``: float64 times from the start of window ``w`` in
        ``[0, WINDOW)``, sorted; int channels. The same w gives the same events.
    """

    n: int
    window: Callable[[int], tuple[NDArray[np.float64], NDArray[Any]]]

    @classmethod
    def from_ns(cls, t_ns: ArrayLike, channel: ArrayLike, n: int) -> "EventSource":
        """Return a source of events at integer nanoseconds, sorted."""
        t = np.asarray(t_ns, np.int64)
        ch = np.asarray(channel, np.int64)
        _check_events(t, ch, n)

        def window(w: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
            lo, hi = np.searchsorted(t, (w * WINDOW_NS, (w + 1) * WINDOW_NS))
            return (t[lo:hi] - w * WINDOW_NS) / 1e6, ch[lo:hi]

        return cls(n, window)

    @classmethod
    def from_times(cls, t: ArrayLike, channel: ArrayLike, n: int) -> "EventSource":
        """Return a source of events at float times (time units), sorted."""
        times = np.asarray(t, np.float64)
        ch = np.asarray(channel, np.int64)
        _check_events(times, ch, n)

        def window(w: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
            lo, hi = np.searchsorted(times, (w * WINDOW, (w + 1) * WINDOW))
            return times[lo:hi] - w * WINDOW, ch[lo:hi]

        return cls(n, window)


def _check_events(t: NDArray[Any], channel: NDArray[Any], n: int) -> None:
    if t.shape != channel.shape or t.ndim != 1:
        raise ShapeError(
            f"events: times {t.shape} and channels {channel.shape} must be equal 1-D"
        )
    if t.size and (np.diff(t) < 0).any():
        at = int(np.argmax(np.diff(t) < 0)) + 1
        raise ParameterError(
            f"events: event {at} at {t[at]} is earlier than the one before it; "
            "sort the events"
        )
    if t.size and t[0] < 0:
        raise ParameterError(f"events: event 0 at {t[0]} is before the start")
    if channel.size and (channel.min() < 0 or channel.max() >= n):
        at = int(np.argmax((channel < 0) | (channel >= n)))
        raise ParameterError(
            f"events: event {at} has channel {channel[at]}; channels are 0..{n - 1}"
        )


def _rows(
    groups: Sequence[tuple[int, SynapseGroup]], n_sources: int, offsets: Sequence[int]
) -> k.Rows:
    """Lay out synapses by (source, projection, delay, post)."""
    pres, posts = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    weights, delays, numbers = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, np.int32)]
    for (p, group), offset in zip(groups, offsets, strict=True):
        m = np.asarray(group.pre).size
        pres.append(np.asarray(group.pre, np.int64) + offset)
        posts.append(np.asarray(group.post, np.int32))
        weights.append(np.broadcast_to(np.asarray(group.weight, np.float64), m))
        delays.append(np.broadcast_to(np.asarray(group.delay, np.float64), m))
        numbers.append(np.full(m, p, np.int32))
    pre, post, weight, delay, number = (
        np.concatenate(x) for x in (pres, posts, weights, delays, numbers)
    )
    order = np.lexsort((post, delay, number, pre))
    pre, post, weight = pre[order], post[order], weight[order]
    delay, number = delay[order], number[order]
    change = np.ones(pre.size, bool)
    if pre.size:
        change[1:] = (
            (np.diff(pre) != 0) | (np.diff(number) != 0) | (np.diff(delay) != 0)
        )
    begin = np.flatnonzero(change)
    end = np.append(begin[1:], pre.size)[: begin.size]
    zero = np.concatenate(([0], np.cumsum(weight == 0.0)))
    indptr = np.zeros(n_sources + 1, np.int64)
    np.cumsum(np.bincount(pre[begin], minlength=n_sources), out=indptr[1:])
    return k.Rows(
        target=post,
        weight=weight,
        begin=begin,
        end=end,
        delay=delay[begin],
        projection=number[begin],
        zeros=(zero[end] - zero[begin]).astype(np.int32),
        indptr=indptr,
    )


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
    """

    def __init__(
        self,
        cells: Sequence[CellGroup],
        synapses: Sequence[SynapseGroup] = (),
        sources: Sequence[EventSource] = (),
    ) -> None:
        self.n = n = sum(c.n for c in cells)
        self.sources = tuple(sources)
        tables, kinds, first = [], [], 0
        self.class_group: list[int] = []
        for number, c in enumerate(cells):
            rows, index = c.table()
            tables.append((np.full(len(rows), _MODELS[c.model], np.int32), rows))
            kinds.append(index + np.int32(first))
            self.class_group += [number] * len(rows)
            first += len(rows)
        model = np.concatenate([t[0] for t in tables] or [np.zeros(1, np.int32)])
        par = np.concatenate([t[1] for t in tables] or [np.zeros((1, k.N_COLUMNS))])
        fast = (model == k.LIF_EXP) & (par[:, k.NEAR] == 0)
        self._classes = k.Classes(model, par, fast.astype(np.uint8))
        self._initial = (
            _values(cells, "v"),
            _values(cells, "i_syn"),
            np.concatenate([*kinds, np.zeros(0, np.int32)]).astype(np.int32),
        )
        self._source_offset = np.cumsum([0, *[s.n for s in sources]])
        self._check(synapses)
        starts = [
            0 if s.source is None else n + int(self._source_offset[s.source])
            for s in synapses
        ]
        self._rows = _rows(
            list(enumerate(synapses)), n + int(self._source_offset[-1]), starts
        )
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
        v, i_syn, kind = self._initial
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
        )
        self._book = np.zeros(k.N_BOOK, np.int64)
        self._queue = self._make_queue()
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
        k.predict_all(self._cells, self._classes, self._book)
        self._load()

    def _make_queue(self) -> k.Queue:
        rows, own = self._rows, int(self._rows.indptr[self.n])  # groups of neurons
        pairs, index = np.unique(
            np.stack([rows.projection[:own].astype(float), rows.delay[:own]]),
            axis=1,
            return_inverse=True,
        )
        index = index.reshape(-1)
        self._nb = 1
        if pairs.shape[1] <= _MAX_FIFO:
            group = np.full((pairs.shape[1], max(1, self.n)), -1, np.int64)
            source = np.repeat(np.arange(self.n), np.diff(rows.indptr[: self.n + 1]))
            group[index, source] = np.arange(own)
            return k.Queue(
                np.ascontiguousarray(pairs[1]),
                group,
                np.zeros(pairs.shape[1], np.int64),
                np.zeros(0, np.int64),
                np.ones(1),
            )
        delay = rows.delay[:own]
        self._nb = int(np.ceil(WINDOW / (delay.min() / 16.0)))
        width = WINDOW / self._nb
        buckets = int(np.ceil(delay.max() / width)) + 4
        return k.Queue(
            np.zeros(0),
            np.zeros((0, 1), np.int64),
            np.zeros(0, np.int64),
            np.full(buckets, -1, np.int64),
            np.array([width]),
        )

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
            status = self._advance(stop_ns / 1e6)
            t, i = self._collect()
            out_t.append(t)
            out_i.append(i)
            if status == k.PAUSED:
                if on_pause is not None:
                    on_pause(self.time)
                continue
            self.offset_ns = stop_ns
            if last:
                break
            self._next_window()
        times, indices = np.concatenate(out_t), np.concatenate(out_i)
        order = np.lexsort((indices, times))
        return times[order], indices[order].astype(np.int32)

    def _advance(self, t_end: float) -> int:
        status, self._lists = k.run_until(
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
        )
        return int(status)

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
        book[k.BASE] = self.window * self._nb
        self._load()

    # -- looking -------------------------------------------------------------------
    def sample(
        self, indices: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return voltage and synaptic current of `indices` at the present time."""
        v, i_syn = np.empty(len(indices)), np.empty(len(indices))
        k.sample(
            self.offset_ns / 1e6,
            np.asarray(indices, np.int64),
            self._cells,
            self._classes,
            v,
            i_syn,
        )
        return v, i_syn

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


def _values(cells: Sequence[CellGroup], name: str) -> NDArray[np.float64]:
    parts = [np.broadcast_to(np.asarray(getattr(c, name), float), c.n) for c in cells]
    return np.concatenate([*parts, np.zeros(0)])
