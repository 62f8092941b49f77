"""Taking spiking diffusion apart, from the committed network of 8x8 digits.

*Temporal scale*: the second training stage with a factor per step, beside the control
that is trained for as many steps without one. *Threshold guidance*: the threshold is
chosen on images held out for validation; the test images are looked at once, with the
chosen threshold and with the trained one. *Solver steps*: for the spiking network and
its non-spiking twin, from the same noise.
"""

from typing import Any

from neuro.random import stream

from .._config import Config
from .._images import Splits, calibrate, load_images, scores, start_noise
from .._runner import Context
from . import _figures

__all__ = ["run"]


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import torch

    from neuro.diffusion import pretrained, pretrained_features

    torch.set_num_threads(cfg.threads)
    data = load_images(cfg, ctx)
    calibration = calibrate(cfg, ctx, data, pretrained_features("digits"))
    found: dict[str, list[dict[str, float]]] = {}

    def judge(name: str, k: int, model: Any, **options: Any) -> None:
        images = ctx.step(
            f"{name}-{k}", lambda: {"images": _sample(cfg, ctx, model, k, **options)}
        )["images"]
        rng = stream(ctx.seed, "kernel subsets", k)
        found.setdefault(name, []).append(scores(images, calibration, data, rng))

    thresholds = _sweep(cfg, ctx, data, calibration)
    best = min(thresholds, key=lambda v: thresholds[v])
    scales: dict[str, Any] = {}
    for k in range(cfg.seeds):
        judge("stage1", k, pretrained("digits-spiking"))
        judge("dense", k, pretrained("digits-dense"))
        judge("guided", k, pretrained("digits-spiking"), threshold=best)
        for name, scaled in (("temporal_scale", True), ("more_training", False)):
            model, learned = _second_stage(cfg, ctx, data, k, scaled)
            judge(name, k, model)
            if scaled and k == 0:
                scales = learned
        for steps in cfg.solver_list:
            for name in ("spiking", "dense"):
                model = pretrained(f"digits-{name}")
                judge(f"{name}_{steps}_steps", k, model, steps=steps)
    controls = {
        "stage1": "fd_floor", "dense": "fd_floor", "guided": "fd_stage1",
        "temporal_scale": "fd_more_training", "more_training": "fd_stage1",
    }  # fmt: skip
    for name, rows in found.items():
        control = controls.get(name)
        if name.startswith("spiking_"):
            control = f"fd_dense_{name.removeprefix('spiking_')}"
        ctx.metric(f"fd_{name}", [r["fd"] for r in rows], control=control)
    ctx.metric("best_threshold", best)
    for value, distance in thresholds.items():
        ctx.metric(f"fd_valid_threshold_{value:g}", distance)
    for n in range(len(next(iter(scales.values())))):
        ctx.metric(f"temporal_scale_{n + 1}", [float(v[n]) for v in scales.values()])
    _figures.thresholds(ctx, thresholds)
    _figures.solver(ctx, found, list(cfg.solver_list))
    _figures.scales(ctx, scales)


def _sample(
    cfg: Config,
    ctx: Context,
    model: Any,
    k: int,
    *,
    threshold: float | None = None,
    steps: int | None = None,
    n: int | None = None,
) -> Any:
    from neuro.diffusion import guided, sample

    noise = start_noise(n or cfg.n_samples, 8, ctx.seed + k)
    with guided(model, threshold):
        out = sample(
            model, noise, method=cfg.solver, steps=steps or cfg.solver_steps,
            progress=ctx.progress,
        )  # fmt: skip
    return out.images.numpy()


def _sweep(
    cfg: Config, ctx: Context, data: Splits, calibration: Any
) -> dict[float, float]:
    """Return the distance to the validation images for every threshold."""
    from neuro.diffusion import pretrained
    from neuro.diffusion.metrics import frechet_distance

    real = calibration.features(data.valid[0])
    model = pretrained("digits-spiking")
    out = {}
    for value in ctx.progress(cfg.thresholds, label="thresholds"):
        # other noise than that of the test: seed offset by 1000
        images = ctx.step(
            f"threshold-{value:g}",
            lambda v=value: {"images": _sample(cfg, ctx, model, 1000, threshold=v)},
        )["images"]
        out[float(value)] = frechet_distance(calibration.features(images), real)
    return out


def _second_stage(
    cfg: Config, ctx: Context, data: Splits, k: int, scaled: bool
) -> tuple[Any, dict[str, Any]]:
    """Train on from the committed weights, with or without a factor per step."""
    from neuro.diffusion import (
        add_temporal_scale,
        denoising_loss,
        pretrained,
        temporal_scales,
    )
    from neuro.diffusion.schedule import Schedule
    from neuro.grad import fit

    model = pretrained("digits-spiking")
    if scaled:
        add_temporal_scale(model)
    name = f"{'scaled' if scaled else 'control'}-{k}"
    history = fit(
        model, (data.train[0],), loss=denoising_loss(Schedule()), lr=cfg.stage2_lr,
        seed=ctx.seed + k, steps=cfg.stage2_steps, warmup=cfg.warmup, clip=1.0,
        ema=cfg.ema, batch=cfg.batch, out=ctx.out / "training" / name, resume=True,
        progress=ctx.progress,
    )  # fmt: skip
    return history.ema_model, temporal_scales(history.ema_model)
