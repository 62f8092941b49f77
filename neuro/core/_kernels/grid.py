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

from neuro.compiled import kernel
from neuro.core._kernels.bits import (
    atomic_add,
    atomic_load,
    float_to_bits,
    sched_yield,
    vector_view,
)
from neuro.core._kernels.grid_advance import advance
from neuro.core._kernels.grid_deliver import deliver_window
from neuro.core._kernels.grid_layout import (
    CHECK_STEPS,
    DONE,
    DUE_FULL,
    HISTORY_FULL,
    NOT_FINITE,
    RASTER_FULL,
    RUNAWAY,
)
from neuro.core._kernels.grid_plastic import history_full

_SPIN = 2000
_EXPONENT = 0x7FF0000000000000


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
def _merge(
    spikes,
    ptr,
    stream_step,
    stream_source,
    ids,
    steps,
    at,
    first,
    last,
    event,
    n_blocks,
):
    """Merge the blocks' spikes and the events of the streams; return count, event."""
    m = 0
    n_events = stream_step.size
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
            total = 0
            for b in range(n_blocks):
                total += ptr[b, k + 1] - ptr[b, k]
            for _ in range(total):  # selections, not branches that nobody can foretell
                best, which = 2147483647, 0
                for b in range(n_blocks):
                    head = spikes[b, at[b]]
                    first_of_all = (at[b] < ptr[b, k + 1]) & (head < best)
                    best = head if first_of_all else best
                    which = b if first_of_all else which
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
def _all_finite(part):
    """Whether no entry is NaN or infinite; on integers, so that the loop vectorises."""
    bad = 0
    for i in range(part.size):
        bad |= (float_to_bits(part[i]) & _EXPONENT) == _EXPONENT
    return bad == 0


def run_grid(models, rules, layout, st, thread, n_threads, first, last, dt):
    """Run steps first to last; return why it stopped (the cursor says where)."""
    n_blocks = layout.ring_width.size
    window, n_neurons = layout.scalars[1], layout.scalars[2]
    n_grouped = layout.scalars[3]
    room, due_room = st.raster_step.size, st.due.shape[1]
    keep = layout.scalars[5] != 0
    ids, when = st.merged[thread], st.merged_step[thread]
    raster_step, raster_source = st.raster_step, st.raster_source
    event, written, step = st.cursor[1], st.cursor[0], first
    parity, generation = 0, 0
    status = DONE
    most, guard, too_many = layout.scalars[6], layout.scalars[7], layout.unit[1]
    checked, watched, fired = first, st.cursor[3], st.cursor[4]
    while step < last:
        stop = min(step + window, last)
        if event < layout.stream_step.size and layout.stream_step[event] < step:
            stop = step  # an empty window delivers what came before the first step
        if keep and room - written < n_neurons * (stop - step):
            status = RASTER_FULL
            break
        check = stop - checked >= CHECK_STEPS or stop == last
        for block in range(thread, n_blocks, n_threads):
            advance(models, rules, layout, st, block, thread, step, stop, parity, dt)
            if rules is not None:
                full = history_full(layout, st, block, window)
                if full:
                    atomic_add(st.team, 32 + parity, 1)
            if n_grouped > 0:
                live = st.due_range[block, 1] - st.due_range[block, 0]
                if live + 2 * most > due_room:
                    atomic_add(st.team, 40 + parity, 1)
            if check:
                begin = layout.state_at[block]
                size = layout.state_at[block + 1] - begin
                if not _all_finite(vector_view(st.state, begin, size)):
                    atomic_add(st.team, 48 + parity, 1)
        generation += 1
        _barrier(st.team, n_threads, generation)
        history = atomic_load(st.team, 32 + parity) > 0
        due = n_grouped > 0 and atomic_load(st.team, 40 + parity) > 0
        broken = atomic_load(st.team, 48 + parity) > 0
        if check:
            checked = stop
        before = event
        m, event = _merge(
            st.spikes[parity],
            st.spike_ptr[parity],
            layout.stream_step,
            layout.stream_source,
            ids,
            when,
            st.heads[thread],
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
        watched += stop - step
        fired += m - (event - before)
        step = stop
        parity = 1 - parity
        if broken:
            status = NOT_FINITE
            break
        if history:
            status = HISTORY_FULL
            break
        if due:
            status = DUE_FULL
            break
        if guard > 0 and watched >= guard:
            runs_away = fired > too_many * watched
            watched, fired = 0, 0
            if runs_away:
                status = RUNAWAY
                break
    generation += 1
    _barrier(st.team, n_threads, generation)
    if thread == 0:
        st.cursor[0], st.cursor[1], st.cursor[2] = written, event, step
        st.cursor[3], st.cursor[4] = watched, fired
    return status
