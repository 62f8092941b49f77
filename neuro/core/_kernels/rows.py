"""Building rows without an edge list: count, then fill, then sort by delay."""

import numba as nb
import numpy as np

from neuro.compiled import kernel


@kernel
def count_rows(pre, post, share, row_at, counts):
    """Count synapses per row; `share` targets per block, `row_at` per block."""
    for e in range(pre.size):
        b = post[e] // share
        counts[row_at[b] + pre[e]] += 1


@kernel
def count_degrees(pre, post, out_degree, in_sum, weight):
    """Count synapses per source; add |weight| (ring units) per target."""
    for e in range(pre.size):
        out_degree[pre[e]] += 1
    if in_sum.size > 0:
        for e in range(post.size):
            in_sum[post[e]] += weight


@kernel
def row_limits(counts, first, n, start, multiple, indptr):
    """Turn counts of n rows into limits from `start`; return the end."""
    at = start
    for i in range(n):
        indptr[first + i] = at
        at += -(-counts[first + i] // multiple) * multiple
    indptr[first + n] = at
    return at


@kernel
def fill_targets(pre, post, share, row_at, column, cursor, targets):
    """Write target columns; rows fill from `cursor` on."""
    for e in range(pre.size):
        b = post[e] // share
        row = row_at[b] + pre[e]
        s = cursor[row]
        cursor[row] = s + 1
        targets[s] = column[b] + post[e] - b * share


@kernel
def fill_weighted(
    pre, post, weight, delay, share, row_at, column, shift, delay_shift, cursor,
    targets, weights, delays,
):  # fmt: skip
    """The same with a weight and, where `delay` is given, a delay per synapse."""
    for e in range(pre.size):
        b = post[e] // share
        row = row_at[b] + pre[e]
        s = cursor[row]
        cursor[row] = s + 1
        targets[s] = column[b] + post[e] - b * share
        weights[s + shift[b]] = weight[e]
        if delay.size > 0:
            delays[s + delay_shift[b]] = delay[e]


@kernel
def fill_plastic(
    pre, post, weight, share, row_at, indptr, counts, fields, twice, shift, cursor,
    targets, weights,
):  # fmt: skip
    """Plastic rows: fields lie one after the other, 0 (`twice`: and 1) the weight."""
    for e in range(pre.size):
        b = post[e] // share
        row = row_at[b] + pre[e]
        s = cursor[row]
        cursor[row] = s + 1
        targets[s] = post[e] - b * share
        begin = indptr[row]
        at = shift[b] + begin * fields + (s - begin)
        weights[at] = weight[e]
        if twice:
            weights[at + counts[row]] = weight[e]


@kernel
def sort_by_delay(
    indptr, first, n, shift, delay_shift, longest, targets, weights, delays, groups
):
    """Sort each row by delay, stably; count the groups of each row."""
    widest = 0
    for i in range(first, first + n):
        widest = max(widest, indptr[i + 1] - indptr[i])
    t, w = np.empty(widest, targets.dtype), np.empty(widest, weights.dtype)
    d = np.empty(widest, delays.dtype)
    place = np.zeros(longest + 2, np.int64)
    for i in range(first, first + n):
        begin, end = indptr[i], indptr[i + 1]
        m = end - begin
        place[:] = 0
        for j in range(m):
            place[nb.int64(delays[begin + delay_shift + j]) + 1] += 1
        many = 0
        for k in range(1, longest + 2):
            c = place[k]
            many += -(-c // 65535)
            place[k] = place[k - 1] + c
        groups[i - first] = many
        for j in range(m):
            x = nb.int64(delays[begin + delay_shift + j])
            to = place[x]
            place[x] = to + 1
            t[to] = targets[begin + j]
            w[to] = weights[begin + shift + j]
            d[to] = delays[begin + delay_shift + j]
        for j in range(m):
            targets[begin + j] = t[j]
            weights[begin + shift + j] = w[j]
            delays[begin + delay_shift + j] = d[j]


@kernel
def write_groups(
    indptr, first, n, delay_shift, delays, group_first, group_ptr, delay, count
):
    """Write (delay, count) of every group of sorted rows."""
    for i in range(n):
        g = group_ptr[group_first + i]
        begin, end = indptr[first + i], indptr[first + i + 1]
        j = begin
        while j < end:
            x, k = delays[j + delay_shift], j
            while k < end and delays[k + delay_shift] == x and k - j < 65535:
                k += 1
            delay[g] = x
            count[g] = k - j
            g += 1
            j = k
