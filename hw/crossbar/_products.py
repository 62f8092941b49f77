"""How an analog matrix multiplies: converters, tiles, groups of columns, bits."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .converters import DAC, bit_serial, combine_bits
from .noise import noisy_product
from .tile import Tile

if TYPE_CHECKING:
    from .analog import AnalogMatrix

__all__ = ["multiply", "read_pattern"]

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
