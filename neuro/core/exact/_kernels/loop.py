"""The merged event loop: stimulus arrivals, spikes under way, predicted crossings."""

from math import floor, inf

import numpy as np

from neuro.compiled import kernel
from neuro.core.exact._kernels.cells import (
    advance,
    deliver,
    deliver_fast,
    next_crossing,
    reset,
    test,
)
from neuro.core.exact._kernels.heap import schedule
from neuro.core.exact._kernels.layout import (
    ARRIVAL,
    BASE,
    BUCKET,
    DONE,
    FREE,
    N_EMIT,
    N_HEAP,
    OWN,
    PAUSED,
    PENDING,
    STAMP,
    THETA,
)


@kernel
def _sort_entries(entries, n, pool_t, pool_group):
    """Shell sort by (time, group): buckets are short and nearly sorted."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, n):
            e = entries[k]
            t, g = pool_t[e], pool_group[e]
            m = k
            while m >= gap:
                o = entries[m - gap]
                if pool_t[o] < t or (pool_t[o] == t and pool_group[o] <= g):
                    break
                entries[m] = o
                m -= gap
            entries[m] = e
        gap //= 3


@kernel
def _grow_float(old):
    new = np.empty(2 * old.size)
    new[: old.size] = old
    return new


@kernel
def _grow_int(old):
    new = np.empty(2 * old.size, np.int64)
    new[: old.size] = old
    return new


@kernel
def run_until(
    t_end,
    budget,
    cells,
    classes,
    rows,
    arrivals,
    queue,
    counts,
    book,
    lists,
    decay,
    solvers,
):
    """Process all events up to and including t_end, or until `budget` synapses.

    Three ordered sources are merged: stimulus arrivals, spikes under way, predicted
    crossings. At equal times: crossings, then stimulus, then recurrent arrivals; all
    arrivals of one time are applied before any threshold test.

    Parameters
    ----------
    lists : tuple (emit_t, emit_i, pool_t, pool_group, pool_next)
        Growing arrays: emitted spikes and entries of the calendar.
    decay : ndarray of float64, shape (2, longest row)
        Scratch.
    solvers : None or tuple (advance, crossing, reset) of tuples of functions
        Of registered models.

    Returns
    -------
    tuple
        Status, and `lists` as they are now.
    """
    emit_t, emit_i, pool_t, pool_group, pool_next = lists
    v, i_syn, own = cells.v, cells.i_syn, cells.own
    t_last, t_free = cells.t_last, cells.t_free
    kind, stamps = cells.kind, cells.stamp
    touched, firing = cells.touched, cells.firing
    cross, heap, place = cells.cross, cells.heap, cells.place
    model, par = classes.model, classes.par
    own_par, solver, unit = classes.own, classes.solver, classes.unit[0]
    target, weight, group_delay = rows.target, rows.weight, rows.delay
    group_begin, group_end, group_fast = rows.begin, rows.end, rows.fast
    projection, zeros, into, indptr = (
        rows.projection,
        rows.zeros,
        rows.into,
        rows.indptr,
    )
    in_t, in_group = arrivals.t, arrivals.group
    fifo_delay, fifo_group, cursor = queue.delay, queue.group, queue.cursor
    bucket_head, width = queue.head, queue.width[0]
    n_fifo, n_buckets = queue.delay.size, queue.head.size
    delivered, delivered_zeros = counts.delivered, counts.zeros
    updates, spikes = counts.updates, counts.spikes
    pm, ps = decay[0], decay[1]
    n_heap, n_emit, stamp = book[N_HEAP], book[N_EMIT], book[STAMP]
    due = np.empty(64, np.int64)  # groups that arrive at one time
    entries = np.empty(256, np.int64)  # of the present bucket
    n_entries = at = 0
    bucket = book[BUCKET]
    visited, status = 0, DONE
    while True:
        if visited >= budget:
            status = PAUSED
            break
        # -- the next event
        t_cross = cross[heap[0]] if n_heap > 0 else inf
        k = book[ARRIVAL]
        t_in = in_t[k] if k < in_t.size else inf
        t_other = min(t_cross, t_in)
        t_rec = inf
        if n_buckets > 0:
            last = book[BASE] + np.int64(floor(min(t_other, t_end) / width))
            while at >= n_entries and book[PENDING] > 0 and bucket <= last:
                e = bucket_head[bucket % n_buckets]
                bucket_head[bucket % n_buckets] = -1
                n_entries = at = 0
                while e >= 0:
                    if n_entries == entries.size:
                        entries = _grow_int(entries)
                    entries[n_entries] = e
                    n_entries += 1
                    e = pool_next[e]
                if n_entries > 1:
                    _sort_entries(entries, n_entries, pool_t, pool_group)
                bucket += 1
            if at < n_entries:
                t_rec = pool_t[entries[at]]
            elif bucket < last:
                bucket = last
        else:
            for c in range(n_fifo):
                q = cursor[c]
                while q < n_emit and fifo_group[c, emit_i[q]] < 0:
                    q += 1
                cursor[c] = q
                if q < n_emit:
                    t_rec = min(t_rec, emit_t[q] + fifo_delay[c])
        t = min(t_other, t_rec)
        if t > t_end:
            break
        n_firing = 0
        if t_cross == t:
            j = heap[0]
            c = kind[j]
            advance(
                t, j, v, i_syn, t_last, t_free, own, kind, model, par, own_par, solver,
                unit, solvers,
            )  # fmt: skip
            if model[c] != OWN:
                v[j] = max(v[j], par[c, THETA])
            updates[c] += 1
            firing[0] = j
            n_firing = 1
        else:
            # -- all groups that arrive at t
            stamp += 1
            n_touched = n_due = 0
            while k < in_t.size and in_t[k] == t:
                if n_due == due.size:
                    due = _grow_int(due)
                due[n_due] = in_group[k]
                n_due += 1
                k += 1
            book[ARRIVAL] = k
            if n_buckets > 0:
                while at < n_entries and pool_t[entries[at]] == t:
                    e = entries[at]
                    if n_due == due.size:
                        due = _grow_int(due)
                    due[n_due] = pool_group[e]
                    n_due += 1
                    pool_next[e] = book[FREE]
                    book[FREE] = e
                    book[PENDING] -= 1
                    at += 1
            else:
                for c in range(n_fifo):
                    q = cursor[c]
                    while q < n_emit and emit_t[q] + fifo_delay[c] == t:
                        g = fifo_group[c, emit_i[q]]
                        q += 1
                        if g >= 0:
                            if n_due == due.size:
                                due = _grow_int(due)
                            due[n_due] = g
                            n_due += 1
                    cursor[c] = q
            for m in range(n_due):
                g = due[m]
                begin, end = group_begin[g], group_end[g]
                delivered[projection[g]] += end - begin
                delivered_zeros[projection[g]] += zeros[g]
                visited += end - begin
                if group_fast[g] != 0:
                    n_touched = deliver_fast(
                        t, begin, end, target, weight, v, i_syn, t_last, t_free, kind,
                        par, stamps, touched, n_touched, stamp, pm, ps,
                    )  # fmt: skip
                else:
                    n_touched = deliver(
                        t, begin, end, into[g], target, weight, v, i_syn, t_last,
                        t_free, own, kind, model, par, own_par, solver, unit, solvers,
                        stamps, touched, n_touched, stamp,
                    )  # fmt: skip
            n_firing, n_heap = test(
                t, touched, n_touched, v, i_syn, t_free, own, kind, model, par, own_par,
                solver, unit, solvers, updates, firing, cross, heap, place, n_heap,
            )  # fmt: skip
        # -- spikes
        visited += n_firing
        for m in range(n_firing):
            j = firing[m]
            if n_emit == emit_t.size:
                emit_t, emit_i = _grow_float(emit_t), _grow_int(emit_i)
            emit_t[n_emit] = t
            emit_i[n_emit] = j
            n_emit += 1
            spikes[j] += 1
            reset(t, j, v, t_free, own, kind, model, par, own_par, solver, solvers)
            t_next = next_crossing(
                t, j, v, i_syn, t_free, own, kind, model, par, own_par, solver, unit,
                solvers,
            )  # fmt: skip
            n_heap = schedule(cross, heap, place, j, t_next, n_heap)
            if n_buckets > 0:
                for g in range(indptr[j], indptr[j + 1]):
                    e = book[FREE]
                    if e < 0:
                        n = pool_t.size
                        pool_t = _grow_float(pool_t)
                        pool_group = _grow_int(pool_group)
                        pool_next = _grow_int(pool_next)
                        for o in range(n, 2 * n):
                            pool_next[o] = o + 1
                        pool_next[2 * n - 1] = -1
                        e = n
                    book[FREE] = pool_next[e]
                    arrive = t + group_delay[g]
                    b = book[BASE] + np.int64(floor(arrive / width))
                    pool_t[e] = arrive
                    pool_group[e] = g
                    pool_next[e] = bucket_head[b % n_buckets]
                    bucket_head[b % n_buckets] = e
                    book[PENDING] += 1
    if at < n_entries:  # put back what is left of the bucket
        bucket -= 1
        for m in range(at, n_entries):
            e = entries[m]
            pool_next[e] = bucket_head[bucket % n_buckets]
            bucket_head[bucket % n_buckets] = e
    book[BUCKET], book[N_HEAP] = bucket, n_heap
    book[N_EMIT], book[STAMP] = n_emit, stamp
    return status, (emit_t, emit_i, pool_t, pool_group, pool_next)
