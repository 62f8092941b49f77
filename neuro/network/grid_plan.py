"""What the grid driver needs to know of a network before anything runs.

Numbers of neurons and sources, row classes, blocks, threads, the window, rows, pieces
and tables of plasticity rules, as the static arrays of
:class:`neuro.core._kernels.grid_layout.Layout`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core._kernels import grid_layout as k
from neuro.core.arrays import padded
from neuro.errors import ParameterError
from neuro.network.drives import DriveTable, drive_tables
from neuro.network.engine import model_tuple, rule_tuple
from neuro.network.grid_pieces import cut_pieces
from neuro.network.network import Network
from neuro.network.registry import model_of, rule_of
from neuro.network.rows import Blocks, build_rows, classify
from neuro.network.stimuli import Frames, to_steps

__all__ = ["GridPlan", "drive_fields"]

_MAX_COLUMNS = 65_528  # 16-bit columns, less the padding
_MAX_WINDOW_SPIKES = 1 << 22
_THREAD_WORK_S = 10e-6  # least work per window and thread
_USUAL_REFRACTORY_S = 2e-3  # assumed of models without a refractory time
_INTEGERS = (np.int16, np.int32)


class GridPlan:
    """The static side of a grid simulation.

    Parameters
    ----------
    net, seed, threads, precision, blocks, window, tile
        See :class:`neuro.network.grid.GridEngine`.
    guard : bool
        Whether the driver watches the network's mean rate.
    """

    def __init__(
        self,
        net: Network,
        seed: int,
        *,
        threads: int,
        precision: str,
        blocks: int | None,
        window: int | None,
        tile: int,
        guard: bool,
    ) -> None:
        self.net, self.seed, self.tile = net, seed, tile
        self.order = list(net.populations)
        self.models, self.model_index = model_tuple(net)
        self.rules, self.rule_index = rule_tuple(net, precision)
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
        self.stream_step, self.stream_source = self._streams()
        self.wired = {(q.post, q.port) for q in net.projections}
        self.threads = self._useful_threads(threads)
        self.blocks = self._make_blocks(blocks or self.threads)
        self.threads = min(self.threads, self.blocks.n)
        table, unit, ring = build_rows(
            net, self.classes, self.blocks, seed=seed, precision=precision
        )
        self.table, self.unit, self.ring_dtype = table, unit or 1.0, ring
        self.window = self._window(window)
        self.pieces = cut_pieces(
            net,
            seed,
            self.blocks,
            first=self.first,
            model_index=self.model_index,
            wired=self.wired,
            tile=tile,
        )
        self.most = self.n_neurons * self.window + self._most_events() + 1
        self.grouped = any(c.kind == k.GROUPED or c.axonal for c in self.classes)
        self.guard_steps = max(1, round(0.1 / net.dt)) if guard else 0

    # ---- sizes ----
    def _streams(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return steps and sources of all events of the stimuli, in order."""
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
        return t[order], c[order]

    def _most_events(self) -> int:
        """Return the most events of the stimuli in one window."""
        if not self.stream_step.size:
            return 0
        ends = np.searchsorted(self.stream_step, self.stream_step + self.window)
        early = int(np.searchsorted(self.stream_step, 0))
        return early + int((ends - np.arange(self.stream_step.size)).max())

    def _too_many(self) -> float:
        """Return the spikes per step at half of the rates that t_ref allows."""
        total = 0.0
        for p in self.net.populations.values():
            t_ref = float(np.mean(getattr(p.model, "t_ref", 0.0)))
            total += 0.5 * p.n * min(self.net.dt / (t_ref or _USUAL_REFRACTORY_S), 1.0)
        return total

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
                    if (name, port) in self.wired:
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

    # ---- arrays ----
    def layout(self) -> k.Layout:
        """Return the static arrays."""
        net, table, pieces = self.net, self.table, self.pieces
        n_blocks, n_classes = self.blocks.n, len(self.classes)
        groups, source_group = self._source_groups()
        row_class, weight = self._class_tables()
        longest = max([c.delay for c in self.classes], default=1)
        slots = 1 << int(np.ceil(np.log2(longest + self.window + 1)))
        if not any(c.delay for c in self.classes):
            slots = 1
        width = self.blocks.width
        ring_at = np.concatenate([[0], np.cumsum(width * slots)]).astype(np.int64)
        plastic = any(c.kind == k.PLASTIC for c in self.classes)
        keep = any(
            net.records.get(n) is None or net.records[n].spikes for n in net.populations
        )
        decay, shape, nearest, rule_params, rule_at = self._rule_tables()
        return k.Layout(
            piece=pieces.table,
            block_pieces=pieces.block_pieces,
            state_at=pieces.state_at,
            port_column=pieces.port_column,
            port_driven=pieces.port_driven,
            params=pieces.params,
            source_group=source_group,
            group=groups,
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
                    slots - 1, self.window, self.n_neurons, int(self.grouped),
                    int(plastic), int(keep), self.most, self.guard_steps,
                ],
                np.int64,
            ),
            unit=np.array([self.unit, self._too_many()]),
            **drive_fields(drive_tables(net, self.order, 0, self.seed)),
        )  # fmt: skip

    def _source_groups(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the objects that emit spikes and, for every source, which it is in."""
        groups, source_group = [], np.zeros(max(self.n_sources, 1), np.int32)
        at = 0
        for g, name in enumerate([*self.net.populations, *self.net.sources]):
            n_own = sum(c.source == name for c in self.classes)
            groups.append([self.source_first[name], at, at + n_own])
            at += n_own
            first = self.source_first[name]
            source_group[first : first + self.net.n_of(name)] = g
        return np.array(groups, np.int64).reshape(-1, 3), source_group

    def _class_tables(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        n_classes = max(len(self.classes), 1)
        row_class = np.zeros((n_classes, 6), np.int64)
        weight = np.zeros(n_classes, self.ring_dtype)
        for i, c in enumerate(self.classes):
            rule = self.rule_index.get(c.projections[0], 0)
            first = self.source_first[c.source]
            row_class[i] = c.kind, c.delay, first, rule, c.fields, c.axonal
            if c.kind == k.SHARED or c.step:
                exact = (c.step or c.weight) / self.unit
                weight[i] = round(exact) if self.ring_dtype in _INTEGERS else exact
        return row_class, weight

    def _rule_tables(self) -> tuple[Any, Any, Any, Any, Any]:
        """Return decays by lag, their shapes, pairings and parameters of the rules."""
        tables, params = [], []
        n_classes = len(self.classes)
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


def drive_fields(table: DriveTable) -> dict[str, Any]:
    """Return the drives in force as fields of the layout."""
    return {
        "pop_drives": table.pop_drives,
        "drive": table.drive,
        "drive_weight": table.weight,
        "drive_stream": table.stream,
        "levels": table.levels,
        "values": table.values,
    }
