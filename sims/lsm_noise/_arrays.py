"""Liquid `k` on its array with some effects at some level, wires included.

Wires: the cells sit in tiles; of each tile the exact effective conductances are solved
(silent word lines at 0 V, so that the circuit is linear in the input), and the liquid
gets those. How much a wire matters depends on the mean conductance of the cells, which
is not public for the paper's array (``cell_cv`` sets it).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.crossbar import AnalogConfig, AnalogMatrix, RandomWeights
from hw.devices import Device
from neuro.lsm import Liquid
from neuro.random import stream

from .._config import Config
from .._liquids import array_weights, calibrate

__all__ = ["INPUT_EFFECTS", "array_options", "degrade", "imperfect_liquid"]

INPUT_EFFECTS = ("event_loss", "event_noise")
_APART = (*INPUT_EFFECTS, "wire_resistance", "drift", "age")


def array_options(levels: dict[str, float], cfg: Config) -> dict[str, Any]:
    """Return the options of :class:`hw.crossbar.RandomWeights` for the levels."""
    options: dict[str, Any] = {k: v for k, v in levels.items() if k not in _APART}
    if "adc_bits" in options:
        options["adc_bits"] = int(options["adc_bits"])
    if "drift" in levels:
        age = levels.get("age", cfg.year_s)
        options |= {
            "drift_nu": levels["drift"],
            "drift_nu_sd": levels["drift"] / 2,
            "age": age,
            "update_every": cfg.year_s,
        }
    return options


def degrade(
    frames: NDArray[np.uint8], levels: dict[str, float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Drop a share of the input events, or add one at random places."""
    if "event_loss" in levels:
        kept = rng.random(frames.shape, np.float32) >= levels["event_loss"]
        frames = frames * kept
    if "event_noise" in levels:
        share = levels["event_noise"] * float(frames.mean())
        frames = frames | (rng.random(frames.shape, np.float32) < share)
    return frames.astype(np.uint8)


def _rebuilt(
    array: RandomWeights, cfg: Config, ohm: float, gain: float
) -> RandomWeights:
    """Return the array as its converters see it, wires and digital gain included."""
    plus, minus = array.conductances()
    if ohm:
        top = float(max(plus.max(), minus.max()))
        seen = AnalogMatrix.from_conductances(
            plus,
            minus,
            weight_per_siemens=1.0,
            config=AnalogConfig(
                device=Device(name="formed cells", g_min=0.0, g_max=top),
                r_word=ohm,
                r_bit=ohm,
                rows_max=cfg.tile.rows,
                cols_max=cfg.tile.columns,
            ),
        ).effective_weights()
        plus, minus = np.maximum(seen, 0.0), np.maximum(-seen, 0.0)
    return RandomWeights.from_conductances(
        plus,
        minus,
        const=array.const * gain,
        read_noise=array.read_noise,
        read_noise_additive=array.read_noise_additive,
        adc_bits=array.adc_bits,
        seconds_per_step=array.seconds_per_step,
    )


def imperfect_liquid(
    cfg: Config,
    seed: int,
    k: int,
    frames: NDArray[np.uint8],
    levels: dict[str, float],
    *,
    restore_gain: bool = False,
) -> Liquid:
    """Build liquid `k`.

    Parameters
    ----------
    cfg, seed, k
        Configuration, the user's seed, number of the array.
    frames : ndarray of uint8, shape (n, steps, lines)
        Calibrate the converters, if there are any.
    levels : dict of str to float
        Effects; none for the ideal array.
    restore_gain : bool
        Scale each array by one digital factor, so that its mean absolute weight is that
        of the ideal array.
    """
    n, n_in = cfg.liquid.n, frames.shape[2]
    arrays = array_weights(cfg, seed, k, n, n_in, **array_options(levels, cfg))
    ohm = levels.get("wire_resistance", 0.0)
    if ohm or restore_gain:
        # what the wires leave, and then the gain that makes up for all that was lost
        arrays = tuple(_rebuilt(a, cfg, ohm, 1.0) for a in arrays)  # type: ignore[assignment]
    if restore_gain:
        ideal = array_weights(cfg, seed, k, n, n_in)
        gains = [
            float(np.abs(a.block(0.0).w).mean() / np.abs(b.block(0.0).w).mean())
            for a, b in zip(ideal, arrays, strict=True)
        ]
        arrays = tuple(
            _rebuilt(a, cfg, 0.0, gain) for a, gain in zip(arrays, gains, strict=True)
        )  # type: ignore[assignment]
    calibrate(*arrays, frames, stream(seed, "converter range", k))
    return Liquid(
        *arrays,
        decay=cfg.liquid.decay,
        v_threshold=cfg.liquid.v_threshold,
        seed=seed + k,
    )
