"""Propagators and checks that the built-in models share."""

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

__all__ = [
    "alpha_propagator",
    "check",
    "decay",
    "psc_propagator",
    "refractory_steps",
    "reset_rows",
    "threshold",
]

Array = NDArray[np.float64]


def check(model: Any, *, positive: tuple[str, ...] = (), free: str = "") -> None:
    """Check all numeric fields of a model: finite, and > 0 where asked.

    `free` names a field that may be infinite (a threshold that is never reached).
    """
    for field in fields(model):
        name, value = field.name, getattr(model, field.name)
        if isinstance(value, str):
            continue
        try:
            array = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            raise ParameterError(
                f"{type(model).__name__}.{name}: expected a number or an array of "
                f"shape (n,), got {value!r}"
            ) from None
        bad = np.isnan(array) if name == free else ~np.isfinite(array)
        what = "a finite value"
        if name in positive and not bad.any():
            bad, what = array <= 0, "> 0"
        elif name == "t_ref" and not bad.any():
            bad, what = array < 0, ">= 0"
        if bad.any():
            at = f"[{int(np.argmax(bad))}]" if array.ndim else ""
            got = array.flat[int(np.argmax(bad))]
            unit = "; times are in seconds" if name[:2] in ("ta", "t_") else ""
            raise ParameterError(
                f"{type(model).__name__}.{name}{at}: expected {what}, got {got}{unit}"
            )
    if getattr(model, "reset", "value") not in ("value", "subtract"):
        raise ParameterError(
            f"{type(model).__name__}.reset: 'value' or 'subtract', got {model.reset!r}"
        )
    if getattr(model, "reset", "subtract") == "value" and hasattr(model, "v_reset"):
        low, high = np.broadcast_arrays(model.v_reset, model.v_threshold)
        bad = np.asarray(low >= high)
        if bad.any():
            k = int(np.argmax(bad))
            raise ParameterError(
                f"{type(model).__name__}.v_reset: expected below v_threshold, got "
                f"{np.ravel(low)[k]} >= {np.ravel(high)[k]}"
            )


def decay(dt: float, tau: Any) -> Array:
    """Return exp(-dt / tau)."""
    return np.asarray(np.exp(-dt / np.asarray(tau, np.float64)))


def _phi(x: Array) -> Array:
    """(e^x - 1) / x, 1 at 0."""
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.expm1(safe) / safe)


def _psi(x: Array) -> Array:
    """Integral of u e^(x u) over 0..1; a series where the closed form cancels."""
    series, term = np.zeros_like(x), np.ones_like(x)
    near = np.where(np.abs(x) < 1, x, 0.0)
    for k in range(24):
        series = series + term / (k + 2)
        term = term * near / (k + 1)
    safe = np.where(np.abs(x) < 1, 1.0, x)
    return np.where(
        np.abs(x) < 1, series, (np.exp(safe) * (safe - 1) + 1) / (safe * safe)
    )


def psc_propagator(dt: float, tau_mem: Any, tau_syn: Any, r: Any) -> Array:
    r"""Effect on V after dt of a unit exponential current at the step's beginning.

    .. math:: P = \frac{R}{\tau_m} \frac{\tau_s\tau_m}{\tau_s - \tau_m} (P_s - P_m)

    written with expm1 of the difference, so that equal time constants are no exception.
    """
    tau_mem = np.asarray(tau_mem, np.float64)
    tau_syn = np.asarray(tau_syn, np.float64)
    x = dt * (tau_syn - tau_mem) / (tau_mem * tau_syn)
    return np.asarray(np.asarray(r) / tau_mem * dt * decay(dt, tau_mem) * _phi(x))


def alpha_propagator(dt: float, tau_mem: Any, tau_syn: Any, r: Any) -> Array:
    """Effect on V after dt of a unit slope of an alpha current."""
    tau_mem = np.asarray(tau_mem, np.float64)
    tau_syn = np.asarray(tau_syn, np.float64)
    x = np.asarray(dt * (tau_syn - tau_mem) / (tau_mem * tau_syn))
    return np.asarray(np.asarray(r) / tau_mem * dt * dt * decay(dt, tau_mem) * _psi(x))


def threshold(v_threshold: Any, convention: str) -> Array:
    """Return the threshold of an inclusive test.

    ``v > theta`` equals ``v >= next float above theta``: a strict test costs nothing.
    """
    theta = np.asarray(v_threshold, np.float64)
    return theta if convention == "nest" else np.nextafter(theta, np.inf)


def refractory_steps(t_ref: Any, dt: float, convention: str) -> Array:
    """Return the steps for which the voltage is held after a spike."""
    steps = np.floor(np.asarray(t_ref, np.float64) / dt + 0.5)
    return np.maximum(steps - 1, 0) if convention == "brian2" else steps


def reset_rows(model: Any) -> dict[str, Any]:
    """Rows of the reset ``v <- keep * v + v_after``."""
    if model.reset == "subtract":
        return {"keep": 1.0, "v_after": -np.asarray(model.v_threshold, np.float64)}
    return {"keep": 0.0, "v_after": model.v_reset}
