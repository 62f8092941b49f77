"""Input that reaches a port without a projection: Poisson, currents, sinusoids.

Random numbers are counter-based: a count is a function of (stream, neuron, step) alone,
so that results depend neither on blocks nor on threads.
"""

import math

import numba as nb
import numpy as np

from neuro.compiled import kernel
from neuro.core._kernels.bits import count_reached, hash32, step_key

POISSON, POISSON_EACH, CURRENT, CURRENT_EACH, SINE = range(5)
TILE = 512


@kernel
def draw_counts(thresholds, stream, step, first, bits, counts):
    """Write Poisson counts of neurons first, first+1 ... into counts (uint8).

    One 32-bit hash per neuron is compared with the cumulative probabilities times 2**32
    (uint32, increasing); exact to 2**-32. `bits` is a uint32 buffer of TILE entries.
    """
    key = step_key(stream, step)
    low = nb.uint32(key & nb.uint64(0xFFFFFFFF))
    high = nb.uint32(key >> nb.uint64(32))
    n = counts.size
    for start in range(0, n, TILE):
        m = min(TILE, n - start)
        base = nb.uint32(first + start)
        part = counts[start : start + m]
        for i in range(m):
            bits[i] = hash32(base + nb.uint32(i), low, high)
        for i in range(m):
            part[i] = 0
        for t in range(thresholds.size):
            level = thresholds[t]
            for i in range(m):
                part[i] = count_reached(part[i], bits[i], level)


@kernel
def draw_counts_each(thresholds, n_all, stream, step, first, counts):
    """As draw_counts, with thresholds (K, n_all) of their own for every neuron."""
    key = step_key(stream, step)
    low = nb.uint32(key & nb.uint64(0xFFFFFFFF))
    high = nb.uint32(key >> nb.uint64(32))
    levels = thresholds.size // max(n_all, 1)
    for i in range(counts.size):
        h = hash32(nb.uint32(first + i), low, high)
        c = 0
        for t in range(levels):
            c += h >= thresholds[t * n_all + first + i]
        counts[i] = c


@kernel
def add_weighted(weight, counts, row):
    """Add weight times count."""
    for i in range(counts.size):
        row[i] += weight * counts[i]


@kernel
def add_drive(
    kind, weight, repeats, stream, levels, values, n_all, first, step, bits, counts, row
):
    """Add one drive to a port's row of the neurons first, first + 1 ..."""
    if kind in (POISSON, POISSON_EACH):
        for r in range(repeats):
            own = stream + nb.uint64(r) * nb.uint64(0x9E3779B97F4A7C15)
            if kind == POISSON:
                draw_counts(levels, own, step, first, bits, counts)
            else:
                draw_counts_each(levels, n_all, own, step, first, counts)
            add_weighted(weight, counts, row)
    elif kind == CURRENT:
        for i in range(counts.size):
            row[i] += values[0]
    elif kind == CURRENT_EACH:
        for i in range(counts.size):
            row[i] += values[first + i]
    elif kind == SINE:
        now = values[2] + values[0] * math.sin(values[1] * step + values[3])
        for i in range(counts.size):
            row[i] += now


# ---- Gaussian numbers by inversion (Wichura 1988, algorithm AS 241, PPND16) ----
_A = np.array(
    [
        3.3871328727963666080,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ]
)
_B = np.array(
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ]
)
_C = np.array(
    [
        1.42343711074968357734,
        4.63033784615654529590,
        5.76949722146069140550,
        3.64784832476320460504,
        1.27045825245236838258,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ]
)
_D = np.array(
    [
        1.0,
        2.05319162663775882187,
        1.67638483018380384940,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ]
)
_E = np.array(
    [
        6.65790464350110377720,
        5.46378491116411436990,
        1.78482653991729133580,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ]
)
_F = np.array(
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ]
)


@kernel
def _ratio(a, b, r):
    x, y = a[7], b[7]
    for k in range(6, -1, -1):
        x = x * r + a[k]
        y = y * r + b[k]
    return x / y


@kernel
def normal_quantile(p):
    """Return the standard normal quantile of p in (0, 1); relative error 1e-16."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_A, _B, 0.180625 - q * q)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    z = _ratio(_C, _D, r - 1.6) if r <= 5.0 else _ratio(_E, _F, r - 5.0)
    return -z if q < 0.0 else z


@kernel
def add_noise(variance, stream, step, row):
    """Add to every entry a Gaussian number of its own variance."""
    key = step_key(stream, step)
    low = nb.uint32(key & nb.uint64(0xFFFFFFFF))
    high = nb.uint32(key >> nb.uint64(32))
    for j in range(row.size):
        if variance[j] > 0.0:
            h = hash32(nb.uint32(j), low, high)
            p = (float(h) + 0.5) * 2.3283064365386963e-10
            row[j] += math.sqrt(variance[j]) * normal_quantile(p)
