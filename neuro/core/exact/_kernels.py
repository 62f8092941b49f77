"""Kernels of the exact engine: closed-form advance, first crossing, merged event loop.

Times are float64 from the start of the present window, in the unit of the time
constants (ms for networks with units); neurons are advanced only when an event reaches
them. Nothing here knows of populations or files.
"""

from math import exp, expm1, floor, inf, log, log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.compiled import kernel

IF_DELTA, LIF_DELTA, LIF_EXP = 0, 1, 2
# columns of the class table
TAU_MEM, TAU_SYN, THETA, V_RESET, V_INF, GAIN, T_REF = 0, 1, 2, 3, 4, 5, 6
KAPPA, DELTA, RHO, SUBTRACT, KEEP, STRICT, NEAR = 7, 8, 9, 10, 11, 12, 13
RATE_M, RATE_S, COUPLING = 14, 15, 16  # -1/tau_m, -1/tau_s, tau_s/(tau_s - tau_m)
N_COLUMNS = 17
# entries of the book, int64
ARRIVAL, N_HEAP, N_EMIT, STAMP, FREE, BUCKET, PENDING, BASE = 0, 1, 2, 3, 4, 5, 6, 7
N_BOOK = 8
DONE, PAUSED = 0, 1
TOLERANCE = 1e-12  # of a crossing, in the unit of time (ms)


class Cells(NamedTuple):
    """State of all neurons; the heap holds at most one predicted crossing of each."""

    v: NDArray[np.float64]
    i_syn: NDArray[np.float64]  # delta models: input kept until refractoriness ends
    t_last: NDArray[np.float64]
    t_free: NDArray[np.float64]  # end of refractoriness
    kind: NDArray[np.int32]  # row of the class table
    stamp: NDArray[np.int64]
    cross: NDArray[np.float64]
    heap: NDArray[np.int32]
    place: NDArray[np.int32]
    touched: NDArray[np.int32]
    firing: NDArray[np.int32]


class Classes(NamedTuple):
    """Parameters, one row per distinct parameter set."""

    model: NDArray[np.int32]
    par: NDArray[np.float64]
    fast: NDArray[np.uint8]  # lif_exp with well separated time constants


class Rows(NamedTuple):
    """Synapses grouped by (source, projection, delay), groups in that order."""

    target: NDArray[np.int32]
    weight: NDArray[np.float64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    delay: NDArray[np.float64]
    projection: NDArray[np.int32]
    zeros: NDArray[np.int32]  # zero weights of each group
    indptr: NDArray[np.int64]  # groups of each source: neurons, then channels


class Arrivals(NamedTuple):
    """Stimulus arrivals of the window, sorted by time: groups of the rows."""

    t: NDArray[np.float64]
    group: NDArray[np.int64]


class Queue(NamedTuple):
    """Spikes under way: cursors into the emitted list, or a calendar of buckets."""

    delay: NDArray[np.float64]  # of each first-in-first-out class
    group: NDArray[np.int64]  # (n_classes, n): group of a source, -1 if none
    cursor: NDArray[np.int64]
    head: NDArray[np.int64]  # of each bucket, -1 if empty; size 0: no calendar
    width: NDArray[np.float64]  # (1,)


class Counts(NamedTuple):
    """Exact integers."""

    delivered: NDArray[np.int64]  # synapses visited, per projection
    zeros: NDArray[np.int64]  # of them with weight 0
    updates: NDArray[np.int64]  # per class
    spikes: NDArray[np.int64]  # per neuron


@kernel
def rise(dt, par, c):
    """Return (P_m, P_s, P_ms): decays over dt and the response to R I = 1."""
    pm = exp(dt * par[c, RATE_M])
    if par[c, NEAR] != 0.0:
        x = dt * par[c, DELTA]
        phi = 1.0 - 0.5 * x + x * x / 6.0 if abs(x) < 1e-05 else -expm1(-x) / x
        return pm, pm * exp(-x), pm * (dt / par[c, TAU_MEM]) * phi
    ps = exp(dt * par[c, RATE_S])
    return pm, ps, par[c, COUPLING] * (ps - pm)


@kernel
def state_at(t, v, i_syn, t_last, t_free, model, par, c):
    """Return (v, i_syn) at t >= t_last, without an event in between."""
    dt = t - t_last
    if dt <= 0.0:
        return v, i_syn
    if model == LIF_EXP:
        if t_free >= t:
            return v, i_syn * exp(dt * par[c, RATE_S])
        if t_free > t_last:
            i_syn = i_syn * exp((t_free - t_last) * par[c, RATE_S])
            dt = t - t_free
        pm, ps, pms = rise(dt, par, c)
        v = par[c, V_INF] + (v - par[c, V_INF]) * pm + par[c, GAIN] * pms * i_syn
        return v, i_syn * ps
    if t_free >= t:
        if t_free == t:  # what was kept acts at the end of refractoriness
            return v + i_syn, 0.0
        return v, i_syn
    if t_free > t_last:
        v, i_syn, dt = v + i_syn, 0.0, t - t_free
    if model == LIF_DELTA:
        return par[c, V_INF] + (v - par[c, V_INF]) * exp(dt * par[c, RATE_M]), i_syn
    return v + par[c, V_INF] * dt, i_syn  # IF_DELTA: V_INF is the slope


@kernel
def _membrane(s, u, g, par, c):
    """Return u(s) and du/ds of the membrane above its asymptote, g = R I at s = 0."""
    pm, ps, pms = rise(s, par, c)
    value = u * pm + pms * g
    return value, (value - g * ps) * par[c, RATE_M]


@kernel
def _root(lo, hi, u, g, th, par, c):
    """First s in lo..hi with u(s) = th, u(lo) < th <= u(hi), u rising on lo..hi.

    Newton from the left; where the membrane is concave it never leaves the bracket, the
    bisection covers the convex start after an inhibitory input.
    """
    s = lo
    for _ in range(200):
        value, slope = _membrane(s, u, g, par, c)
        gap = th - value
        if gap <= 0.0:
            hi = s
        else:
            lo = s
        step = gap / slope if slope > 0.0 else inf
        new = s + step
        if not (lo <= new <= hi):
            new = 0.5 * (lo + hi)
        if abs(new - s) <= TOLERANCE + 2.3e-16 * abs(new) or new == s:
            return new
        s = new
    return s


@kernel
def crossing_exp(u, g, th, par, c):
    """First s >= 0 at which the membrane reaches th, inf if never.

    Parameters
    ----------
    u, g, th : float
        Membrane and threshold above the asymptote V_INF, and R I at s = 0.
    par : ndarray of float64, shape (n_classes, N_COLUMNS)
        Parameters.
    c : int
        Class of the neuron.
    """
    if u >= th:
        return 0.0
    rho = par[c, RHO]
    if th >= 0.0:  # asymptote not above threshold: only a rise by current can cross
        if g <= th or g <= u:
            return inf
        base = u if u > 0.0 else 0.0
        if base + g * par[c, KAPPA] < th:
            return inf
        x = (u - g) / (g * (1.0 + rho))  # ratio at the peak is 1 + x rho
        y = x * rho
        if y <= -1.0:
            return inf
        ratio = x if abs(y) < 1e-12 else log1p(y) / rho
        peak = -ratio * par[c, TAU_MEM]
        value, _ = _membrane(peak, u, g, par, c)
        if value < th:
            return inf
        return _root(0.0, peak, u, g, th, par, c)
    lo = 0.0
    if g < u:  # falls first: start at the minimum
        y = (u - g) * rho / (g * (1.0 + rho))
        if y > -1.0:
            x = (u - g) / (g * (1.0 + rho))
            ratio = x if abs(y) < 1e-12 else log1p(y) / rho
            lo = max(0.0, -ratio * par[c, TAU_MEM])
    hi = lo + par[c, TAU_MEM]
    while _membrane(hi, u, g, par, c)[0] < th:
        hi += hi - lo
        if hi > 1e15:
            return inf
    return _root(lo, hi, u, g, th, par, c)


@kernel
def predict(t, v, i_syn, t_free, model, par, c):
    """Time of the next crossing if no event comes, inf if there is none."""
    start = t
    if t_free > t:
        start = t_free
        if model == LIF_EXP:
            i_syn = i_syn * exp((t_free - t) * par[c, RATE_S])
        else:
            v += i_syn
    th = par[c, THETA]
    if model == LIF_EXP:
        return start + crossing_exp(
            v - par[c, V_INF], par[c, GAIN] * i_syn, th - par[c, V_INF], par, c
        )
    if (v >= th and par[c, STRICT] == 0.0) or v > th:
        return start
    if model == LIF_DELTA:
        if par[c, V_INF] <= th:
            return inf
        return start + par[c, TAU_MEM] * log((par[c, V_INF] - v) / (par[c, V_INF] - th))
    if par[c, V_INF] <= 0.0:
        return inf
    return start + (th - v) / par[c, V_INF]


@kernel
def _before(cross, a, b):
    return cross[a] < cross[b] or (cross[a] == cross[b] and a < b)


@kernel
def _up(cross, heap, place, k):
    j = heap[k]
    while k > 0:
        parent = (k - 1) >> 1
        other = heap[parent]
        if not _before(cross, j, other):
            break
        heap[k] = other
        place[other] = k
        k = parent
    heap[k] = j
    place[j] = k


@kernel
def _down(cross, heap, place, k, n):
    j = heap[k]
    while True:
        child = 2 * k + 1
        if child >= n:
            break
        if child + 1 < n and _before(cross, heap[child + 1], heap[child]):
            child += 1
        other = heap[child]
        if not _before(cross, other, j):
            break
        heap[k] = other
        place[other] = k
        k = child
    heap[k] = j
    place[j] = k


@kernel
def schedule(cross, heap, place, j, t, n):
    """Set, move or remove the predicted crossing of neuron j; return the heap's size.

    The heap holds at most one entry of each neuron, `place` says where: it never
    grows beyond the number of neurons and holds nothing stale.
    """
    k = place[j]
    if t == inf:
        if k >= 0:
            n -= 1
            place[j] = -1
            if k < n:
                last = heap[n]
                heap[k] = last
                place[last] = k
                _up(cross, heap, place, k)
                _down(cross, heap, place, place[last], n)
        return n
    old = cross[j]
    cross[j] = t
    if k < 0:
        heap[n] = j
        n += 1
        _up(cross, heap, place, n - 1)
    elif t < old:
        _up(cross, heap, place, k)
    elif t > old:
        _down(cross, heap, place, k, n)
    return n


@kernel
def predict_all(cells, classes, book):
    """Predict every neuron from its own last time: at the start and after a change."""
    for j in range(cells.v.size):
        c = cells.kind[j]
        t = predict(
            cells.t_last[j],
            cells.v[j],
            cells.i_syn[j],
            cells.t_free[j],
            classes.model[c],
            classes.par,
            c,
        )
        book[N_HEAP] = schedule(
            cells.cross, cells.heap, cells.place, j, t, book[N_HEAP]
        )


@kernel
def sample(t, indices, cells, classes, v, i_syn):
    """Write voltage and current of `indices` at t; the state stays as it is."""
    for k in range(indices.size):
        j = indices[k]
        c = cells.kind[j]
        v[k], i_syn[k] = state_at(
            t,
            cells.v[j],
            cells.i_syn[j],
            cells.t_last[j],
            cells.t_free[j],
            classes.model[c],
            classes.par,
            c,
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
):
    """Process all events up to and including t_end, or until `budget` synapses.

    Three ordered sources are merged: stimulus arrivals, spikes under way, predicted
    crossings. At equal times: crossings, then stimulus, then recurrent arrivals; all
    arrivals of one time are applied before any threshold test.

    Parameters
    ----------
    lists : tuple (emit_t, emit_i, pool_t, pool_group, pool_next)
        Growing arrays: emitted spikes and entries of the calendar.

    Returns
    -------
    tuple
        Status, and `lists` as they are now.
    """
    emit_t, emit_i, pool_t, pool_group, pool_next = lists
    v, i_syn, t_last, t_free = cells.v, cells.i_syn, cells.t_last, cells.t_free
    kind, touched, firing = cells.kind, cells.touched, cells.firing
    cross, heap, place = cells.cross, cells.heap, cells.place
    stamps = cells.stamp
    model, par, fast = classes.model, classes.par, classes.fast
    target, weight, group_delay = rows.target, rows.weight, rows.delay
    group_begin, group_end = rows.begin, rows.end
    projection, zeros, indptr = rows.projection, rows.zeros, rows.indptr
    in_t, in_group = arrivals.t, arrivals.group
    fifo_delay, fifo_group, cursor = queue.delay, queue.group, queue.cursor
    bucket_head = queue.head
    delivered, delivered_zeros = counts.delivered, counts.zeros
    updates, spikes = counts.updates, counts.spikes
    due = np.empty(64, np.int64)  # groups that arrive at one time
    n_heap, n_emit, stamp = book[N_HEAP], book[N_EMIT], book[STAMP]
    n_fifo, n_buckets = queue.delay.size, queue.head.size
    width = queue.width[0]
    entries = np.empty(256, np.int64)
    n_entries = at = 0
    bucket = book[BUCKET]
    visited, status = 0, DONE
    while True:
        if visited >= budget:
            status = PAUSED
            break
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
            value, i_syn[j] = state_at(
                t, v[j], i_syn[j], t_last[j], t_free[j], model[c], par, c
            )
            v[j] = max(value, par[c, THETA])
            t_last[j] = t
            updates[c] += 1
            firing[0] = j
            n_firing = 1
        else:
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
                for s in range(begin, end):
                    j = target[s]
                    c = kind[j]
                    if stamps[j] != stamp:
                        stamps[j] = stamp
                        touched[n_touched] = j
                        n_touched += 1
                        dt = t - t_last[j]
                        if dt > 0.0 and fast[c] and t_free[j] <= t_last[j]:
                            pm = exp(dt * par[c, RATE_M])
                            ps = exp(dt * par[c, RATE_S])
                            rest, i_now = par[c, V_INF], i_syn[j]
                            pms = par[c, GAIN] * par[c, COUPLING] * (ps - pm)
                            v[j] = rest + (v[j] - rest) * pm + pms * i_now
                            i_syn[j] = i_now * ps
                            t_last[j] = t
                        elif dt > 0.0:
                            v[j], i_syn[j] = state_at(
                                t,
                                v[j],
                                i_syn[j],
                                t_last[j],
                                t_free[j],
                                model[c],
                                par,
                                c,
                            )
                            t_last[j] = t
                    if model[c] == LIF_EXP:
                        i_syn[j] += weight[s]
                    elif t >= t_free[j]:
                        v[j] += weight[s]
                    elif par[c, KEEP] != 0.0:
                        i_syn[j] += weight[s]
            for m in range(n_touched):
                j = touched[m]
                c = kind[j]
                updates[c] += 1
                if (
                    model[c] != LIF_EXP
                    and t >= t_free[j]
                    and (
                        v[j] > par[c, THETA]
                        or (v[j] == par[c, THETA] and par[c, STRICT] == 0.0)
                    )
                ):
                    firing[n_firing] = j
                    n_firing += 1
                    continue
                if model[c] == LIF_EXP and place[j] < 0 and t >= t_free[j]:
                    # most arrivals cannot lift the membrane to threshold: the bound
                    # of crossing_exp, without the call
                    theta = par[c, THETA] - par[c, V_INF]
                    u, g_now = v[j] - par[c, V_INF], par[c, GAIN] * i_syn[j]
                    reach = max(u, 0.0) + g_now * par[c, KAPPA]
                    if theta >= 0.0 and u < theta and reach < theta:
                        continue
                t_next = predict(t, v[j], i_syn[j], t_free[j], model[c], par, c)
                if t_next != inf or place[j] >= 0:
                    n_heap = schedule(cross, heap, place, j, t_next, n_heap)
        for m in range(n_firing):
            j = firing[m]
            c = kind[j]
            if n_emit == emit_t.size:
                emit_t, emit_i = _grow_float(emit_t), _grow_int(emit_i)
            emit_t[n_emit] = t
            emit_i[n_emit] = j
            n_emit += 1
            spikes[j] += 1
            if par[c, SUBTRACT] != 0.0:
                v[j] -= par[c, THETA]
            else:
                v[j] = par[c, V_RESET]
            t_free[j] = t + par[c, T_REF]
            t_next = predict(t, v[j], i_syn[j], t_free[j], model[c], par, c)
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
