"""Kernels of the temporal memory on the growable layout."""

from typing import NamedTuple

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels import (
    BIRTH,
    CAPACITY,
    CELL,
    LAST_ACTIVE,
    LENGTH,
    LIST_TOP,
    NEXT,
    NONE,
    OFFSET,
    SEGMENT_TOP,
    SIZE,
    SYNAPSE_TOP,
    adapt,
    append_synapses,
    clear_counts,
    count_few,
    count_many,
    create_segment,
    destroy_segment,
    draw,
    drop_weakest,
    prefetch,
    reserve_slots,
    visits_of,
)

# entries of `info`
NOW, N_ACTIVE, N_WINNERS, N_MATCHING, STEP = 0, 1, 2, 3, 4
SYNOP, SYNOP_ZERO, PLASTIC, GROWN, SPIKE_IN, SPIKE_OUT, DESTROYED = (
    5,
    6,
    7,
    8,
    9,
    10,
    11,
)
INFO_SIZE = 16


class Memory(NamedTuple):
    """State that one step hands to the next, and scratch space."""

    active: np.ndarray  # int32 (2, n_cells), row NOW in force
    winners: np.ndarray  # int32 (2, n_columns)
    bits: np.ndarray  # uint32 (n_cells / 32,): active cells
    dead: np.ndarray  # uint8 (n_cells,)
    flags: np.ndarray  # uint8 (n_columns,), all 0 between steps
    mark: np.ndarray  # uint16 (n_cells,), 1 + index among the winners; 0 between steps
    candidates: np.ndarray  # int64 (n_columns,), scratch
    taken: np.ndarray  # uint8 (n_columns,), all 0 between uses
    old: np.ndarray  # int64 (128,), scratch
    matching: np.ndarray  # uint32 (segments,)
    matched_counts: np.ndarray  # uint16 (segments,)
    keys: np.ndarray  # int64 (segments,), scratch
    order: np.ndarray  # int64 (segments,), scratch
    rng: np.ndarray  # uint64 (1,)
    info: np.ndarray  # int64 (INFO_SIZE,)


class Rules(NamedTuple):
    """Parameters, permanences in units."""

    cells_per_column: int
    activation_threshold: int
    matching_threshold: int
    initial: int
    increment: int
    decrement: int
    punishment: int
    connected: int
    levels: int
    new_synapses: int
    max_synapses: int
    max_segments: int


@kernel
def _grow(store, memory, rules, segment, n):  # type: ignore[no-untyped-def]
    """Add up to `n` synapses from the previous winners to a segment."""
    info, mark, taken = memory.info, memory.mark, memory.taken
    winners = memory.winners[info[NOW]]
    candidates = memory.candidates
    n_winners = info[N_WINNERS]
    size = np.int64(store.segment_head[segment, SIZE]) & 0xFFFF
    offset = np.int64(store.segment_head[segment, OFFSET])
    n_candidates = 0
    if size == 0:
        for j in range(n_winners):
            candidates[j] = winners[j]
        n_candidates = n_winners
    else:
        for i in range(size):
            at = mark[store.synapses[offset + i] >> np.uint32(8)]
            if at:
                taken[at - 1] = 1
        for j in range(n_winners):
            if taken[j]:
                taken[j] = 0
            else:
                candidates[n_candidates] = winners[j]
                n_candidates += 1
    n = min(n, n_candidates)
    if n <= 0:
        return
    if size + n > rules.max_synapses:
        drop_weakest(store, segment, size + n - rules.max_synapses, mark)
        size = np.int64(store.segment_head[segment, SIZE]) & 0xFFFF
        n = min(n, rules.max_synapses - size)
        if n <= 0:
            return
    reserve_slots(store, segment, size + n)
    connected = 1 if rules.initial >= rules.connected else 0
    for k in range(n):
        j = k + draw(memory.rng, n_candidates - k)
        pre = candidates[j]
        candidates[j] = candidates[k]
        candidates[k] = pre
    append_synapses(store, segment, candidates, n, rules.initial, connected)
    info[GROWN] += n


@kernel
def _least_used(store, memory, first, m):  # type: ignore[no-untyped-def]
    """Return a living cell of the column with the fewest segments, -1 if all died."""
    fewest, ties = 1 << 30, 0
    for cell in range(first, first + m):
        if memory.dead[cell]:
            continue
        n = np.int64(store.cell_segments[cell])
        if n < fewest:
            fewest, ties = n, 1
        elif n == fewest:
            ties += 1
    if ties == 0:
        return -1
    pick = draw(memory.rng, ties) if ties > 1 else 0
    for cell in range(first, first + m):
        if memory.dead[cell] == 0 and np.int64(store.cell_segments[cell]) == fewest:
            if pick == 0:
                return cell
            pick -= 1
    return -1


@kernel
def _new_segment(store, memory, rules, cell):  # type: ignore[no-untyped-def]
    """Create a segment; the least recently active ones make room."""
    while np.int64(store.cell_segments[cell]) >= rules.max_segments:
        victim, oldest = -1, np.int64(NONE) + 1
        segment = np.int64(store.cell_first[cell])
        while segment != NONE:  # newest first, so <= prefers the older
            used = np.int64(store.segment_link[segment, LAST_ACTIVE])
            if used <= oldest:
                victim, oldest = segment, used
            segment = np.int64(store.segment_link[segment, NEXT])
        destroy_segment(store, victim)
        memory.info[DESTROYED] += 1
    return create_segment(store, cell, memory.info[STEP])


@kernel
def _sort(keys, order, n):  # type: ignore[no-untyped-def]
    """Sort the first `n` keys, carrying `order` along."""
    if n > 64:
        by = np.argsort(keys[:n])
        sorted_keys, sorted_order = keys[:n][by], order[:n][by]
        keys[:n] = sorted_keys
        order[:n] = sorted_order
        return
    for i in range(1, n):
        key, item = keys[i], order[i]
        j = i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1] = keys[j]
            order[j + 1] = order[j]
            j -= 1
        keys[j + 1] = key
        order[j + 1] = item


@kernel
def _learn_on(store, memory, rules, segment, potential):  # type: ignore[no-untyped-def]
    """Reinforce a segment and let it grow towards `new_synapses` active ones."""
    info = memory.info
    info[PLASTIC] += np.int64(store.segment_head[segment, SIZE]) & 0xFFFF
    hits = adapt(
        store,
        segment,
        memory.bits,
        rules.increment,
        rules.decrement,
        rules.connected,
        rules.levels,
        memory.old,
    )
    if hits < 0:
        info[DESTROYED] += 1
    elif rules.new_synapses > potential:
        _grow(store, memory, rules, segment, rules.new_synapses - potential)


@kernel
def _activate(store, memory, rules, columns, learn):  # type: ignore[no-untyped-def]
    """Phase 1: choose active and winner cells, learn; return the bursting columns."""
    info, keys, order = memory.info, memory.keys, memory.order
    now, m = info[NOW], rules.cells_per_column
    active, winners = memory.active[1 - now], memory.winners[1 - now]
    head = store.segment_head
    matching, counts = memory.matching, memory.matched_counts
    n_matching = info[N_MATCHING]
    for k in range(columns.size):
        memory.flags[columns[k]] = 1
    # own columns' segments to the front of `order`, the others to its back
    n_keys, n_others = 0, 0
    for i in range(n_matching):
        segment = np.int64(matching[i])
        cell = np.int64(head[segment, CELL])
        if memory.flags[cell // m]:
            keys[n_keys] = cell << 32 | np.int64(head[segment, BIRTH])
            order[n_keys] = i
            n_keys += 1
        else:
            n_others += 1
            order[n_matching - n_others] = i
        if learn:
            offset = np.int64(head[segment, OFFSET])
            prefetch(store.synapses, offset)
            prefetch(store.synapses, offset + 16)
    _sort(keys, order, n_keys)
    if learn:
        previous = memory.winners[now]
        for j in range(info[N_WINNERS]):
            memory.mark[previous[j]] = j + 1
        if rules.punishment > 0:
            for k in range(n_matching - n_others, n_matching):
                i = order[k]
                hits = adapt(
                    store,
                    np.int64(matching[i]),
                    memory.bits,
                    -rules.punishment,
                    0,
                    rules.connected,
                    rules.levels,
                    memory.old,
                )
                if hits < 0:
                    hits = -1 - hits
                    info[DESTROYED] += 1
                info[PLASTIC] += hits
    n_active, n_winners, bursting, k = 0, 0, 0, 0
    for c in range(columns.size):
        first = np.int64(columns[c]) * m
        begin, predicted, best, most = k, False, -1, -1
        while k < n_keys and keys[k] >> 32 < first + m:
            count = np.int64(counts[order[k]])
            if count >> 8 >= rules.activation_threshold:
                predicted = True
            if count & 255 > most:
                best, most = order[k], count & 255
            k += 1
        if predicted:
            last = -1
            for i in range(begin, k):
                count = np.int64(counts[order[i]])
                if count >> 8 < rules.activation_threshold:
                    continue
                cell = keys[i] >> 32
                if cell != last:
                    active[n_active] = cell
                    winners[n_winners] = cell
                    n_active += 1
                    n_winners += 1
                    last = cell
                if learn:
                    segment = np.int64(matching[order[i]])
                    _learn_on(store, memory, rules, segment, count & 255)
            continue
        bursting += 1
        for cell in range(first, first + m):
            if memory.dead[cell] == 0:
                active[n_active] = cell
                n_active += 1
        if best >= 0:
            segment = np.int64(matching[best])
            winners[n_winners] = head[segment, CELL]
            n_winners += 1
            if learn:
                _learn_on(store, memory, rules, segment, most)
            continue
        winner = _least_used(store, memory, first, m)
        if winner < 0:
            continue
        winners[n_winners] = winner
        n_winners += 1
        if learn and info[N_WINNERS] > 0:
            segment = _new_segment(store, memory, rules, winner)
            _grow(store, memory, rules, segment, rules.new_synapses)
    for c in range(columns.size):
        memory.flags[columns[c]] = 0
    if learn:
        previous = memory.winners[now]
        for j in range(info[N_WINNERS]):
            memory.mark[previous[j]] = 0
    previous = memory.active[now]
    for i in range(info[N_ACTIVE]):
        memory.bits[previous[i] >> 5] = 0
    for i in range(n_active):
        cell = np.int64(active[i])
        memory.bits[cell >> 5] |= np.uint32(1) << np.uint32(cell & 31)
    info[NOW] = 1 - now
    info[N_ACTIVE], info[N_WINNERS] = n_active, n_winners
    info[SPIKE_IN] += columns.size
    info[SPIKE_OUT] += n_active
    return bursting


@kernel
def _predict(store, memory, rules, learn):  # type: ignore[no-untyped-def]
    """Phase 2: count active synapses per segment; list the matching segments."""
    info = memory.info
    active = memory.active[info[NOW]][: info[N_ACTIVE]]
    visits, connected = visits_of(store.pre_head, active)
    info[SYNOP] += connected
    info[SYNOP_ZERO] += visits - connected
    limit = np.uint16(rules.matching_threshold)
    if 4 * visits < store.meta[SEGMENT_TOP]:
        n = count_few(store, active, limit, memory.matching)
    else:
        n = count_many(store, active, limit, memory.matching)
    for i in range(n):
        segment = memory.matching[i]
        memory.matched_counts[i] = store.counts[segment]
        prefetch(store.segment_head, segment)
    clear_counts(store, active, visits)
    info[N_MATCHING] = n
    if learn:
        for i in range(n):
            if memory.matched_counts[i] >> 8 >= rules.activation_threshold:
                store.segment_link[memory.matching[i], LAST_ACTIVE] = info[STEP]


@kernel
def _has_room(store, memory, rules, n_columns):  # type: ignore[no-untyped-def]
    """Whether one step fits, whatever it does; see :func:`needs`."""
    segments, synapse_words, list_words = needs(store, memory, rules, n_columns)
    return (
        store.meta[SEGMENT_TOP] + segments <= store.counts.size
        and store.meta[SYNAPSE_TOP] + synapse_words <= store.synapses.size
        and store.meta[LIST_TOP] + list_words <= store.lists.size
    )


@kernel
def needs(store, memory, rules, n_columns):  # type: ignore[no-untyped-def]
    """Return upper bounds of what one step may add: ids, synapse and list words."""
    info = memory.info
    growing = info[N_MATCHING] + n_columns
    words = np.int64(0)
    winners = memory.winners[info[NOW]]
    for j in range(info[N_WINNERS]):
        pre = winners[j]
        length = np.int64(store.pre_head[pre, LENGTH])
        if length + growing > np.int64(store.pre_head[pre, CAPACITY]):
            words += 4 * (length + growing) + 64
        else:  # only a list that shrinks in between is moved
            words += np.int64(store.pre_head[pre, CAPACITY])
    return n_columns, growing * ((rules.max_synapses + 31) // 32 * 32), words


@kernel
def _predicted_columns(store, memory, rules, out, at):  # type: ignore[no-untyped-def]
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
        bursting[r] = _activate(store, memory, rules, record, learn)
        _predict(store, memory, rules, learn)
        if predicted_ends.size:
            at = predicted_ends[r]
            predicted_ends[r + 1] = at + _predicted_columns(
                store, memory, rules, predicted, at
            )
        if cell_ends.size:
            at, n = cell_ends[r], info[N_ACTIVE]
            cells[at : at + n] = memory.active[info[NOW]][:n]
            cell_ends[r + 1] = at + n
    return ends.size - 1


@kernel
def kill(store, memory, cells):  # type: ignore[no-untyped-def]
    """Let cells die: their segments vanish, they never become active again."""
    info = memory.info
    for k in range(cells.size):
        cell = cells[k]
        memory.dead[cell] = 1
        while np.int64(store.cell_first[cell]) != NONE:
            destroy_segment(store, np.int64(store.cell_first[cell]))
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
