"""Vectors of eight lanes as tuples: load, store and the few sums the sweeps need."""

from neuro.compiled import kernel

ZERO = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@kernel
def load3(a, i, j):
    """Eight lanes of ``a[i, j]``."""
    return (
        a[i, j, 0],
        a[i, j, 1],
        a[i, j, 2],
        a[i, j, 3],
        a[i, j, 4],
        a[i, j, 5],
        a[i, j, 6],
        a[i, j, 7],
    )


@kernel
def store3(a, i, j, x):
    """Write eight lanes of ``a[i, j]``."""
    a[i, j, 0] = x[0]
    a[i, j, 1] = x[1]
    a[i, j, 2] = x[2]
    a[i, j, 3] = x[3]
    a[i, j, 4] = x[4]
    a[i, j, 5] = x[5]
    a[i, j, 6] = x[6]
    a[i, j, 7] = x[7]


@kernel
def load2(a, j):
    """Eight lanes of ``a[j]``."""
    return (
        a[j, 0],
        a[j, 1],
        a[j, 2],
        a[j, 3],
        a[j, 4],
        a[j, 5],
        a[j, 6],
        a[j, 7],
    )


@kernel
def store2(a, j, x):
    """Write eight lanes of ``a[j]``."""
    a[j, 0] = x[0]
    a[j, 1] = x[1]
    a[j, 2] = x[2]
    a[j, 3] = x[3]
    a[j, 4] = x[4]
    a[j, 5] = x[5]
    a[j, 6] = x[6]
    a[j, 7] = x[7]


@kernel
def full(s):
    """The same number in all lanes."""
    return (s, s, s, s, s, s, s, s)


@kernel
def scale(s, x):
    """``s x``, scalar `s`."""
    return (
        s * x[0],
        s * x[1],
        s * x[2],
        s * x[3],
        s * x[4],
        s * x[5],
        s * x[6],
        s * x[7],
    )


@kernel
def add(x, y):
    """``x + y``."""
    return (
        x[0] + y[0],
        x[1] + y[1],
        x[2] + y[2],
        x[3] + y[3],
        x[4] + y[4],
        x[5] + y[5],
        x[6] + y[6],
        x[7] + y[7],
    )


@kernel
def sub(x, y):
    """``x - y``."""
    return (
        x[0] - y[0],
        x[1] - y[1],
        x[2] - y[2],
        x[3] - y[3],
        x[4] - y[4],
        x[5] - y[5],
        x[6] - y[6],
        x[7] - y[7],
    )


@kernel
def mul(x, y):
    """``x y`` lane by lane."""
    return (
        x[0] * y[0],
        x[1] * y[1],
        x[2] * y[2],
        x[3] * y[3],
        x[4] * y[4],
        x[5] * y[5],
        x[6] * y[6],
        x[7] * y[7],
    )


@kernel
def total(x):
    """Sum over the lanes, in order."""
    return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]))
