"""The grid driver: windows of the minimal delay, target blocks, rings, row classes.

A window is (i) every block advances its neurons, (ii) all spikes are merged in the
order (step, source), (iii) every block delivers them to its own targets. A target
belongs to one block, so its inputs are summed by one thread in one order, whatever the
number of blocks, threads or steps per window.

Networks without plasticity pass None for the rules: that code is then not compiled.

Rows of one source in one block that share weight and delay are one *row class*. Targets
are 16-bit columns of the block; four are read as one word. Rows with many delays are
not put into a ring: the spike waits in a list with a cursor into its row, sorted by
delay, and each step adds only the group that is due.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np

from neuro.compiled import kernel
from neuro.core._kernels.bits import atomic_add, atomic_load, prefetch, sched_yield
from neuro.core._kernels.drives import POISSON, add_drive, draw_counts

SHARED, WEIGHTED, GROUPED, PLASTIC = range(4)  # kinds of row class
DONE, RASTER_FULL, DUE_FULL, HISTORY_FULL = range(4)  # why the driver returned
_NEVER = 1 << 62
_SPIN = 2000


class Layout(NamedTuple):
    """Static arrays; see ``neuro.network.grid`` for how they are made."""

    piece: Any  # int64 (n_pieces, 16)
    block_pieces: Any  # int64 (n_blocks + 1,)
    port_column: Any  # int64: column of each (piece, port) in its block, -1 if unwired
    port_driven: Any  # int64: whether a drive acts on the (piece, port)
    pop_drives: Any  # int64 (n_pops + 1,)
    drive: Any  # int64 (n_drives, 7)
    drive_weight: Any  # float64
    drive_stream: Any  # uint64
    levels: Any  # uint32
    values: Any  # float64
    params: Any  # float64
    source_group: Any  # int32 (n_sources,)
    group: Any  # int64 (n_groups, 3): first source, first class, end of classes
    row_class: Any  # int64 (n_classes, 5): kind, delay, first source, rule, fields
    class_weight: Any  # ring's dtype (n_classes,)
    row_at: Any  # int64 (n_blocks, n_classes): place of the class in indptr
    weight_shift: Any  # int64 (n_blocks, n_classes): weight index - target index
    group_at: Any  # int64 (n_blocks, n_classes): place of the class in group_ptr
    indptr: Any  # int64, targets; multiples of 4 (not for plastic, grouped rows)
    targets: Any  # uint16
    words: Any  # uint64: the same memory, four targets each
    weights: Any  # float32 or float64
    group_ptr: Any  # int64
    group_delay: Any  # uint16
    group_count: Any  # uint16
    ring_at: Any  # int64 (n_blocks + 1,)
    ring_width: Any  # int64 (n_blocks,)
    stream_step: Any  # int64 (n_events,): emission step
    stream_source: Any  # int32 (n_events,)
    plastic: Any  # int64 (n_blocks, n_classes, 11): see the build
    rule_params: Any  # float64
    rule_params_at: Any  # int64 (n_classes + 1,)
    decay: Any  # float64 flat tables
    decay_shape: Any  # int64 (n_classes, 3): offset, traces, lags
    trace_nearest: Any  # uint8 (n_classes, 2): pre, post pairing is nearest
    probe: (
        Any  # int64 (n_probes, 6): block, interval, state index, offset, first, width
    )
    scalars: Any  # int64: slot mask, window, neurons, grouped, plastic, keep, most
    unit: Any  # float64 (1,): value of one ring unit


class State(NamedTuple):
    """Arrays that change."""

    state: Any  # float64
    inputs: Any  # float64
    flags: Any  # uint8
    flag_words: Any  # uint64, the same memory
    counts: Any  # uint8 (n_threads, widest)
    bits: Any  # uint32 (n_threads, TILE)
    ring: Any  # int16, int32, float32 or float64
    spikes: Any  # int32 (2, n_blocks, room): sources of a window's spikes
    spike_ptr: Any  # int64 (2, n_blocks, window + 1)
    merged: Any  # int32 (n_threads, room)
    merged_step: Any  # int64 (n_threads, room)
    spike_counts: Any  # int64 (n_neurons,)
    due: Any  # int64 (n_blocks, 6, room): due step, group, end, synapse, start, shift
    due_range: Any  # int64 (n_blocks, 2): head, tail
    raster_step: Any  # int64
    raster_source: Any  # int32
    cursor: Any  # int64 (8,): spikes in raster, event of the stream, step reached
    traces: Any  # float64
    plastic_weights: Any  # float32: (fields, row) of each plastic row
    pre_trace: Any  # float64
    pre_last: Any  # int64
    post_trace: Any  # float64
    post_time: Any  # int64
    post_count: Any  # int64
    horizon: Any  # int64 (n_blocks, n_classes)
    updates: Any  # int64 (n_blocks, n_classes)
    team: Any  # int64 (64,): barrier counters, flag of a full history


@kernel
def _barrier(team, n_threads, generation):
    """Wait until all threads have arrived; spins briefly, then yields."""
    if n_threads == 1:
        return
    arrived = atomic_add(team, 0, 1) + 1
    if arrived == n_threads * generation:
        atomic_add(team, 16, 1)
        return
    spins = 0
    while atomic_load(team, 16) < generation:
        spins += 1
        if spins > _SPIN:
            sched_yield()


@kernel(inline="always")
def _take_ring(ring, at, unit, row, n):
    """Move a ring slot into a row of inputs and clear it."""
    part = ring[at : at + n]
    for i in range(n):
        row[i] = unit * part[i]
    part[:] = 0


@kernel(inline="always")
def _take_ring_poisson(ring, at, unit, weight, counts, row, n):
    """The same, with a Poisson drive's draws added."""
    part = ring[at : at + n]
    for i in range(n):
        row[i] = unit * part[i] + weight * counts[i]
    part[:] = 0


@kernel(inline="always")
def _add_due(
    due, due_range, base, n, ring, targets, weights, group_delay, group_count
):  # due: int64 (6, room), see State
    """Add the groups of waiting spikes that are due in advance n."""
    head, tail, room = due_range[0], due_range[1], due.shape[1]
    at, group, last, place = due[0], due[1], due[2], due[3]
    start, shifts = due[4], due[5]
    moving = True
    for e in range(head, tail):
        k = e & (room - 1)
        if at[k] == n:
            g, s = group[k], nb.uint64(place[k])
            m, shift = nb.uint64(group_count[g]), nb.uint64(shifts[k])
            for j in range(s, s + m):
                ring[base + nb.uint64(targets[j])] += weights[j + shift]
            place[k] = s + m
            g += 1
            group[k] = g
            if g < last[k]:
                at[k] = start[k] + nb.int64(group_delay[g])
            else:
                at[k] = _NEVER
        if moving:
            if at[k] == _NEVER:
                head = e + 1
            else:
                moving = False
    due_range[0] = head


@kernel
def _note_post(layout, st, block, piece, local, n):
    """Append a spike of a plastic projection's target to its history."""
    for c in range(layout.row_class.shape[0]):
        if layout.row_class[c, 0] != PLASTIC or layout.plastic[block, c, 0] != piece:
            continue
        at, room = layout.plastic[block, c, 1], layout.plastic[block, c, 2]
        size = layout.plastic[block, c, 3]
        count_at, trace_at = layout.plastic[block, c, 4], layout.plastic[block, c, 5]
        n_post, n_pre = layout.plastic[block, c, 6], layout.decay_shape[c, 1]
        i = st.post_count[count_at + local]
        entry = local * room + i % room
        lags = layout.decay_shape[c, 2]
        for t in range(n_post):
            value = 0.0
            if i > 0 and layout.trace_nearest[c, 1] == 0:
                before = local * room + (i - 1) % room
                lag = n - st.post_time[at + before]
                if lag < lags:
                    table = layout.decay_shape[c, 0] + (n_pre - n_post + t) * lags
                    value = (
                        st.post_trace[trace_at + t * size * room + before]
                        * layout.decay[table + lag]
                    )
            st.post_trace[trace_at + t * size * room + entry] = value + 1.0
        st.post_time[at + entry] = n
        st.post_count[count_at + local] = i + 1


@kernel(inline="always")
def _advance(models, rules, layout, st, block, thread, first, last, parity, dt):
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
    group_count = layout.group_count
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
                due, due_range, nb.uint64(slot), n, ring, targets, weights, group_delay,
                group_count,
            )  # fmt: skip
        for p in range(p0, p1):
            size, ld = piece[p, 3], piece[p, 4]
            n_state, n_ports = piece[p, 5], piece[p, 6]
            if size == 0:
                continue
            at = piece[p, 8]
            rows = inputs[at : at + n_ports * ld].reshape((n_ports, ld))
            offset, ports = piece[p, 14], piece[p, 15]
            d0, d1 = pop_drives[piece[p, 1]], pop_drives[piece[p, 1] + 1]
            fused = -1
            for q in range(n_ports):
                column = port_column[ports + q]
                if column >= 0:
                    if (
                        fused < 0
                        and d1 > d0
                        and drive[d0, 0] == POISSON
                        and drive[d0, 1] == q
                        and drive[d0, 6] == 1
                    ):
                        fused = d0
                        draw_counts(
                            levels[drive[d0, 2] : drive[d0, 3]],
                            drive_stream[d0],
                            n,
                            offset,
                            bits,
                            counts[:size],
                        )
                        _take_ring_poisson(
                            ring,
                            slot + column,
                            unit,
                            drive_weight[d0],
                            counts,
                            rows[q],
                            size,
                        )
                    else:
                        _take_ring(ring, slot + column, unit, rows[q], size)
                elif port_driven[ports + q] != 0:
                    rows[q, :size] = 0.0
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
                        counts[:size],
                        rows[drive[d, 1]],
                    )
            at = piece[p, 7]
            now = state[at : at + n_state * ld].reshape((n_state, ld))
            at, n_rows, wide = piece[p, 10], piece[p, 11], piece[p, 2] >> 8
            own_params = params[at : at + n_rows * wide].reshape((n_rows, wide))
            at = piece[p, 9]
            models[piece[p, 2] & 255](own_params, now, rows, flags[at : at + size], dt)
            neuron = piece[p, 12] - at
            for w in range(at >> 3, (at + ld) >> 3):
                if flag_words[w] != 0:
                    for j in range(8 * w, 8 * w + 8):
                        if flags[j] != 0:
                            own[m] = neuron + j
                            m += 1
                            spike_counts[neuron + j] += 1
                            if rules is not None:
                                _note_post(layout, st, block, p, j - at, n)
        for q in range(probe.shape[0]):
            if probe[q, 0] == block and (n + 1) % probe[q, 1] == 0:
                k = (n + 1) // probe[q, 1] - probe[q, 4]
                traces[probe[q, 3] + k * probe[q, 5]] = state[probe[q, 2]]
    ptr[last - first] = m


@kernel(inline="always")
def _merge(
    spikes, ptr, stream_step, stream_source, ids, steps, first, last, event, n_blocks
):
    """Merge the blocks' spikes and the events of the streams; return count, event."""
    m = 0
    n_events = stream_step.size
    at = np.zeros(n_blocks, np.int64)
    for n in range(first, last):
        k = n - first
        if n_blocks == 1:
            for e in range(ptr[0, k], ptr[0, k + 1]):
                ids[m] = spikes[0, e]
                steps[m] = n
                m += 1
        else:
            for b in range(n_blocks):
                at[b] = ptr[b, k]
            while True:
                best, which = 2147483647, -1
                for b in range(n_blocks):
                    if at[b] < ptr[b, k + 1] and spikes[b, at[b]] < best:
                        best, which = spikes[b, at[b]], b
                if which < 0:
                    break
                ids[m] = best
                steps[m] = n
                at[which] += 1
                m += 1
        while event < n_events and stream_step[event] <= n:
            ids[m] = stream_source[event]
            steps[m] = stream_step[event]
            event += 1
            m += 1
    while event < n_events and stream_step[event] < last:  # before the window
        ids[m] = stream_source[event]
        steps[m] = stream_step[event]
        event += 1
        m += 1
    return m, event


@kernel
def _plastic_row(rules, layout, st, block, c, source, now, begin, end, delay):
    """Apply a rule to one row at a pre spike, then deliver it."""
    piece, at, room, size, count_at, trace_at, n_post, column = (
        layout.plastic[block, c, 0],
        layout.plastic[block, c, 1],
        layout.plastic[block, c, 2],
        layout.plastic[block, c, 3],
        layout.plastic[block, c, 4],
        layout.plastic[block, c, 5],
        layout.plastic[block, c, 6],
        layout.plastic[block, c, 7],
    )
    length, fields = end - begin, layout.row_class[c, 4]
    w = layout.weight_shift[block, c] + begin * fields
    synapse = st.plastic_weights[w : w + fields * length].reshape((fields, length))
    targets = layout.targets[begin:end]
    n_traces, lags = layout.decay_shape[c, 1], layout.decay_shape[c, 2]
    n_pre = n_traces - n_post
    table = layout.decay_shape[c, 0]
    decay = layout.decay[table : table + n_traces * lags].reshape((n_traces, lags))
    last_at = layout.plastic[block, c, 8] + source
    trace = st.pre_trace[
        layout.plastic[block, c, 9] + source * n_pre : layout.plastic[block, c, 9]
        + (source + 1) * n_pre
    ]
    last = st.pre_last[last_at]
    n_state, ld = layout.piece[piece, 5], layout.piece[piece, 4]
    state_at = layout.piece[piece, 7]
    st.updates[block, c] += rules[layout.row_class[c, 3]](
        layout.rule_params[layout.rule_params_at[c] : layout.rule_params_at[c + 1]],
        synapse,
        targets,
        trace,
        st.post_trace[trace_at : trace_at + n_post * size * room].reshape(
            (n_post, size, room)
        ),
        st.post_time[at : at + size * room].reshape((size, room)),
        st.post_count[count_at : count_at + size],
        st.state[state_at : state_at + n_state * ld].reshape((n_state, ld)),
        last,
        now,
        delay,
        decay,
        1,
    )
    for t in range(n_pre):
        value = 0.0
        if last >= 0 and layout.trace_nearest[c, 0] == 0 and now - last < lags:
            value = trace[t] * decay[t, now - last]
        trace[t] = value + 1.0
    st.pre_last[last_at] = now
    base = nb.uint64(
        layout.ring_at[block]
        + ((now + delay) & layout.scalars[0]) * layout.ring_width[block]
        + column
    )
    for j in range(length):
        st.ring[base + nb.uint64(targets[j])] += synapse[0, j]


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
    due, due_range = st.due[block], st.due_range[block]
    mask, width = layout.scalars[0], layout.ring_width[block]
    origin, room = layout.ring_at[block], due.shape[1]
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
                for q in range((end - begin) >> 2):
                    word = words[nb.uint64((begin >> 2) + q)]
                    ring[base + (word & low)] += own[4 * q]
                    ring[base + ((word >> one) & low)] += own[4 * q + 1]
                    ring[base + ((word >> two) & low)] += own[4 * q + 2]
                    ring[base + (word >> three)] += own[4 * q + 3]
            elif kind == GROUPED:
                j = group_at[c] + source - first
                k = due_range[1] & (room - 1)
                due[0, k] = now + nb.int64(group_delay[group_ptr[j]])
                due[1, k] = group_ptr[j]
                due[2, k] = group_ptr[j + 1]
                due[3, k] = begin
                due[4, k] = now
                due[5, k] = shifts[c]
                due_range[1] += 1
            elif rules is not None:
                _plastic_row(
                    rules, layout, st, block, c, source - first, now, begin, end, delay
                )


@kernel
def _history_full(layout, st, block, window):
    """Whether a history ring may lose an entry that a source has not seen."""
    for c in range(layout.row_class.shape[0]):
        if layout.row_class[c, 0] != PLASTIC or layout.plastic[block, c, 3] == 0:
            continue
        at, room = layout.plastic[block, c, 1], layout.plastic[block, c, 2]
        count_at, delay = layout.plastic[block, c, 4], layout.row_class[c, 1]
        fresh = False
        for j in range(layout.plastic[block, c, 3]):
            count = st.post_count[count_at + j]
            if count + window <= room:
                continue
            # the newest entry that the next window could overwrite
            entry = count + window - 1 - room
            if entry >= count:
                return True
            seen = st.post_time[at + j * room + entry % room] + delay
            if seen <= st.horizon[block, c]:
                continue
            if not fresh:
                fresh = True
                low = nb.int64(_NEVER)
                start = layout.plastic[block, c, 8]
                for s in range(layout.plastic[block, c, 10]):
                    if st.pre_last[start + s] >= 0:
                        low = min(low, st.pre_last[start + s])
                st.horizon[block, c] = low
            if seen > st.horizon[block, c]:
                return True
    return False


def run_grid(models, rules, layout, st, thread, n_threads, first, last, dt):
    """Run steps first to last; return why it stopped (the cursor says where)."""
    n_blocks = layout.ring_width.size
    window, n_neurons = layout.scalars[1], layout.scalars[2]
    n_grouped = layout.scalars[3]
    room, due_room = st.raster_step.size, st.due.shape[2]
    keep = layout.scalars[5] != 0
    ids, when = st.merged[thread], st.merged_step[thread]
    raster_step, raster_source = st.raster_step, st.raster_source
    event, written, step = st.cursor[1], st.cursor[0], first
    parity, generation = 0, 0
    status = DONE
    most = layout.scalars[6]
    while step < last:
        stop = min(step + window, last)
        if event < layout.stream_step.size and layout.stream_step[event] < step:
            stop = step  # an empty window delivers what came before the first step
        if keep and room - written < n_neurons * (stop - step):
            status = RASTER_FULL
            break
        for block in range(thread, n_blocks, n_threads):
            _advance(models, rules, layout, st, block, thread, step, stop, parity, dt)
            if rules is not None:
                full = _history_full(layout, st, block, window)
                if full:
                    atomic_add(st.team, 32 + parity, 1)
            if n_grouped > 0:
                live = st.due_range[block, 1] - st.due_range[block, 0]
                if live + 2 * most > due_room:
                    atomic_add(st.team, 40 + parity, 1)
        generation += 1
        _barrier(st.team, n_threads, generation)
        history = atomic_load(st.team, 32 + parity) > 0
        due = n_grouped > 0 and atomic_load(st.team, 40 + parity) > 0
        m, event = _merge(
            st.spikes[parity],
            st.spike_ptr[parity],
            layout.stream_step,
            layout.stream_source,
            ids,
            when,
            step,
            stop,
            event,
            n_blocks,
        )
        for block in range(thread, n_blocks, n_threads):
            deliver_window(rules, layout, st, block, thread, m)
        if keep:
            for e in range(m):
                if ids[e] < n_neurons:
                    if thread == 0:
                        raster_step[written] = when[e]
                        raster_source[written] = ids[e]
                    written += 1
        step = stop
        parity = 1 - parity
        if history:
            status = HISTORY_FULL
            break
        if due:
            status = DUE_FULL
            break
    generation += 1
    _barrier(st.team, n_threads, generation)
    if thread == 0:
        st.cursor[0], st.cursor[1], st.cursor[2] = written, event, step
    return status
