"""Laying out synapses and the queues of spikes under way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.exact._kernels import layout as k
from neuro.core.exact.parts import WINDOW, SynapseGroup

__all__ = ["lay_out_rows", "make_queue"]

MAX_FIFO = 16  # distinct (projection, delay) pairs up to which queues are cursors


def lay_out_rows(
    synapses: Sequence[SynapseGroup],
    offsets: Sequence[int],
    n_sources: int,
    fast: NDArray[np.uint8],
) -> k.Rows:
    """Lay out synapses by (source, projection, delay, post).

    Parameters
    ----------
    synapses : sequence of SynapseGroup
        Projections.
    offsets : sequence of int
        Added to the sources of each.
    n_sources : int
        Neurons and channels together.
    fast : ndarray of uint8, shape (n_neurons,)
        Whether a target's decays may be computed row by row.
    """
    pres, posts = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    weights, delays, numbers = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, np.int32)]
    for p, (s, offset) in enumerate(zip(synapses, offsets, strict=True)):
        pre, post = np.asarray(s.pre), np.asarray(s.post, np.int32)
        weight, delay = np.asarray(s.weight, np.float64), np.asarray(s.delay, float)
        keys = (post, pre) if delay.ndim == 0 else (post, delay, pre)
        order = np.lexsort(keys)
        pres.append(pre[order] + np.int64(offset))
        posts.append(post[order])
        weights.append(np.broadcast_to(weight, pre.size)[order])
        delays.append(np.broadcast_to(delay, pre.size)[order])
        numbers.append(np.full(pre.size, p, np.int32))
    pre = np.concatenate(pres)
    order = np.argsort(pre, kind="stable")
    pre = pre[order]
    post, weight = np.concatenate(posts)[order], np.concatenate(weights)[order]
    delay, number = np.concatenate(delays)[order], np.concatenate(numbers)[order]
    change = np.ones(pre.size, bool)
    if pre.size:
        change[1:] = (
            (np.diff(pre) != 0) | (np.diff(number) != 0) | (np.diff(delay) != 0)
        )
    begin = np.flatnonzero(change)
    end = np.append(begin[1:], pre.size)[: begin.size]
    zero = np.concatenate(([0], np.cumsum(weight == 0.0)))
    slow = np.concatenate(([0], np.cumsum(fast[post] == 0)))
    indptr = np.zeros(n_sources + 1, np.int64)
    np.cumsum(np.bincount(pre[begin], minlength=n_sources), out=indptr[1:])
    into = np.array([s.into for s in synapses], np.int32)
    return k.Rows(
        target=post,
        weight=weight,
        begin=begin,
        end=end,
        delay=delay[begin],
        projection=number[begin],
        zeros=(zero[end] - zero[begin]).astype(np.int32),
        fast=(slow[end] == slow[begin]).astype(np.uint8),
        into=into[number[begin]],
        indptr=indptr,
    )


def make_queue(rows: k.Rows, n: int, max_fifo: int) -> tuple[k.Queue, int]:
    """Return empty queues for the spikes of n neurons, and buckets per window.

    Spikes leave in the order of time: for few distinct delays a cursor into the emitted
    list is a sorted queue. For many there is a calendar with buckets of a sixteenth of
    the minimal delay.
    """
    own = int(rows.indptr[n])  # groups of neurons
    pairs, index = np.unique(
        np.stack([rows.projection[:own].astype(float), rows.delay[:own]]),
        axis=1,
        return_inverse=True,
    )
    nothing: NDArray[Any] = np.zeros(0, np.int64)
    if pairs.shape[1] <= max_fifo:
        group = np.full((pairs.shape[1], max(1, n)), -1, np.int64)
        source = np.repeat(np.arange(n), np.diff(rows.indptr[: n + 1]))
        group[index.reshape(-1), source] = np.arange(own)
        delay = np.ascontiguousarray(pairs[1])
        cursor = np.zeros(delay.size, np.int64)
        return k.Queue(delay, group, cursor, nothing, np.ones(1)), 1
    delay = rows.delay[:own]
    per_window = int(np.ceil(WINDOW / (delay.min() / 16.0)))
    width = WINDOW / per_window
    buckets = int(np.ceil(delay.max() / width)) + 4
    head = np.full(buckets, -1, np.int64)
    none = np.zeros((0, 1), np.int64)
    queue = k.Queue(np.zeros(0), none, nothing.copy(), head, np.array([width]))
    return queue, per_window
