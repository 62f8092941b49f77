"""The arrays of the grid driver that change: placed, grown, saved and restored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core._kernels import grid_layout as k
from neuro.core._kernels.drives import TILE
from neuro.core.arrays import aligned, padded
from neuro.errors import ParameterError
from neuro.network.grid_plan import GridPlan
from neuro.network.registry import model_of, rule_of

__all__ = [
    "LAYOUT_VERSION",
    "Probes",
    "allocate_state",
    "grow_due",
    "place_histories",
    "plastic_updates",
    "restore_state",
    "saved_state",
]

LAYOUT_VERSION = 4  # order of synapses within rows and of state; in checkpoints
FIRST_HISTORY = 32  # post spikes that a history holds before it grows
_SAVED = (
    "state", "ring", "spike_counts", "due", "due_range", "plastic_weights", "pre_trace",
    "pre_last", "post_trace", "post_time", "post_count", "horizon", "updates",
)  # fmt: skip


def allocate_state(plan: GridPlan, layout: k.Layout) -> k.State:
    """Return the state at step 0, without room for histories, raster and traces."""
    pieces, window = plan.pieces, plan.window
    n_blocks, n_classes = plan.blocks.n, max(len(plan.classes), 1)
    widest = max([int(x) for x in pieces.table[:, 4]], default=8)
    due = 1 << (4 * plan.most + 1024).bit_length() if plan.grouped else 1
    flags = aligned(pieces.n_flags, np.uint8)
    state = aligned(pieces.start.size, np.float64)
    state[:] = pieces.start
    of_block = pieces.table[:, 0]
    per_block = window * max(
        [int(pieces.table[of_block == b, 3].sum()) for b in range(n_blocks)]
    )
    none = np.zeros(0, np.int64)
    return k.State(
        state=state,
        inputs=aligned(pieces.n_inputs, np.float64),
        flags=flags,
        flag_words=flags.view(np.uint64),
        counts=_rows_apart(plan.threads, padded(widest), np.uint8),
        bits=_rows_apart(plan.threads, TILE, np.uint32),
        ring=aligned(int(layout.ring_at[-1]), plan.ring_dtype),
        spikes=np.zeros((2, n_blocks, per_block + 1), np.int32),
        spike_ptr=np.zeros((2, n_blocks, window + 1), np.int64),
        merged=np.zeros((plan.threads, plan.most), np.int32),
        merged_step=np.zeros((plan.threads, plan.most), np.int64),
        heads=_rows_apart(plan.threads, n_blocks, np.int64),
        spike_counts=np.zeros(plan.n_neurons, np.int64),
        due=aligned(n_blocks * due * 8, np.int64).reshape(n_blocks, due, 8),
        due_range=np.zeros((n_blocks, 2), np.int64),
        raster_step=none,
        raster_source=np.zeros(0, np.int32),
        cursor=np.zeros(8, np.int64),
        traces=np.zeros(0),
        plastic_weights=plan.table.plastic_weights,
        pre_trace=np.zeros(0),
        pre_last=none,
        post_trace=np.zeros(0),
        post_time=none,
        post_count=none,
        horizon=np.full((n_blocks, n_classes), -1, np.int64),
        updates=np.zeros((n_blocks, n_classes), np.int64),
        team=np.zeros(64, np.int64),
    )


def _rows_apart(n: int, width: int, dtype: Any) -> NDArray[Any]:
    """Return a row per thread, a page apart: a core also fetches what comes next."""
    apart = 4096 // np.dtype(dtype).itemsize
    return aligned(n * (width + apart), dtype).reshape(n, -1)


# ---- histories of plastic targets ----
def place_histories(
    plan: GridPlan, plastic: NDArray[np.int64], old: k.State, history: NDArray[np.int64]
) -> k.State:
    """Place pre traces and post histories; keep what is already there.

    Parameters
    ----------
    plan : GridPlan
        The static side.
    plastic : ndarray of int64, shape (n_blocks, n_classes, 12)
        The layout's table of places, rewritten.
    old : State
        The state; its histories may be empty or smaller.
    history : ndarray of int64, shape (n_classes,)
        Post spikes that a target's history holds.
    """
    before = plastic.copy()
    times = traces = counts = lasts = pres = 0
    for b in range(plan.blocks.n):
        owner: dict[int, int] = {}  # delays of one projection share a history
        for i, c in enumerate(plan.classes):
            if c.kind != k.PLASTIC:
                plastic[b, i, 0] = -1
                continue
            q = plan.net.projections[c.projections[0]]
            rule = rule_of(q.plasticity)
            piece = plan.pieces.first_of[b, q.post]
            size, room = int(plan.pieces.table[piece, 3]), int(history[i])
            n_pre = plan.net.n_of(q.pre)
            first = owner.setdefault(c.projections[0], i)
            plastic[b, i] = (
                piece, times, room, size, counts, traces, len(rule.post_traces),
                plan.blocks.column[q.post, q.port][b], lasts, pres, n_pre, first == i,
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
        for b in range(plan.blocks.n):
            for i, c in enumerate(plan.classes):
                if c.kind == k.PLASTIC and plastic[b, i, 11]:
                    _move_history(before[b, i], plastic[b, i], old, new)
    return new


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


def plastic_updates(plan: GridPlan, state: k.State) -> dict[int, int]:
    """Return the weight updates made so far, per projection."""
    total: dict[int, int] = {}
    for i, c in enumerate(plan.classes):
        if c.kind == k.PLASTIC:
            made = int(state.updates[:, i].sum())
            total[c.projections[0]] = total.get(c.projections[0], 0) + made
    return total


# ---- waiting spikes ----
def grow_due(state: k.State) -> k.State:
    """Double the room of waiting spikes; entries move to their new places."""
    n_blocks, room, fields = state.due.shape
    new = aligned(n_blocks * 2 * room * fields, np.int64)
    new = new.reshape(n_blocks, 2 * room, fields)
    for b in range(n_blocks):
        place = np.arange(state.due_range[b, 0], state.due_range[b, 1])
        new[b, place % (2 * room)] = state.due[b, place % room]
    return state._replace(due=new)


# ---- recorded state variables ----
class Probes:
    """Which state variables are recorded, and where their samples go.

    Attributes
    ----------
    names : list of (str, ndarray of int32, int)
        Population and variable, neurons, interval in steps.
    """

    def __init__(self, plan: GridPlan) -> None:
        self.plan = plan
        self.names: list[tuple[str, NDArray[np.int32], int]] = []
        for name, r in plan.net.records.items():
            n = plan.net.populations[name].n
            index = np.arange(n, dtype=np.int32) if r.indices is None else r.indices
            step = 1 if r.interval is None else max(1, round(r.interval / plan.net.dt))
            for v in r.variables:
                self.names.append((f"{name}.{v}", index, step))

    def place(self, first: int, last: int) -> tuple[NDArray[np.int64], int]:
        """Return the layout's table for a run, and the number of samples."""
        plan = self.plan
        rows, at = [], 0
        for full, index, interval in self.names:
            name, _, v = full.rpartition(".")
            row = model_of(plan.net.populations[name].model).state.index(v)
            share = plan.blocks.share[name]
            for j, i in enumerate(index):
                place = plan.pieces.state_place(plan.blocks, name, row, int(i))
                rows.append(
                    [
                        int(i) // share, interval, place, at + j,
                        first // interval + 1, index.size,
                    ]
                )  # fmt: skip
            at += index.size * (last // interval - first // interval)
        return np.array(rows, np.int64).reshape(-1, 6), at


# ---- checkpoint ----
def saved_state(state: k.State) -> dict[str, NDArray[Any]]:
    """Return the arrays that a checkpoint holds."""
    return {name: getattr(state, name) for name in _SAVED}


def restore_state(state: k.State, arrays: dict[str, NDArray[Any]]) -> k.State:
    """Return the state with a checkpoint's arrays in it."""
    for name in _SAVED:
        mine = getattr(state, name)
        if mine.shape == arrays[name].shape:
            mine[...] = arrays[name]
        else:
            state = state._replace(**{name: arrays[name].copy()})
    return state


def check_position(position: NDArray[np.int64], n_blocks: int) -> tuple[int, int]:
    """Return step and event of a checkpoint, if it fits this build."""
    step, event, blocks, version = (int(x) for x in position)
    if version != LAYOUT_VERSION or blocks != n_blocks:
        raise ParameterError(
            f"checkpoint: layout version {version} with {blocks} blocks, this "
            f"build has version {LAYOUT_VERSION} with {n_blocks}; build with "
            "the same number of threads"
        )
    return step, event
