"""Gaussian noise for whole blocks of outputs: Box-Muller in single precision.

Words come from the counter-based generator of the engine. Logarithm, sine and cosine
are the polynomials of the Cephes library (Moshier; error below two units in the last
place of float32) without calls or branches, so that every loop becomes vector
instructions.
"""

import numba as nb
import numpy as np

from neuro.compiled import kernel
from neuro.core._kernels.bits import hash32, step_key

TILE = 512  # pairs whose buffers stay in the first-level cache
_ROOT_HALF = np.int32(0x3F3504F3)  # bits of sqrt(1/2)
_MANTISSA = np.int32(0x007FFFFF)
_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1.0), np.float32(2.0)
_UNIT = np.float32(2.0**-32)
_EIGHTH_TURN = np.float32(np.pi / 4 * 2.0**-31)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_L0, _L1, _L2 = (
    np.float32(c) for c in (7.0376836292e-2, -1.1514610310e-1, 1.167699874e-1)
)
_L3, _L4, _L5 = (
    np.float32(c) for c in (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1)
)
_L6, _L7, _L8 = (
    np.float32(c) for c in (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
)
_S0, _S1, _S2 = (
    np.float32(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
)
_C0, _C1, _C2 = (
    np.float32(c)
    for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
)


@kernel
def _pairs(low, high, first, count, words, radius, z):
    """Fill ``z[0]`` and ``z[1]`` with `count` independent standard normals each."""
    for i in range(count):
        words[i] = hash32(nb.uint32(first + i), low, high)
    for i in range(count):
        radius[i] = (np.float32(words[i]) + _HALF) * _UNIT
    bits = radius.view(np.int32)
    for i in range(count):
        shifted = np.int32(bits[i] - _ROOT_HALF)
        z[0, i] = np.float32(np.int32(shifted >> np.int32(23)))
        bits[i] = np.int32(np.int32(shifted & _MANTISSA) + _ROOT_HALF)
    for i in range(count):
        e, x = z[0, i], radius[i] - _ONE
        y = _L0 * x + _L1
        y = y * x + _L2
        y = y * x + _L3
        y = y * x + _L4
        y = y * x + _L5
        y = y * x + _L6
        y = y * x + _L7
        y = y * x + _L8
        square = x * x
        y = y * x * square + e * _LN2_LOW - _HALF * square
        log = x + y + e * _LN2_HIGH
        radius[i] = np.sqrt(max(-_TWO * log, np.float32(0.0)))
    for i in range(count):
        words[i] = hash32(nb.uint32(first + i), high, low)
    turn = words.view(np.int32)
    for i in range(count):
        # an eighth of a turn to both sides; two low bits choose the quadrant
        x = np.float32(turn[i]) * _EIGHTH_TURN
        square = x * x
        sine = ((_S0 * square + _S1) * square + _S2) * square * x + x
        cosine = ((_C0 * square + _C1) * square + _C2) * square * square
        cosine = cosine - _HALF * square + _ONE
        cosine = -cosine if words[i] & nb.uint32(2) else cosine
        swap = words[i] & nb.uint32(1)
        z[0, i] = radius[i] * (sine if swap else cosine)
        z[1, i] = radius[i] * (cosine if swap else sine)


@kernel
def _spread(variance, z, out):
    """Add ``sqrt(variance) z``; apart from its caller, which would keep it scalar."""
    for i in range(out.size):
        out[i] += np.float64(np.sqrt(variance[i]) * z[i])


@kernel
def add_gaussian(variance, key, out):
    """Add to every output a normal number of its own variance.

    Parameters
    ----------
    variance : float32 (k,)
    key : uint64
        Of this read; the numbers are a function of key and place alone.
    out : float64 (k,)
    """
    mixed = step_key(key, nb.uint64(0))
    low = nb.uint32(mixed & nb.uint64(0xFFFFFFFF))
    high = nb.uint32(mixed >> nb.uint64(32))
    words = np.empty(TILE, np.uint32)
    radius = np.empty(TILE, np.float32)
    z = np.empty((2, TILE), np.float32)
    k = out.size
    for start in range(0, k, 2 * TILE):
        part = min(2 * TILE, k - start)
        half = (part + 1) // 2
        _pairs(low, high, start // 2, half, words, radius, z)
        middle, end = start + half, start + part
        _spread(variance[start:middle], z[0], out[start:middle])
        _spread(variance[middle:end], z[1], out[middle:end])
