"""Kernels of the growable layout; words and headers are described in ``__init__``.

All words are uint32 and are widened to int64 when read, since Numba turns a sum of
uint64 and int64 into a float.
"""

from typing import NamedTuple

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

from neuro.compiled import kernel

NONE = 0xFFFFFFFF
FIRST_BLOCK = 32  # slots of the smallest block
LIST_CLASSES = 26  # list blocks of 32 << k entries
SEGMENT_CLASSES = 4  # segment blocks of 32, 64, 96, 128 slots

# columns of `pre_head`
OFFSET, LENGTH, CAPACITY, CONNECTED = 0, 1, 2, 3
# columns of `segment_head`: OFFSET, then size | capacity << 16, cell, birth
SIZE, CELL, BIRTH = 1, 2, 3
# columns of `segment_link`
LAST_ACTIVE, NEXT, PREVIOUS = 0, 1, 2

# entries of `meta`
LIST_TOP, SYNAPSE_TOP, SEGMENT_TOP, SEGMENT_FREE = 0, 1, 2, 3
N_SEGMENTS, N_SYNAPSES, BIRTHS = 4, 5, 6
LIST_FREE = 8  # + class
SEGMENT_BLOCK_FREE = LIST_FREE + LIST_CLASSES  # + class
META_SIZE = SEGMENT_BLOCK_FREE + SEGMENT_CLASSES


class Store(NamedTuple):
    """Arrays of the layout."""

    pre_head: np.ndarray  # uint32 (n_pre, 4)
    lists: np.ndarray  # uint32 (list pool,)
    segment_head: np.ndarray  # uint32 (segments, 4)
    segment_link: np.ndarray  # uint32 (segments, 4)
    synapses: np.ndarray  # uint32 (synapse pool,)
    positions: np.ndarray  # uint32 (synapse pool,)
    cell_first: np.ndarray  # uint32 (n_cells,)
    cell_segments: np.ndarray  # uint16 (n_cells,)
    counts: np.ndarray  # uint16 (segments,)
    meta: np.ndarray  # int64 (META_SIZE,)


@intrinsic
def _prefetch(typingctx, array, index):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        array_type, index_type = signature.args
        held = context.make_array(array_type)(context, builder, args[0])
        position = context.cast(builder, args[1], index_type, types.intp)
        stride = context.get_constant(types.intp, array_type.dtype.bitwidth // 8)
        for _ in range(array_type.ndim - 1):
            stride = builder.extract_value(held.strides, 0)
        base = builder.ptrtoint(held.data, position.type)
        pointer = builder.inttoptr(
            builder.add(base, builder.mul(position, stride)), cgutils.voidptr_t
        )
        void = cgutils.ir.VoidType() if hasattr(cgutils, "ir") else None
        i32 = cgutils.int32_t
        function = cgutils.get_or_insert_function(
            builder.module,
            cgutils.ir.FunctionType(void, [cgutils.voidptr_t, i32, i32, i32]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [pointer, i32(1), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.none(array, index), codegen


def prefetch(array, index):  # type: ignore[no-untyped-def]
    """Ask for the cache line of ``array[index]``; no effect on results."""


@overload(prefetch, inline="always")
def _prefetch_overload(array, index):  # type: ignore[no-untyped-def]
    def implementation(array, index):  # type: ignore[no-untyped-def]
        _prefetch(array, index)

    return implementation


@kernel
def draw(state, n):  # type: ignore[no-untyped-def]
    """Return an integer in 0..n-1 (SplitMix64, Steele et al. 2014); advances `state`.

    The top 32 bits are scaled: bias below n / 2**32.
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64(((z >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@kernel
def _move_list(store, pre, k, k_new):  # type: ignore[no-untyped-def]
    """Move a list from a block of class `k` (-1: none) to one of class `k_new`."""
    head, lists, meta = store.pre_head, store.lists, store.meta
    block = meta[LIST_FREE + k_new]
    if block >= 0:
        link = np.int64(lists[block])
        meta[LIST_FREE + k_new] = -1 if link == NONE else link
    else:
        block = meta[LIST_TOP]
        meta[LIST_TOP] = block + (FIRST_BLOCK << k_new)
    if k >= 0:
        old = np.int64(head[pre, OFFSET])
        for i in range(np.int64(head[pre, LENGTH])):
            lists[block + i] = lists[old + i]
        free = meta[LIST_FREE + k]
        lists[old] = np.uint32(NONE) if free < 0 else np.uint32(free)
        meta[LIST_FREE + k] = old
    head[pre, OFFSET] = np.uint32(block)
    head[pre, CAPACITY] = np.uint32(FIRST_BLOCK << k_new)


@kernel
def _list_class(capacity):  # type: ignore[no-untyped-def]
    k = 0
    while (FIRST_BLOCK << k) < capacity:
        k += 1
    return k


@kernel
def append_synapses(store, segment, pre, n, permanence, connected):  # type: ignore[no-untyped-def]
    """Append synapses from ``pre[:n]`` to a segment that has the slots."""
    head, lists = store.pre_head, store.lists
    size = np.int64(store.segment_head[segment, SIZE])
    slot = size & 0xFFFF
    at = np.int64(store.segment_head[segment, OFFSET]) + slot
    for i in range(n):
        unit = np.int64(pre[i])
        prefetch(lists, np.int64(head[unit, OFFSET]) + np.int64(head[unit, LENGTH]))
    for i in range(n):
        unit = np.int64(pre[i])
        length = np.int64(head[unit, LENGTH])
        capacity = np.int64(head[unit, CAPACITY])
        if length == capacity:
            k = -1 if capacity == 0 else _list_class(capacity)
            _move_list(store, unit, k, k + 1)
        lists[np.int64(head[unit, OFFSET]) + length] = np.uint32(
            segment << 8 | (slot + i) << 1 | connected
        )
        store.synapses[at + i] = np.uint32(unit << 8 | permanence)
        store.positions[at + i] = np.uint32(length)
        head[unit, LENGTH] = np.uint32(length + 1)
        if connected:
            head[unit, CONNECTED] += np.uint32(1)
    store.segment_head[segment, SIZE] = np.uint32(size + n)
    store.meta[N_SYNAPSES] += n


@kernel
def _unlink(store, pre, position):  # type: ignore[no-untyped-def]
    """Take an entry out of a list; the last entry fills the gap."""
    head, lists = store.pre_head, store.lists
    offset = np.int64(head[pre, OFFSET])
    last = np.int64(head[pre, LENGTH]) - 1
    head[pre, CONNECTED] -= lists[offset + position] & np.uint32(1)
    if position != last:
        entry = np.int64(lists[offset + last])
        lists[offset + position] = np.uint32(entry)
        at = np.int64(store.segment_head[entry >> 8, OFFSET]) + ((entry >> 1) & 127)
        store.positions[at] = np.uint32(position)
    head[pre, LENGTH] = np.uint32(last)
    store.meta[N_SYNAPSES] -= 1
    capacity = np.int64(head[pre, CAPACITY])
    if capacity > FIRST_BLOCK and 4 * last <= capacity:
        k = _list_class(capacity)
        if store.meta[LIST_FREE + k - 1] >= 0:  # shrink into what was freed, only
            _move_list(store, pre, k, k - 1)


@kernel
def _prefetch_unlinks(store, offset, n, every):  # type: ignore[no-untyped-def]
    """Fetch what unlinking the dead (or `every`) synapses of a segment will touch.

    Four passes, each over all of them, so that their cache misses overlap: headers;
    gaps and tails of the lists; segments of the tail entries; their back-pointers.
    """
    head, lists, synapses = store.pre_head, store.lists, store.synapses
    for i in range(offset, offset + n):
        if every or synapses[i] & np.uint32(255) == 0:
            prefetch(head, np.int64(synapses[i] >> np.uint32(8)))
    for i in range(offset, offset + n):
        if every or synapses[i] & np.uint32(255) == 0:
            pre = np.int64(synapses[i] >> np.uint32(8))
            begin = np.int64(head[pre, OFFSET])
            prefetch(lists, begin + np.int64(store.positions[i]))
            prefetch(lists, begin + np.int64(head[pre, LENGTH]) - 1)
    for i in range(offset, offset + n):
        if every or synapses[i] & np.uint32(255) == 0:
            pre = np.int64(synapses[i] >> np.uint32(8))
            tail = np.int64(head[pre, OFFSET]) + np.int64(head[pre, LENGTH]) - 1
            prefetch(store.segment_head, np.int64(lists[tail] >> np.uint32(8)))
    for i in range(offset, offset + n):
        if every or synapses[i] & np.uint32(255) == 0:
            pre = np.int64(synapses[i] >> np.uint32(8))
            tail = np.int64(head[pre, OFFSET]) + np.int64(head[pre, LENGTH]) - 1
            entry = np.int64(lists[tail])
            begin = np.int64(store.segment_head[entry >> 8, OFFSET])
            prefetch(store.positions, begin + ((entry >> 1) & 127))


@kernel
def _take_block(store, k):  # type: ignore[no-untyped-def]
    meta = store.meta
    block = meta[SEGMENT_BLOCK_FREE + k]
    if block >= 0:
        link = np.int64(store.synapses[block])
        meta[SEGMENT_BLOCK_FREE + k] = -1 if link == NONE else link
    else:
        block = meta[SYNAPSE_TOP]
        meta[SYNAPSE_TOP] = block + FIRST_BLOCK * (k + 1)
    return block


@kernel
def _give_block(store, block, k):  # type: ignore[no-untyped-def]
    free = store.meta[SEGMENT_BLOCK_FREE + k]
    store.synapses[block] = np.uint32(NONE) if free < 0 else np.uint32(free)
    store.meta[SEGMENT_BLOCK_FREE + k] = block


@kernel
def reserve_slots(store, segment, need):  # type: ignore[no-untyped-def]
    """Give a segment a block of at least `need` slots."""
    size = np.int64(store.segment_head[segment, SIZE])
    capacity = size >> 16
    if need <= capacity:
        return
    n = size & 0xFFFF
    k = (need + FIRST_BLOCK - 1) // FIRST_BLOCK - 1
    block = _take_block(store, k)
    if capacity > 0:
        old = np.int64(store.segment_head[segment, OFFSET])
        for i in range(n):
            store.synapses[block + i] = store.synapses[old + i]
            store.positions[block + i] = store.positions[old + i]
        _give_block(store, old, capacity // FIRST_BLOCK - 1)
    store.segment_head[segment, OFFSET] = np.uint32(block)
    store.segment_head[segment, SIZE] = np.uint32((FIRST_BLOCK * (k + 1)) << 16 | n)


@kernel
def create_segment(store, cell, step):  # type: ignore[no-untyped-def]
    """Return the id of a new, empty segment of `cell`."""
    meta, link = store.meta, store.segment_link
    segment = meta[SEGMENT_FREE]
    if segment >= 0:
        after = np.int64(link[segment, NEXT])
        meta[SEGMENT_FREE] = -1 if after == NONE else after
    else:
        segment = meta[SEGMENT_TOP]
        meta[SEGMENT_TOP] = segment + 1
        store.counts[segment] = 0
    head = store.segment_head
    head[segment, OFFSET] = 0
    head[segment, SIZE] = 0
    head[segment, CELL] = np.uint32(cell)
    head[segment, BIRTH] = np.uint32(meta[BIRTHS])
    meta[BIRTHS] += 1
    first = store.cell_first[cell]
    link[segment, LAST_ACTIVE] = np.uint32(step)
    link[segment, NEXT] = first
    link[segment, PREVIOUS] = np.uint32(NONE)
    if np.int64(first) != NONE:
        link[np.int64(first), PREVIOUS] = np.uint32(segment)
    store.cell_first[cell] = np.uint32(segment)
    store.cell_segments[cell] += np.uint16(1)
    meta[N_SEGMENTS] += 1
    return segment


@kernel
def destroy_segment(store, segment):  # type: ignore[no-untyped-def]
    """Remove a segment with all its synapses; its id is free again."""
    meta, link, head = store.meta, store.segment_link, store.segment_head
    size = np.int64(head[segment, SIZE])
    offset = np.int64(head[segment, OFFSET])
    n, capacity = size & 0xFFFF, size >> 16
    _prefetch_unlinks(store, offset, n, True)
    for i in range(n):
        pre = np.int64(store.synapses[offset + i] >> np.uint32(8))
        _unlink(store, pre, np.int64(store.positions[offset + i]))
    if capacity > 0:
        _give_block(store, offset, capacity // FIRST_BLOCK - 1)
    cell = np.int64(head[segment, CELL])
    after, before = np.int64(link[segment, NEXT]), np.int64(link[segment, PREVIOUS])
    if before == NONE:
        store.cell_first[cell] = np.uint32(after)
    else:
        link[before, NEXT] = np.uint32(after)
    if after != NONE:
        link[after, PREVIOUS] = np.uint32(before)
    store.cell_segments[cell] -= np.uint16(1)
    head[segment, SIZE] = 0
    head[segment, CELL] = np.uint32(NONE)
    free = meta[SEGMENT_FREE]
    link[segment, NEXT] = np.uint32(NONE) if free < 0 else np.uint32(free)
    meta[SEGMENT_FREE] = segment
    meta[N_SEGMENTS] -= 1


@kernel
def _compact(store, segment):  # type: ignore[no-untyped-def]
    """Delete the synapses of permanence 0, keeping the order (age) of the others."""
    offset = np.int64(store.segment_head[segment, OFFSET])
    size = np.int64(store.segment_head[segment, SIZE])
    _prefetch_unlinks(store, offset, size & 0xFFFF, False)
    kept = 0
    for i in range(size & 0xFFFF):
        word = np.int64(store.synapses[offset + i])
        pre = word >> 8
        position = np.int64(store.positions[offset + i])
        if word & 255 == 0:
            _unlink(store, pre, position)
            continue
        if kept != i:
            at = np.int64(store.pre_head[pre, OFFSET]) + position
            entry = np.int64(store.lists[at])
            store.lists[at] = np.uint32(segment << 8 | kept << 1 | (entry & 1))
            store.synapses[offset + kept] = np.uint32(word)
            store.positions[offset + kept] = np.uint32(position)
        kept += 1
    store.segment_head[segment, SIZE] = np.uint32((size >> 16) << 16 | kept)


@kernel
def adapt(store, segment, bits, up, down, threshold, levels, old):  # type: ignore[no-untyped-def]
    """Add `up` to synapses from set bits, subtract `down` from others; prune.

    Permanences are clipped to 0..`levels`; a synapse that reaches 0 is destroyed, and
    the segment with its last synapse. Returns the number of synapses from set bits, or
    -1 minus that number if the segment no longer exists.
    """
    synapses = store.synapses
    offset = np.int64(store.segment_head[segment, OFFSET])
    n = np.int64(store.segment_head[segment, SIZE]) & 0xFFFF
    hits, changed = np.int64(0), np.int64(0)
    for i in range(n):
        word = synapses[offset + i]
        pre = word >> np.uint32(8)
        on = np.int64(
            (bits[pre >> np.uint32(5)] >> (pre & np.uint32(31))) & np.uint32(1)
        )
        old[i] = on
        hits += on
    block, was = synapses[offset : offset + n], old[:n]
    step = up + down
    for i in range(n):  # free of look-ups: compiled to vector code
        word = np.int64(block[i])
        before = word & 255
        after = min(max(before - down + was[i] * step, 0), levels)
        was[i] = before
        block[i] = np.uint32(word - before + after)
        changed |= np.int64(after == 0) | np.int64(
            (after >= threshold) != (before >= threshold)
        )
    if changed == 0:
        return hits
    dead = 0
    for i in range(n):
        word = np.int64(synapses[offset + i])
        if word & 255 == 0:
            dead += 1
            continue
        connected = word & 255 >= threshold
        if connected != (old[i] >= threshold):
            pre = word >> 8
            at = np.int64(store.pre_head[pre, OFFSET]) + np.int64(
                store.positions[offset + i]
            )
            store.lists[at] ^= np.uint32(1)
            if connected:
                store.pre_head[pre, CONNECTED] += np.uint32(1)
            else:
                store.pre_head[pre, CONNECTED] -= np.uint32(1)
    if dead == n:
        destroy_segment(store, segment)
        return -1 - hits
    if dead > 0:
        _compact(store, segment)
    return hits


@kernel
def drop_weakest(store, segment, n, mark):  # type: ignore[no-untyped-def]
    """Destroy up to `n` of the weakest synapses whose source is not marked.

    The oldest goes first among equals; one after another, since it is rare.
    """
    for _ in range(n):
        offset = np.int64(store.segment_head[segment, OFFSET])
        best, least = -1, 256
        for i in range(np.int64(store.segment_head[segment, SIZE]) & 0xFFFF):
            word = np.int64(store.synapses[offset + i])
            if word & 255 < least and mark[word >> 8] == 0:
                best, least = i, word & 255
        if best < 0:
            return
        store.synapses[offset + best] &= np.uint32(0xFFFFFF00)
        _compact(store, segment)


@kernel
def visits_of(pre_head, active):  # type: ignore[no-untyped-def]
    """Return the entries, and the connected ones, in the lists of the active units."""
    visits, connected = np.int64(0), np.int64(0)
    for k in range(active.size):
        visits += np.int64(pre_head[active[k], LENGTH])
        connected += np.int64(pre_head[active[k], CONNECTED])
    return visits, connected


@kernel
def _prefetch_list(store, active, k):  # type: ignore[no-untyped-def]
    if k < active.size:
        begin = np.int64(store.pre_head[active[k], OFFSET])
        prefetch(store.lists, begin)
        prefetch(store.lists, begin + 16)


@kernel
def count_few(store, active, threshold, matching):  # type: ignore[no-untyped-def]
    """Count per segment; list a segment when its potential count meets `threshold`.

    ``counts`` holds all synapses in the low byte, connected ones in the high byte.
    Returns the number of listed segments.
    """
    lists, counts = store.lists, store.counts
    n = 0
    for k in range(active.size):
        _prefetch_list(store, active, k + 4)
        begin = np.int64(store.pre_head[active[k], OFFSET])
        for i in range(begin, begin + np.int64(store.pre_head[active[k], LENGTH])):
            entry = lists[i]
            segment = entry >> np.uint32(8)
            count = np.uint16(
                counts[segment]
                + np.uint16(1 + ((entry & np.uint32(1)) << np.uint32(8)))
            )
            counts[segment] = count
            if (count & np.uint16(255)) == threshold:
                matching[n] = segment
                n += 1
    return n


@kernel
def count_many(store, active, threshold, matching):  # type: ignore[no-untyped-def]
    """Same counts as :func:`count_few`, listed by one scan at the end."""
    lists, counts = store.lists, store.counts
    for k in range(active.size):
        _prefetch_list(store, active, k + 4)
        begin = np.int64(store.pre_head[active[k], OFFSET])
        for i in range(begin, begin + np.int64(store.pre_head[active[k], LENGTH])):
            entry = lists[i]
            counts[entry >> np.uint32(8)] += np.uint16(
                1 + ((entry & np.uint32(1)) << np.uint32(8))
            )
    n = 0
    top = store.meta[SEGMENT_TOP]
    limit = np.uint16(threshold)
    for block in range(0, top, 64):
        end = min(block + 64, top)
        found = np.uint16(0)
        for i in range(block, end):
            found |= np.uint16((counts[i] & np.uint16(255)) >= limit)
        if found:
            for i in range(block, end):
                if (counts[i] & np.uint16(255)) >= limit:
                    matching[n] = i
                    n += 1
    return n


@kernel
def clear_counts(store, active, visits):  # type: ignore[no-untyped-def]
    """Set all counts to 0: as a block, or along the lists just walked."""
    top = store.meta[SEGMENT_TOP]
    counts, lists = store.counts, store.lists
    if 8 * visits > top:
        counts[:top] = 0
        return
    for k in range(active.size):
        begin = np.int64(store.pre_head[active[k], OFFSET])
        for i in range(begin, begin + np.int64(store.pre_head[active[k], LENGTH])):
            counts[lists[i] >> np.uint32(8)] = 0


@kernel
def deliver(store, active, out):  # type: ignore[no-untyped-def]
    """Add 1 per connected synapse of the active units to ``out``; reference form."""
    visited = 0
    for k in range(active.size):
        begin = np.int64(store.pre_head[active[k], OFFSET])
        n = np.int64(store.pre_head[active[k], LENGTH])
        for i in range(begin, begin + n):
            entry = np.int64(store.lists[i])
            if entry & 1:
                out[entry >> 8] += 1
        visited += n
    return visited
