"""Lists of the presynaptic units: entries of (segment, slot), O(1) in and out.

The slot of an entry is a hint: a synapse only moves towards lower slots while it lives,
so it is found at its hint or a little below.
"""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels.layout import (
    FIRST_BLOCK,
    LENGTH,
    LIST_FREE,
    LIST_TOP,
    NONE,
    OFFSET,
    SIZE,
    prefetch,
)


@kernel(allocates=False)
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
    length = np.int64(head[pre, LENGTH]) & 0xFFFFFF
    if k >= 0:
        old = np.int64(head[pre, OFFSET])
        for i in range(length):
            lists[block + i] = lists[old + i]
        free = meta[LIST_FREE + k]
        lists[old] = np.uint32(NONE) if free < 0 else np.uint32(free)
        meta[LIST_FREE + k] = old
    head[pre, OFFSET] = np.uint32(block)
    head[pre, LENGTH] = np.uint32(length | (k_new + 1) << 24)


@kernel(allocates=False)
def link(store, pre, segment, slot):  # type: ignore[no-untyped-def]
    """Append an entry to the list of `pre`; return its position."""
    head = store.pre_head
    packed = np.int64(head[pre, LENGTH])
    length, k = packed & 0xFFFFFF, (packed >> 24) - 1
    if k < 0 or length == FIRST_BLOCK << k:
        _move_list(store, pre, k, k + 1)
        packed = np.int64(head[pre, LENGTH])
    store.lists[np.int64(head[pre, OFFSET]) + length] = np.uint32(segment << 8 | slot)
    head[pre, LENGTH] = np.uint32(packed + 1)
    return length


@kernel(allocates=False)
def slot_of(store, segment, hint, pre):  # type: ignore[no-untyped-def]
    """Return the slot of the synapse from `pre`, which is at most `hint`."""
    offset = np.int64(store.segment_head[segment, OFFSET])
    size = np.int64(store.segment_head[segment, SIZE]) & 255
    slot = min(hint, size - 1)  # old words lie above the size
    while np.int64(store.synapses[offset + slot] >> np.uint32(8)) != pre:
        slot -= 1
    return slot


@kernel(allocates=False)
def unlink(store, pre, position):  # type: ignore[no-untyped-def]
    """Take an entry out of the list of `pre`; the last entry fills the gap."""
    head, lists = store.pre_head, store.lists
    offset = np.int64(head[pre, OFFSET])
    packed = np.int64(head[pre, LENGTH])
    last, k = (packed & 0xFFFFFF) - 1, (packed >> 24) - 1
    if position != last:
        entry = np.int64(lists[offset + last])
        segment = entry >> 8
        slot = slot_of(store, segment, entry & 255, pre)
        lists[offset + position] = np.uint32(segment << 8 | slot)
        at = np.int64(store.segment_head[segment, OFFSET]) + slot
        store.positions[at] = np.uint32(position)
    head[pre, LENGTH] = np.uint32(packed - 1)
    sparse = k > 0 and 4 * last <= FIRST_BLOCK << k
    if sparse and store.meta[LIST_FREE + k - 1] >= 0:  # shrink into what was freed
        _move_list(store, pre, k, k - 1)


@kernel(allocates=False)
def prefetch_unlinks(store, offset, n):  # type: ignore[no-untyped-def]
    """Fetch what unlinking the synapses at ``offset..offset + n - 1`` will touch.

    Four passes, each over all of them, so that their cache misses overlap: headers;
    gaps and tails of the lists; segments of the tail entries; their back-pointers.
    """
    head, lists, synapses = store.pre_head, store.lists, store.synapses
    for i in range(offset, offset + n):
        prefetch(head, np.int64(synapses[i] >> np.uint32(8)))
    for stage in range(3):
        for i in range(offset, offset + n):
            position = np.int64(store.positions[i])
            if position == NONE:
                continue
            pre = np.int64(synapses[i] >> np.uint32(8))
            begin = np.int64(head[pre, OFFSET])
            tail = begin + (np.int64(head[pre, LENGTH]) & 0xFFFFFF) - 1
            if stage == 0:
                prefetch(lists, begin + position)
                prefetch(lists, tail)
                continue
            entry = np.int64(lists[tail])
            if stage == 1:
                prefetch(store.segment_head, entry >> 8)
            else:
                at = np.int64(store.segment_head[entry >> 8, OFFSET]) + (entry & 255)
                prefetch(synapses, at)
                prefetch(store.positions, at)
