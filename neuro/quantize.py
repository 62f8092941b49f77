r"""Quantisers of weights and of spikes, shared by all models.

Weights of :math:`b_w \ge 2` bits lie on a symmetric grid,
:math:`w_q = \Delta\,\mathrm{clip}(\mathrm{round}(w/\Delta), -m, m)` with
:math:`m = 2^{b_w-1}-1` and :math:`\Delta = \max|w|/m` per output channel; weights of
one bit are :math:`\alpha\,\mathrm{sign}(w)`, :math:`\alpha` the mean of :math:`|w|`.
A neuron that sends :math:`b_s`-bit spikes emits the integer
:math:`k = \mathrm{clip}(\mathrm{round}(v/v_\mathrm{th}), 0, 2^{b_s}-1)`.

Notes
-----
Shen et al. (CVPR 2024) print neither a clipping rule for weights nor the order of
reset and quantisation of the neuron; both are fixed here as stated (unverified against
the authors' code, which is not public).

References
----------
.. [1] Shen et al., "Are Conventional SNNs Really Efficient? A Perspective from Network
       Quantization", CVPR 2024, pp. 27538-27547.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

__all__ = [
    "QuantizedWeights",
    "bit_planes",
    "from_bit_planes",
    "multibit_gradient",
    "multibit_level",
    "multibit_step",
    "quantize_weights",
    "weight_gradient",
    "weight_step",
]

__references__ = ("shen2024",)
Float = NDArray[np.float64]


class QuantizedWeights(NamedTuple):
    """Result of :func:`quantize_weights`.

    Attributes
    ----------
    values : ndarray of float64
        Quantised weights, ``levels * step``.
    levels : ndarray of int64
        Integers in ``-m..m`` (one bit: -1 or +1).
    step : ndarray of float64
        Step, broadcast against `values`.
    """

    values: Float
    levels: NDArray[np.int64]
    step: Float


def _bits(what: str, bits: int) -> int:
    if isinstance(bits, bool) or int(bits) != bits or bits < 1:
        raise ParameterError(f"{what}: bits must be an integer >= 1, got {bits!r}")
    return int(bits)


def _weights(w: ArrayLike) -> Float:
    x = np.asarray(w, np.float64)
    if not np.isfinite(x).all():
        raise ParameterError("quantize_weights: weights must be finite")
    return x


def weight_step(w: ArrayLike, bits: int, *, axis: int | None = 0) -> Float:
    """Return the step of each output channel, or of the whole tensor.

    Parameters
    ----------
    w : array_like
        Weights.
    bits : int
        Width, >= 1.
    axis : int or None
        Axis of the output channels; None: one step per tensor.
    """
    x, bits = _weights(w), _bits("weight_step", bits)
    axes = None if axis is None else tuple(k for k in range(x.ndim) if k != axis)
    size = np.abs(x)
    if bits == 1:
        step = size.mean(axis=axes, keepdims=True)
    else:
        step = size.max(axis=axes, keepdims=True, initial=0.0) / (2 ** (bits - 1) - 1)
    return np.asarray(step, np.float64)


def quantize_weights(
    w: ArrayLike,
    bits: int,
    *,
    axis: int | None = 0,
    step: ArrayLike | None = None,
) -> QuantizedWeights:
    """Quantise weights symmetrically.

    Parameters
    ----------
    w : array_like
        Weights, any shape.
    bits : int
        Width, >= 1.
    axis : int or None
        Axis of the output channels; None: one step per tensor.
    step : array_like, optional
        A learned or fixed step that broadcasts against `w`; :func:`weight_step` if
        not given.

    Raises
    ------
    ParameterError
        If `bits` < 1, a weight is not finite or a given step is not positive.

    Examples
    --------
    >>> quantize_weights([[0.5, -1.0, 0.2]], 2).values
    array([[ 0., -1.,  0.]])
    """
    x, bits = _weights(w), _bits("quantize_weights", bits)
    if step is None:
        delta = weight_step(x, bits, axis=axis)
    else:
        delta = np.asarray(step, np.float64)
        if not np.isfinite(delta).all() or (delta <= 0).any():
            raise ParameterError("quantize_weights: a given step must be > 0")
    if bits == 1:
        levels = np.where(x >= 0, 1, -1).astype(np.int64)
    else:
        m = 2 ** (bits - 1) - 1
        safe = np.where(delta > 0, delta, 1.0)
        levels = np.clip(np.rint(x / safe), -m, m).astype(np.int64)
    return QuantizedWeights(levels * delta, levels, delta)


def weight_gradient(
    w: ArrayLike, bits: int, *, axis: int | None = 0, step: ArrayLike | None = None
) -> Float:
    """Straight-through gradient: 1 inside the clip range, 0 outside.

    With the default step nothing lies outside; a fixed or learned step clips.

    Parameters
    ----------
    w : array_like of float
        Weights.
    bits : int
        Width.
    axis : int or None
        Axis whose entries have a step of their own; None: one step.
    step : array_like of float, optional
        Step of the grid; from the weights if not given.
    """
    x, bits = _weights(w), _bits("weight_gradient", bits)
    delta = weight_step(x, bits, axis=axis) if step is None else np.asarray(step)
    m = 1 if bits == 1 else 2 ** (bits - 1) - 1
    if bits == 1 and step is None:
        return np.ones_like(x)
    return (np.abs(x) <= (m + 0.5 if bits > 1 else m) * delta).astype(np.float64)


def multibit_level(
    v: ArrayLike,
    *,
    v_threshold: float = 1.0,
    bits: int = 1,
    rounding: Literal["nearest", "floor"] = "nearest",
) -> NDArray[np.int64]:
    """Return the integer that a membrane sends.

    Parameters
    ----------
    v : array_like
        Membrane.
    v_threshold : float
        Threshold, > 0; the spike's value is ``k * v_threshold``.
    bits : int
        Bits of one spike; levels 0 to 2**bits - 1.
    rounding : {"nearest", "floor"}
        ``"floor"`` with one bit is the ordinary threshold test.
    """
    bits = _bits("multibit_level", bits)
    if not v_threshold > 0:
        raise ParameterError(f"multibit_level: v_threshold > 0, got {v_threshold}")
    if rounding not in ("nearest", "floor"):
        raise ParameterError(
            f"multibit_level: rounding 'nearest' or 'floor', got {rounding!r}"
        )
    x = np.asarray(v, np.float64) / v_threshold
    whole = np.rint(x) if rounding == "nearest" else np.floor(x)
    return np.clip(whole, 0, 2**bits - 1).astype(np.int64)


def multibit_step(
    v: ArrayLike,
    i: ArrayLike,
    *,
    beta: float,
    v_threshold: float = 1.0,
    bits: int = 1,
    reset: Literal["subtract", "zero"] = "subtract",
    rounding: Literal["nearest", "floor"] = "nearest",
) -> tuple[NDArray[np.int64], Float]:
    r"""Advance multi-bit neurons by one step.

    .. math:: v \leftarrow \beta v + i,\quad
              k = \mathrm{clip}(\mathrm{round}(v/v_\mathrm{th}), 0, 2^{b}-1),\quad
              v \leftarrow v - k\,v_\mathrm{th}

    Parameters
    ----------
    v, i : array_like
        Membrane and input, same shape.
    beta : float
        Decay per step, 0 to 1.
    v_threshold, bits, rounding
        As in :func:`multibit_level`.
    reset : {"subtract", "zero"}
        ``"zero"`` sets the membrane to 0 where a spike was sent.

    Returns
    -------
    k : ndarray of int64
        Level sent.
    v : ndarray of float64
        New membrane.
    """
    if not 0 <= beta <= 1:
        raise ParameterError(f"multibit_step: beta in [0, 1], got {beta}")
    if reset not in ("subtract", "zero"):
        raise ParameterError(
            f"multibit_step: reset 'subtract' or 'zero', got {reset!r}"
        )
    new = beta * np.asarray(v, np.float64) + np.asarray(i, np.float64)
    k = multibit_level(new, v_threshold=v_threshold, bits=bits, rounding=rounding)
    new = new - k * v_threshold if reset == "subtract" else np.where(k > 0, 0.0, new)
    return k, new


def multibit_gradient(
    v: ArrayLike, *, v_threshold: float = 1.0, bits: int = 1
) -> Float:
    """Straight-through surrogate: 1 on ``[-v_th/2, (2**bits - 1/2) v_th]``, else 0.

    Parameters
    ----------
    v : array_like of float
        Membrane potential.
    v_threshold : float
        Potential per level.
    bits : int
        Width of a spike.
    """
    bits = _bits("multibit_gradient", bits)
    x = np.asarray(v, np.float64) / v_threshold
    inside: Float = ((x >= -0.5) & (x <= 2**bits - 0.5)).astype(np.float64)
    return inside


def bit_planes(a: ArrayLike, bits: int) -> NDArray[np.uint8]:
    r"""Split unsigned integers into bit planes, lowest first.

    :math:`a = \sum_{t=0}^{B-1} 2^t a^{(t)}`, so one product with B-bit activations is B
    passes with binary ones, shifted and added.

    Parameters
    ----------
    a : array_like of int
        Values in 0..2**bits - 1.
    bits : int
        Number of planes.

    Returns
    -------
    ndarray of uint8, shape (bits, *a.shape)
        The planes.
    """
    bits = _bits("bit_planes", bits)
    x: NDArray[Any] = np.asarray(a)
    if x.dtype.kind not in "iub":
        raise ParameterError(f"bit_planes: expected integers, got {x.dtype}")
    x = x.astype(np.int64)
    if x.size and (x.min() < 0 or x.max() >= 2**bits):
        raise ParameterError(
            f"bit_planes: values must lie in 0..{2**bits - 1}, got {x.min()}..{x.max()}"
        )
    return np.stack([(x >> t) & 1 for t in range(bits)]).astype(np.uint8)


def from_bit_planes(planes: ArrayLike) -> NDArray[np.int64]:
    """Put bit planes together again; the inverse of :func:`bit_planes`.

    Parameters
    ----------
    planes : array_like of int, shape (bits, ...)
        Least significant first.
    """
    x = np.asarray(planes, np.int64)
    weights = (1 << np.arange(x.shape[0], dtype=np.int64)).reshape(
        -1, *[1] * (x.ndim - 1)
    )
    total: NDArray[np.int64] = (x * weights).sum(0)
    return total
