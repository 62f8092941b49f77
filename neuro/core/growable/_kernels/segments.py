"""Segments: their blocks of slots, their birth and death, synapses in and out.

Of the n synapses of a segment at least ``min(n, n - match + trigger)`` are in the lists
(``indexed``), where `match` is the number of active synapses of interest and
``trigger = min(TRIGGER, match)``: a segment with `match` active synapses misses at most
``n - match``, so at least `trigger` of them are in the lists. Deleting a synapse keeps
this; appending restores it.
"""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels.layout import (
    BIRTH,
    BIRTHS,
    CELL,
    CONNECTED,
    FIRST_BLOCK,
    LAST_ACTIVE,
    LENGTH,
    MATCH,
    N_SEGMENTS,
    N_SYNAPSES,
    NEXT,
    NONE,
    OFFSET,
    PREVIOUS,
    SEGMENT_BLOCK_FREE,
    SEGMENT_FREE,
    SEGMENT_TOP,
    SIZE,
    SYNAPSE_TOP,
    TOTAL,
    TRIGGER,
    prefetch,
)
from neuro.core.growable._kernels.lists import link, prefetch_unlinks, unlink


@kernel(allocates=False)
def append_synapses(store, segment, pre, n, permanence, connected):  # type: ignore[no-untyped-def]
    """Append synapses from ``pre[:n]`` to a segment that has the slots."""
    head = store.pre_head
    packed = np.int64(store.segment_head[segment, SIZE])
    size, indexed = packed & 255, (packed >> 8) & 255
    at = np.int64(store.segment_head[segment, OFFSET]) + size
    match = store.meta[MATCH]
    wanted = min(n, max(size + n - match + min(TRIGGER, match) - indexed, 0))
    for i in range(wanted):
        unit = np.int64(pre[i])
        length = np.int64(head[unit, LENGTH]) & 0xFFFFFF
        prefetch(store.lists, np.int64(head[unit, OFFSET]) + length)
    for i in range(n):
        unit = np.int64(pre[i])
        store.synapses[at + i] = np.uint32(unit << 8 | permanence)
        head[unit, TOTAL] += np.uint32(1)
        head[unit, CONNECTED] += np.uint32(connected)
        position = np.int64(NONE)
        if i < wanted:
            position = link(store, unit, segment, size + i)
        store.positions[at + i] = np.uint32(position)
    store.segment_head[segment, SIZE] = np.uint32(packed + n + (wanted << 8))
    store.meta[N_SYNAPSES] += n


@kernel(allocates=False)
def _take_block(store, k):  # type: ignore[no-untyped-def]
    meta = store.meta
    block = meta[SEGMENT_BLOCK_FREE + k]
    if block >= 0:
        after = np.int64(store.synapses[block])
        meta[SEGMENT_BLOCK_FREE + k] = -1 if after == NONE else after
    else:
        block = meta[SYNAPSE_TOP]
        meta[SYNAPSE_TOP] = block + FIRST_BLOCK * (k + 1)
    return block


@kernel(allocates=False)
def _give_block(store, block, k):  # type: ignore[no-untyped-def]
    free = store.meta[SEGMENT_BLOCK_FREE + k]
    store.synapses[block] = np.uint32(NONE) if free < 0 else np.uint32(free)
    store.meta[SEGMENT_BLOCK_FREE + k] = block


@kernel(allocates=False)
def reserve_slots(store, segment, need):  # type: ignore[no-untyped-def]
    """Give a segment a block of at least `need` slots.

    Slots beyond the size hold words of valid units: old ones or zeros.
    """
    packed = np.int64(store.segment_head[segment, SIZE])
    capacity = packed >> 16
    if need <= capacity:
        return
    n = packed & 255
    k = (need + FIRST_BLOCK - 1) // FIRST_BLOCK - 1
    block = _take_block(store, k)
    store.synapses[block] = 0  # held a link
    if capacity > 0:
        old = np.int64(store.segment_head[segment, OFFSET])
        for i in range(n):
            store.synapses[block + i] = store.synapses[old + i]
            store.positions[block + i] = store.positions[old + i]
        _give_block(store, old, capacity // FIRST_BLOCK - 1)
    store.segment_head[segment, OFFSET] = np.uint32(block)
    store.segment_head[segment, SIZE] = np.uint32(
        (FIRST_BLOCK * (k + 1)) << 16 | (packed & 0xFFFF)
    )


@kernel(allocates=False)
def create_segment(store, cell, step):  # type: ignore[no-untyped-def]
    """Return the id of a new, empty segment of `cell`."""
    meta, chain = store.meta, store.segment_link
    segment = meta[SEGMENT_FREE]
    if segment >= 0:
        after = np.int64(chain[segment, NEXT])
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
    chain[segment, LAST_ACTIVE] = np.uint32(step)
    chain[segment, NEXT] = first
    chain[segment, PREVIOUS] = np.uint32(NONE)
    if np.int64(first) != NONE:
        chain[np.int64(first), PREVIOUS] = np.uint32(segment)
    store.cell_first[cell] = np.uint32(segment)
    store.cell_segments[cell] += np.uint16(1)
    meta[N_SEGMENTS] += 1
    return segment


@kernel(allocates=False)
def destroy_segment(store, segment, threshold):  # type: ignore[no-untyped-def]
    """Remove a segment with all its synapses; its id is free again."""
    meta, chain, head = store.meta, store.segment_link, store.segment_head
    packed = np.int64(head[segment, SIZE])
    offset = np.int64(head[segment, OFFSET])
    n, capacity = packed & 255, packed >> 16
    prefetch_unlinks(store, offset, n)
    for i in range(n):
        word = np.int64(store.synapses[offset + i])
        remove_synapse(store, word >> 8, offset + i, word & 255 >= threshold)
    if capacity > 0:
        _give_block(store, offset, capacity // FIRST_BLOCK - 1)
    cell = np.int64(head[segment, CELL])
    after, before = np.int64(chain[segment, NEXT]), np.int64(chain[segment, PREVIOUS])
    if before == NONE:
        store.cell_first[cell] = np.uint32(after)
    else:
        chain[before, NEXT] = np.uint32(after)
    if after != NONE:
        chain[after, PREVIOUS] = np.uint32(before)
    store.cell_segments[cell] -= np.uint16(1)
    head[segment, SIZE] = 0
    head[segment, CELL] = np.uint32(NONE)
    free = meta[SEGMENT_FREE]
    chain[segment, NEXT] = np.uint32(NONE) if free < 0 else np.uint32(free)
    meta[SEGMENT_FREE] = segment
    meta[N_SEGMENTS] -= 1


@kernel(allocates=False)
def remove_synapse(store, pre, at, connected):  # type: ignore[no-untyped-def]
    """Forget the synapse at word `at`, whose slot the caller closes."""
    position = np.int64(store.positions[at])
    if position != NONE:
        unlink(store, pre, position)
    store.pre_head[pre, TOTAL] -= np.uint32(1)
    store.pre_head[pre, CONNECTED] -= np.uint32(connected)
    store.meta[N_SYNAPSES] -= 1


@kernel(allocates=False)
def compact(store, segment, first):  # type: ignore[no-untyped-def]
    """Delete the synapses of permanence 0, keeping the order (age) of the others.

    `first` is the slot of the first one.
    """
    synapses, positions = store.synapses, store.positions
    offset = np.int64(store.segment_head[segment, OFFSET])
    packed = np.int64(store.segment_head[segment, SIZE])
    n = packed & 255
    kept, unlinked = offset + first, 0
    for i in range(offset + first, offset + n):
        word = synapses[i]
        if word & np.uint32(255) == 0:
            unlinked += np.int64(positions[i]) != NONE
            remove_synapse(store, np.int64(word >> np.uint32(8)), i, False)
            continue
        synapses[kept] = word
        positions[kept] = positions[i]
        kept += 1
    dead = offset + n - kept
    store.segment_head[segment, SIZE] = np.uint32(packed - dead - (unlinked << 8))
