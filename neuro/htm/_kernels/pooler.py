"""Kernels of the spatial pooler and of the classifier."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.connectivity import _deliver_rows


@kernel
def winners_of(overlaps, rank, k, out):  # type: ignore[no-untyped-def]
    """Write the `k` columns of largest (overlap, rank) to `out`, sorted by column."""
    histogram = np.zeros(overlaps.max() + 1, np.int64)
    for c in range(overlaps.size):
        histogram[overlaps[c]] += 1
    level, above = histogram.size - 1, 0
    while above + histogram[level] < k:
        above += histogram[level]
        level -= 1
    ties = np.empty(histogram[level], np.int64)
    n = 0
    for c in range(overlaps.size):
        if overlaps[c] == level:
            ties[n] = rank[c]
            n += 1
    ties.sort()
    limit = ties[n - (k - above)]
    n = 0
    for c in range(overlaps.size):
        if overlaps[c] > level or (overlaps[c] == level and rank[c] >= limit):
            out[n] = c
            n += 1


@kernel
def pool(  # type: ignore[no-untyped-def]
    rows, permanence, potential, rank, inputs, ends, rates, learn, out
):
    """Pool a stream of records; `rates` are increment, decrement, threshold, floor.

    `rows` (n_inputs, n_columns) holds what is connected, `permanence` and `potential`
    (n_columns, n_inputs). Returns visited and changed synapses.
    """
    up, down, threshold, floor = rates
    n_columns, n_inputs = permanence.shape
    overlaps = np.zeros(n_columns, np.int32)
    delta = np.full(n_inputs, -down)
    after = np.empty(n_inputs)
    visited, changed = 0, 0
    for r in range(ends.size - 1):
        active = inputs[ends[r] : ends[r + 1]]
        overlaps[:] = 0
        visited += _deliver_rows(rows, active, overlaps)
        winners_of(overlaps, rank, out.shape[1], out[r])
        if not learn:
            continue
        for i in range(active.size):
            delta[active[i]] = up
        for w in range(out.shape[1]):
            c = out[r, w]
            before, allowed = permanence[c], potential[c]
            crossings = 0
            for i in range(n_inputs):  # without branches: compiled to vector code
                value = min(max(before[i] + delta[i], 0.0), 1.0)
                value = 0.0 if value < floor else value
                value = value if allowed[i] else 0.0
                after[i] = value
                crossings += np.int64((value >= threshold) != (before[i] >= threshold))
                changed += np.int64(allowed[i])
            if crossings:
                for i in range(n_inputs):
                    if (after[i] >= threshold) != (before[i] >= threshold):
                        rows[i, c] = 1 if after[i] >= threshold else 0
            for i in range(n_inputs):
                before[i] = after[i]
        for i in range(active.size):
            delta[active[i]] = -down
    return visited, changed


@kernel
def _softmax(weights, active, out):  # type: ignore[no-untyped-def]
    out[:] = 0.0
    _deliver_rows(weights, active, out)
    top = out.max()
    total = 0.0
    for b in range(out.size):
        out[b] = np.exp(out[b] - top)
        total += out[b]
    for b in range(out.size):
        out[b] /= total


@kernel
def classify(  # type: ignore[no-untyped-def]
    weights, cells, ends, buckets, horizon, alpha, begin, learn, out
):
    """Infer, then learn from the pattern `horizon` records ago, record by record.

    ``out[r - begin]`` gets the probabilities inferred from record r. Returns the
    weights visited.
    """
    scratch = np.zeros(weights.shape[1])
    visited = 0
    for r in range(begin, ends.size - 1):
        active = cells[ends[r] : ends[r + 1]]
        _softmax(weights, active, out[r - begin])
        visited += active.size * scratch.size
        if not learn or r < horizon or buckets[r] < 0:
            continue
        past = cells[ends[r - horizon] : ends[r - horizon + 1]]
        _softmax(weights, past, scratch)
        scratch[buckets[r]] -= 1.0
        for b in range(scratch.size):
            scratch[b] *= -alpha
        for i in range(past.size):
            row = weights[past[i]]
            for b in range(scratch.size):
                row[b] += scratch[b]
        visited += past.size * scratch.size
    return visited
