"""How an analog matrix multiplies: converters, tiles, groups of columns, bits."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from .converters import DAC, bit_serial, combine_bits
from .noise import add_noise, noisy_product
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
    gated = c.topology == "gated"
    if c.encoding == "bit_serial" or (gated and c.encoding == "auto"):
        return _bit_by_bit(matrix, x, seen)
    if gated:
        return _pulse_by_length(matrix, x, seen)
    dac: DAC | None = matrix._dac
    scale = float(np.abs(x).max(initial=0.0)) or 1.0
    if dac is not None:
        scale, x = dac.scale_of(x), dac(x)
    out = _read(matrix, [x * (c.v_read / scale)], seen)
    return np.asarray(out * (scale / c.v_read) + _offset(matrix, x))


def read_pattern(
    matrix: "AnalogMatrix", gates: ArrayLike, seen: list[Floats] | None = None
) -> Floats:
    """Binary read of patterns (batch, pre) at the read voltage."""
    pattern = np.atleast_2d(np.asarray(gates, np.float64))
    v_read = matrix.config.v_read
    return _read(matrix, [v_read * pattern], seen) / v_read + _offset(matrix, pattern)


def _offset(matrix: "AnalogMatrix", x: Floats) -> Floats:
    """Digital share of the mapping: the sum of the inputs times its factor."""
    return np.asarray(matrix.encoded.offset * x.sum(1, keepdims=True))


def _read(
    matrix: "AnalogMatrix", drives: Iterable[Floats], seen: list[Floats] | None
) -> Floats:
    """Sum the currents of all drives (batch, pre) in every array, convert, combine.

    Returns weights times volts, drift compensated, without the mapping's offset.
    """
    seconds = matrix._seconds(matrix.time / matrix.config.seconds_per_step)[0]
    volts = list(drives)
    out = np.zeros((volts[0].shape[0], matrix.shape[0]))
    for i, row in enumerate(matrix.tiles):
        for tile in row:
            parts = [
                _currents(matrix, tile, v[:, matrix.row_tiles[i]], seconds)
                for v in volts
            ]
            _combine(matrix, tile, sum(parts[1:], start=parts[0]), out, seen)
    return np.asarray(out * matrix.gain(seconds))


def _currents(matrix: "AnalogMatrix", tile: Tile, v: Floats, seconds: float) -> Floats:
    """Column currents of one array, read noise included."""
    g_eff, variance = tile.effective(seconds)
    if matrix.config.topology == "gated" and matrix.config.wired:
        current = tile.circuit(seconds).mvm(v)
        if variance is not None:
            add_noise(current, v, variance, matrix._next_rng())
        return current
    if variance is None:
        return np.asarray(v @ g_eff)
    return noisy_product(v, g_eff, variance, matrix._next_rng())


def _combine(
    matrix: "AnalogMatrix",
    tile: Tile,
    current: Floats,
    out: Floats,
    seen: list[Floats] | None,
) -> None:
    """Limit, subtract within groups, convert, weigh, add to `out`."""
    limit = matrix.config.column_limit
    if limit is not None:
        current = np.clip(current, -limit, limit)
    encoded = matrix.encoded
    for group in encoded.groups:
        total = np.zeros((current.shape[0], tile.cols.stop - tile.cols.start))
        for k in group:
            sign = np.sign(encoded.factors[k][0])
            total += (sign if len(group) > 1 else 1.0) * tile.plane(current, k)
        total = _convert(matrix, total, seen)
        f = encoded.factors[group[0]]
        factor = np.abs(f) if len(group) > 1 else f
        out[:, tile.cols] += total * (factor[tile.cols] if factor.size > 1 else factor)
    if encoded.dummy is not None:
        common = _convert(matrix, tile.dummy(current)[:, None], seen)
        factor = encoded.dummy_factor
        out[:, tile.cols] += common * (factor[tile.cols] if factor.size > 1 else factor)


def _convert(
    matrix: "AnalogMatrix", current: Floats, seen: list[Floats] | None
) -> Floats:
    """Column currents behind the converter; `seen` collects them before it."""
    if seen is not None:
        seen.append(current.copy())
    if matrix._adc is None:
        return current
    matrix.clip_share = matrix._adc.clip_share(current)
    return matrix._adc(current, matrix._next_rng())


def _signed_codes(matrix: "AnalogMatrix", x: Floats) -> tuple[DAC, list[Any], float]:
    """Return the input converter, ``(sign, codes)`` of both passes, and its step."""
    dac = matrix._dac or DAC(bits=8)
    codes = dac.codes(x)
    parts = [(sign, np.maximum(sign * codes, 0)) for sign in (1, -1)]
    return dac, [p for p in parts if p[1].any()], dac.scale_of(x) / dac.steps


def _bit_by_bit(matrix: "AnalogMatrix", x: Floats, seen: list[Floats] | None) -> Floats:
    """Binary reads and conversions of each bit and sign, shifted and added."""
    dac, passes, unit = _signed_codes(matrix, x)
    bits = max(int(dac.steps).bit_length(), 1)
    total = np.zeros((x.shape[0], matrix.shape[0]))
    for sign, part in passes:
        reads = np.stack(
            [read_pattern(matrix, p, seen) for p in bit_serial(part, bits)]
        )
        total += sign * unit * combine_bits(reads)
    return total


def _pulse_by_length(
    matrix: "AnalogMatrix", x: Floats, seen: list[Floats] | None
) -> Floats:
    """Rows held open for their number of time slots; one conversion of the charge."""
    _, passes, unit = _signed_codes(matrix, x)
    v_read = matrix.config.v_read
    total = np.zeros((x.shape[0], matrix.shape[0]))
    for sign, part in passes:
        slots = [v_read * (part >= k) for k in range(1, int(part.max()) + 1)]
        charge = _read(matrix, slots, seen) / v_read
        total += sign * unit * (charge + _offset(matrix, part.astype(np.float64)))
    return total


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
    if (index != a.ravel()).any():
        raise ParameterError(
            "spike_read: expected booleans, a batch of rows or indices of active rows, "
            f"got {a.ravel()[index != a.ravel()][0]!r}"
        )
    if index.size and not 0 <= index.min() <= index.max() < size:
        raise ParameterError(f"spike_read: rows must lie in 0..{size - 1}")
    pattern = np.zeros((1, size))
    pattern[0, index] = 1.0
    return pattern, a.ndim == 2
