"""Winners of a stored code that similar probes select again, rule by rule."""

import numpy as np
from numpy.typing import NDArray

from neuro.plot.sparsey import plot_code_intersections, plot_codes
from neuro.sparsey import (
    General,
    JavaSigmoid,
    Level,
    LevelParameters,
    Logistic,
    Selection,
    whole_field,
)

from .._config import Config
from .._runner import Context
from .._sparsey import COLOURS, random_items, replicates

# name -> rule; the first two are the shipped presets
RULES = {
    "separating": Selection.preset("separating"),
    "graded": Selection.preset("graded"),
    "slope8": Selection(sigmoid=Logistic(slope=8.0, inflection=0.625)),
    "general": Selection(sigmoid=General(), g_minus=0.1),
    "late": Selection(sigmoid=Logistic(slope=40.0, inflection=0.9)),
    "sparseypy": Selection.preset("sparseypy"),
    "rinkus2010_low_chi": Selection(
        sigmoid=Logistic(slope=28.0, inflection=5 / 28), chi=1.5, gamma=1.0
    ),
    "java_smooth": Selection(sigmoid=JavaSigmoid(saturate=2.0), g_minus=0.1),
    "random": Selection.preset("random"),
}


def probes(rng: np.random.Generator, item: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Inputs that share 0, 1, ... all features with `item`."""
    on, off = np.flatnonzero(item), np.flatnonzero(item == 0)
    out = np.zeros((on.size + 1, item.size), np.uint8)
    for shared, row in enumerate(out):
        row[rng.choice(on, shared, replace=False)] = 1
        row[rng.choice(off, on.size - shared, replace=False)] = 1
    return out


def curve(
    cfg: Config, rule: Selection, stored: int, seed: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Mean share of winners re-selected, by overlap."""
    p = LevelParameters(n_cms=cfg.n_cms, n_units=cfg.n_units, selection=rule)
    total = np.zeros(cfg.n_active + 1)
    for trial in range(cfg.trials):
        level = Level(p, whole_field(cfg.n_inputs), seed=seed, name=f"trial {trial}")
        items = random_items(rng, stored, cfg.n_inputs, cfg.n_active)
        code = level.run(items, learn=True).codes[-1, 0]
        asked = level.run(probes(rng, items[-1]), soft=True).codes[:, 0]
        total += (asked == code).mean(1)
    return total / cfg.trials


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import matplotlib.pyplot as plt

    results: dict[tuple[str, int], list[NDArray[np.float64]]] = {}
    for seed, rng in replicates(ctx, cfg.seeds):
        for name, rule in RULES.items():
            for stored in cfg.stored:
                results.setdefault((name, stored), []).append(
                    curve(cfg, rule, stored, seed, rng)
                )
    ctx.metric("chance", [1 / cfg.n_units])
    for (name, stored), values in results.items():
        table = np.stack(values)
        label = "" if name == "separating" else f"_{name}"
        label += "" if stored == 1 else f"_n{stored}"
        for overlap in range(cfg.n_active + 1):
            ctx.metric(
                f"reselected{label}_{overlap:02d}", table[:, overlap], control="chance"
            )
    ctx.arrays(
        "curves", **{f"{name}_n{n}": np.stack(v) for (name, n), v in results.items()}
    )

    figure, axes = plt.subplots(1, len(cfg.stored), figsize=(10, 4), sharey=True)
    for ax, stored in zip(np.atleast_1d(axes), cfg.stored, strict=True):
        for i, name in enumerate(RULES):
            table = np.stack(results[name, stored])
            ax.errorbar(
                range(cfg.n_active + 1), table.mean(0), table.std(0), label=name,
                color=COLOURS[i], lw=2.5 if i < 2 else 1, capsize=2,
            )  # fmt: skip
        ax.axhline(1 / cfg.n_units, color="0.5", ls=":")
        ax.set_title(f"{stored} stored")
        ax.set_xlabel("input features shared with the stored item")
    np.atleast_1d(axes)[0].set_ylabel("winners re-selected")
    np.atleast_1d(axes)[0].legend(frameon=False, fontsize=7)
    ctx.figure("reselected", figure)
    _picture(cfg, ctx)


def _picture(cfg: Config, ctx: Context) -> None:
    """Codes of inputs that share fewer and fewer features with the first."""
    import matplotlib.pyplot as plt

    p = LevelParameters(
        n_cms=cfg.n_cms, n_units=cfg.n_units, selection=Selection.preset("graded")
    )
    level = Level(p, whole_field(cfg.n_inputs), seed=ctx.seed)
    rng = ctx.rng("picture")
    item = random_items(rng, 1, cfg.n_inputs, cfg.n_active)
    code = level.run(item, learn=True).codes[:, 0]
    shown = probes(rng, item[0])[::-3]
    codes = np.concatenate([code, level.run(shown, soft=True).codes[:, 0]])
    ctx.counts(level.counts)  # one store, then one retrieval per probe
    names = ["stored", *(str(cfg.n_active - 3 * i) for i in range(len(shown)))]
    figure, axes = plt.subplots(1, 2, figsize=(11, 5))
    plot_codes(codes, cfg.n_units, ax=axes[0], reference=0)
    axes[0].set_yticklabels(names)
    axes[0].set_ylabel("input features shared")
    plot_code_intersections(codes, ax=axes[1], labels=names)
    figure.tight_layout()
    ctx.figure("codes", figure)
