"""Predicted crossings: a binary heap with one entry per neuron at most.

Inlined: a call would count references of its arrays, which costs more than its work.
"""

from math import inf

from neuro.compiled import kernel


@kernel(inline="always")
def _before(cross, a, b):
    return cross[a] < cross[b] or (cross[a] == cross[b] and a < b)


@kernel(inline="always")
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


@kernel(inline="always")
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


@kernel(inline="always")
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
