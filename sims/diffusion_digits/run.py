"""Digits from noise: spiking U-Net, its non-spiking twin, the event-driven form.

Both networks are one class with equal parameters, data order, optimiser and starting
noise; they are compared at equal steps and, trained from scratch, at equal time. Every
distance has its floor (real against real) and ceilings (noise, independent pixels)
beside it, and is repeated with a second classifier.
"""

from typing import Any

import numpy as np

from hw.energy import estimate
from neuro.counts import LayerInfo, OpCounts
from neuro.random import stream

from .._config import Config
from .._images import (
    Splits,
    calibrate,
    load_images,
    record_scores,
    scores,
    start_noise,
    train_denoiser,
    unet_config,
)
from .._runner import Context
from . import _figures

__all__ = ["run"]


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import torch

    torch.set_num_threads(cfg.threads)
    data = load_images(cfg, ctx)
    packaged = cfg.weights == "package"
    features = None
    if packaged:
        from neuro.diffusion import pretrained_features

        features = pretrained_features("digits")
    calibration = calibrate(cfg, ctx, data, features)
    found: dict[str, list[dict[str, float]]] = {}
    pictures: dict[str, Any] = {}
    first: dict[str, Any] = {}
    for k in range(cfg.seeds):
        for name, model in _models(cfg, ctx, data, k).items():
            out = ctx.step(
                f"{name}-{k}-samples",
                lambda m=model, k=k: _sample(cfg, ctx, m, data, k, keep=11),
            )
            rng = stream(ctx.seed, "kernel subsets", k)
            found.setdefault(name, []).append(
                scores(out["images"], calibration, data, rng)
            )
            if k == 0:
                pictures[name], first[name] = out, model
    for name, rows in found.items():
        record_scores(ctx, name, rows)
    _ranking(ctx, found)
    rates = _event_driven(cfg, ctx, first, data)
    _figures.samples(ctx, pictures, data)
    _figures.strip(ctx, pictures["spiking"], cfg)
    _figures.table(ctx, found, calibration)
    _figures.rates(ctx, rates)
    ctx.arrays("samples", **{k: v["images"] for k, v in pictures.items()})


def _models(cfg: Config, ctx: Context, data: Splits, k: int) -> dict[str, Any]:
    """Return the networks of one seed by name; averaged weights unless said."""
    if cfg.weights == "package":
        from neuro.diffusion import pretrained

        return {n: pretrained(f"digits-{n}") for n in ("spiking", "dense")}
    seed, config = ctx.seed + k, unet_config(cfg)

    def train(name: str, config: Any, steps: int) -> Any:
        return train_denoiser(
            cfg, ctx, data, config, name=f"{name}-{k}", seed=seed, steps=steps
        )

    raw, spiking, _ = train("spiking", config, cfg.steps)
    found = {"spiking": spiking, "spiking_raw": raw}
    found["dense_raw"], found["dense"], _ = train("dense", config.dense(), cfg.steps)
    longer = round(cfg.steps * cfg.equal_time)
    if longer:
        found["dense_equal_time"] = train("dense_equal_time", config.dense(), longer)[1]
    return found


def _sample(
    cfg: Config, ctx: Context, model: Any, data: Splits, k: int, *, keep: int
) -> dict[str, Any]:
    from neuro.diffusion import sample

    side = data.train[0].shape[-1]
    noise = start_noise(cfg.n_samples, side, ctx.seed + k)
    out = sample(
        model, noise, method=cfg.solver, steps=cfg.solver_steps,
        keep=min(keep, cfg.solver_steps), progress=ctx.progress,
    )  # fmt: skip
    return {"images": out.images.numpy(), "path": out.path[:, :8].numpy()}


def _ranking(ctx: Context, found: dict[str, list[dict[str, float]]]) -> None:
    """Whether both classifiers rank spiking and non-spiking alike: 1, else 0."""
    agree = [
        float((a["fd"] < b["fd"]) == (a["fd_second"] < b["fd_second"]))
        for a, b in zip(found["spiking"], found["dense"], strict=True)
    ]
    ctx.metric("rankings_agree", agree)


def _event_driven(
    cfg: Config, ctx: Context, first: dict[str, Any], data: Splits
) -> dict[str, float]:
    """Run calls of the denoiser on the event core; count, compare, price."""
    from neuro.diffusion import Schedule, total_products
    from neuro.diffusion.events import EventDenoiser, compare
    from neuro.diffusion.folded import fold_unet
    from neuro.diffusion.ledger import paper_counts

    model = first["spiking"]
    side = data.train[0].shape[-1]
    schedule, rng = Schedule(), ctx.rng("event images")
    n = cfg.event_images
    t = np.linspace(50, 950, n).astype(np.int64)
    x0 = data.test[0][:n].astype(np.float64)
    bar = schedule.alpha_bar[t][:, None, None, None]
    x = np.sqrt(bar) * x0 + np.sqrt(1 - bar) * rng.standard_normal(x0.shape)
    on_grid = EventDenoiser(model, side, grid_bits=cfg.grid_bits)
    exact, result = compare(on_grid, fold_unet(model, grid_bits=cfg.grid_bits), x, t)
    loose, _ = compare(EventDenoiser(model, side), model, x, t)
    ctx.metric("spike_mismatches", exact.total)
    ctx.metric("stream_difference", exact.stream)
    ctx.metric("spike_mismatch_rate_float32", loose.rate)
    rates = {k: float(v.mean()) for k, v in result.spikes.items()}
    ctx.metric("firing_per_step", list(rates.values()))
    ctx.counts(result.counts)
    dense = OpCounts(1)
    dense.layer("dense", LayerInfo(kind="conv", input_class="real", a_bits=32))
    dense.add("dense", "mac", total_products(first["dense"], side), a_bits=32)
    ledgers = {
        "by_input_spiking": result.counts,
        "paper_spiking": paper_counts(result.counts),
        "dense": dense,
    }
    reports = {
        name: estimate(ledger, model="op45", profile="horowitz45-fp32")
        for name, ledger in ledgers.items()
    }
    for name, report in reports.items():
        ctx.metric(
            f"energy_{name}", report.total, unit="J",
            control=None if name == "dense" else "energy_dense",
        )  # fmt: skip
    ctx.energy({name: report.to_dict() for name, report in reports.items()})
    return rates
