"""Largest load at which everything stored is still recognised."""

from math import comb, log2

import numpy as np
from numpy.typing import NDArray

from neuro.plot.sparsey import plot_capacity, plot_recall_matrix
from neuro.sparsey import Level, LevelParameters, Selection, whole_field

from .._config import Config
from .._runner import Context
from .._sparsey import COLOURS, distort, overload, random_items, replicates

# bits of a frame of 9 to 12 active pixels out of 144: mean of log2 C(144, n)
BITS_PER_FRAME = float(np.mean([log2(comb(144, n)) for n in range(9, 13)]))


def loads(expected: int, step: float) -> NDArray[np.int64]:
    """Loads to test: from 0.4 to 1.9 times the expected capacity."""
    n = [max(2, round(0.4 * expected))]
    while n[-1] < 1.9 * expected:
        n.append(max(n[-1] + 1, round(n[-1] * step)))
    return np.array(n)


def last_above(
    n: NDArray[np.int64], accuracy: NDArray[np.float64], limit: float
) -> float:
    """Load at which accuracy falls through the limit, between two tests linear."""
    below = np.flatnonzero(accuracy < limit)
    if below.size == 0:
        return float(n[-1])
    i = int(below[0])
    if i == 0:
        return float(n[0])
    part = (accuracy[i - 1] - limit) / (accuracy[i - 1] - accuracy[i])
    return float(n[i - 1] + part * (n[i] - n[i - 1]))


def willshaw(k: int, n_inputs: int, n_active: int, error: float) -> float:
    """Items at which random codes reach the error, by density of the weights.

    A wrong unit has V = 1 with probability ``d**S``; ``(K - 1) d**S`` is the error and
    ``d = 1 - (1 - S/n)**(N/K)``.
    """
    density = (error / (k - 1)) ** (1 / n_active)
    return float(k * np.log(1 - density) / np.log(1 - n_active / n_inputs))


def build(size: str, n_inputs: int, rule: str, seed: int, *, horizontal: bool) -> Level:
    """One mac of ``"QxK"``."""
    q, k = map(int, size.split("x"))
    p = LevelParameters(n_cms=q, n_units=k, selection=Selection.preset(rule))
    return Level(
        p, whole_field(n_inputs), horizontal="own" if horizontal else None, seed=seed
    )


def spatial_curve(
    level: Level, items: NDArray[np.uint8], tests: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Unit accuracy of all items stored so far, at every load."""
    codes = np.empty((0, level.parameters.n_cms), np.int16)
    out = []
    with overload():
        for n in tests:
            new = level.run(items[len(codes) : n], learn=True).codes[:, 0]
            codes = np.concatenate([codes, new])
            out.append(float((level.run(items[:n]).codes[:, 0] == codes).mean()))
    return np.array(out)


def sequence_curves(
    level: Level,
    items: NDArray[np.uint8],
    noisy: dict[int, NDArray[np.uint8]],
    tests: NDArray[np.int64],
) -> dict[int, NDArray[np.float64]]:
    """The same for sequences, shown exactly or with moved pixels."""
    n_frames = items.shape[1]
    flat = items.reshape(-1, items.shape[2])
    starts = np.arange(len(flat)) % n_frames == 0
    codes = np.empty((0, level.parameters.n_cms), np.int16)
    out: dict[int, list[float]] = {moved: [] for moved in noisy}
    with overload():
        for n in tests:
            new = slice(len(codes), n * n_frames)
            got = level.run(flat[new], starts=starts[new], learn=True).codes[:, 0]
            codes = np.concatenate([codes, got])
            for moved, shown in noisy.items():
                asked = shown[: n * n_frames]
                answer = level.run(asked, starts=starts[: len(asked)]).codes[:, 0]
                out[moved].append(float((answer == codes).mean()))
    return {moved: np.array(values) for moved, values in out.items()}


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    _spatial(cfg, ctx)
    _sequences(cfg, ctx)
    _forgetting(cfg, ctx)


def _spatial(cfg: Config, ctx: Context) -> None:
    import matplotlib.pyplot as plt

    cases = [(size, 144, 12) for size in cfg.spatial]
    cases += [(size, 400, 20) for size in cfg.spatial_large]
    curves = {}
    for size, n_inputs, n_active in cases:
        k = int(size.split("x")[1])
        expected = round((8 if n_inputs == 144 else 17) * k ** (0.8 if k > 8 else 1))
        for rule in ("separating", "random"):
            # random codes hold about twice as many, three times with 20 active
            more = 1 if rule == "separating" else 2
            tests = loads(expected * more, cfg.step)

            def make(size=size, rule=rule, tests=tests, n=n_inputs, s=n_active):  # type: ignore[no-untyped-def]
                rows = []
                for seed, rng in replicates(ctx, cfg.seeds):
                    items = random_items(rng, int(tests[-1]), n, s)
                    level = build(size, n, rule, seed, horizontal=False)
                    rows.append(spatial_curve(level, items, tests))
                return {"accuracy": np.stack(rows)}

            table = ctx.step(f"spatial-{n_inputs}-{size}-{rule}", make)["accuracy"]
            found = [last_above(tests, row, cfg.criterion) for row in table]
            name = f"{size}" + ("" if n_inputs == 144 else f"_n{n_inputs}")
            suffix = "" if rule == "separating" else "_random_codes"
            if suffix:
                estimate = willshaw(k, n_inputs, n_active, 1 - cfg.criterion)
                ctx.metric(f"willshaw_{name}", [estimate], unit="items")
            ctx.metric(
                f"capacity_spatial_{name}{suffix}",
                found,
                unit="items",
                control=f"willshaw_{name}"
                if suffix
                else f"capacity_spatial_{name}_random_codes",
            )
            if rule == "separating" and size == cfg.spatial[0] and n_inputs == 144:
                ctx.metric("capacity_spatial", found, unit="items")
            if rule == "separating" or size == cfg.spatial[0]:
                curves[f"{name.replace('_', ', ')}{suffix.replace('_', ' ')}"] = (
                    tests,
                    table,
                )
    figure, ax = plt.subplots(figsize=(7, 4.5))
    plot_capacity(curves, ax=ax, threshold=cfg.criterion, xlabel="random items stored")
    ctx.figure("spatial", figure)


def _sequences(cfg: Config, ctx: Context) -> None:
    import matplotlib.pyplot as plt

    curves = {}
    styles = {}
    for i, size in enumerate(cfg.sequences):
        k = int(size.split("x")[1])
        tests = loads(round(1.15 * k), cfg.step)

        def make(size=size, tests=tests):  # type: ignore[no-untyped-def]
            rows: dict[str, list[NDArray[np.float64]]] = {}
            for seed, rng in replicates(ctx, cfg.seeds):
                n = int(tests[-1])
                items = random_items(rng, n * cfg.n_frames, 144, (9, 12))
                noisy = {m: distort(rng, items, m) for m in (0, 1, 2)}
                level = build(size, 144, "separating", seed, horizontal=True)
                found = sequence_curves(
                    level, items.reshape(n, cfg.n_frames, -1), noisy, tests
                )
                for moved, values in found.items():
                    rows.setdefault(f"moved{moved}", []).append(values)
            return {k: np.stack(v) for k, v in rows.items()}

        tables = ctx.step(f"sequences-{size}", make)
        n_weights = build(size, 144, "separating", 0, horizontal=True).n_weights
        for moved in (0, 1, 2):
            table = tables[f"moved{moved}"]
            found = [last_above(tests, row, cfg.criterion) for row in table]
            suffix = "" if moved == 0 else f"_moved{moved}"
            ctx.metric(f"capacity_sequences_{size}{suffix}", found, unit="sequences")
            name = size + ("" if moved == 0 else f", {moved} px moved")
            curves[name] = (tests, table)
            styles[name] = {"color": COLOURS[i], "ls": ("-", "--", ":")[moved]}
            if moved == 0:
                bits = np.array(found) * cfg.n_frames * BITS_PER_FRAME / n_weights
                ctx.metric(f"bits_per_synapse_{size}", bits, unit="bit")
                if size == cfg.sequences[0]:
                    ctx.metric("capacity_sequences", found, unit="sequences")
                    ctx.metric("bits_per_synapse", bits, unit="bit")
    figure, ax = plt.subplots(figsize=(7, 4.5))
    plot_capacity(
        curves,
        ax=ax,
        threshold=cfg.criterion,
        xlabel=f"sequences of {cfg.n_frames} frames stored",
        styles=styles,
    )
    ctx.figure("sequences", figure)


def _forgetting(cfg: Config, ctx: Context) -> None:
    """Recall matrix: permanent weights fail together; freezing keeps the early ones."""
    import matplotlib.pyplot as plt

    block, blocks = 10, 12
    tables: dict[str, list[NDArray[np.float64]]] = {"permanent": [], "frozen": []}
    at_once: dict[str, list[float]] = {"permanent": [], "frozen": []}
    density = []
    novel = []
    with overload():
        for seed, rng in replicates(ctx, cfg.seeds):
            items = random_items(rng, block * blocks, 144, 12)
            new = random_items(rng, 200, 144, 12)
            for name, freeze in (("permanent", 1.0), ("frozen", 0.3)):
                p = LevelParameters(n_cms=24, n_units=8, freeze_u=freeze)
                level = Level(p, whole_field(144), seed=seed)
                table = np.full((blocks, blocks), np.nan)
                codes = np.empty((0, 24), np.int16)
                first = []
                for j in range(blocks):
                    for item in items[j * block : (j + 1) * block]:
                        code = level.run(item[None], learn=True).codes[:, 0]
                        first.append((level.run(item[None]).codes[:, 0] == code).mean())
                        codes = np.concatenate([codes, code])
                    same = level.run(items[: len(codes)]).codes[:, 0] == codes
                    table[: j + 1, j] = same.reshape(j + 1, -1).mean(1)
                    if name == "permanent" and j == 4:
                        density.append(float(level.density()[0, 0]))
                        novel.append(float(level.run(new).familiarity.mean()))
                if name == "permanent" and not tables[name]:
                    ctx.counts(level.counts)  # every store and every retrieval of it
                tables[name].append(table)
                at_once[name].append(float(np.mean(first[: 5 * block])))
    ctx.metric("accuracy_at_once", at_once["permanent"])
    ctx.metric("density_at_50_items", density)
    ctx.metric("familiarity_of_novel_at_50_items", novel)
    for name, held in tables.items():
        ctx.metric(f"accuracy_first_block_at_end_{name}", [t[0, -1] for t in held])
        ctx.metric(f"accuracy_last_block_at_end_{name}", [t[-1, -1] for t in held])
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for ax, (name, held) in zip(axes, tables.items(), strict=True):
        plot_recall_matrix(np.mean(held, 0), ax=ax, step=block)
        ax.set_title("permanent weights" if name == "permanent" else "frozen at U 0.3")
    ctx.figure("recall_matrix", figure)
    ctx.arrays("recall_matrix", **{k: np.stack(v) for k, v in tables.items()})
