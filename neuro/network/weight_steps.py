"""Weights that are multiples of one step, stored as integers of one or two bytes."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError
from neuro.network.distributions import Distribution

if TYPE_CHECKING:
    from neuro.network.description import Projection
    from neuro.network.network import Network

__all__ = ["MAX_CODE", "check_step", "code_type", "largest_code", "on_steps"]

MAX_CODE = 32_767
_NEAR = 1e-4  # of a step: single precision of 8 bit weights is good to 1e-5


def check_step(q: "Projection", who: str) -> None:
    """Check the step of a projection, and its weights where they are given."""
    step: Any = q.weight_step
    if (
        isinstance(step, bool)
        or not isinstance(step, int | float | np.number)
        or not (np.isfinite(step) and step > 0)
    ):
        raise ParameterError(f"{who}.weight_step: expected > 0, got {step!r}")
    if q.plasticity is not None:
        raise ParameterError(f"{who}.weight_step: plastic weights have no step")
    if not hasattr(q.rule, "chunks"):
        return  # a layout: its weights are looked at when they are laid out
    if q.weight is not None and not isinstance(q.weight, Distribution):
        on_steps(np.asarray(q.weight, np.float64), float(step), f"{who}.weight")


def on_steps(
    weight: NDArray[np.float64],
    step: float,
    who: str,
    *,
    at: int = 0,
    drawn: bool = False,
) -> NDArray[np.float64]:
    """Return the nearest multiples of `step`.

    Parameters
    ----------
    weight : ndarray of float64
        Weights.
    step : float
        The step.
    who : str
        For messages.
    at : int
        Index of the first weight, for messages.
    drawn : bool
        Drawn weights are rounded; given ones must be multiples.

    Raises
    ------
    ParameterError
        If a given weight is no multiple, or any is more than 32,767 steps.
    """
    ratio = weight / step
    codes = np.rint(ratio)
    bad = np.abs(codes) > MAX_CODE
    what = f"more than {MAX_CODE} steps"
    if not bad.any() and not drawn:
        bad = np.abs(ratio - codes) > _NEAR
        what = "no multiple"
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        index = f"[{at + k}]" if weight.ndim else ""
        raise ParameterError(
            f"{who}{index} = {weight.flat[k]:g}: {what} of weight_step = {step:g}; "
            "quantise the weights or choose another step"
        )
    return np.asarray(codes * step)


def largest_code(q: "Projection") -> int:
    """Return a bound on the steps of a projection's weights."""
    from neuro.network.expand import to_csr

    low, high = _range(q.weight)
    size = max(abs(low), abs(high))
    if not hasattr(q.rule, "chunks"):
        size *= float(np.abs(to_csr(q.rule).weights).max(initial=0.0))
    step = float(q.weight_step or 1.0)
    return int(min(np.rint(min(size / step, MAX_CODE + 1.0)), MAX_CODE))


def _range(weight: Any) -> tuple[float, float]:
    if weight is None:
        return 1.0, 1.0
    if isinstance(weight, Distribution):
        return float(getattr(weight, "low", -np.inf)), float(
            getattr(weight, "high", np.inf)
        )
    array = np.asarray(weight, np.float64)
    return float(array.min(initial=0.0)), float(array.max(initial=0.0))


def code_type(net: "Network") -> Any:
    """Return the integer type that all weights of their own fit in; None for floats."""
    own = [q for q in net.projections if q.plasticity is None and varies(q)]
    if not own or any(q.weight_step is None for q in own):
        return None
    return np.int8 if max(largest_code(q) for q in own) <= 127 else np.int16


def varies(q: "Projection") -> bool:
    """Whether the synapses have weights or delays of their own."""
    if any(isinstance(x, Distribution) or np.ndim(x) > 0 for x in (q.weight, q.delay)):
        return True
    if hasattr(q.rule, "chunks"):
        return False
    own = np.asarray(getattr(q.rule, "weights", np.zeros(0)))
    return not (own.size > 0 and bool((own == own[0]).all()))
