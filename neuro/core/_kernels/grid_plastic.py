"""Plastic rows of the grid driver: histories of post spikes, calls of the rules."""

import numba as nb

from neuro.compiled import kernel
from neuro.core._kernels.bits import matrix_view, vector_view
from neuro.core._kernels.grid_layout import NEVER, PLASTIC


@kernel
def note_post(layout, st, block, piece, local, n):
    """Append a spike of a plastic projection's target to its history."""
    for c in range(layout.row_class.shape[0]):
        if layout.row_class[c, 0] != PLASTIC or layout.plastic[block, c, 0] != piece:
            continue
        if layout.plastic[block, c, 11] == 0:  # another class keeps the same history
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
def _apply_rule(rules, layout, st, block, c, source, now, begin, end, delay, spike):
    """Bring one row up to `now`: the rule's call, then the pre traces."""
    own = layout.plastic[block, c]
    piece, at, room, size, count_at, trace_at, n_post = (
        own[0], own[1], own[2], own[3], own[4], own[5], own[6],
    )  # fmt: skip
    length, fields = end - begin, layout.row_class[c, 4]
    n_traces, lags = layout.decay_shape[c, 1], layout.decay_shape[c, 2]
    n_pre = n_traces - n_post
    decay = matrix_view(layout.decay, layout.decay_shape[c, 0], n_traces, lags)
    trace = vector_view(st.pre_trace, own[9] + source * n_pre, n_pre)
    last = st.pre_last[own[8] + source]
    n_params = layout.rule_params_at[c + 1] - layout.rule_params_at[c]
    posts = vector_view(st.post_trace, trace_at, n_post * size * room)
    st.updates[block, c] += rules[layout.row_class[c, 3]](
        vector_view(layout.rule_params, layout.rule_params_at[c], n_params),
        matrix_view(
            st.plastic_weights,
            layout.weight_shift[block, c] + begin * fields,
            fields,
            length,
        ),
        vector_view(layout.targets, begin, length),
        trace,
        posts.reshape((n_post, size, room)),
        matrix_view(st.post_time, at, size, room),
        vector_view(st.post_count, count_at, size),
        matrix_view(
            st.state, layout.piece[piece, 7], layout.piece[piece, 5],
            layout.piece[piece, 4],
        ),
        last,
        now,
        delay,
        decay,
        spike,
    )  # fmt: skip
    for t in range(n_pre):
        value = 0.0
        # nearest pairing: a spike forgets the ones before, a settled row does not
        keep = layout.trace_nearest[c, 0] == 0 or spike == 0
        if last >= 0 and keep and now - last < lags:
            value = trace[t] * decay[t, now - last]
        trace[t] = value + spike
    st.pre_last[own[8] + source] = now


@kernel
def plastic_row(rules, layout, st, block, c, source, now, begin, end, delay):
    """Apply a rule to one row at a pre spike, then deliver it."""
    _apply_rule(rules, layout, st, block, c, source, now, begin, end, delay, 1)
    w = layout.weight_shift[block, c] + begin * layout.row_class[c, 4]
    row = vector_view(st.plastic_weights, w, end - begin)
    targets = vector_view(layout.targets, begin, end - begin)
    base = nb.uint64(
        layout.ring_at[block]
        + ((now + delay) & layout.scalars[0]) * layout.ring_width[block]
        + layout.plastic[block, c, 7]
    )
    for j in range(end - begin):
        st.ring[base + nb.uint64(targets[j])] += row[j]


def settle_rows(rules, layout, st, block, c, now):
    """Bring all rows of a class up to `now` without a spike (spike = 0)."""
    delay = 0 if layout.row_class[c, 5] != 0 else layout.row_class[c, 1]
    for source in range(layout.plastic[block, c, 10]):
        i = layout.row_at[block, c] + source
        begin, end = layout.indptr[i], layout.indptr[i + 1]
        if begin < end and st.pre_last[layout.plastic[block, c, 8] + source] >= 0:
            _apply_rule(rules, layout, st, block, c, source, now, begin, end, delay, 0)
    return 0


@kernel
def history_full(layout, st, block, window):
    """Whether a history ring may lose an entry that a source has not seen."""
    for c in range(layout.row_class.shape[0]):
        if layout.row_class[c, 0] != PLASTIC or layout.plastic[block, c, 3] == 0:
            continue
        at, room = layout.plastic[block, c, 1], layout.plastic[block, c, 2]
        count_at, delay = layout.plastic[block, c, 4], layout.row_class[c, 1]
        if layout.row_class[c, 5] != 0:  # axonal: post spikes are seen at once
            delay = 0
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
    for block in range(layout.ring_width.size):
        for c in range(layout.row_class.shape[0]):
            if (
                layout.row_class[c, 0] != PLASTIC
                or layout.plastic[block, c, 3] == 0
                or layout.plastic[block, c, 6] == 0
            ):
                continue
            delay = 0 if layout.row_class[c, 5] != 0 else layout.row_class[c, 1]
            for source in range(layout.plastic[block, c, 10]):
                place = layout.plastic[block, c, 8] + source
                last = st.pre_last[place]
                if last < 0 or now - last < layout.decay_shape[c, 2]:
                    continue
                i = layout.row_at[block, c] + source
                begin, end = layout.indptr[i], layout.indptr[i + 1]
                if begin < end:
                    _apply_rule(
                        rules, layout, st, block, c, source, now, begin, end, delay, 0
                    )
                st.pre_last[place] = -1
            st.horizon[block, c] = -1
