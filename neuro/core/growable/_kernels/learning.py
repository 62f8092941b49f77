"""Permanences of a segment: change, prune, make room."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels.layout import CONNECTED, OFFSET, SIZE, ones, prefetch
from neuro.core.growable._kernels.segments import compact, destroy_segment


@kernel(allocates=False)
def _adapt_block(block, mask, up, down, threshold, levels):  # type: ignore[no-untyped-def]
    """Change 32 synapses at once; return which fell to 0 and which crossed.

    No branch, no look-up: compiled to vector code.
    """
    step = np.int32(up + down)
    dead, crossed = np.uint32(0), np.uint32(0)
    for i in range(32):
        word = block[i]
        before = np.int32(word & np.uint32(255))
        on = np.int32((mask >> np.uint32(i)) & np.uint32(1))
        after = np.int32(before - np.int32(down) + np.int32(on * step))
        after = max(min(after, np.int32(levels)), np.int32(0))
        block[i] = np.uint32(word & np.uint32(0xFFFFFF00)) | np.uint32(after)
        dead |= np.uint32(np.uint32(after == 0) << np.uint32(i))
        crossed |= np.uint32(
            np.uint32((after >= threshold) != (before >= threshold)) << np.uint32(i)
        )
    return dead, crossed


@kernel(allocates=False)
def adapt(store, segment, masks, up, down, threshold, levels):  # type: ignore[no-untyped-def]
    """Add `up` to synapses of set bits, subtract `down` from others; prune.

    `masks` are the words of :func:`hits_of`. Permanences are clipped to 0..`levels`; a
    synapse that reaches 0 is destroyed, and the segment with its last synapse. Returns
    whether the segment still exists.
    """
    synapses, head = store.synapses, store.pre_head
    offset = np.int64(store.segment_head[segment, OFFSET])
    n = np.int64(store.segment_head[segment, SIZE]) & 255
    n_dead, first = np.int64(0), np.int64(0)
    for begin in range(0, n, 32):
        block = synapses[offset + begin : offset + begin + 32]
        dead, crossed = _adapt_block(
            block, masks[begin >> 5], up, down, threshold, levels
        )
        left = n - begin
        if left < 32:
            valid = np.uint32((np.int64(1) << left) - 1)
            dead &= valid
            crossed &= valid
        if dead:
            if n_dead == 0:
                first = begin + ones((dead & np.uint32(-np.int64(dead))) - np.uint32(1))
            n_dead += ones(dead)
            while dead:
                low = dead & np.uint32(-np.int64(dead))
                dead ^= low
                at = ones(low - np.uint32(1))
                prefetch(head, np.int64(block[at] >> np.uint32(8)))
            prefetch(store.positions, offset + begin)
            prefetch(store.positions, offset + begin + 16)
        while crossed:
            low = crossed & np.uint32(-np.int64(crossed))
            crossed ^= low
            word = np.int64(block[ones(low - np.uint32(1))])
            if word & 255 >= threshold:
                head[word >> 8, CONNECTED] += np.uint32(1)
            else:
                head[word >> 8, CONNECTED] -= np.uint32(1)
    if n_dead == 0:
        return True
    if n_dead == n:
        destroy_segment(store, segment, threshold)
        return False
    compact(store, segment, first)
    return True


@kernel(allocates=False)
def drop_weakest(store, segment, n, mark, threshold):  # type: ignore[no-untyped-def]
    """Destroy up to `n` of the weakest synapses whose source is not marked.

    The oldest goes first among equals; one after another, since it is rare.
    """
    for _ in range(n):
        offset = np.int64(store.segment_head[segment, OFFSET])
        best, least = -1, 256
        for i in range(np.int64(store.segment_head[segment, SIZE]) & 255):
            word = np.int64(store.synapses[offset + i])
            if word & 255 < least and mark[word >> 8] == 0:
                best, least = i, word & 255
        if best < 0:
            return
        word = np.int64(store.synapses[offset + best])
        if word & 255 >= threshold:
            store.pre_head[word >> 8, CONNECTED] -= np.uint32(1)
        store.synapses[offset + best] = np.uint32(word & 0xFFFFFF00)
        compact(store, segment, best)
