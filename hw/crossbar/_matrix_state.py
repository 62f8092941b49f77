"""Save and restore an analog matrix: flat arrays, no pickle."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro.errors import ParameterError

from .config import AnalogConfig
from .converters import DAC
from .mapping import Encoded

if TYPE_CHECKING:
    from .analog import AnalogMatrix

__all__ = ["matrix_state", "restore_matrix"]

STATE_VERSION = 1


def matrix_state(matrix: Any) -> dict[str, Any]:
    """Return arrays and numbers of a matrix, flat."""
    state: dict[str, Any] = {
        "version": STATE_VERSION,
        "seed": matrix.seed,
        "W": matrix.W,
        "time": matrix.time,
        "reads": matrix._reads,
        "planes": len(matrix.encoded.planes),
        "groups": np.array(matrix.encoded.groups),
        "offset": matrix.encoded.offset,
        "clipped": matrix.encoded.clipped,
    }
    for k, (plane, factor) in enumerate(
        zip(matrix.encoded.planes, matrix.encoded.factors, strict=True)
    ):
        state[f"plane/{k}"], state[f"factor/{k}"] = plane, factor
    if matrix.encoded.dummy is not None:
        state["dummy"] = matrix.encoded.dummy
        state["dummy_factor"] = matrix.encoded.dummy_factor
    if matrix._adc is not None:
        state["adc"] = np.array(matrix._adc.limits)
    if matrix._dac is not None and matrix._dac.x_max is not None:
        state["dac"] = matrix._dac.x_max
    for i, row in enumerate(matrix.tiles):
        for j, tile in enumerate(row):
            for key, value in tile.state_dict().items():
                state[f"tile/{i}/{j}/{key}"] = value
    return state


def restore_matrix(
    cls: "type[AnalogMatrix]", config: AnalogConfig, state: Mapping[str, Any]
) -> "AnalogMatrix":
    """Rebuild a matrix of class `cls`."""
    if int(state["version"]) != STATE_VERSION:
        raise ParameterError(
            f"AnalogMatrix: state version {state['version']}, expected {STATE_VERSION}"
        )
    planes = [state[f"plane/{k}"] for k in range(int(state["planes"]))]
    factors = [state[f"factor/{k}"] for k in range(len(planes))]
    groups = tuple(tuple(int(x) for x in g) for g in state["groups"])
    encoded = Encoded(
        [np.array(p) for p in planes],
        [np.array(f) for f in factors],
        np.array(state["offset"]),
        groups,
        float(state["clipped"]),
        float(state["dummy"]) if "dummy" in state else None,
        np.array(state.get("dummy_factor", np.zeros(1))),
    )
    new = cls.__new__(cls)
    new._build(np.array(state["W"], np.float64), encoded, config, int(state["seed"]))
    new.time, new._reads = float(state["time"]), int(state["reads"])
    if "adc" in state and new._adc is not None:
        lo, hi = (float(v) for v in state["adc"])
        new._adc = new._adc.with_range(lo, hi)
    if "dac" in state and new._dac is not None:
        d = new._dac
        new._dac = DAC(bits=d.bits, signed=d.signed, x_max=float(state["dac"]))
    for i, row in enumerate(new.tiles):
        for j, tile in enumerate(row):
            head = f"tile/{i}/{j}/"
            part = {k[len(head) :]: v for k, v in state.items() if k.startswith(head)}
            tile.devices = type(tile.devices).from_state_dict(config.device, part)
    return new
