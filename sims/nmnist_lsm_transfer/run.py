"""From simulated to real recordings: a labelled transfer result.

The read-out is trained on MNIST images seen by the project's event camera and tested
once on the real recordings. None of the images behind the real recordings is used for
training: images of the training split that were recorded are passed over,
the test split is not touched. Without real recordings both parts are
the stand-in, disjoint in writers as far as the set tells.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.datasets import load
from neuro.datasets.recordings import CameraRecordings
from neuro.errors import ParameterError
from neuro.lsm import fit_readout, input_counts
from neuro.random import stream

from .._config import Config
from .._liquids import array_liquid, bin_recordings
from .._runner import Context

__all__ = ["run"]

_CHUNK = 500


def _training_images(cfg: Config, ctx: Context, real: Any) -> tuple[Any, Any]:
    """Return images and labels of the training split, none of them recorded."""
    images = load("mnist", path=cfg.data.path or None)
    usable = images.splits == "train"
    if not real.synthetic:
        recorded = real.source_index[real.splits == "train"]
        usable[recorded[recorded < usable.size]] = False
    places = np.flatnonzero(usable)
    if places.size < cfg.train:
        raise ParameterError(
            f"train: only {places.size} images of {images.name} were not recorded, "
            f"asked for {cfg.train}"
        )
    chosen = np.sort(ctx.rng("training images").choice(places, cfg.train, False))
    return images.images[chosen], images.labels[chosen]


def _record(
    cfg: Config, ctx: Context, images: NDArray[Any], labels: NDArray[Any]
) -> NDArray[np.uint8]:
    """Simulate and bin, in stored chunks, so that a long run resumes."""

    def chunk(start: int) -> dict[str, Any]:
        part = slice(start, start + _CHUNK)
        camera = CameraRecordings(
            images[part],
            seed=ctx.seed,
            name="mnist-camera",
            labels=labels[part],
            groups=np.arange(len(labels[part])),
            numbers=start + np.arange(len(labels[part])),
        ).preload()
        frames = bin_recordings(camera, **cfg.frames.to_dict())
        return {"bits": np.packbits(frames, axis=2), "lines": frames.shape[2]}

    parts = []
    for start in ctx.progress(range(0, len(labels), _CHUNK), label="camera"):
        stored = ctx.step(f"camera-{start}", lambda s=start: chunk(s))
        parts.append(np.unpackbits(stored["bits"], axis=2, count=int(stored["lines"])))
    return np.concatenate(parts)


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    real = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if real.synthetic:
        real = ctx.data(
            "nmnist", seed=ctx.seed, split="test", limit=cfg.samples or None
        )
    images, labels = _training_images(cfg, ctx, real)
    ctx.split(
        n_train=cfg.train,
        n_test=len(real),
        protocol="trained on simulated, tested once on real recordings",
        training_is_synthetic=True,
    )
    train = _record(cfg, ctx, images, labels)
    test = bin_recordings(real, **cfg.frames.to_dict(), ctx=ctx)

    def score(a: NDArray[np.float64], b: NDArray[np.float64]) -> dict[str, Any]:
        model = fit_readout(
            a,
            labels,
            np.arange(len(labels)),
            kind=cfg.readout,
            rng=stream(ctx.seed, "validation split"),
        )
        return {"score": model.score(b, real.labels)}

    def liquid(n: int, k: int, windows: int) -> dict[str, Any]:
        reservoir = array_liquid(
            cfg,
            ctx.seed,
            k,
            n,
            train.shape[2],
            recurrence=1.0 if n == cfg.sizes[0] else cfg.large.recurrence,
            calibration=train[:20],
        )
        features = [reservoir.run(x, windows=windows).features for x in (train, test)]
        return score(*features)

    for windows, suffix in ((1, ""), (cfg.windows, "_3win")):
        control = ctx.step(
            f"counts{suffix}",
            lambda w=windows: score(input_counts(train, w), input_counts(test, w)),
        )
        ctx.metric(f"accuracy_counts{suffix}", control["score"], control="chance")
        for n in cfg.sizes:
            scores = [
                ctx.step(
                    f"liquid-{n}{suffix}-{k}",
                    lambda n=n, k=k, w=windows: liquid(n, k, w),
                )["score"]
                for k in ctx.progress(range(cfg.liquids), label=f"{n} neurons")
            ]
            ctx.metric(
                f"accuracy_liquid_{n}{suffix}",
                scores,
                control=f"accuracy_counts{suffix}",
            )
    chance = float(np.bincount(real.labels).max() / len(real))
    ctx.metric("chance", chance)
