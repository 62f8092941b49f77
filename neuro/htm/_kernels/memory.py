"""The temporal memory record by record, on the growable layout."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels import (
    CELL,
    FIRST_BLOCK,
    LENGTH,
    LIST_TOP,
    NONE,
    SEGMENT_TOP,
    SYNAPSE_TOP,
    destroy_segment,
    hits_of,
)
from neuro.htm._kernels.activation import activate
from neuro.htm._kernels.prediction import predict, predicted_columns
from neuro.htm._kernels.state import (
    DESTROYED,
    N_ACTIVE,
    N_MATCHING,
    N_WINNERS,
    NOW,
    STEP,
)


@kernel(allocates=False)
def _has_room(store, memory, rules, n_columns):  # type: ignore[no-untyped-def]
    """Whether one step fits, whatever it does; see :func:`needs`."""
    segments, synapse_words, list_words = needs(store, memory, rules, n_columns)
    return (
        store.meta[SEGMENT_TOP] + segments <= store.counts.size
        and store.meta[SYNAPSE_TOP] + synapse_words <= store.synapses.size
        and store.meta[LIST_TOP] + list_words <= store.lists.size
    )


@kernel(allocates=False)
def needs(store, memory, rules, n_columns):  # type: ignore[no-untyped-def]
    """Return upper bounds of what one step may add: ids, synapse and list words."""
    info = memory.info
    growing = info[N_MATCHING] + n_columns
    words = np.int64(0)
    winners = memory.winners[info[NOW]]
    for j in range(info[N_WINNERS]):
        pre = winners[j]
        packed = np.int64(store.pre_head[pre, LENGTH])
        length, k = packed & 0xFFFFFF, packed >> 24
        capacity = (FIRST_BLOCK << k) >> 1 if k else 0
        if length + growing > capacity:
            words += 4 * (length + growing) + 64
        else:  # only a list that shrinks in between is moved
            words += capacity
    return n_columns, growing * ((rules.max_synapses + 31) // 32 * 32), words


@kernel
def run(  # type: ignore[no-untyped-def]
    store, memory, rules, columns, ends, learn, begin, trace, bursting
):
    """Process records ``begin..`` until the end or until an array is full.

    `trace` holds (columns, column ends, cells, cell ends); an empty array of ends means
    that nothing of its kind is kept. Returns the first record not processed.
    """
    predicted, predicted_ends, cells, cell_ends = trace
    n_columns = memory.flags.size
    info = memory.info
    for r in range(begin, ends.size - 1):
        record = columns[ends[r] : ends[r + 1]]
        if learn and not _has_room(store, memory, rules, record.size):
            return r
        if predicted_ends.size and predicted_ends[r] + n_columns > predicted.size:
            return r
        if cell_ends.size and (
            cell_ends[r] + record.size * rules.cells_per_column > cells.size
        ):
            return r
        info[STEP] += 1
        bursting[r] = activate(store, memory, rules, record, learn)
        predict(store, memory, rules, learn)
        if predicted_ends.size:
            at = predicted_ends[r]
            predicted_ends[r + 1] = at + predicted_columns(
                store, memory, rules, predicted, at
            )
        if cell_ends.size:
            at, n = cell_ends[r], info[N_ACTIVE]
            cells[at : at + n] = memory.active[info[NOW]][:n]
            cell_ends[r + 1] = at + n
    return ends.size - 1


@kernel(allocates=False)
def kill(store, memory, cells, connected):  # type: ignore[no-untyped-def]
    """Let cells die: their segments vanish, they never become active again."""
    info = memory.info
    for k in range(cells.size):
        cell = cells[k]
        memory.dead[cell] = 1
        while np.int64(store.cell_first[cell]) != NONE:
            destroy_segment(store, np.int64(store.cell_first[cell]), connected)
            info[DESTROYED] += 1
    now, n = info[NOW], 0
    for i in range(info[N_MATCHING]):
        segment = memory.matching[i]
        if np.int64(store.segment_head[segment, CELL]) != NONE:
            memory.matching[n] = segment
            memory.matched_counts[n] = memory.matched_counts[i]
            n += 1
    info[N_MATCHING] = n
    n = 0
    for i in range(info[N_ACTIVE]):
        cell = np.int64(memory.active[now, i])
        if memory.dead[cell]:
            memory.bits[cell >> 5] &= ~(np.uint32(1) << np.uint32(cell & 31))
        else:
            memory.active[now, n] = cell
            n += 1
    info[N_ACTIVE] = n
    n = 0
    for i in range(info[N_WINNERS]):
        cell = memory.winners[now, i]
        if memory.dead[cell] == 0:
            memory.winners[now, n] = cell
            n += 1
    info[N_WINNERS] = n
    remember(store, memory, connected)


@kernel(allocates=False)
def remember(store, memory, connected):  # type: ignore[no-untyped-def]
    """Find out anew which synapses of the matching segments are active."""
    for i in range(memory.info[N_MATCHING]):
        segment = np.int64(memory.matching[i])
        hits_of(store, segment, memory.bits, connected, memory.masks[i])
