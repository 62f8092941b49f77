"""Plastic rows of the grid driver: histories of post spikes, calls of the rules."""

import numba as nb

from neuro.compiled import kernel
from neuro.core._kernels.grid_layout import NEVER, PLASTIC


@kernel
def note_post(layout, st, block, piece, local, n):
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


@kernel
def plastic_row(rules, layout, st, block, c, source, now, begin, end, delay):
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


@kernel
def history_full(layout, st, block, window):
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
                low = nb.int64(NEVER)
                start = layout.plastic[block, c, 8]
                for s in range(layout.plastic[block, c, 10]):
                    if st.pre_last[start + s] >= 0:
                        low = min(low, st.pre_last[start + s])
                st.horizon[block, c] = low
            if seen > st.horizon[block, c]:
                return True
    return False


def settle_silent(models, rules, layout, st, now):
    """Account for the post spikes that sources silent for long have still to see.

    A source whose last spike is `lags` steps old, 40 of the longest time constant,
    takes no part in any later pair: its row is brought up to date and it counts as one
    that has not fired yet, so that histories need not reach back to it. Called at fixed
    steps, whatever the number of blocks and windows.
    """
    plastic = layout.plastic
    for block in range(layout.ring_width.size):
        for c in range(layout.row_class.shape[0]):
            size, n_post = plastic[block, c, 3], plastic[block, c, 6]
            if layout.row_class[c, 0] != PLASTIC or size == 0 or n_post == 0:
                continue
            at, room = plastic[block, c, 1], plastic[block, c, 2]
            count_at, trace_at = (
                plastic[block, c, 4],
                plastic[block, c, 5],
            )
            n_traces, lags = layout.decay_shape[c, 1], layout.decay_shape[c, 2]
            n_pre, table = n_traces - n_post, layout.decay_shape[c, 0]
            piece, fields = plastic[block, c, 0], layout.row_class[c, 4]
            n_state, ld = layout.piece[piece, 5], layout.piece[piece, 4]
            state_at = layout.piece[piece, 7]
            trace_end = trace_at + n_post * size * room
            for source in range(plastic[block, c, 10]):
                place = plastic[block, c, 8] + source
                last = st.pre_last[place]
                if last < 0 or now - last < lags:
                    continue
                row = layout.row_at[block, c] + source
                begin, end = layout.indptr[row], layout.indptr[row + 1]
                w = layout.weight_shift[block, c] + begin * fields
                own = plastic[block, c, 9] + source * n_pre
                if begin < end:
                    st.updates[block, c] += rules[layout.row_class[c, 3]](
                        layout.rule_params[
                            layout.rule_params_at[c] : layout.rule_params_at[c + 1]
                        ],
                        st.plastic_weights[w : w + fields * (end - begin)].reshape(
                            (fields, end - begin)
                        ),
                        layout.targets[begin:end],
                        st.pre_trace[own : own + n_pre],
                        st.post_trace[trace_at:trace_end].reshape((n_post, size, room)),
                        st.post_time[at : at + size * room].reshape((size, room)),
                        st.post_count[count_at : count_at + size],
                        st.state[state_at : state_at + n_state * ld].reshape(
                            (n_state, ld)
                        ),
                        last,
                        now,
                        layout.row_class[c, 1],
                        layout.decay[table : table + n_traces * lags].reshape(
                            (n_traces, lags)
                        ),
                        0,
                    )
                st.pre_last[place] = -1
            st.horizon[block, c] = -1
