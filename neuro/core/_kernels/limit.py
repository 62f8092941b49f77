"""Plain scatter loops: what a machine can deliver without an engine around it."""

from neuro.compiled import kernel


@kernel
def scatter_constant(rows, targets, weight, out):
    """Add one weight to the targets of the listed rows."""
    w = weight[0]
    for r in rows:
        row = targets[r]
        for j in range(row.size):
            out[row[j]] += w


@kernel
def scatter_weighted(rows, targets, weights, out):
    """Add the weights of the listed rows to their targets."""
    for r in rows:
        row, w = targets[r], weights[r]
        for j in range(row.size):
            out[row[j]] += w[j]
