"""Liquid on arrays of limited size, per technology and wire node, paired without wires.

One liquid, many programmed copies. Every copy is scored with and without wire
resistance on the same folds: same devices, same arrays, only the wires differ. The
matrices (256 and 200 inputs, 200 pairs of columns) are split into arrays of at most
`size` lines per side whose partial sums are added digitally without loss. Two figures:
raw, and with one factor per matrix that restores the mean drive (``gain``), which a
designer would set in the digital threshold.

Arrays are driven (silent rows at 0 V); technologies named in `gated` are also read as
1T1R arrays whose silent rows are open, at the largest size: every step asks the array.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from hw.crossbar import AnalogConfig, AnalogMatrix, Crossbar, RandomWeights, wire
from hw.devices import Device
from neuro.core import Rows
from neuro.lsm import Liquid, cross_validate
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS
from neuro.random import stream

from .._config import Config
from .._liquids import Recordings, load_frames
from .._runner import Context
from . import _figures

__all__ = ["run"]

Floats = NDArray[np.float64]
ERROR_NODES = (130, 65, 45, 22, 14)
TOPOLOGIES = ("driven", "gated")


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = load_frames(cfg, ctx)
    ctx.split(
        n_train=len(data.labels) - len(data.labels) // cfg.folds,
        n_test=len(data.labels),
        protocol=f"{cfg.folds}-fold cross-validation",
    )
    weights = [
        RandomWeights(
            (cfg.liquid.n, pre),
            const=cfg.liquid.const,
            mean=mean,
            sd=sd,
            seed=int(np.random.SeedSequence([ctx.seed, k]).generate_state(1)[0]),
        )
        for k, (pre, (mean, sd)) in enumerate(
            (
                (data.frames.shape[2], WEIGHT_STATISTICS),
                (cfg.liquid.n, RECURRENT_STATISTICS),
            )
        )
    ]
    ctx.metric("chance", data.chance)
    ctx.metric(
        "accuracy_ideal",
        ctx.step(
            "ideal",
            lambda: {"a": [_score(cfg, ctx, data, [w.block(0).w for w in weights])]},
        )["a"],
        control="chance",
    )
    table: dict[tuple[str, int], dict[str, Floats]] = {}
    for technology in ctx.progress(cfg.technologies, label="technologies"):
        bases = {
            size: ctx.step(
                f"{technology}-without-wires-{size}",
                lambda t=technology, s=size: _copies(
                    cfg, ctx, data, weights, t, None, s
                ),
            )["raw"]
            for size in cfg.sizes
        }
        ctx.metric(
            f"accuracy_{technology}",
            bases[cfg.sizes[-1]],
            control="accuracy_ideal",
        )
        for node in cfg.nodes:
            rows: dict[str, list[Floats]] = {"raw": [], "gain": []}
            for size in cfg.sizes:
                found = ctx.step(
                    f"{technology}-{node}nm-{size}",
                    lambda t=technology, n=node, s=size: _copies(
                        cfg, ctx, data, weights, t, n, s
                    ),
                )
                for kind in rows:
                    rows[kind].append(bases[size] - found[kind])
            table[technology, node] = {k: np.array(v) for k, v in rows.items()}
            _record(cfg, ctx, technology, node, table[technology, node])
        if technology in cfg.gated:
            _record_gated(cfg, ctx, data, weights, technology, bases[cfg.sizes[-1]])
    errors = ctx.step("errors", lambda: _errors(cfg))
    for name, values in errors.items():
        node, topology = name.split("_")
        if int(node) in cfg.nodes:
            ctx.metric(f"column_error_{node}nm_{topology}", values[-1])
    ctx.arrays(
        "losses",
        sizes=np.array(cfg.sizes),
        **{
            f"{t}/{n}/{kind}": v
            for (t, n), losses in table.items()
            for kind, v in losses.items()
        },
    )
    _figures.losses(ctx, cfg.sizes, table, cfg.loss)
    _figures.errors(ctx, cfg.error_sizes, errors)
    _figures.maps(ctx, _example())


def _record(
    cfg: Config, ctx: Context, technology: str, node: int, losses: dict[str, Floats]
) -> None:
    """Record losses at the largest size and the largest size within the limit."""
    for kind, values in losses.items():
        name = f"{technology}_{node}nm" + ("" if kind == "raw" else "_gain")
        limit = _limit(cfg.sizes, values.mean(1), cfg.loss)
        ctx.metric(f"limit_{name}", limit, unit="lines")
        ctx.metric(f"loss_{name}", values[-1], control=f"accuracy_{technology}")


def _limit(sizes: Sequence[int], means: Floats, loss: float) -> int:
    """Largest size whose loss stays within `loss`; 0 if none does.

    Wires only get longer with the size, so the mean losses are first smoothed to the
    nearest rising sequence (isotonic regression): one unlucky size decides nothing.
    """
    rising = IsotonicRegression().fit_transform(np.arange(len(sizes)), means)
    return max((s for s, m in zip(sizes, rising, strict=True) if m <= loss), default=0)


def _record_gated(
    cfg: Config,
    ctx: Context,
    data: Recordings,
    weights: list[RandomWeights],
    technology: str,
    base: Floats,
) -> None:
    """Record losses of the same devices read through gates at the largest size."""
    for node in cfg.gated_nodes:
        found = ctx.step(
            f"{technology}-{node}nm-gated",
            lambda n=node: _copies(
                cfg, ctx, data, weights, technology, n, cfg.sizes[-1], "gated"
            ),
        )
        ctx.metric(
            f"loss_{technology}_{node}nm_gated",
            base[: cfg.gated_copies] - found["raw"],
            control=f"loss_{technology}_{node}nm",
        )


def _device(technology: str, weights: RandomWeights) -> Device:
    """Return the family; "formed" cells are taken as they are."""
    if technology != "formed":
        return Device.preset(technology)
    top = float(max(weights.g_plus.max(), weights.g_minus.max()))
    return Device(name="formed", g_min=0.0, g_max=top)


def _matrix(
    technology: str,
    weights: RandomWeights,
    node: int | None,
    size: int,
    seed: int,
    topology: str = "driven",
) -> AnalogMatrix:
    lines = {}
    if node is not None:
        w = wire(node)  # the source line of a gated array runs beside the bit line
        first = w.r_word if topology == "driven" else w.r_bit
        lines = {"r_word": first, "r_bit": w.r_bit}
    config = AnalogConfig(
        device=_device(technology, weights),
        rows_max=size,
        cols_max=size,
        read_mode="none",
        start_time=1.0 if technology == "rram_wan" else 0.0,
        topology=topology,
        **lines,
    )
    if technology == "formed":
        return AnalogMatrix.from_conductances(
            weights.g_plus,
            weights.g_minus,
            weight_per_siemens=weights.const / weights.unit,
            config=config,
            seed=seed,
        )
    return AnalogMatrix(weights.block(0).w, config, seed)


def _copies(
    cfg: Config,
    ctx: Context,
    data: Recordings,
    weights: list[RandomWeights],
    technology: str,
    node: int | None,
    size: int,
    topology: str = "driven",
) -> dict[str, Any]:
    """Score every programmed copy; formed cells with own random weights per copy."""
    out: dict[str, list[float]] = {"raw": [], "gain": []}
    for copy in range(cfg.gated_copies if topology == "gated" else cfg.copies):
        own = weights
        if technology == "formed" and copy:
            own = [_again(w, ctx.seed, copy, k) for k, w in enumerate(weights)]
        matrices = [
            _matrix(technology, w, node, size, 1000 * (copy + 1) + k, topology)
            for k, w in enumerate(own)
        ]
        if topology == "gated":
            out["raw"].append(_score(cfg, ctx, data, [m.source() for m in matrices]))
            continue
        # the same devices without wires give the drive that the gain restores
        raw = [m.effective_weights() for m in matrices]
        out["raw"].append(_score(cfg, ctx, data, raw))
        if node is None:
            continue
        before = [
            _matrix(
                technology, w, None, size, 1000 * (copy + 1) + k
            ).effective_weights()
            for k, w in enumerate(own)
        ]
        gained = [
            w * ((b * w).sum() / (w * w).sum())
            for w, b in zip(raw, before, strict=True)
        ]
        out["gain"].append(_score(cfg, ctx, data, gained))
    return {k: v for k, v in out.items() if v}


def _again(w: RandomWeights, seed: int, copy: int, k: int) -> RandomWeights:
    """Form another array with the same statistics."""
    words = np.random.SeedSequence([seed, 77, copy, k]).generate_state(1)
    return RandomWeights(
        w.shape, const=w.const, mean=w.mean, sd=w.sd, seed=int(words[0])
    )


def _score(cfg: Config, ctx: Context, data: Recordings, weights: list[Any]) -> float:
    """Cross-validated accuracy of a liquid with these weights, or on these arrays."""
    rules = [Rows(w) if isinstance(w, np.ndarray) else w for w in weights]
    liquid = Liquid(
        *rules,
        decay=cfg.liquid.decay,
        v_threshold=cfg.liquid.v_threshold,
    )
    features = liquid.run(data.frames).features
    return float(
        cross_validate(
            features,
            data.labels,
            data.groups,
            folds=cfg.folds,
            kind=cfg.readout,
            rng=stream(ctx.seed, "folds"),
        ).mean()
    )


def _errors(cfg: Config) -> dict[str, Any]:
    """Relative column errors of square arrays, 10 % of the rows on, all nodes.

    Silent rows at 0 V ("driven"), or open with a source line beside every bit line
    ("gated", both lines along the short side of the cell).
    """
    out: dict[str, Any] = {}
    for node in ERROR_NODES:
        lines = wire(node)
        for topology in TOPOLOGIES:
            out[f"{node}_{topology}"] = np.zeros(len(cfg.error_sizes))
        for k, n in enumerate(cfg.error_sizes):
            rng = np.random.default_rng([0, n])  # the same cells for every node
            g = rng.uniform(1e-6, 50e-6, (n, n))
            v = 0.2 * (rng.random((16, n)) < 0.1)
            ideal = v @ g
            for topology in TOPOLOGIES:
                first = lines.r_word if topology == "driven" else lines.r_bit
                xbar = Crossbar(g, first, lines.r_bit, topology=topology, tol=1e-9)
                found = xbar.mvm(v, method="cg" if topology == "driven" else "auto")
                square = np.mean((found - ideal) ** 2) / np.mean(ideal**2)
                out[f"{node}_{topology}"][k] = np.sqrt(square)
    return out


def _example() -> Any:
    """Solve one array whose maps are drawn."""
    rng = np.random.default_rng(1)
    g = rng.uniform(1e-6, 100e-6, (64, 64))
    lines = wire(22)
    return Crossbar(g, lines.r_word, lines.r_bit).solve(np.full(64, 0.2))
