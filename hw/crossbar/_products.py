"""How an analog matrix multiplies: converters, tiles, groups of columns, bits."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from .converters import DAC, bit_serial, combine_bits
from .noise import noisy_product
from .tile import Tile

if TYPE_CHECKING:
    from .analog import AnalogMatrix

__all__ = ["multiply", "read_pattern", "spike_pattern"]

Floats = NDArray[np.float64]


def multiply(
    matrix: "AnalogMatrix", x: Floats, seen: list[Floats] | None = None
) -> Floats:
    """Products of rows (batch, pre) with everything on; `seen` collects currents."""
    c = matrix.config
    if c.topology == "gated":
        return _bit_by_bit(matrix, x, seen)
    dac: DAC | None = matrix._dac
    scale = float(np.abs(x).max(initial=0.0)) or 1.0
    if dac is not None:
        scale, x = dac.scale_of(x), dac(x)
    seconds = matrix._seconds(matrix.time / c.seconds_per_step)[0]
    volts = x * (c.v_read / scale)
    out = np.zeros((x.shape[0], matrix.shape[0]))
    for i, row in enumerate(matrix.tiles):
        for tile in row:
            g_eff, variance = tile.effective(seconds)
            v = volts[:, matrix.row_tiles[i]]
            if variance is None:
                current = v @ g_eff
            else:
                current = noisy_product(v, g_eff, variance, matrix._next_rng())
            _combine(matrix, tile, current, out, seen)
    out *= scale / c.v_read
    return np.asarray(out + matrix.encoded.offset * x.sum(1, keepdims=True))


def _combine(
    matrix: "AnalogMatrix",
    tile: Tile,
    current: Floats,
    out: Floats,
    seen: list[Floats] | None,
) -> None:
    """Subtract within groups, convert, weigh, add: ``out`` in weight x volts."""
    for group in matrix.encoded.groups:
        total = np.zeros((current.shape[0], tile.cols.stop - tile.cols.start))
        for k in group:
            sign = np.sign(matrix.encoded.factors[k][0])
            total += (sign if len(group) > 1 else 1.0) * tile.plane(current, k)
        if seen is not None:
            seen.append(total.copy())
        if matrix._adc is not None:
            matrix.clip_share = matrix._adc.clip_share(total)
            total = matrix._adc(total, matrix._next_rng())
        f = matrix.encoded.factors[group[0]]
        factor = np.abs(f) if len(group) > 1 else f
        out[:, tile.cols] += total * (factor[tile.cols] if factor.size > 1 else factor)


def _bit_by_bit(matrix: "AnalogMatrix", x: Floats, seen: list[Floats] | None) -> Floats:
    """Gated arrays: binary reads of each bit and sign, shifted and added."""
    dac = matrix._dac or DAC(bits=8)
    codes = dac.codes(x)
    bits = max(int(dac.steps).bit_length(), 1)
    unit = dac.scale_of(x) / dac.steps
    total = np.zeros((x.shape[0], matrix.shape[0]))
    for sign in (1, -1):
        part = np.maximum(sign * codes, 0)
        if not part.any():
            continue
        reads = np.stack(
            [read_pattern(matrix, p, seen) for p in bit_serial(part, bits)]
        )
        total += sign * unit * combine_bits(reads)
    return total


def read_pattern(
    matrix: "AnalogMatrix", gates: ArrayLike, seen: list[Floats] | None = None
) -> Floats:
    """Binary read of patterns (batch, pre) at the read voltage."""
    c = matrix.config
    pattern = np.atleast_2d(np.asarray(gates, np.float64))
    seconds = matrix._seconds(matrix.time / c.seconds_per_step)[0]
    volts = c.v_read * pattern
    out = np.zeros((pattern.shape[0], matrix.shape[0]))
    gated = c.topology == "gated" and c.wired
    for i, row in enumerate(matrix.tiles):
        for tile in row:
            v = volts[:, matrix.row_tiles[i]]
            g_eff, variance = tile.effective(seconds)
            if gated:
                current = tile.circuit(seconds).mvm(v)
                if variance is not None:
                    noise = np.sqrt((v * v) @ variance)
                    z = matrix._next_rng().standard_normal(current.shape)
                    current = current + noise * z
            elif variance is None:
                current = v @ g_eff
            else:
                current = noisy_product(v, g_eff, variance, matrix._next_rng())
            _combine(matrix, tile, current, out, seen)
    drives = pattern.sum(1, keepdims=True)
    return np.asarray(out / c.v_read + matrix.encoded.offset * drives)


def spike_pattern(spikes: ArrayLike, size: int) -> tuple[Floats, bool]:
    """Return patterns (batch, size) of 0 and 1, and whether a batch was given.

    Boolean rows, rows of `size` numbers in two dimensions, or a list of active rows.
    """
    a = np.asarray(spikes)
    if a.dtype == bool or (a.ndim == 2 and a.shape[1] == size):
        if a.shape[-1] != size:
            raise ShapeError(
                f"spike_read: {a.shape[-1]} rows given, the matrix has {size}"
            )
        return np.atleast_2d(a).astype(np.float64), a.ndim == 2
    index = a.astype(np.int64).ravel()
    if index.size and not 0 <= index.min() <= index.max() < size:
        raise ParameterError(f"spike_read: rows must lie in 0..{size - 1}")
    pattern = np.zeros((1, size))
    pattern[0, index] = 1.0
    return pattern, a.ndim == 2
