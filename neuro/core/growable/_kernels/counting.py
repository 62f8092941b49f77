"""Active synapses per segment: counted along the lists, verified in the segments."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels.layout import (
    CONNECTED,
    LENGTH,
    OFFSET,
    SEGMENT_TOP,
    SIZE,
    TOTAL,
    ones,
    prefetch,
)
from neuro.core.growable._kernels.lists import slot_of


@kernel(allocates=False)
def visits_of(pre_head, active):  # type: ignore[no-untyped-def]
    """Return entries in the lists of the active units, their synapses, connected ones.

    Entries are what counting walks through; synapses are what the memory has.
    """
    entries, total, connected = np.int64(0), np.int64(0), np.int64(0)
    for k in range(active.size):
        entries += np.int64(pre_head[active[k], LENGTH]) & 0xFFFFFF
        total += np.int64(pre_head[active[k], TOTAL])
        connected += np.int64(pre_head[active[k], CONNECTED])
    return entries, total, connected


@kernel(allocates=False)
def _prefetch_list(store, active, k):  # type: ignore[no-untyped-def]
    if k < active.size:
        begin = np.int64(store.pre_head[active[k], OFFSET])
        length = np.int64(store.pre_head[active[k], LENGTH]) & 0xFFFFFF
        for i in range(begin, begin + min(length, 256), 16):
            prefetch(store.lists, i)


@kernel(allocates=False)
def count_few(store, active, trigger, found):  # type: ignore[no-untyped-def]
    """Count entries per segment; list a segment when it meets `trigger`.

    Returns the number of listed segments.
    """
    lists, counts = store.lists, store.counts
    n = 0
    for k in range(active.size):
        _prefetch_list(store, active, k + 4)
        begin = np.int64(store.pre_head[active[k], OFFSET])
        length = np.int64(store.pre_head[active[k], LENGTH]) & 0xFFFFFF
        for i in range(begin, begin + length):
            segment = lists[i] >> np.uint32(8)
            count = np.uint8(counts[segment] + np.uint8(1))
            counts[segment] = count
            if count == trigger:
                found[n] = segment
                n += 1
    return n


@kernel(allocates=False)
def count_many(store, active, trigger, found):  # type: ignore[no-untyped-def]
    """Same counts as :func:`count_few`, listed by one scan at the end."""
    lists, counts = store.lists, store.counts
    for k in range(active.size):
        _prefetch_list(store, active, k + 4)
        begin = np.int64(store.pre_head[active[k], OFFSET])
        length = np.int64(store.pre_head[active[k], LENGTH]) & 0xFFFFFF
        for i in range(begin, begin + length):
            counts[lists[i] >> np.uint32(8)] += np.uint8(1)
    n = 0
    top = store.meta[SEGMENT_TOP]
    whole = top & ~63
    for block in range(0, whole, 64):
        part = counts[block : block + 64]
        most = np.uint8(0)
        for i in range(64):
            most = max(most, part[i])
        if most < trigger:
            continue
        for half in range(0, 64, 32):
            hit = np.uint32(0)
            for i in range(32):
                met = np.uint32(part[half + i] >= trigger)
                hit |= np.uint32(met << np.uint32(i))
            while hit:
                low = hit & np.uint32(-np.int64(hit))
                hit ^= low
                found[n] = block + half + ones(low - np.uint32(1))
                n += 1
    for i in range(whole, top):
        if counts[i] >= trigger:
            found[n] = i
            n += 1
    return n


@kernel(allocates=False)
def clear_counts(store, active, entries):  # type: ignore[no-untyped-def]
    """Set all counts to 0: as a block, or along the lists just walked."""
    top = store.meta[SEGMENT_TOP]
    counts, lists = store.counts, store.lists
    if 16 * entries > top:
        counts[:top] = 0
        return
    for k in range(active.size):
        begin = np.int64(store.pre_head[active[k], OFFSET])
        length = np.int64(store.pre_head[active[k], LENGTH]) & 0xFFFFFF
        for i in range(begin, begin + length):
            counts[lists[i] >> np.uint32(8)] = 0


@kernel(allocates=False)
def hits_of(store, segment, bits, threshold, masks):  # type: ignore[no-untyped-def]
    """Write one bit per synapse from a set bit to `masks`; count them.

    Returns the number of such synapses | that of the connected ones << 8. Blocks of 32
    slots are read whole; slots beyond the size hold words of valid units.
    """
    offset = np.int64(store.segment_head[segment, OFFSET])
    n = np.int64(store.segment_head[segment, SIZE]) & 255
    count = np.int64(0)
    for begin in range(0, n, 32):
        block = store.synapses[offset + begin : offset + begin + 32]
        active, strong = np.uint32(0), np.uint32(0)
        for i in range(32):
            pre = block[i] >> np.uint32(8)
            on = (bits[pre >> np.uint32(5)] >> (pre & np.uint32(31))) & np.uint32(1)
            active |= np.uint32(np.uint32(on) << np.uint32(i))
            held = np.uint32(np.int32(block[i] & np.uint32(255)) >= threshold)
            strong |= np.uint32(held << np.uint32(i))
        if n - begin < 32:
            active &= np.uint32((np.int64(1) << (n - begin)) - 1)
        masks[begin >> 5] = active
        count += ones(active) + (ones(active & strong) << 8)
    return count


@kernel(allocates=False)
def deliver(store, active, threshold, out):  # type: ignore[no-untyped-def]
    """Add 1 per connected synapse of the active units to ``out``; reference form.

    All synapses must be in the lists.
    """
    visited = 0
    for k in range(active.size):
        begin = np.int64(store.pre_head[active[k], OFFSET])
        n = np.int64(store.pre_head[active[k], LENGTH]) & 0xFFFFFF
        for i in range(begin, begin + n):
            entry = np.int64(store.lists[i])
            segment = entry >> 8
            slot = slot_of(store, segment, entry & 255, active[k])
            at = np.int64(store.segment_head[segment, OFFSET]) + slot
            if np.int64(store.synapses[at]) & 255 >= threshold:
                out[segment] += 1
        visited += n
    return visited
