"""Delivery of a window's spikes to the targets of one block."""

import numba as nb

from neuro.compiled import kernel
from neuro.core._kernels.bits import prefetch, stored_weight
from neuro.core._kernels.grid_layout import GROUPED, SHARED, WEIGHTED
from neuro.core._kernels.grid_plastic import plastic_row


@kernel(inline="always")
def deliver_window(rules, layout, st, block, thread, m):
    """Deliver merged spikes 0..m-1 to the targets of one block."""
    ids, steps = st.merged[thread], st.merged_step[thread]
    ring, words, targets = st.ring, layout.words, layout.targets
    weights, indptr, class_weight = layout.weights, layout.indptr, layout.class_weight
    source_group, group, row_class = (
        layout.source_group,
        layout.group,
        layout.row_class,
    )
    row_at, shifts, group_at = (
        layout.row_at[block],
        layout.weight_shift[block],
        layout.group_at[block],
    )
    group_ptr, group_delay = layout.group_ptr, layout.group_delay
    class_step = layout.class_step
    due, due_range = st.due[block], st.due_range[block]
    mask, width = layout.scalars[0], layout.ring_width[block]
    origin, room = layout.ring_at[block], due.shape[0]
    low, one, two, three = (
        nb.uint64(0xFFFF),
        nb.uint64(16),
        nb.uint64(32),
        nb.uint64(48),
    )
    for e in range(m):
        source, now = ids[e], steps[e]
        g = source_group[source]
        first = group[g, 0]
        if e + 1 < m:
            ahead = ids[e + 1]
            h = source_group[ahead]
            c = group[h, 1]
            if c < group[h, 2]:
                i = row_at[c] + ahead - group[h, 0]
                start = indptr[i]
                for line in range(start, min(indptr[i + 1], start + 256), 32):
                    prefetch(targets, line)
        for c in range(group[g, 1], group[g, 2]):
            i = row_at[c] + source - first
            begin, end = indptr[i], indptr[i + 1]
            if begin == end:
                continue
            kind, delay = row_class[c, 0], row_class[c, 1]
            base = nb.uint64(origin + ((now + delay) & mask) * width)
            if kind == SHARED:
                w = class_weight[c]
                for q in range(nb.uint64(begin >> 2), nb.uint64(end >> 2)):
                    word = words[q]
                    ring[base + (word & low)] += w
                    ring[base + ((word >> one) & low)] += w
                    ring[base + ((word >> two) & low)] += w
                    ring[base + (word >> three)] += w
            elif kind == WEIGHTED:
                own = weights[begin + shifts[c] : end + shifts[c]]
                w, step = class_weight[c], class_step[c]
                for q in range((end - begin) >> 2):
                    word = words[nb.uint64((begin >> 2) + q)]
                    ring[base + (word & low)] += stored_weight(
                        own[4 * q], step, w, ring
                    )
                    ring[base + ((word >> one) & low)] += stored_weight(
                        own[4 * q + 1], step, w, ring
                    )
                    ring[base + ((word >> two) & low)] += stored_weight(
                        own[4 * q + 2], step, w, ring
                    )
                    ring[base + (word >> three)] += stored_weight(
                        own[4 * q + 3], step, w, ring
                    )
            elif kind == GROUPED:
                j = group_at[c] + source - first
                k = due_range[1] & (room - 1)
                due[k, 0] = now + nb.int64(group_delay[group_ptr[j]])
                due[k, 1] = group_ptr[j]
                due[k, 2] = group_ptr[j + 1]
                due[k, 3] = begin
                due[k, 4] = now
                due[k, 5] = c
                due_range[1] += 1
            elif rules is not None and row_class[c, 5] != 0:  # waits until it arrives
                k = due_range[1] & (room - 1)
                due[k, 0] = now + delay
                due[k, 1] = -1 - c
                due[k, 2] = source - first
                due[k, 3] = begin
                due[k, 4] = end
                due_range[1] += 1
            elif rules is not None:
                plastic_row(
                    rules, layout, st, block, c, source - first, now, begin, end, delay
                )
