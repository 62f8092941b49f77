"""Advance of one block's neurons through the steps of a window."""

import numba as nb

from neuro.compiled import kernel
from neuro.core._kernels.bits import matrix_view, stored_weight, vector_view
from neuro.core._kernels.drives import POISSON, add_drive, draw_counts
from neuro.core._kernels.grid_layout import NEVER
from neuro.core._kernels.grid_plastic import note_post, plastic_row


@kernel(inline="always")
def _take_ring(part, unit, row):
    """Move a ring slot's part into a row of inputs and clear it."""
    for i in range(row.size):
        row[i] = unit * part[i]
    part[:] = 0


@kernel(inline="always")
def _take_ring_poisson(part, unit, weight, counts, row):
    """The same, with a Poisson drive's draws added."""
    for i in range(row.size):
        row[i] = unit * part[i] + weight * counts[i]
    part[:] = 0


@kernel(inline="always")
def _silent(words, first, last):
    """Whether none of up to eight words of flags is set."""
    found = nb.uint64(0)
    if last - first == nb.uint64(8):  # of known length: one vector
        for w in range(8):
            found |= words[first + nb.uint64(w)]
    else:
        for w in range(first, last):
            found |= words[w]
    return found == 0


@kernel(inline="always")
def _add_due(
    rules, layout, st, block, due, due_range, base, n, ring, targets, weights, shifts,
    class_weight, class_step, group_delay, group_count,
):  # fmt: skip
    """Add what waiting spikes bring in advance n: groups, rows with axonal delay."""
    head, tail, last = due_range[0], due_range[1], due.shape[0] - 1
    moving = True
    for e in range(head, tail):
        k = nb.uint64(e & last)
        if due[k, 0] == n:
            g, place = due[k, 1], due[k, 3]
            if rules is not None and g < 0:
                plastic_row(
                    rules, layout, st, block, -1 - g, due[k, 2], n, place, due[k, 4], 0
                )
                due[k, 0] = NEVER
            else:
                c, s = nb.uint64(due[k, 5]), nb.uint64(place)
                m, shift = nb.uint64(group_count[g]), nb.uint64(shifts[c])
                w, step = class_weight[c], class_step[c]
                for j in range(s, s + m):
                    value = stored_weight(weights[j + shift], step, w, ring)
                    ring[base + nb.uint64(targets[j])] += value
                g += 1
                due[k, 1], due[k, 3] = g, s + m
                if g < due[k, 2]:
                    due[k, 0] = due[k, 4] + nb.int64(group_delay[g])
                else:
                    due[k, 0] = NEVER
        if moving:
            if due[k, 0] == NEVER:
                head = e + 1
            else:
                moving = False
    due_range[0] = head


@kernel(inline="always")
def advance(models, rules, layout, st, block, thread, first, last, parity, dt):
    """Advance the neurons of one block from step first to last."""
    # Arrays are taken out of the tuples once: every access counts references.
    piece, port_column, port_driven = (
        layout.piece,
        layout.port_column,
        layout.port_driven,
    )
    pop_drives, drive, drive_weight = (
        layout.pop_drives,
        layout.drive,
        layout.drive_weight,
    )
    drive_stream, levels, values = layout.drive_stream, layout.levels, layout.values
    params, probe, targets = layout.params, layout.probe, layout.targets
    weights, group_delay = layout.weights, layout.group_delay
    group_count, shifts = layout.group_count, layout.weight_shift[block]
    class_weight, class_step = layout.class_weight, layout.class_step
    ring, state, inputs = st.ring, st.state, st.inputs
    flags, flag_words, spike_counts = st.flags, st.flag_words, st.spike_counts
    counts, bits, traces = st.counts[thread], st.bits[thread], st.traces
    own, ptr = st.spikes[parity, block], st.spike_ptr[parity, block]
    due, due_range = st.due[block], st.due_range[block]
    mask, unit = layout.scalars[0], layout.unit[0]
    origin, width = layout.ring_at[block], layout.ring_width[block]
    p0, p1 = layout.block_pieces[block], layout.block_pieces[block + 1]
    grouped = due_range[1] > due_range[0]
    m = 0
    for n in range(first, last):
        ptr[n - first] = m
        slot = origin + (n & mask) * width
        if grouped:
            _add_due(
                rules, layout, st, block, due, due_range, nb.uint64(slot), n, ring,
                targets, weights, shifts, class_weight, class_step, group_delay,
                group_count,
            )  # fmt: skip
        for p in range(p0, p1):
            size, ld = piece[p, 3], piece[p, 4]
            n_state, n_ports, wide = piece[p, 5], piece[p, 6], piece[p, 16]
            rows = matrix_view(inputs, piece[p, 8], n_ports, wide)
            offset, ports = piece[p, 14], piece[p, 15]
            d0, d1 = pop_drives[piece[p, 1]], pop_drives[piece[p, 1] + 1]
            fused = -1
            for q in range(n_ports):
                column = port_column[ports + q]
                row = vector_view(inputs, piece[p, 8] + q * wide, size)
                if column >= 0:
                    if (
                        fused < 0
                        and d1 > d0
                        and drive[d0, 0] == POISSON
                        and drive[d0, 1] == q
                        and drive[d0, 6] == 1
                    ):
                        fused = d0
                        levels_at = drive[d0, 2]
                        draw_counts(
                            vector_view(levels, levels_at, drive[d0, 3] - levels_at),
                            drive_stream[d0],
                            n,
                            offset,
                            bits,
                            vector_view(counts, 0, size),
                        )
                        _take_ring_poisson(
                            vector_view(ring, slot + column, size),
                            unit,
                            drive_weight[d0],
                            counts,
                            row,
                        )
                    else:
                        _take_ring(vector_view(ring, slot + column, size), unit, row)
                elif port_driven[ports + q] != 0:
                    row[:] = 0.0
            for d in range(d0, d1):
                if d != fused:
                    add_drive(
                        drive[d, 0],
                        drive_weight[d],
                        drive[d, 6],
                        drive_stream[d],
                        levels[drive[d, 2] : drive[d, 3]],
                        values[drive[d, 4] : drive[d, 5]],
                        piece[p, 13],
                        offset,
                        n,
                        bits,
                        vector_view(counts, 0, size),
                        rows[drive[d, 1]],
                    )
            at = piece[p, 9]
            models[piece[p, 2] & 255](
                matrix_view(params, piece[p, 10], piece[p, 11], piece[p, 2] >> 8),
                matrix_view(state, piece[p, 7], n_state, ld),
                rows,
                vector_view(flags, at, size),
                dt,
            )
            # Indices are unsigned: signed ones are tested for wrapping each time.
            neuron, begin = nb.uint64(piece[p, 12]), nb.uint64(at)
            end = nb.uint64((at + ld) >> 3)
            for line in range(nb.uint64(at >> 3), end, nb.uint64(8)):
                stop = min(line + nb.uint64(8), end)
                if _silent(flag_words, line, stop):
                    continue
                for w in range(line, stop):
                    if flag_words[w] != 0:
                        for j in range(
                            w << nb.uint64(3), (w << nb.uint64(3)) + nb.uint64(8)
                        ):
                            if flags[j] != 0:
                                own[nb.uint64(m)] = neuron + (j - begin)
                                m += 1
                                spike_counts[neuron + (j - begin)] += 1
                                if rules is not None:
                                    i = nb.int64(j - begin)
                                    note_post(layout, st, block, p, i, n)
        for q in range(probe.shape[0]):
            if probe[q, 0] == block and (n + 1) % probe[q, 1] == 0:
                k = (n + 1) // probe[q, 1] - probe[q, 4]
                traces[probe[q, 3] + k * probe[q, 5]] = state[probe[q, 2]]
    ptr[last - first] = m
