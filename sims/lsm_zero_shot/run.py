"""Zero-shot retrieval between N-MNIST recordings and stills or spoken digits.

Lin et al. pair N-MNIST with spoken digits and hold out the digits 8 and 9; their epoch
was chosen on the test sets, zero-shot labels included. Here loss, temperature and epoch
are chosen on validation classes that are neither trained nor tested, every choice of
two test classes is run, and the same projections trained on counts stand beside the
liquids. Suffixes of the figures:

* none: two liquids of the published size, one window;
* ``_large``: larger liquids in several windows, and ``_counts_3win`` their control;
* ``_counts``: event counts, and pixels or cochlea counts, in one window;
* ``_prototype``: prototypical networks on the liquids of the published size;
* ``_srnn``: trained spiking encoders (the published SRNN-CLIP), on some of the splits;
  ``_counts_on_srnn_splits`` and ``_liquid_on_srnn_splits`` are the others on the same;
* ``_exchanged``, ``_counts_exchanged``: every class paired with another class of the
  second modality, by permutations drawn anew, on some of the splits.

Exchanging two test classes in one modality changes nothing that is trained and turns an
accuracy p into 1 - p. Over random correspondences the mean is therefore chance, however
well the training works; how far one correspondence is from chance by luck is the spread
of the ``_exchanged`` figures.

Gains are paired by choice of test classes. ``few_shot`` figures use labelled pairs of
the test classes; ``best_test_epoch`` figures choose the epoch on the test pairs.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.lsm.retrieval import ClassSplit, class_splits
from neuro.random import stream

from .._config import Config
from .._runner import Context
from ._figures import draw
from ._pairs import (
    Pairs,
    Stimuli,
    control_pairs,
    exchanged,
    liquid_pairs,
    load_stimuli,
)
from ._protocol import FIGURES, chances, one_split

__all__ = ["run"]

# Lin et al., audio query -> image, digits 8 and 9 held out; liquids on the array.
# Queries of the recordings are the forward direction here, so theirs is the reverse.
PAPER = {
    "in_class_reverse": 0.6742,
    "zero_shot_reverse": 0.875,
    "in_class_reverse_srnn": 0.8228,
    "zero_shot_reverse_srnn": 0.74,
}
Table = dict[str, NDArray[np.float64]]


def _subset(splits: list[ClassSplit], n: int) -> list[ClassSplit]:
    if not n or n >= len(splits):
        return splits
    return [splits[k] for k in np.linspace(0, len(splits) - 1, n).astype(int)]


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    stimuli = load_stimuli(cfg, ctx)
    splits = _subset(
        list(class_splits(stimuli.labels, rng=ctx.rng("class splits"))), cfg.splits
    )
    ctx.split(
        n_train=len(stimuli.labels),
        n_test=len(stimuli.labels),
        protocol=f"{len(splits)} choices of two test classes, two validation classes",
    )
    results: Table = {}
    for name, kind, makers in _models(cfg, ctx, stimuli):
        results[name] = np.stack(
            [
                _all_splits(cfg, ctx, make(), splits, f"{name}-{k}", kind)
                for k, make in enumerate(makers)
            ]
        )
    chance = chances(cfg, ctx.seed, stimuli.labels, splits)
    if cfg.srnn.splits:
        some = _subset(splits, cfg.srnn.splits)
        places = [splits.index(s) for s in some]
        frames = Pairs(
            stimuli.events, stimuli.other, stimuli.other_test, stimuli.labels
        )
        results["_srnn"] = _all_splits(cfg, ctx, frames, some, "srnn", "srnn")[None]
        results["_liquid_on_srnn_splits"] = results[""][:, places]
        results["_counts_on_srnn_splits"] = results["_counts"][:, places]
    if cfg.exchange.draws:
        _exchange(cfg, ctx, stimuli, splits, results, chance)
    _record(ctx, results, chance, PAPER if stimuli.published else {})
    table = {
        name + kind: values[:, :, j].mean(0)
        for kind, values in results.items()
        for j, name in enumerate(FIGURES)
    }
    ctx.arrays("splits", test_classes=np.array([s.test for s in splits]), **table)
    means = {k: float(np.mean(v)) for k, v in chance.items()}
    draw(ctx, table, means, splits, pairs=cfg.pairs, windows=cfg.large.windows)


def _models(cfg: Config, ctx: Context, stimuli: Stimuli) -> list[tuple[Any, ...]]:
    """Return suffix, what is trained, and what makes the pairs of every repetition."""
    small = [partial(liquid_pairs, cfg, ctx, stimuli, k) for k in range(cfg.liquids)]
    large = [
        partial(liquid_pairs, cfg, ctx, stimuli, k, large=True)
        for k in range(cfg.large.liquids)
    ]
    models: list[tuple[Any, ...]] = [
        ("_counts", "contrastive", [partial(control_pairs, stimuli, 1)]),
        ("", "contrastive", small),
    ]
    if cfg.prototype.epochs:
        models.append(("_prototype", "prototype", small))
    if large:
        windows = partial(control_pairs, stimuli, cfg.large.windows)
        models += [
            ("_counts_3win", "contrastive", [windows]),
            ("_large", "contrastive", large),
        ]
    return models


def _all_splits(
    cfg: Config,
    ctx: Context,
    pairs: Pairs,
    splits: list[ClassSplit],
    name: str,
    kind: str,
) -> NDArray[np.float64]:
    """Return the figures of every split, shape (n_splits, n_figures)."""

    def make(split: ClassSplit) -> dict[str, Any]:
        return {"x": one_split(cfg, ctx.seed, pairs, split, kind)}

    return np.stack(
        [
            ctx.step(f"{name}-{'-'.join(map(str, s.test))}", partial(make, s))["x"]
            for s in ctx.progress(splits, label=name)
        ]
    )


def _exchange(
    cfg: Config,
    ctx: Context,
    stimuli: Stimuli,
    splits: list[ClassSplit],
    results: Table,
    chance: dict[str, list[float]],
) -> None:
    """Pair classes at random; record means over splits, one value per permutation.

    ``p_*``: share of permutations at least as far from chance as the true
    correspondence, which counts as one of them. Draws take the liquids in turn, while
    the true figure is a mean over liquids: that makes the liquids' p too large, if
    anything.
    """
    some = _subset(splits, cfg.exchange.splits)
    places = [splits.index(s) for s in some]
    classes = int(stimuli.labels.max()) + 1
    models = {kind: makers for kind, _, makers in _models(cfg, ctx, stimuli)}
    for kind in ("_counts", ""):
        found = []
        for k in range(cfg.exchange.draws):
            partner = stream(ctx.seed, "exchanged classes", k).permutation(classes)
            makers = models[kind]
            pairs = exchanged(makers[k % len(makers)](), partner)
            name = f"{kind}_exchanged-{k}"
            found.append(_all_splits(cfg, ctx, pairs, some, name, "contrastive"))
        means = np.stack(found).mean(1)
        for name in ("in_class", "zero_shot", "zero_shot_reverse"):
            j = FIGURES.index(name)
            pool = name.removesuffix("_reverse")
            true = float(results[kind][:, places, j].mean())
            base = float(np.mean([chance[pool][p] for p in places]))
            ctx.metric(
                f"accuracy_{name}{kind}_exchanged",
                means[:, j],
                control=f"chance_{pool}",
            )
            ctx.metric(
                f"accuracy_{name}{kind}_on_exchange_splits",
                true,
                control=f"accuracy_{name}{kind}_exchanged",
            )
            if pool == "zero_shot":
                beyond = int((abs(means[:, j] - base) >= abs(true - base)).sum())
                ctx.metric(f"p_{name}{kind}", (1 + beyond) / (1 + len(means)))


def _control(kind: str) -> str | None:
    """Return the suffix of the control of a kind, None where chance is."""
    if kind in ("_counts", "_counts_3win", "_counts_on_srnn_splits"):
        return None
    if kind in ("_srnn", "_liquid_on_srnn_splits"):
        return "_counts_on_srnn_splits"
    return "_counts_3win" if kind == "_large" else "_counts"


def _record(
    ctx: Context, results: Table, chance: dict[str, Any], paper: dict[str, float]
) -> None:
    """Record figures over liquids (or over splits where there is one), and gains."""
    for kind, values in results.items():
        control = _control(kind)
        over = values.mean(1) if len(values) > 1 else values[0]
        for j, name in enumerate(FIGURES):
            if "_on_" in kind and name not in ("in_class", "zero_shot"):
                continue
            pool = "in_class" if name.startswith("in_class") else "zero_shot"
            pool += "_generalised" if "generalised" in name else ""
            ctx.metric(
                f"accuracy_{name}{kind}",
                over[:, j],
                paper=paper.get(name + kind),
                control=(
                    f"chance_{pool}" if control is None else f"accuracy_{name}{control}"
                ),
            )
        if control is not None:
            for name in ("in_class", "zero_shot", "zero_shot_reverse"):
                j = FIGURES.index(name)
                gain = values[:, :, j].mean(0) - results[control][:, :, j].mean(0)
                ctx.metric(
                    f"gain_{name}{kind}", gain, control=f"accuracy_{name}{control}"
                )
    for name in ("zero_shot", "zero_shot_reverse"):
        by_split = results[""][:, :, FIGURES.index(name)].mean(0)
        ctx.metric(
            f"above_chance_{name}",
            by_split - np.array(chance["zero_shot"]),
            control="chance_zero_shot",
        )
    for name, shares in chance.items():
        ctx.metric(f"chance_{name}", shares)
