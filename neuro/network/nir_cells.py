"""One NIR node as a population: model, initial state, and how inputs enter it.

What a spike, a real value and a constant mean depends on the semantics; see
:mod:`neuro.network.nir_reader`.
"""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, UnsupportedNodeError
from neuro.network.models import (
    CubaLi,
    IfDelta,
    Li,
    LifDelta,
    LifExp,
    Relay,
    ThresholdUnit,
)
from neuro.network.models.discrete import (
    EulerCubaLi,
    EulerCubaLif,
    EulerLi,
    EulerLif,
)

__all__ = ["NODES", "Cell", "row_of"]

log = logging.getLogger(__name__)
Array = NDArray[Any]


class Cell(NamedTuple):
    """A population to be, and how inputs enter it."""

    model: Any
    init: dict[str, Any] | None = None
    spike_port: str = "input"
    spike_gain: Any = 1.0  # factor on the weight of a spike, per neuron
    real_port: str = "input"
    real_gain: Any = 1.0
    drive: Any = None  # constant into the port "input" that the model cannot hold


_Maker = Callable[[Any, Array | None, float, str], Cell]
NODES: dict[str, _Maker] = {}


def _node(name: str) -> Callable[[_Maker], _Maker]:
    def register(make: _Maker) -> _Maker:
        NODES[name] = make
        return make

    return register


def row_of(value: Any) -> Any:
    """Flat float64; a number where all entries are equal."""
    flat = np.asarray(value, np.float64).ravel()
    return float(flat[0]) if flat.size and (flat == flat[0]).all() else flat


def _reset(node: Any, semantics: str) -> Any:
    if semantics not in ("snntorch", "norse"):
        return row_of(node.v_reset)
    if np.any(np.asarray(node.v_reset)):
        log.warning("NIR: semantics %r resets to 0, not to v_reset", semantics)
    return 0.0


def _resistance(node: Any, semantics: str) -> Any:
    r = row_of(node.r)
    if semantics == "norse" and np.any(np.asarray(r) != 1):
        log.warning("NIR: semantics 'norse' takes r as 1, the graph has %s", r)
        return 1.0
    return r


def _no_leak(node: Any, semantics: str) -> None:
    if semantics == "snntorch" and np.any(np.asarray(node.v_leak)):
        raise ParameterError(
            "NIR: snnTorch has no v_leak, the graph has one; use semantics='euler'"
        )


@_node("LIF")
def _lif(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    tau, leak, b = row_of(node.tau), row_of(node.v_leak), _bias(bias)
    theta = row_of(node.v_threshold)
    if semantics == "continuous":
        r = row_of(node.r)
        model = LifDelta(
            tau_mem=tau,
            r=r,
            v_leak=leak,
            v_threshold=theta,
            v_reset=row_of(node.v_reset),
            i_e=b,
        )
        return Cell(model, spike_gain=r / tau, real_port="current")
    _no_leak(node, semantics)
    r = _resistance(node, semantics)
    gain = dt / tau * r
    return Cell(
        EulerLif(
            keep=1 - dt / tau,
            gain=gain,
            drive=dt / tau * leak + gain * b,
            v_threshold=theta,
            v_reset=_reset(node, semantics),
        ),
        {"v": leak},
    )


@_node("IF")
def _if(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    theta, b = row_of(node.v_threshold), _bias(bias)
    if semantics == "continuous":
        r = row_of(node.r)
        model = IfDelta(r=r, v_threshold=theta, v_reset=row_of(node.v_reset), i_e=b)
        return Cell(model, spike_gain=r, real_port="current")
    if semantics == "snntorch":
        raise UnsupportedNodeError(
            "NIR: snnTorch reads an IF as a leaky neuron of beta 0.9, which is not an "
            "IF; use semantics='euler'"
        )
    gain = 1.0 if semantics == "norse" else dt * row_of(node.r)
    _resistance(node, semantics)
    return Cell(
        EulerLif(
            keep=1.0,
            gain=gain,
            drive=gain * b,
            v_threshold=theta,
            v_reset=_reset(node, semantics),
        )
    )


@_node("LI")
def _li(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    tau, leak, r = row_of(node.tau), row_of(node.v_leak), row_of(node.r)
    b = _bias(bias)
    if semantics == "continuous":
        model = Li(tau_mem=tau, r=r, v_leak=leak + r * b)
        return Cell(model, {"v": leak}, spike_gain=r / tau, real_port="current")
    _no_leak(node, semantics)
    gain = dt / tau * r
    return Cell(
        EulerLi(keep=1 - dt / tau, gain=gain, drive=dt / tau * leak + gain * b, v0=leak)
    )


@_node("I")
def _integrator(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    r = row_of(node.r)
    drive = dt * r * _bias(bias)
    if semantics == "continuous":  # exact: the integral of a constant is linear
        model = EulerLi(keep=1.0, gain=1.0, drive=drive)
        return Cell(model, spike_gain=r, real_gain=dt * r)
    return Cell(EulerLi(keep=1.0, gain=dt * r, drive=drive))


@_node("CubaLIF")
def _cuba_lif(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    tau, tau_s, leak = row_of(node.tau_mem), row_of(node.tau_syn), row_of(node.v_leak)
    r, w_in, b = row_of(node.r), row_of(node.w_in), _bias(bias)
    theta = row_of(node.v_threshold)
    if semantics == "continuous":
        model = LifExp(
            tau_mem=tau,
            tau_syn=tau_s,
            r=r,
            v_leak=leak,
            v_threshold=theta,
            v_reset=row_of(node.v_reset),
            i_e=w_in * b,
        )
        return Cell(
            model,
            _settling(w_in * b),
            spike_gain=w_in / tau_s,
            real_gain=-np.expm1(-dt / tau_s) * w_in,
        )
    return Cell(
        EulerCubaLif(
            **_euler_cuba(node, b, dt, semantics),
            v_threshold=theta,
            v_reset=_reset(node, semantics),
        ),
        {"v": leak},
    )


@_node("CubaLI")
def _cuba_li(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    tau, tau_s, leak = row_of(node.tau_mem), row_of(node.tau_syn), row_of(node.v_leak)
    r, w_in, b = row_of(node.r), row_of(node.w_in), _bias(bias)
    if semantics == "continuous":
        model = CubaLi(tau_mem=tau, tau_syn=tau_s, r=r, v_leak=leak + r * w_in * b)
        return Cell(
            model,
            {"v": leak, **(_settling(w_in * b) or {})},
            spike_gain=w_in / tau_s,
            real_gain=-np.expm1(-dt / tau_s) * w_in,
        )
    return Cell(EulerCubaLi(**_euler_cuba(node, b, dt, semantics), v0=leak))


def _euler_cuba(node: Any, b: Any, dt: float, semantics: str) -> dict[str, Any]:
    _no_leak(node, semantics)
    tau, tau_s, leak = row_of(node.tau_mem), row_of(node.tau_syn), row_of(node.v_leak)
    gain_i = dt / tau_s * row_of(node.w_in)
    drive_i = gain_i * b
    if semantics == "norse":  # the synapse is a leaky integrator with the same leak
        drive_i = drive_i + dt / tau_s * leak
    return {
        "keep_i": 1 - dt / tau_s,
        "gain_i": gain_i,
        "drive_i": drive_i,
        "keep": 1 - dt / tau,
        "gain": dt / tau * row_of(node.r),
        "drive": dt / tau * leak,
    }


def _settling(constant: Any) -> dict[str, Any] | None:
    """A constant input that sets in at 0: the current approaches it with tau_syn."""
    return {"i_syn": -np.asarray(constant)} if np.any(constant) else None


@_node("Threshold")
def _threshold(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    return Cell(ThresholdUnit(v_threshold=row_of(node.threshold) - _bias(bias)))


@_node("Output")
def _output(node: Any, bias: Array | None, dt: float, semantics: str) -> Cell:
    return Cell(Relay(), drive=bias)


def _bias(bias: Array | None) -> Any:
    return 0.0 if bias is None else row_of(bias)
