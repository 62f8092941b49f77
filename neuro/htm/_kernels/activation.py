"""Phase 1 of a step: active and winner cells, learning."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels import BIRTH, CELL
from neuro.htm._kernels.learning import learn_on, least_used, new_segment, punish
from neuro.htm._kernels.state import (
    N_ACTIVE,
    N_MATCHING,
    N_WINNERS,
    NOW,
    SPIKE_IN,
    SPIKE_OUT,
)


@kernel(allocates=False)
def _sort(keys, order, n):  # type: ignore[no-untyped-def]
    """Sort the first `n` keys, all different, with `order` (Shell's method)."""
    gap = 1
    while gap < n // 4:
        gap = 4 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key, item = keys[i], order[i]
            j = i - gap
            while j >= 0 and keys[j] > key:
                keys[j + gap] = keys[j]
                order[j + gap] = order[j]
                j -= gap
            keys[j + gap] = key
            order[j + gap] = item
        gap //= 4


@kernel(allocates=False)
def activate(store, memory, rules, columns, learn):  # type: ignore[no-untyped-def]
    """Phase 1: choose active and winner cells, learn; return the bursting columns."""
    info, keys, order = memory.info, memory.keys, memory.order
    now, m = info[NOW], rules.cells_per_column
    active, winners = memory.active[1 - now], memory.winners[1 - now]
    head = store.segment_head
    matching, counts = memory.matching, memory.matched_counts
    masks = memory.masks
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
    _sort(keys, order, n_keys)
    if learn:
        previous = memory.winners[now]
        for j in range(info[N_WINNERS]):
            memory.mark[previous[j]] = j + 1
        if rules.punishment > 0:
            for k in range(n_matching - n_others, n_matching):
                segment = np.int64(matching[order[k]])
                punish(store, memory, rules, segment, masks[order[k]])
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
                    mask = masks[order[i]]
                    learn_on(store, memory, rules, segment, count & 255, mask)
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
                learn_on(store, memory, rules, segment, most, masks[best])
            continue
        winner = least_used(store, memory, first, m)
        if winner < 0:
            continue
        winners[n_winners] = winner
        n_winners += 1
        if learn and info[N_WINNERS] > 0:
            new_segment(store, memory, rules, winner)
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
