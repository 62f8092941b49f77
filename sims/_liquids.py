"""Parts that the liquid experiments share: frames, weights on an array, prices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.crossbar import RandomWeights
from hw.energy import estimate
from neuro.counts import OpCounts
from neuro.events import frames as bin_events
from neuro.lsm import Liquid
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS
from neuro.random import stream

from ._config import Config
from ._runner import Context

__all__ = [
    "Recordings",
    "array_liquid",
    "array_weights",
    "bin_recordings",
    "calibrate",
    "load_frames",
    "price",
]


@dataclass(frozen=True)
class Recordings:
    """Frames of a data set, ready for a liquid.

    Attributes
    ----------
    frames : ndarray of uint8, shape (n, steps, lines)
        Binary input.
    labels, groups : ndarray of int, shape (n,)
        Classes; what a fold must not split.
    synthetic : bool
        Whether this is the stand-in.
    example_events : ndarray
        The events of the first sample, for a picture.
    """

    frames: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    synthetic: bool
    example_events: NDArray[Any]

    @property
    def chance(self) -> float:
        """Share of the most frequent class."""
        return float(np.bincount(self.labels).max() / len(self.labels))


def bin_recordings(
    data: Any,
    *,
    bin_us: int,
    n_bins: int,
    crop: int,
    polarity: int,
    ctx: Context | None = None,
) -> NDArray[np.uint8]:
    """Bin every recording into binary frames, one line per pixel and polarity.

    Parameters
    ----------
    data : Dataset
        Recordings.
    bin_us, n_bins : int
        Width and number of bins.
    crop : int
        Side of the central square; 0: the whole sensor.
    polarity : int
        0 or 1; -1: both, as lines of their own.

    Returns
    -------
    ndarray of uint8, shape (n, n_bins, lines)
        Input of a liquid.
    """
    one = bin_events(
        data[0][:0],
        data.sensor_size,
        bin_us=bin_us,
        n_bins=n_bins,
        crop=crop or None,
        polarity=None if polarity < 0 else polarity,
    )
    out = np.empty((len(data), n_bins, one[0].size), np.uint8)
    places = range(len(data))
    for k in places if ctx is None else ctx.progress(places, label="frames"):
        out[k] = bin_events(
            data[k],
            data.sensor_size,
            bin_us=bin_us,
            n_bins=n_bins,
            crop=crop or None,
            polarity=None if polarity < 0 else polarity,
        ).reshape(n_bins, -1)
    return out


def load_frames(cfg: Config, ctx: Context) -> Recordings:
    """Load the recordings, or the stand-in, as binary frames of one polarity."""
    data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if data.synthetic and not cfg.samples:
        data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)
    f = cfg.frames
    binned = ctx.step(
        "frames",
        lambda: {
            "frames": bin_recordings(
                data,
                bin_us=f.bin_us,
                n_bins=f.n_bins,
                crop=f.crop,
                polarity=f.polarity,
                ctx=ctx,
            )
        },
    )
    return Recordings(
        frames=binned["frames"],
        labels=data.labels,
        groups=data.groups,
        synthetic=data.synthetic,
        example_events=data[0],
    )


def array_weights(
    cfg: Config,
    seed: int,
    k: int,
    n: int,
    n_in: int,
    *,
    recurrence: float = 1.0,
    drive: float = 1.0,
    calibration: NDArray[np.uint8] | None = None,
    **effects: Any,
) -> tuple[RandomWeights, RandomWeights]:
    """Return input and recurrent weights of liquid `k` from one resistive array.

    A larger liquid keeps its input weights and, so that it stays at the same firing,
    gets recurrent weights smaller by the square root of the ratio of sizes.

    Parameters
    ----------
    cfg : Config
        With ``liquid`` (n, const), ``array`` and ``frames.bin_us``.
    seed, k : int
        The user's seed; number of the liquid.
    n, n_in : int
        Neurons, input lines.
    recurrence, drive : float
        Factors on the recurrent and the input weights.
    calibration : ndarray of uint8, shape (n, steps, n_in), optional
        Frames from which the converters of the input array take their range; those of
        the recurrent array take it from random patterns of a tenth of the neurons.
        Without it the range holds the largest sum that could ever occur.
    **effects
        Options of :class:`hw.crossbar.RandomWeights` in place of the configuration's.
    """
    recurrent = recurrence * (cfg.liquid.n / n) ** 0.5

    def weights(
        block: int, pre: int, statistics: tuple[float, float], factor: float
    ) -> RandomWeights:
        mean, sd = statistics
        options = {**cfg.array.to_dict(), **effects}
        options["adc_bits"] = options["adc_bits"] or None
        return RandomWeights(
            (n, pre),
            const=cfg.liquid.const * factor,
            mean=mean,
            sd=sd,
            seconds_per_step=cfg.frames.bin_us * 1e-6,
            seed=int(np.random.SeedSequence([seed, k, block]).generate_state(1)[0]),
            **options,
        )

    w_in = weights(0, n_in, WEIGHT_STATISTICS, drive)
    w_rec = weights(1, n, RECURRENT_STATISTICS, recurrent)
    if calibration is not None:
        calibrate(w_in, w_rec, calibration, stream(seed, "converter range", k))
    return w_in, w_rec


def calibrate(
    w_in: RandomWeights,
    w_rec: RandomWeights,
    frames: NDArray[np.uint8],
    rng: np.random.Generator,
) -> None:
    """Set the converters' ranges: from frames, and from a tenth of the neurons."""
    if w_in.adc_bits is None:
        return
    w_in.calibrate(frames.reshape(-1, frames.shape[2]))
    if w_rec.const:
        w_rec.calibrate(rng.random((500, w_rec.shape[1])) < 0.1)


def array_liquid(
    cfg: Config,
    seed: int,
    k: int,
    n: int,
    n_in: int,
    *,
    recurrence: float = 1.0,
    drive: float = 1.0,
    calibration: NDArray[np.uint8] | None = None,
) -> Liquid:
    """Return liquid `k` on its array; without recurrence at factor 0."""
    w_in, w_rec = array_weights(
        cfg,
        seed,
        k,
        n,
        n_in,
        recurrence=recurrence,
        drive=drive,
        calibration=calibration,
    )
    return Liquid(
        w_in,
        w_rec if recurrence else None,
        decay=cfg.liquid.decay,
        v_threshold=cfg.liquid.v_threshold,
        seed=seed,
    )


def price(counts: OpCounts) -> dict[str, Any]:
    """Price the run: the field's digital convention, and an analogue array."""
    return {
        "op45": estimate(counts, model="op45", profile="horowitz45-fp32"),
        "cim": estimate(counts, model="cim"),
    }
