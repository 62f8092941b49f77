"""From active afferents to the local support V of every unit and familiarity G."""

from neuro.compiled import kernel
from neuro.core.binary_rows import add_binary_rows
from neuro.sparsey._kernels.arrays import SIGNAL_D, SIGNAL_H, SIGNAL_U
from neuro.sparsey._kernels.learning import W_MAX


@kernel
def gather(sources, n, codes, f, factors, k, rows, weight):
    """List the rows of the active units of the source macs; return rows, macs."""
    n_rows, active = 0, 0
    q_source = codes.shape[2]
    for s in range(n):
        j = sources[s]
        if codes[f, j, 0] < 0:
            continue
        active += 1
        if factors[f, j] <= 0.0:
            continue
        for q in range(q_source):
            rows[n_rows] = (s * q_source + q) * k + codes[f, j, q]
            weight[n_rows] = factors[f, j]
            n_rows += 1
    return n_rows, active


@kernel
def normalised(x, exponent, rule):
    x = min(1.0, x)
    if x < rule.min_cutoff:
        x = rule.min_cutoff
    elif x > rule.max_cutoff:
        x = 1.0
    return x if exponent == 1.0 else x**exponent


@kernel
def signal(w, rows, weight, n, norm, exponent, decay, rule, counts, partial, x):
    """Normalised signal of every unit into `x`; return the set synapses visited."""
    qk = x.size
    plain = not decay
    for a in range(n):
        plain = plain and weight[a] == 1.0
    visits = 0
    for i in range(qk):
        counts[i] = 0
    if plain:
        add_binary_rows(w, rows, n, partial, counts)
        for i in range(qk):
            visits += counts[i]
            x[i] = normalised(counts[i] / norm, exponent, rule)
        return visits
    for i in range(qk):
        x[i] = 0.0
    scale = norm * (W_MAX if decay else 1)
    for a in range(n):
        row = w[rows[a]]
        for i in range(qk):
            x[i] += weight[a] * row[i]
            visits += row[i] > 0
    for i in range(qk):
        x[i] = normalised(x[i] / scale, exponent, rule)
    return visits


@kernel
def combine(mask, u, h, d, v, best):
    """V as the product of the signals in `mask`; return G."""
    q, k = best.size, v.size // best.size
    g = 0.0
    for c in range(q):
        top = -1.0
        for i in range(c * k, (c + 1) * k):
            x = 1.0
            if mask & SIGNAL_U:
                x *= u[i]
            if mask & SIGNAL_H:
                x *= h[i]
            if mask & SIGNAL_D:
                x *= d[i]
            v[i] = x
            top = max(top, x)
        best[c] = top
        g += top
    return g / q


@kernel
def back_off(have, shape, u, h, d, v, best):
    """Signals of the first version whose G clears its threshold."""
    chosen, chosen_g, group, fallback = 0, -1.0, -1, 0
    for b in range(shape.backoff_mask.size):
        mask = shape.backoff_mask[b]
        if (mask & have) != mask:
            continue
        if chosen and shape.backoff_group[b] != group:
            break
        if not fallback:
            fallback = mask
        g = combine(mask, u, h, d, v, best)
        if g >= shape.backoff_threshold[b] and g > chosen_g:
            chosen, chosen_g, group = mask, g, shape.backoff_group[b]
    if chosen:
        return chosen
    return fallback if fallback else have
