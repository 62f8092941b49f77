r"""Neurons as the deep-learning frameworks step them: forward Euler.

.. math::
    i_{n+1} &= \alpha\, i_n + g_i\, s_{n+1} + d_i \\
    v_{n+1} &= \beta\, v_n + g\, i_{n+1} + d, \qquad
    z = v_{n+1} > v_\mathrm{threshold},\; v \leftarrow v_\mathrm{reset}

with :math:`s` everything that arrives in the step, events and real values alike. These
models exist for networks that were trained on a clock (snnTorch, Norse); a network of
continuous time uses :class:`~neuro.network.LifDelta` and
:class:`~neuro.network.LifExp`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neuro.network.models._kernels.discrete import euler_cuba_step, euler_step
from neuro.network.models._parameters import check
from neuro.network.registry import register_neuron

__all__ = ["EulerCubaLi", "EulerCubaLif", "EulerLi", "EulerLif"]

_CUBA_ROWS = (
    "keep_i", "gain_i", "drive_i", "keep", "gain", "drive", "theta", "v_after",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EulerLif:
    """``v <- keep v + gain s + drive``, spike above threshold.

    Parameters
    ----------
    keep, gain, drive : float or ndarray of shape (n,)
        Factor of the voltage, factor of the input, constant, per step.
    v_threshold, v_reset : float or ndarray
        Threshold (strict) and reset.
    """

    params: ClassVar[tuple[str, ...]] = ("keep", "gain", "drive", "theta", "v_after")
    state: ClassVar[tuple[str, ...]] = ("v",)
    ports: ClassVar[tuple[str, ...]] = ("input",)

    keep: Any = 0.9
    gain: Any = 1.0
    drive: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0

    def __post_init__(self) -> None:
        check(self, free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {
            "keep": self.keep,
            "gain": self.gain,
            "drive": self.drive,
            "theta": self.v_threshold,
            "v_after": self.v_reset,
        }


register_neuron(EulerLif)(euler_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class EulerLi:
    """:class:`EulerLif` without a threshold; passes its voltage on.

    Parameters
    ----------
    keep, gain, drive : float or ndarray of shape (n,)
        See :class:`EulerLif`.
    v0 : float or ndarray
        Initial voltage.
    """

    params: ClassVar[tuple[str, ...]] = ("keep", "gain", "drive", "theta", "v_after")
    state: ClassVar[tuple[str, ...]] = ("v",)
    ports: ClassVar[tuple[str, ...]] = ("input",)
    output: ClassVar[str] = "v"

    keep: Any = 0.9
    gain: Any = 1.0
    drive: Any = 0.0
    v0: Any = 0.0

    def __post_init__(self) -> None:
        check(self)

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        own = {"keep": self.keep, "gain": self.gain, "drive": self.drive}
        return {**own, "theta": np.inf, "v_after": 0.0}

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v0}


register_neuron(EulerLi)(euler_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class EulerCubaLif:
    """:class:`EulerLif` behind a synaptic current, updated before the voltage.

    Parameters
    ----------
    keep_i, gain_i, drive_i : float or ndarray of shape (n,)
        Factor of the current, factor of the input, constant, per step.
    keep, gain, drive : float or ndarray
        Factor of the voltage, factor of the new current, constant.
    v_threshold, v_reset : float or ndarray
        Threshold (strict) and reset.
    """

    params: ClassVar[tuple[str, ...]] = _CUBA_ROWS
    state: ClassVar[tuple[str, ...]] = ("v", "i_syn")
    ports: ClassVar[tuple[str, ...]] = ("input",)

    keep_i: Any = 0.8
    gain_i: Any = 1.0
    drive_i: Any = 0.0
    keep: Any = 0.9
    gain: Any = 1.0
    drive: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0

    def __post_init__(self) -> None:
        check(self, free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        own = {k: getattr(self, k) for k in _CUBA_ROWS[:6]}
        return {**own, "theta": self.v_threshold, "v_after": self.v_reset}


register_neuron(EulerCubaLif)(euler_cuba_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class EulerCubaLi:
    """:class:`EulerCubaLif` without a threshold; passes its voltage on.

    Parameters
    ----------
    keep_i, gain_i, drive_i, keep, gain, drive : float or ndarray of shape (n,)
        See :class:`EulerCubaLif`.
    v0 : float or ndarray
        Initial voltage.
    """

    params: ClassVar[tuple[str, ...]] = _CUBA_ROWS
    state: ClassVar[tuple[str, ...]] = ("v", "i_syn")
    ports: ClassVar[tuple[str, ...]] = ("input",)
    output: ClassVar[str] = "v"

    keep_i: Any = 0.8
    gain_i: Any = 1.0
    drive_i: Any = 0.0
    keep: Any = 0.9
    gain: Any = 1.0
    drive: Any = 0.0
    v0: Any = 0.0

    def __post_init__(self) -> None:
        check(self)

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        own = {k: getattr(self, k) for k in _CUBA_ROWS[:6]}
        return {**own, "theta": np.inf, "v_after": 0.0}

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v0}


register_neuron(EulerCubaLi)(euler_cuba_step)
