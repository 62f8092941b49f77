"""The two modalities: who is paired with whom, and what each model sees of them.

``stills``: a recording goes with a still of the same digit from the *opposite* split of
MNIST; MNIST names no writers, but its two splits share none. ``spoken``: it goes with
the same digit spoken by a training speaker, and in every test by a test speaker.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.encoders.rate import rate_frames
from neuro.errors import DatasetError, ParameterError
from neuro.events import chunked_raster
from neuro.lsm import Liquid, input_counts

from .._config import Config
from .._liquids import array_weights, bin_recordings
from .._runner import Context

__all__ = [
    "Pairs",
    "Stimuli",
    "control_pairs",
    "exchanged",
    "liquid_pairs",
    "load_stimuli",
]

CHANNELS = 64


class Stimuli(NamedTuple):
    """Paired frames of both modalities.

    Attributes
    ----------
    events, other, other_test : ndarray of uint8, shape (n, steps, lines)
        Recordings; their partners in training; their partners in every test.
    pixels : ndarray of float64, shape (n, pixels), or None
        The stills themselves.
    labels : ndarray of int64, shape (n,)
        Digits.
    published : bool
        Whether these are the paper's sets, N-MNIST and N-TIDIGITS18.
    """

    events: NDArray[np.uint8]
    other: NDArray[np.uint8]
    other_test: NDArray[np.uint8]
    pixels: NDArray[np.float64] | None
    labels: NDArray[np.int64]
    published: bool


class Pairs(NamedTuple):
    """Paired samples as a model sees them: features, or frames for an encoder."""

    events: NDArray[Any]
    other: NDArray[Any]
    other_test: NDArray[Any]
    labels: NDArray[np.int64]


def opposite_stills(data: Any, images: Any) -> NDArray[np.int64]:
    """Return for every recording a still of its digit from the opposite split."""
    chosen = np.empty(len(data), np.int64)
    for split, opposite in (("train", "test"), ("test", "train")):
        for label in np.unique(data.labels):
            mine = np.flatnonzero((data.splits == split) & (data.labels == label))
            pool = np.flatnonzero(
                (images.splits == opposite) & (images.labels == label)
            )
            if mine.size and not pool.size:
                raise DatasetError(
                    f"no still of the digit {label} in the {opposite} split"
                )
            chosen[mine] = np.resize(pool, mine.size)
    return chosen


def spoken_partners(
    labels: NDArray[np.int64],
    spoken_labels: NDArray[np.int64],
    spoken_splits: NDArray[np.str_],
    split: str,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return for every recording a spoken digit of its class by a speaker of `split`.

    In random order; used again only where there are fewer than recordings.
    """
    chosen = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        pool = np.flatnonzero((spoken_labels == label) & (spoken_splits == split))
        if not pool.size:
            raise DatasetError(f"no spoken {label} in the {split} split")
        chosen[mine] = np.resize(rng.permutation(pool), mine.size)
    return chosen


def load_stimuli(cfg: Config, ctx: Context) -> Stimuli:
    """Load both modalities and pair them."""
    if cfg.pairs not in ("stills", "spoken"):
        raise ParameterError(f"pairs: 'stills' or 'spoken', got {cfg.pairs!r}")
    other: Any
    if cfg.pairs == "stills":
        other = ctx.data("mnist")
    else:
        other = ctx.data(
            "ntidigits",
            n_speakers=cfg.spoken.speakers,
            repetitions=cfg.spoken.repetitions,
            seed=ctx.seed,
        )
    data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if data.synthetic and not cfg.samples:
        data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)
    ctx.split(n_train=len(data), n_test=len(data), second_modality=other.name)
    events = bin_recordings(data, **cfg.frames.to_dict(), ctx=ctx)
    if cfg.pairs == "stills":
        stills = other.images[opposite_stills(data, other)]
        encoded = rate_frames(
            stills,
            steps=cfg.still_steps,
            max_spikes=cfg.max_spikes,
            rng=ctx.rng("rate coding"),
        )
        pixels = stills.reshape(len(stills), -1) / 255.0
        return Stimuli(events, encoded, encoded, pixels, data.labels, False)
    synthetic = data.synthetic or other.synthetic
    ctx.split(
        n_train=len(data),
        n_test=len(data),
        name=f"{data.name}+{other.name}",
        synthetic=synthetic,
    )
    heard = ctx.step("spoken", lambda: {"x": _raster(cfg, ctx, other)})["x"]
    train, test = (
        heard[
            spoken_partners(
                data.labels,
                other.labels,
                other.splits,
                split,
                ctx.rng(f"spoken {split}"),
            )
        ]
        for split in ("train", "test")
    )
    return Stimuli(events, train, test, None, data.labels, not synthetic)


def _raster(cfg: Config, ctx: Context, spoken: Any) -> NDArray[np.uint8]:
    return np.stack(
        [
            chunked_raster(
                spoken[k],
                CHANNELS,
                n_bins=cfg.spoken.n_bins,
                raster_us=cfg.spoken.raster_us,
            )
            for k in ctx.progress(range(len(spoken)), label="spoken digits")
        ]
    )


def _features(
    cfg: Config,
    seed: int,
    array: int,
    frames: tuple[NDArray[np.uint8], ...],
    *,
    large: bool,
    spoken: bool,
) -> list[NDArray[np.float64]]:
    """Run one liquid over several sets of frames of one modality."""
    x = frames[0]
    n, windows, recurrence = cfg.liquid.n, 1, 1.0
    if large:
        n, windows, recurrence = cfg.large.n, cfg.large.windows, cfg.large.recurrence
    settings = cfg.spoken if spoken else cfg.liquid
    if spoken:
        # the weights are drawn for the recordings' const
        drive = settings.const / cfg.liquid.const
        recurrence *= drive
    else:
        active = x.sum() / (x.shape[0] * x.shape[1])
        drive = float((cfg.reference_lines / active) ** 0.5)
    liquid = Liquid(
        *array_weights(
            cfg, seed, array, n, x.shape[2], recurrence=recurrence, drive=drive
        ),
        decay=settings.decay,
        v_threshold=settings.v_threshold,
        seed=seed,
    )
    return [liquid.run(f, windows=windows).features for f in frames]


def liquid_pairs(
    cfg: Config, ctx: Context, stimuli: Stimuli, k: int, *, large: bool = False
) -> Pairs:
    """Return spike counts of pair `k` of liquids."""
    spoken = stimuli.pixels is None

    def make() -> dict[str, Any]:
        of = [
            _features(
                cfg, ctx.seed, 2 * k, (stimuli.events,), large=large, spoken=False
            )[0],
            *_features(
                cfg,
                ctx.seed,
                2 * k + 1,
                (stimuli.other, stimuli.other_test) if spoken else (stimuli.other,),
                large=large,
                spoken=spoken,
            ),
        ]
        return dict(zip(("events", "other", "other_test"), of, strict=False))

    found = ctx.step(f"features{'-large' if large else ''}-{k}", make)
    test = found.get("other_test", found["other"])
    return Pairs(found["events"], found["other"], test, stimuli.labels)


def control_pairs(stimuli: Stimuli, windows: int) -> Pairs:
    """Return event counts, and pixels or counts of the cochlea."""
    events = input_counts(stimuli.events, windows)
    if stimuli.pixels is not None:
        return Pairs(events, stimuli.pixels, stimuli.pixels, stimuli.labels)
    other, test = (
        input_counts(x, windows) for x in (stimuli.other, stimuli.other_test)
    )
    return Pairs(events, other, test, stimuli.labels)


def exchanged(pairs: Pairs, partner: NDArray[np.int64]) -> Pairs:
    """Pair every class with the samples of another one.

    Parameters
    ----------
    pairs : Pairs
        Pairs of equal classes.
    partner : ndarray of int64, shape (n_classes,)
        A permutation: recordings of class c get the partners of class ``partner[c]``.
    """
    source = np.empty(len(pairs.labels), np.int64)
    for label in np.unique(pairs.labels):
        mine = np.flatnonzero(pairs.labels == label)
        pool = np.flatnonzero(pairs.labels == partner[label])
        source[mine] = np.resize(pool, mine.size)
    return pairs._replace(
        other=pairs.other[source], other_test=pairs.other_test[source]
    )
