"""Phase 2 of a step: which segments match the active cells."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels import (
    CELL,
    LAST_ACTIVE,
    MATCH,
    OFFSET,
    SEGMENT_TOP,
    TRIGGER,
    clear_counts,
    count_few,
    count_many,
    hits_of,
    prefetch,
    visits_of,
)
from neuro.htm._kernels.state import (
    N_ACTIVE,
    N_MATCHING,
    NOW,
    STEP,
    SYNOP,
    SYNOP_ZERO,
)

_AHEAD = 8  # segments fetched in advance


@kernel(allocates=False)
def predict(store, memory, rules, learn):  # type: ignore[no-untyped-def]
    """Count active synapses per segment; list the matching segments."""
    info, found = memory.info, memory.matching
    active = memory.active[info[NOW]][: info[N_ACTIVE]]
    entries, total, connected = visits_of(store.pre_head, active)
    info[SYNOP] += connected
    info[SYNOP_ZERO] += total - connected
    trigger = np.uint8(min(TRIGGER, store.meta[MATCH]))
    if 2 * entries < store.meta[SEGMENT_TOP]:
        n = count_few(store, active, trigger, found)
    else:
        n = count_many(store, active, trigger, found)
    clear_counts(store, active, entries)
    for i in range(min(2 * _AHEAD, n)):
        prefetch(store.segment_head, found[i])
    n_matching = 0
    for i in range(n):
        if i + 2 * _AHEAD < n:
            prefetch(store.segment_head, found[i + 2 * _AHEAD])
        if i + _AHEAD < n:
            at = np.int64(store.segment_head[found[i + _AHEAD], OFFSET])
            prefetch(store.synapses, at)
            prefetch(store.synapses, at + 16)
        segment = np.int64(found[i])
        masks = memory.masks[n_matching]
        count = hits_of(store, segment, memory.bits, rules.connected, masks)
        if count & 255 >= rules.matching_threshold:
            found[n_matching] = segment
            memory.matched_counts[n_matching] = count
            n_matching += 1
            if learn and count >> 8 >= rules.activation_threshold:
                store.segment_link[segment, LAST_ACTIVE] = info[STEP]
    info[N_MATCHING] = n_matching


@kernel
def predicted_columns(store, memory, rules, out, at):  # type: ignore[no-untyped-def]
    """Write the sorted predicted columns to ``out[at:]``; return their number."""
    n = 0
    for i in range(memory.info[N_MATCHING]):
        if memory.matched_counts[i] >> 8 >= rules.activation_threshold:
            cell = np.int64(store.segment_head[memory.matching[i], CELL])
            column = cell // rules.cells_per_column
            if memory.flags[column] == 0:
                memory.flags[column] = 1
                out[at + n] = column
                n += 1
    for i in range(at, at + n):
        memory.flags[out[i]] = 0
    out[at : at + n].sort()
    return n
