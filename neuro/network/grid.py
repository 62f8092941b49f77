"""The grid engine: windows, target blocks and rings for large networks of spikes.

The Python side of :mod:`neuro.core._kernels.grid`: lays a network out, then calls the
compiled driver for about a fifth of a second at a time.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from neuro.core._kernels import grid_layout as k
from neuro.core._kernels.drives import TILE
from neuro.core._kernels.grid import run_grid
from neuro.core._kernels.grid_plastic import settle_rows, settle_silent
from neuro.core.arrays import aligned, padded
from neuro.core.interrupts import uninterrupted
from neuro.errors import ParameterError
from neuro.network.checks import parameter_rows
from neuro.network.drives import DriveTable, drive_tables
from neuro.network.engine import compile_driver, model_tuple, rule_tuple
from neuro.network.network import Network
from neuro.network.recorders import RecordWeights
from neuro.network.registry import model_of, rule_of
from neuro.network.rows import Blocks, RowClass, build_rows, classify
from neuro.network.stimuli import Frames, to_steps

__all__ = ["LAYOUT_VERSION", "GridEngine"]

log = logging.getLogger(__name__)

LAYOUT_VERSION = 3  # order of synapses within rows and of state; in checkpoints
_MAX_COLUMNS = 65_528  # 16-bit columns, less the padding
_MAX_WINDOW_SPIKES = 1 << 22
_SLICE_S = 0.2  # wall time after which the driver returns
_THREAD_WORK_S = 10e-6  # least work per window and thread
_FIRST_HISTORY = 32
_USUAL_REFRACTORY_S = 2e-3  # assumed of models without a refractory time
_TILE_NEURONS = 1024  # per call of a step: its rows stay in the first-level cache
_SAVED = (
    "state", "ring", "spike_counts", "due", "due_range", "plastic_weights", "pre_trace",
    "pre_last", "post_trace", "post_time", "post_count", "horizon", "updates",
)  # fmt: skip


class GridEngine:
    """Layout and state of the grid driver.

    Parameters
    ----------
    net : Network
        The description; every projection has a delay.
    seed : int
        Seed of everything drawn.
    threads : int
        Threads asked for; fewer run where a window has too little work.
    precision : {"single", "double"}
        Of weights and accumulators.
    blocks, window, tile : int, optional
        Override the number of target blocks, the steps per window and the neurons per
        call of a step (for tests: the results do not depend on them).
    runaway : {"warn", "stop", "ignore"}
        "warn" looks at the end of a run: a population above half of the rate that
        its refractory time allows. "stop" ends the run once the network's mean rate has
        been that high for 0.1 s; what was recorded is kept. Networks without units are
        not watched.
    """

    def __init__(
        self,
        net: Network,
        seed: int,
        *,
        threads: int = 1,
        precision: str = "single",
        blocks: int | None = None,
        window: int | None = None,
        tile: int = _TILE_NEURONS,
        runaway: str = "warn",
    ) -> None:
        if runaway not in ("warn", "stop", "ignore"):
            raise ParameterError(
                f"runaway: 'warn', 'stop' or 'ignore', got {runaway!r}"
            )
        self.runaway = "ignore" if net.dimensionless else runaway
        self.net, self.seed, self.precision, self.tile = net, seed, precision, tile
        self.order = list(net.populations)
        self.models, self.model_index = model_tuple(net)
        self.rules, self.rule_index = rule_tuple(net)
        self.first: dict[str, int] = {}
        total = 0
        for name, p in net.populations.items():
            self.first[name] = total
            total += p.n
        self.n_neurons = total
        self.source_first = dict(self.first)
        for name, s in net.sources.items():
            self.source_first[name] = total
            total += s.n
        self.n_sources = total
        self.classes = classify(net, seed)
        self.step = 0
        self._streams()
        self._wired = {(q.post, q.port): True for q in net.projections}
        self.threads = self._useful_threads(threads)
        self.blocks = self._make_blocks(blocks or self.threads)
        self.threads = min(self.threads, self.blocks.n)
        table, unit, ring = build_rows(
            net, self.classes, self.blocks, seed=seed, precision=precision
        )
        self.table, self.unit, self.ring_dtype = table, unit or 1.0, ring
        self.window = self._window(window)
        self._lay_out()
        self._driver()  # compile or load now: a part of building

    # ---- layout ----
    def _streams(self) -> None:
        late = 0 if self.net.convention == "brian2" else 1
        steps, sources = [], []
        for name, s in self.net.sources.items():
            if isinstance(s, Frames):
                raise ParameterError(f"Frames {name!r}: frames run in the step driver")
            t, channels = to_steps(s, self.net.dt)
            steps.append(t - late)
            sources.append(channels + np.int32(self.source_first[name]))
        t = np.concatenate([*steps, np.zeros(0, np.int64)])
        c = np.concatenate([*sources, np.zeros(0, np.int32)])
        order = np.lexsort((c, t))
        self.stream_step, self.stream_source = t[order], c[order]

    def _too_many(self) -> float:
        """Return the spikes per step at half of the rates that t_ref allows."""
        total = 0.0
        for p in self.net.populations.values():
            t_ref = float(np.mean(getattr(p.model, "t_ref", 0.0)))
            total += 0.5 * p.n * min(self.net.dt / (t_ref or _USUAL_REFRACTORY_S), 1.0)
        return total

    def _guard_steps(self) -> int:
        return max(1, round(0.1 / self.net.dt)) if self.runaway == "stop" else 0

    def _work_per_step(self) -> float:
        return 1.2e-9 * sum(p.n for p in self.net.populations.values())

    def _useful_threads(self, threads: int) -> int:
        shortest = min([c.delay for c in self.classes if c.delay], default=1)
        if any(c.delay == 0 for c in self.classes):
            shortest = 1
        work = self._work_per_step() * 2 * shortest
        return max(1, min(threads, int(work / _THREAD_WORK_S)))

    def _make_blocks(self, at_least: int) -> Blocks:
        net = self.net
        for n in range(max(1, at_least), 1 << 20):
            share = {
                name: padded(max(1, -(-p.n // n)))
                for name, p in net.populations.items()
            }
            column: dict[tuple[str, str], NDArray[np.int64]] = {}
            at = 0
            for name, p in net.populations.items():
                for port in model_of(p.model).ports:
                    if (name, port) in self._wired:
                        column[name, port] = np.full(n, at, np.int64)
                        at += share[name]
            if at <= _MAX_COLUMNS:
                return Blocks(n, share, column, np.full(n, at + 8, np.int64))
        raise ParameterError("Network: too many neurons for 16-bit target blocks")

    def _window(self, asked: int | None) -> int:
        shortest = min(
            [c.delay or c.shortest for c in self.classes if c.delay or c.shortest],
            default=64,
        )
        limit = max(1, _MAX_WINDOW_SPIKES // max(self.n_neurons, 1))
        window = min(shortest, limit)
        if asked is not None:
            if not 1 <= asked <= shortest:
                raise ParameterError(
                    f"window: 1 to {shortest} steps (the minimal delay), got {asked}"
                )
            window = asked
        return window

    def _lay_out(self) -> None:
        net, table = self.net, self.table
        n_blocks, n_classes = self.blocks.n, len(self.classes)
        self._lay_out_pieces()
        groups, source_group = [], np.zeros(max(self.n_sources, 1), np.int32)
        at = 0
        for g, name in enumerate([*net.populations, *net.sources]):
            own = [i for i, c in enumerate(self.classes) if c.source == name]
            groups.append([self.source_first[name], at, at + len(own)])
            at += len(own)
            first = self.source_first[name]
            source_group[first : first + net.n_of(name)] = g
        row_class = np.zeros((max(n_classes, 1), 6), np.int64)
        weight = np.zeros(max(n_classes, 1), self.ring_dtype)
        for i, c in enumerate(self.classes):
            rule = self.rule_index.get(c.projections[0], 0)
            first = self.source_first[c.source]
            row_class[i] = c.kind, c.delay, first, rule, c.fields, c.axonal
            if c.kind == k.SHARED or c.step:
                exact = (c.step or c.weight) / self.unit
                weight[i] = round(exact) if self.ring_dtype in _INTEGERS else exact
        longest = max([c.delay for c in self.classes], default=1)
        slots = 1 << int(np.ceil(np.log2(longest + self.window + 1)))
        if not any(c.delay for c in self.classes):
            slots = 1
        width = self.blocks.width
        ring_at = np.concatenate([[0], np.cumsum(width * slots)]).astype(np.int64)
        grouped = any(c.kind == k.GROUPED or c.axonal for c in self.classes)
        plastic = any(c.kind == k.PLASTIC for c in self.classes)
        events = 0
        if self.stream_step.size:
            ends = np.searchsorted(self.stream_step, self.stream_step + self.window)
            events = int((ends - np.arange(self.stream_step.size)).max())
            events += int(np.searchsorted(self.stream_step, 0))
        self.most = self.n_neurons * self.window + events + 1
        keep = any(
            net.records.get(n) is None or net.records[n].spikes for n in net.populations
        )
        decay, shape, nearest, rule_params, rule_at = self._rule_tables(n_classes)
        self.history = np.full(max(n_classes, 1), _FIRST_HISTORY, np.int64)
        self.layout = k.Layout(
            piece=self.piece,
            block_pieces=self.block_pieces,
            state_at=self.state_at,
            port_column=self.port_column,
            port_driven=self.port_driven,
            params=self.params,
            source_group=source_group,
            group=np.array(groups, np.int64).reshape(-1, 3),
            row_class=row_class,
            class_weight=weight,
            class_step=np.array([c.step for c in self.classes] or [0.0]),
            row_at=table.row_at,
            weight_shift=table.weight_shift,
            group_at=table.group_at,
            indptr=table.indptr,
            targets=table.targets,
            words=table.targets.view(np.uint64),
            weights=table.weights,
            group_ptr=table.group_ptr,
            group_delay=table.group_delay,
            group_count=table.group_count,
            ring_at=ring_at,
            ring_width=width,
            stream_step=self.stream_step,
            stream_source=self.stream_source,
            plastic=np.zeros((n_blocks, max(n_classes, 1), 12), np.int64),
            rule_params=rule_params,
            rule_params_at=rule_at,
            decay=decay,
            decay_shape=shape,
            trace_nearest=nearest,
            probe=np.zeros((0, 6), np.int64),
            scalars=np.array(
                [
                    slots - 1, self.window, self.n_neurons, int(grouped), int(plastic),
                    int(keep), self.most, self._guard_steps(),
                ],
                np.int64,
            ),
            unit=np.array([self.unit, self._too_many()]),
            **_drive_fields(drive_tables(net, self.order, 0, self.seed)),
        )  # fmt: skip
        self._allocate(int(ring_at[-1]), grouped)
        self._place_probes_once()

    def _lay_out_pieces(self) -> None:
        net, blocks = self.net, self.blocks
        pieces: list[list[Any]] = []
        ptr, params, start = [0], [], []
        limits = [0]
        column: list[Any] = []
        driven: list[int] = []
        self.piece_of: dict[tuple[int, str], int] = {}
        n_state = n_inputs = n_flags = n_params = 0
        driven_ports = {(d.target, d.port) for d in net.drives}
        values = {
            name: parameter_rows(p, net.dt, net.convention)
            for name, p in net.populations.items()
        }
        initial = {name: net.initial(name, self.seed) for name in net.populations}
        one_piece = {q.post for q in net.projections if q.plasticity is not None}
        for b in range(blocks.n):
            for index, (name, p) in enumerate(net.populations.items()):
                model = model_of(p.model)
                low = min(b * blocks.share[name], p.n)
                high = min(low + blocks.share[name], p.n)
                # rules see the state of all targets: one piece
                tile = max(high - low, 1) if name in one_piece else self.tile
                wide, shared = padded(min(tile, max(high - low, 1))), values[name]
                at_shared = n_params
                if shared.shape[1] == 1:
                    params.append(_padded_flat(shared))
                    n_params += params[-1].size
                self.piece_of[b, name] = len(pieces)
                for first in range(low, max(high, low + 1), tile):
                    size = min(first + tile, high) - first
                    ld = padded(max(size, 1))
                    own, at = shared, at_shared
                    if shared.shape[1] > 1:
                        own, at = np.zeros((shared.shape[0], ld)), n_params
                        own[:, :size] = shared[:, first : first + size]
                        params.append(_padded_flat(own))
                        n_params += params[-1].size
                    state = np.zeros((len(model.state), ld))
                    state[:, :size] = initial[name][:, first : first + size]
                    pieces.append(
                        [
                            b, index, self.model_index[name] | (own.shape[1] << 8),
                            size, ld, len(model.state), len(model.ports), n_state,
                            n_inputs, n_flags, at, own.shape[0],
                            self.first[name] + first, p.n, first, len(column), wide,
                        ]
                    )  # fmt: skip
                    for port in model.ports:
                        wired = (name, port) in self._wired
                        begin = (
                            blocks.column[name, port][b] if wired else low - first - 1
                        )
                        column.append(begin + first - low)
                        driven.append(int((name, port) in driven_ports))
                    start.append(state.ravel())
                    n_state += state.size
                    n_flags += ld
                n_inputs += len(model.ports) * wide
            ptr.append(len(pieces))
            limits.append(n_state)
        self.piece = np.array(pieces, np.int64).reshape(-1, 17)
        self.block_pieces = np.array(ptr, np.int64)
        self.state_at = np.array(limits, np.int64)
        self.port_column = np.array(column, np.int64)
        self.port_driven = np.array(driven, np.int64)
        self.params = aligned(n_params, np.float64)
        self.params[:] = np.concatenate([*params, np.zeros(0)])
        self.start = np.concatenate([*start, np.zeros(0)])
        self.n_inputs, self.n_flags = n_inputs, n_flags

    def _rule_tables(self, n_classes: int) -> tuple[Any, Any, Any, Any, Any]:
        tables, params = [], []
        shape = np.zeros((max(n_classes, 1), 3), np.int64)
        nearest = np.zeros((max(n_classes, 1), 2), np.uint8)
        at = n = 0
        limits = [0]
        for i, c in enumerate(self.classes):
            if c.kind == k.PLASTIC:
                spec = self.net.projections[c.projections[0]].plasticity
                rule = rule_of(spec)
                taus = [getattr(spec, x) for x in (*rule.pre_traces, *rule.post_traces)]
                lags = max(
                    [int(np.ceil(40 * t / self.net.dt)) for t in taus], default=1
                )
                own = np.exp(
                    -np.arange(lags) * self.net.dt / np.array(taus).reshape(-1, 1)
                ).ravel()
                shape[i] = at, len(taus), lags
                at += own.size
                tables.append(own)
                pairing = getattr(spec, "pairing", "all")
                nearest[i] = int(pairing != "all")
                given = np.asarray(spec.prepare(self.net.dt), np.float64)
                params.append(given)
                n += given.size
            limits.append(n)
        return (
            np.concatenate([*tables, np.zeros(0)]),
            shape,
            nearest,
            np.concatenate([*params, np.zeros(0)]),
            np.array(limits, np.int64),
        )

    def _allocate(self, n_ring: int, grouped: bool) -> None:
        n_blocks, n_classes = self.blocks.n, max(len(self.classes), 1)
        widest = max([int(x) for x in self.piece[:, 4]], default=8)
        due = 1 << (4 * self.most + 1024).bit_length() if grouped else 1
        flags = aligned(self.n_flags, np.uint8)
        state = aligned(self.start.size, np.float64)
        state[:] = self.start
        per_block = self.n_neurons * self.window + 1 if n_blocks == 1 else 0
        if n_blocks > 1:
            per_block = max(
                int(self.piece[self.piece[:, 0] == b, 3].sum()) for b in range(n_blocks)
            )
            per_block = per_block * self.window + 1
        none = np.zeros(0, np.int64)
        self.state = k.State(
            state=state,
            inputs=aligned(self.n_inputs, np.float64),
            flags=flags,
            flag_words=flags.view(np.uint64),
            counts=aligned(self.threads * padded(widest), np.uint8).reshape(
                self.threads, -1
            ),
            bits=aligned(self.threads * TILE, np.uint32).reshape(self.threads, -1),
            ring=aligned(n_ring, self.ring_dtype),
            spikes=np.zeros((2, n_blocks, per_block), np.int32),
            spike_ptr=np.zeros((2, n_blocks, self.window + 1), np.int64),
            merged=np.zeros((self.threads, self.most), np.int32),
            merged_step=np.zeros((self.threads, self.most), np.int64),
            spike_counts=np.zeros(self.n_neurons, np.int64),
            due=np.zeros((n_blocks, 6, due), np.int64),
            due_range=np.zeros((n_blocks, 2), np.int64),
            raster_step=none,
            raster_source=np.zeros(0, np.int32),
            cursor=np.zeros(8, np.int64),
            traces=np.zeros(0),
            plastic_weights=self.table.plastic_weights,
            pre_trace=np.zeros(0),
            pre_last=none,
            post_trace=np.zeros(0),
            post_time=none,
            post_count=none,
            horizon=np.full((n_blocks, n_classes), -1, np.int64),
            updates=np.zeros((n_blocks, n_classes), np.int64),
            team=np.zeros(64, np.int64),
        )
        self._allocate_histories()

    def _allocate_histories(self) -> None:
        """Place pre traces and post histories; keep what is already there."""
        plastic = self.layout.plastic
        old, before = self.state, plastic.copy()
        times = traces = counts = lasts = pres = 0
        for b in range(self.blocks.n):
            owner: dict[int, int] = {}  # delays of one projection share a history
            for i, c in enumerate(self.classes):
                if c.kind != k.PLASTIC:
                    plastic[b, i, 0] = -1
                    continue
                q = self.net.projections[c.projections[0]]
                rule = rule_of(q.plasticity)
                piece = self.piece_of[b, q.post]
                size, room = int(self.piece[piece, 3]), int(self.history[i])
                n_pre = self.net.n_of(q.pre)
                first = owner.setdefault(c.projections[0], i)
                plastic[b, i] = (
                    piece, times, room, size, counts, traces, len(rule.post_traces),
                    self.blocks.column[q.post, q.port][b], lasts, pres, n_pre,
                    first == i,
                )  # fmt: skip
                lasts += n_pre
                pres += n_pre * len(rule.pre_traces)
                if first == i:
                    times += size * room
                    traces += len(rule.post_traces) * size * room
                    counts += size
                else:
                    plastic[b, i, [1, 4, 5]] = plastic[b, first, [1, 4, 5]]
        new = old._replace(
            pre_trace=np.zeros(pres),
            pre_last=np.full(lasts, -1, np.int64),
            post_trace=np.zeros(traces),
            post_time=np.zeros(times, np.int64),
            post_count=np.zeros(counts, np.int64),
        )
        if old.post_count.size:  # only the room of the histories has changed
            new.pre_trace[:], new.pre_last[:] = old.pre_trace, old.pre_last
            new.post_count[:] = old.post_count
            for b in range(self.blocks.n):
                for i, c in enumerate(self.classes):
                    if c.kind == k.PLASTIC and plastic[b, i, 11]:
                        _move_history(before[b, i], plastic[b, i], old, new)
        self.state = new

    def _place_probes_once(self) -> None:
        self.probe_names: list[tuple[str, NDArray[np.int32], int]] = []
        for name, r in self.net.records.items():
            n = self.net.populations[name].n
            index = np.arange(n, dtype=np.int32) if r.indices is None else r.indices
            step = 1 if r.interval is None else max(1, round(r.interval / self.net.dt))
            for v in r.variables:
                self.probe_names.append((f"{name}.{v}", index, step))

    def _place_probes(self, first: int, last: int) -> int:
        rows, at = [], 0
        for full, index, interval in self.probe_names:
            name, _, v = full.rpartition(".")
            row = model_of(self.net.populations[name].model).state.index(v)
            share = self.blocks.share[name]
            for j, i in enumerate(index):
                b = int(i) // share
                place = self._state_place(name, row, int(i))
                rows.append(
                    [b, interval, place, at + j, first // interval + 1, index.size]
                )
            at += index.size * (last // interval - first // interval)
        self.layout = self.layout._replace(
            probe=np.array(rows, np.int64).reshape(-1, 6)
        )
        return at

    def _state_place(self, name: str, row: int, neuron: int) -> int:
        """Return the index of a neuron's state variable in the flat state."""
        at = self.piece_of[neuron // self.blocks.share[name], name]
        while neuron >= self.piece[at, 14] + self.piece[at, 3]:
            at += 1
        piece = self.piece[at]
        return int(piece[7] + row * piece[4] + neuron - piece[14])

    # ---- running ----
    def run(
        self, last: int, progress: Callable[[float, float], None] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Advance to step `last`; return the raster (steps, sources) and the traces."""
        first = self.step
        traces = np.zeros(self._place_probes(first, last))
        self.state = self.state._replace(traces=traces)
        steps: list[NDArray[np.int64]] = []
        sources: list[NDArray[np.int32]] = []
        room = max(1 << 18, 2 * self.n_neurons * self.window)
        keep = bool(self.layout.scalars[5])
        self.state = self.state._replace(
            raster_step=np.zeros(room if keep else 1, np.int64),
            raster_source=np.zeros(room if keep else 1, np.int32),
        )
        driver = self._driver()
        span = 8 * self.window
        until = -1
        begun = time.perf_counter()
        self.weight_traces: dict[str, list[tuple[int, NDArray[np.float64]]]] = {}
        if first == 0:
            self._record_weights()
        while self.step < last:
            if until <= self.step:
                drives = drive_tables(self.net, self.order, self.step, self.seed)
                self.layout = self.layout._replace(**_drive_fields(drives))
                until = last if drives.until < 0 else min(last, drives.until)
            stop = min(
                until, self.step + span, self._next_sweep(), self._next_weights(last)
            )
            start, before = time.perf_counter(), self.step
            with uninterrupted():
                status = self._drive(driver, stop)
                self.step = int(self.state.cursor[2])
                written = int(self.state.cursor[0])
                if written:
                    steps.append(self.state.raster_step[:written].copy())
                    sources.append(self.state.raster_source[:written].copy())
                    self.state.cursor[0] = 0
                if status == k.NOT_FINITE:
                    self._not_finite()
                if self.step == self._next_sweep(before):
                    self._settle_silent()
                if status == k.DUE_FULL:
                    self._grow_due()
                elif status == k.HISTORY_FULL:
                    self._grow_history()
                if self.step > before:
                    self._record_weights()
            if status == k.RUNAWAY:
                self._say_runaway()
                break
            wall = max(time.perf_counter() - start, 1e-6)
            done = max(self.step - before, 1)
            span = max(self.window, int(min(done * _SLICE_S / wall, 4 * span)))
            span = -(-span // self.window) * self.window
            if progress is not None:
                progress(
                    (self.step - first) / max(last - first, 1),
                    time.perf_counter() - begun,
                )
        return (
            np.concatenate([*steps, np.zeros(0, np.int64)]),
            np.concatenate([*sources, np.zeros(0, np.int32)]),
            traces,
        )

    def _weight_steps(self, record: RecordWeights) -> NDArray[np.int64]:
        steps = np.floor(record.times / self.net.dt + 0.5)
        return np.asarray(steps, np.int64)

    def _next_weights(self, last: int) -> int:
        """Return the next step at which weights are recorded, `last` if none is."""
        steps = [self._weight_steps(r) for r in self.net.weight_records]
        later = [int(s[s > self.step].min(initial=last)) for s in steps]
        return min([last, *later])

    def _record_weights(self) -> None:
        for r in self.net.weight_records:
            if self.step in self._weight_steps(r):
                values = self.weights(self.net.names.index(r.projection))[2]
                rows = self.weight_traces.setdefault(f"{r.projection}.weight", [])
                rows.append((self.step, values))

    def _driver(self) -> Any:
        return compile_driver(
            run_grid, types.int64, self.models, self.rules, self.layout, self.state,
            0, 1, 0, 0, 0.0,
        )  # fmt: skip

    def _drive(self, driver: Any, stop: int) -> int:
        self.state.team[:] = 0
        arguments = (self.models, self.rules, self.layout, self.state)
        if self.threads == 1:
            return int(driver(*arguments, 0, 1, self.step, stop, self.net.dt))
        results: list[int] = [0] * self.threads

        def work(thread: int) -> None:
            results[thread] = driver(
                *arguments, thread, self.threads, self.step, stop, self.net.dt
            )

        team = [
            threading.Thread(target=work, args=(t,)) for t in range(1, self.threads)
        ]
        for t in team:
            t.start()
        work(0)
        for t in team:
            t.join()
        return int(results[0])

    def _say_runaway(self) -> None:
        limit = self.layout.unit[1] / max(self.n_neurons, 1) / self.net.dt
        log.warning(
            "runaway activity: above %.0f Hz on average for 0.1 s; stopped at t = %g "
            "s, what was recorded is kept",
            limit,
            self.step * self.net.dt,
        )

    def _not_finite(self) -> None:
        for p in self.piece:
            rows = self.state.state[p[7] : p[7] + p[5] * p[4]].reshape(p[5], p[4])
            bad = np.argwhere(~np.isfinite(rows[:, : p[3]]))
            if bad.size:
                row, i = bad[0]
                name = self.order[p[1]]
                variable = model_of(self.net.populations[name].model).state[row]
                raise ParameterError(
                    f"Population {name!r}: state {variable!r} of neuron {i + p[14]} is "
                    f"not finite ({rows[row, i]}) at step {self.step}, since at most "
                    f"{max(k.CHECK_STEPS, self.window)} steps; check its "
                    "parameters and weights, or use a shorter step"
                )

    def _grow_due(self) -> None:
        """Double the room of waiting spikes; entries move to their new places."""
        st = self.state
        room = st.due.shape[2]
        new = np.zeros((self.blocks.n, 6, 2 * room), np.int64)
        for b in range(self.blocks.n):
            place = np.arange(st.due_range[b, 0], st.due_range[b, 1])
            new[b][:, place % (2 * room)] = st.due[b][:, place % room]
        self.state = st._replace(due=new)

    def _next_sweep(self, step: int | None = None) -> int:
        """First step after the present (or given) one at which silent rows settle."""
        if self.rules is None:
            return 1 << 62
        every = max(int(self.layout.decay_shape[:, 2].max()), 1)
        return ((self.step if step is None else step) // every + 1) * every

    def _settle_silent(self) -> None:
        arguments = (self.models, self.rules, self.layout, self.state)
        settle = compile_driver(settle_silent, types.void, *arguments, 0)
        settle(*arguments, self.step)

    def _grow_history(self) -> None:
        self.history *= 2
        self._allocate_histories()

    # ---- weights, checkpoint ----
    def weights(
        self, index: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Return (pre, post, weight) of a plastic projection, by source."""
        pre, post, weight = [], [], []
        for i, c in enumerate(self.classes):
            if c.kind != k.PLASTIC or c.projections[0] != index:
                continue
            q = self.net.projections[index]
            for b in range(self.blocks.n):
                at = int(self.table.row_at[b, i])
                n_pre = self.net.n_of(q.pre)
                limits = self.table.indptr[at : at + n_pre + 1]
                shift = int(self.table.weight_shift[b, i])
                low = b * self.blocks.share[q.post]
                for s in range(n_pre):
                    begin, end = int(limits[s]), int(limits[s + 1])
                    if begin == end:
                        continue
                    w = shift + begin * c.fields
                    pre.append(np.full(end - begin, s, np.int32))
                    post.append(
                        self.table.targets[begin:end].astype(np.int32) + np.int32(low)
                    )
                    weight.append(
                        self.state.plastic_weights[w : w + end - begin].astype(float)
                    )
        empty = np.zeros(0, np.int32)
        sources = np.concatenate([*pre, empty])
        order = np.argsort(sources, kind="stable")
        return (
            sources[order],
            np.concatenate([*post, empty])[order],
            np.concatenate([*weight, np.zeros(0)])[order],
        )

    def reward(self, index: int, value: float) -> None:
        """Change the weights of a rewarded projection by `value` times eligibility."""
        settle = compile_driver(
            settle_rows, types.int64, self.rules, self.layout, self.state, 0, 0, 0
        )
        for i, c in enumerate(self.classes):
            if c.kind != k.PLASTIC or c.projections[0] != index:
                continue
            at = int(self.layout.rule_params_at[i])
            self.layout.rule_params[at] = value
            for b in range(self.blocks.n):
                settle(self.rules, self.layout, self.state, b, i, self.step)
            self.layout.rule_params[at] = 0.0

    def save(self) -> dict[str, NDArray[Any]]:
        """Return all that a restored simulation needs."""
        arrays = {name: getattr(self.state, name) for name in _SAVED}
        arrays["history"] = self.history
        arrays["position"] = np.array(
            [self.step, self.state.cursor[1], self.blocks.n, LAYOUT_VERSION], np.int64
        )
        return arrays

    def load(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what :meth:`save` returned."""
        step, event, n_blocks, version = (int(x) for x in arrays["position"])
        if version != LAYOUT_VERSION or n_blocks != self.blocks.n:
            raise ParameterError(
                f"checkpoint: layout version {version} with {n_blocks} blocks, this "
                f"build has version {LAYOUT_VERSION} with {self.blocks.n}; build with "
                "the same number of threads"
            )
        if not np.array_equal(arrays["history"], self.history):
            self.history = arrays["history"].copy()
            self._allocate_histories()
        for name in _SAVED:
            mine = getattr(self.state, name)
            if mine.shape == arrays[name].shape:
                mine[...] = arrays[name]
            else:
                self.state = self.state._replace(**{name: arrays[name].copy()})
        self.step = step
        self.state.cursor[1] = event


_INTEGERS = (np.int16, np.int32)


def _padded_flat(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows one after another, then zeros to a multiple of 8."""
    flat = np.zeros(padded(rows.size))
    flat[: rows.size] = rows.ravel()
    return flat


def _drive_fields(table: DriveTable) -> dict[str, Any]:
    return {
        "pop_drives": table.pop_drives,
        "drive": table.drive,
        "drive_weight": table.weight,
        "drive_stream": table.stream,
        "levels": table.levels,
        "values": table.values,
    }


def _move_history(
    before: NDArray[np.int64], after: NDArray[np.int64], old: k.State, new: k.State
) -> None:
    """Copy the live entries of a history ring to its larger successor."""
    size, small, large, n_traces = before[3], before[2], after[2], before[6]
    for j in range(size):
        count = int(old.post_count[before[4] + j])
        entries = np.arange(max(0, count - small), count)
        source, target = j * small + entries % small, j * large + entries % large
        new.post_time[after[1] + target] = old.post_time[before[1] + source]
        for t in range(n_traces):
            new.post_trace[after[5] + t * size * large + target] = old.post_trace[
                before[5] + t * size * small + source
            ]


def plastic_updates(engine: GridEngine, classes: list[RowClass]) -> dict[int, int]:
    """Return the weight updates made so far, per projection."""
    total: dict[int, int] = {}
    for i, c in enumerate(classes):
        if c.kind == k.PLASTIC:
            made = int(engine.state.updates[:, i].sum())
            total[c.projections[0]] = total.get(c.projections[0], 0) + made
    return total
