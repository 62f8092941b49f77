"""From simulated to real recordings: a labelled transfer result.

The read-out is trained on MNIST images seen by the project's event camera and tested
once on the real recordings, and once on simulated recordings held out. None of the
images behind the real recordings is used: images of the training split that were
recorded are passed over, the test split is not touched. Without real recordings both
parts are the stand-in, disjoint in writers as far as the set tells.

Gains over event counts are paired by real recording: their ``sd`` over the square root
of ``n`` is the standard error over recordings, and ``gain_by_liquid_*`` has the spread
over liquids. ``learning curve``: the published size with fewer training recordings.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.recordings import CameraRecordings
from neuro.lsm import fit_readout, input_counts
from neuro.random import stream

from .._config import Config
from .._liquids import array_liquid, bin_recordings
from .._runner import Context
from .._simulated import unrecorded_images
from ._figures import draw

__all__ = ["run"]

_CHUNK = 500


class Part(NamedTuple):
    """Frames and labels of one part: training, simulated test or real test."""

    frames: NDArray[np.uint8]
    labels: NDArray[np.int64]


class Cell(NamedTuple):
    """One kind of features; ``n = 0`` is the control (event counts)."""

    n: int
    recurrence: float

    def name(self, suffix: str) -> str:
        """Name in the record, with the suffix of its windows."""
        if self.n == 0:
            return f"counts{suffix}"
        kind = "" if self.recurrence else "_no_recurrence"
        return f"liquid_{self.n}{kind}{suffix}"


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
        stored = ctx.step(f"camera-{start}", partial(chunk, start))
        parts.append(np.unpackbits(stored["bits"], axis=2, count=int(stored["lines"])))
    return np.concatenate(parts)


def _features(
    cfg: Config, ctx: Context, cell: Cell, k: int, calibration: NDArray[np.uint8]
) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """Return a function from frames to counts, shape (samples, windows, units)."""

    def of_input(x: NDArray[np.uint8]) -> NDArray[np.float64]:
        return input_counts(x, cfg.windows).reshape(len(x), cfg.windows, -1)

    if cell.n == 0:
        return of_input
    liquid = array_liquid(
        cfg,
        ctx.seed,
        k,
        cell.n,
        calibration.shape[2],
        recurrence=cell.recurrence,
        calibration=calibration,
    )

    def of_liquid(x: NDArray[np.uint8]) -> NDArray[np.float64]:
        return liquid.run(x, windows=cfg.windows).counts.astype(np.float64)

    return of_liquid


def _score(
    cfg: Config, ctx: Context, train: Part, tests: list[Part], cell: Cell, k: int
) -> dict[str, Any]:
    """Train on all recordings, in one window and in several; test on every part.

    Returns which test recordings were right, ``real`` and ``simulated`` with the suffix
    of the windows, and for the first size the learning curve.
    """
    make = _features(cfg, ctx, cell, k, train.frames[:20])
    x, *tested = [make(part.frames) for part in (train, *tests)]

    def right(n: int, windows: str) -> list[NDArray[np.bool_]]:
        def flat(f: NDArray[np.float64]) -> NDArray[np.float64]:
            return f.reshape(len(f), -1) if windows else f.sum(1)

        model = fit_readout(
            flat(x)[:n],
            train.labels[:n],
            np.arange(n),
            kind=cfg.readout,
            rng=stream(ctx.seed, "validation split"),
        )
        return [
            model.predict(flat(f)) == part.labels
            for f, part in zip(tested, tests, strict=True)
        ]

    out: dict[str, Any] = {}
    for suffix in ("", f"_{cfg.windows}win"):
        parts = zip(("real", "simulated"), right(len(x), suffix), strict=True)
        out |= {f"{name}{suffix}": r for name, r in parts}
    if cell in (Cell(0, 0.0), Cell(cfg.sizes[0], 1.0)):
        curve = [[r.mean() for r in right(n, "")] for n in _curve(cfg)]
        out["curve"] = np.array(curve)
    return out


def _curve(cfg: Config) -> list[int]:
    return [n for n in cfg.curve if n < cfg.train] + [cfg.train]


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    real = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if real.synthetic:
        real = ctx.data(
            "nmnist", seed=ctx.seed, split="test", limit=cfg.samples or None
        )
    images, labels = unrecorded_images(
        real,
        cfg.train + cfg.test_simulated,
        path=cfg.data.path,
        rng=ctx.rng("training images"),
    )
    ctx.split(
        n_train=cfg.train,
        n_test=len(real),
        protocol="trained on simulated, tested once on real recordings",
        training_is_synthetic=True,
    )
    simulated = _record(cfg, ctx, images, labels)
    train = Part(simulated[: cfg.train], labels[: cfg.train])
    tests = [
        Part(bin_recordings(real, **cfg.frames.to_dict(), ctx=ctx), real.labels),
        Part(simulated[cfg.train :], labels[cfg.train :]),
    ]
    control = Cell(0, 0.0)
    first, *larger = cfg.sizes
    cells = [control, Cell(first, 1.0)]
    cells += [Cell(n, r) for n in larger for r in cfg.large.recurrence]
    results: dict[Cell, list[dict[str, Any]]] = {}
    for cell in ctx.progress(cells, label="configurations"):
        results[cell] = [
            ctx.step(
                f"{cell.name('')}-{k}",
                partial(_score, cfg, ctx, train, tests, cell, k),
            )
            for k in range(cfg.liquids if cell.n else 1)
        ]
    for suffix in ("", f"_{cfg.windows}win"):
        for part in ("real", "simulated"):
            where = "" if part == "real" else "_simulated"
            counts = results[control][0][part + suffix].astype(float)
            for cell, runs in results.items():
                right = np.stack([r[part + suffix] for r in runs]).astype(float)
                ctx.metric(
                    f"accuracy_{cell.name(suffix)}{where}",
                    right.mean(1),
                    control=f"accuracy_counts{suffix}{where}" if cell.n else "chance",
                )
                if cell.n and part == "real":
                    name = cell.name(suffix)
                    against = f"accuracy_counts{suffix}"
                    ctx.metric(f"gain_{name}", right.mean(0) - counts, control=against)
                    ctx.metric(
                        f"gain_by_liquid_{name}",
                        right.mean(1) - counts.mean(),
                        control=against,
                    )
    curves = {
        cell.name(""): np.stack([r["curve"] for r in results[cell]])
        for cell in (control, Cell(first, 1.0))
    }
    for name, curve in curves.items():
        for n, values in zip(_curve(cfg), np.moveaxis(curve, 1, 0), strict=True):
            for j, where in enumerate(("", "_simulated")):
                ctx.metric(
                    f"accuracy_{name}_trained_on_{n}{where}",
                    values[:, j],
                    control="chance",
                )
    ctx.metric("chance", float(np.bincount(real.labels).max() / len(real)))
    ctx.arrays("curves", n_train=np.array(_curve(cfg)), **curves)
    draw(ctx, _curve(cfg), curves, first, synthetic=real.synthetic)
