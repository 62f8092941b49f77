"""Zero-shot retrieval between N-MNIST recordings and MNIST stills of other writers.

Lin et al. pair N-MNIST with spoken digits and hold out the digits 8 and 9; their epoch
was chosen on the test sets, zero-shot labels included. Here it is chosen on validation
classes that are neither trained nor tested, every choice of two test classes is run,
and the same projections trained on event counts and pixels stand beside the liquids.
Prototypical networks on the liquids (suffix ``_prototype``) are trained and scored
under the same protocol. ``few_shot`` figures use labelled pairs of the test classes.

A recording is paired with a still of the same digit from the *opposite* split of MNIST:
MNIST names no writers, but its two splits share none.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.encoders.rate import rate_frames
from neuro.errors import DatasetError
from neuro.lsm import input_counts
from neuro.lsm.retrieval import (
    ClassSplit,
    class_splits,
    few_shot_accuracy,
    retrieval_accuracy,
    retrieval_chance,
)
from neuro.random import stream

from .._config import Config
from .._liquids import array_liquid, bin_recordings
from .._runner import Context
from ._figures import draw

__all__ = ["run"]

# Lin et al., audio query -> image, digits 8 and 9 held out, on the array: other data
# (spoken digits and N-MNIST) than here
PAPER_IN_CLASS, PAPER_ZERO_SHOT = 0.6742, 0.875
_FIGURES = (
    "in_class",
    "zero_shot",
    "in_class_reverse",
    "zero_shot_reverse",
    "zero_shot_generalised",
    "zero_shot_generalised_reverse",
    "few_shot",
)


class Pairs(NamedTuple):
    """Paired samples of both modalities."""

    events: NDArray[np.float64]
    stills: NDArray[np.float64]
    labels: NDArray[np.int64]


def _pair(data: Any, images: Any) -> NDArray[np.int64]:
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


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    images = ctx.data("mnist")
    data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if data.synthetic and not cfg.samples:
        data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)
    stills = images.images[_pair(data, images)]
    frames = bin_recordings(data, **cfg.frames.to_dict(), ctx=ctx)
    encoded = rate_frames(
        stills,
        steps=cfg.still_steps,
        max_spikes=cfg.max_spikes,
        rng=ctx.rng("rate coding"),
    )
    splits = list(class_splits(data.labels, rng=ctx.rng("class splits")))
    if cfg.splits and cfg.splits < len(splits):
        places = np.linspace(0, len(splits) - 1, cfg.splits).astype(int)
        splits = [splits[k] for k in places]
    ctx.split(
        n_train=len(data),
        n_test=len(data),
        protocol=f"{len(splits)} choices of two test classes, two validation classes",
        stills=images.name,
    )
    results: dict[str, list[NDArray[np.float64]]] = {
        "": [],
        "_prototype": [],
        "_counts": [],
    }
    for k in range(cfg.liquids):
        pairs = _liquid_pairs(cfg, ctx, frames, encoded, data.labels, k)
        for kind, loss in (("", cfg.loss), ("_prototype", "prototype")):
            results[kind].append(
                _all_splits(cfg, ctx, pairs, splits, f"liquid{kind}-{k}", loss)
            )
    raw = Pairs(
        input_counts(frames), stills.reshape(len(stills), -1) / 255.0, data.labels
    )
    results["_counts"].append(_all_splits(cfg, ctx, raw, splits, "counts", cfg.loss))
    _record(ctx, results, splits, data.labels)


def _liquid_pairs(
    cfg: Config,
    ctx: Context,
    frames: NDArray[np.uint8],
    encoded: NDArray[np.uint8],
    labels: NDArray[np.int64],
    k: int,
) -> Pairs:
    def features(x: NDArray[np.uint8], array: int) -> NDArray[np.float64]:
        active = x.sum() / (x.shape[0] * x.shape[1])
        liquid = array_liquid(
            cfg,
            ctx.seed,
            2 * k + array,
            cfg.liquid.n,
            x.shape[2],
            drive=float((cfg.reference_lines / active) ** 0.5),
        )
        return liquid.run(x).features

    found = ctx.step(
        f"features-{k}",
        lambda: {"events": features(frames, 0), "stills": features(encoded, 1)},
    )
    return Pairs(found["events"], found["stills"], labels)


def _all_splits(
    cfg: Config,
    ctx: Context,
    pairs: Pairs,
    splits: list[ClassSplit],
    name: str,
    loss: str,
) -> NDArray[np.float64]:
    """Return the figures of every split, shape (n_splits, n_figures)."""
    return np.stack(
        [
            ctx.step(
                f"{name}-{'-'.join(map(str, split.test))}",
                lambda s=split: {"x": _one_split(cfg, ctx.seed, pairs, s, loss)},
            )["x"]
            for split in ctx.progress(splits, label=name)
        ]
    )


def _one_split(
    cfg: Config, seed: int, pairs: Pairs, split: ClassSplit, loss: str
) -> NDArray[np.float64]:
    from neuro.lsm.contrastive import train_projections

    rng = stream(seed, "in-class test", split.test)
    held_out = rng.random(len(pairs.labels)) < cfg.test_share
    of = {
        part: np.isin(pairs.labels, getattr(split, part))
        for part in ("train", "valid", "test")
    }
    train, in_class = of["train"] & ~held_out, of["train"] & held_out

    def part(mask: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
        return pairs.events[mask], pairs.stills[mask], pairs.labels[mask]

    prototype = loss == "prototype"
    trained = train_projections(
        *part(train),
        valid=part(of["valid"]),  # type: ignore[arg-type]
        loss=loss,
        dim=cfg.dim,
        temperature=cfg.temperature,
        epochs=cfg.prototype.epochs if prototype else cfg.epochs,
        batch=cfg.prototype.batch if prototype else cfg.batch,
        lr=cfg.lr,
        seed=seed,
    )
    a, b = trained.embed_a(pairs.events), trained.embed_b(pairs.stills)
    y = pairs.labels
    everything = in_class | of["test"]

    def score(
        q: NDArray[np.float64],
        x: NDArray[np.float64],
        queries: NDArray[np.bool_],
        items: NDArray[np.bool_],
    ) -> float:
        return retrieval_accuracy(
            q[queries],
            x[items],
            y[queries],
            y[items],
            normalise=loss != "soft_clip",
        )

    return np.array(
        [
            score(a, b, in_class, in_class),
            score(a, b, of["test"], of["test"]),
            score(b, a, in_class, in_class),
            score(b, a, of["test"], of["test"]),
            score(a, b, of["test"], everything),
            score(b, a, of["test"], everything),
            few_shot_accuracy(
                a[of["test"]],
                b[of["test"]],
                y[of["test"]],
                shots=cfg.shots,
                rng=stream(seed, "few-shot support", split.test),
            ),
        ]
    )


def _record(
    ctx: Context,
    results: dict[str, list[NDArray[np.float64]]],
    splits: list[ClassSplit],
    labels: NDArray[np.int64],
) -> None:
    several = len(results[""]) > 1
    table: dict[str, NDArray[np.float64]] = {}
    for kind, runs in results.items():
        # one value per liquid (mean over splits), or one per split for one liquid
        stacked = np.stack(runs)
        values = stacked.mean(1) if several and len(runs) > 1 else stacked[0]
        for j, name in enumerate(_FIGURES):
            table[name + kind] = stacked[:, :, j].mean(0)
            chance = "in_class" if name.startswith("in_class") else "zero_shot"
            if "generalised" in name:
                chance += "_generalised"
            ctx.metric(
                f"accuracy_{name}{kind}",
                values[:, j],
                control=(
                    f"chance_{chance}"
                    if kind == "_counts"
                    else f"accuracy_{name}_counts"
                ),
            )
    chances: dict[str, list[float]] = {
        "in_class": [],
        "zero_shot": [],
        "zero_shot_generalised": [],
    }
    for split in splits:
        train = labels[np.isin(labels, split.train)]
        test = labels[np.isin(labels, split.test)]
        chances["in_class"].append(retrieval_chance(train, train))
        chances["zero_shot"].append(retrieval_chance(test, test))
        pool = np.concatenate([train, test])
        chances["zero_shot_generalised"].append(retrieval_chance(test, pool))
    for name, shares in chances.items():
        ctx.metric(f"chance_{name}", shares)
    ctx.arrays("splits", test_classes=np.array([s.test for s in splits]), **table)
    draw(ctx, table, {k: float(np.mean(v)) for k, v in chances.items()}, splits)
