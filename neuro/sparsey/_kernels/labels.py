"""Label weights: evidence of the active units for every class, and their counts."""

from neuro.compiled import kernel


@kernel
def label_sums(codes, offsets, k_total, table, out):
    """Add the rows of the active units of every item: class evidence.

    Parameters
    ----------
    codes : ndarray of int16, shape (n, M, Q)
        -1 where a mac was silent.
    offsets : int
        Row of the first unit.
    k_total : int
        Units per module.
    table : ndarray of float32, shape (n_rows, n_classes)
        Evidence of each unit.
    out : ndarray of float64, shape (n, n_classes)
        Sums, changed in place.
    """
    n, n_macs, q_total = codes.shape
    for i in range(n):
        for m in range(n_macs):
            if codes[i, m, 0] < 0:
                continue
            for q in range(q_total):
                row = offsets + (m * q_total + q) * k_total + codes[i, m, q]
                for c in range(out.shape[1]):
                    out[i, c] += table[row, c]


@kernel
def label_counts(codes, labels, offset, k_total, counts):
    """Count, for every unit, the items of each class in which it was on."""
    n, n_macs, q_total = codes.shape
    for i in range(n):
        for m in range(n_macs):
            if codes[i, m, 0] < 0:
                continue
            for q in range(q_total):
                row = offset + (m * q_total + q) * k_total + codes[i, m, q]
                counts[row, labels[i]] += 1
