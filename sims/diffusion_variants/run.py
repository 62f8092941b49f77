"""One change at a time: variants of the denoiser trained alike, and conversion.

Scores are taken against the validation images: the error of the predicted noise at four
ranges of the diffusion time, and the distance of generated images. The quantised
artificial network is scored as it is, converted to spikes, and after calibration block
by block; the conversion's error is reported for the first and the last block.
"""

from typing import Any

import numpy as np

from .._config import Config
from .._images import (
    Splits,
    load_images,
    start_noise,
    train_denoiser,
    unet_config,
)
from .._runner import Context
from . import _figures

__all__ = ["run"]

RANGES = ((0, 100), (100, 400), (400, 700), (700, 1000))
_SETTINGS = {"snn_steps": "steps"}


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import torch

    from neuro.diffusion import pretrained_features
    from neuro.diffusion.metrics import frechet_distance

    torch.set_num_threads(cfg.threads)
    data = load_images(cfg, ctx)
    features = pretrained_features("digits")
    real = features(data.valid[0])
    rng = ctx.rng("floor")
    subset = data.train[0][rng.permutation(len(data.train[0]))[: cfg.n_samples]]
    ctx.metric("fd_floor", frechet_distance(features(subset), real))
    found: dict[str, list[dict[str, Any]]] = {}

    def judge(name: str, k: int, make: Any) -> None:
        out = ctx.step(f"{name}-{k}", lambda: _score(cfg, ctx, data, make(), k))
        out["fd"] = frechet_distance(features(out["images"]), real)
        found.setdefault(name, []).append(out)

    for k in range(cfg.seeds):
        for name, changes in cfg.variants.items():
            judge(
                name,
                k,
                lambda n=name, c=changes, k=k: _variant(cfg, ctx, data, n, c, k),
            )
        judge("dense", k, lambda k=k: _variant(cfg, ctx, data, "dense", None, k))
        for bits in cfg.bits:
            _conversion(cfg, ctx, data, bits, k, judge)
    for name, rows in found.items():
        control = "fd_floor" if name == "dense" else "fd_dense"
        control = f"fd_{_base(name)}" if "to_spikes" in name else control
        ctx.metric(f"fd_{name}", [r["fd"] for r in rows], control=control)
        ctx.metric(f"error_{name}", [float(r["error"]) for r in rows])
    _figures.samples(ctx, {n: r[0]["images"] for n, r in found.items()}, data)
    _figures.errors(ctx, {n: r[0]["by_time"] for n, r in found.items()}, RANGES)


def _base(name: str) -> str:
    """Return the network that a converted one came from."""
    return name.partition("_to_spikes")[0]


def _variant(
    cfg: Config, ctx: Context, data: Splits, name: str, changes: Any, k: int
) -> Any:
    settings = {_SETTINGS.get(key, key): v for key, v in (changes or {}).items()}
    config = unet_config(cfg, **settings)
    if name == "dense":
        config = config.dense()
    return train_denoiser(
        cfg, ctx, data, config, name=f"{name}-{k}", seed=ctx.seed + k, steps=cfg.steps
    )[1]


def _conversion(
    cfg: Config, ctx: Context, data: Splits, bits: int, k: int, judge: Any
) -> None:
    """Train a quantised artificial network, convert it, calibrate it."""
    from neuro.diffusion.conversion import (
        calibrate,
        conversion_errors,
        quantized_unet,
        to_spiking,
    )

    name = f"quantised_{bits}_bits"
    model = train_denoiser(
        cfg, ctx, data, unet_config(cfg), name=f"{name}-{k}", seed=ctx.seed + k,
        steps=cfg.steps, make=lambda config: quantized_unet(config, bits),
    )[1]  # fmt: skip
    model.eval()
    spiking = to_spiking(model)
    judge(name, k, lambda: model)
    judge(f"{name}_to_spikes", k, lambda: spiking)
    x, t, _ = _noised(data, 0, 1000, k)

    def note(label: str) -> None:
        errors = conversion_errors(model, spiking, x, t)
        last = list(errors)[-2]
        ctx.metric(f"conversion_error_{bits}_bits_first_{label}_{k}", errors["down.0"])
        ctx.metric(f"conversion_error_{bits}_bits_last_{label}_{k}", errors[last])

    note("converted")
    calibrate(
        model, spiking, data.train[0], steps=cfg.calibration_steps, seed=ctx.seed + k,
        lr=cfg.calibration_lr, batch=cfg.batch, progress=ctx.progress,
    )  # fmt: skip
    note("calibrated")
    judge(f"{name}_to_spikes_calibrated", k, lambda: spiking)


def _noised(data: Splits, low: int, high: int, k: int) -> tuple[Any, Any, Any]:
    """Return noised validation images, their diffusion steps and the noise."""
    import torch

    from neuro.diffusion import Schedule
    from neuro.grad import step_generator

    x = torch.from_numpy(data.valid[0])
    generator = step_generator(k, "validation noise", low, high)
    t = torch.randint(low, high, (len(x),), generator=generator)
    noise = torch.randn(x.shape, generator=generator)
    return Schedule().noised(x, t, noise), t, noise


def _score(cfg: Config, ctx: Context, data: Splits, model: Any, k: int) -> Any:
    """Return generated images and the error of the predicted noise by range of time."""
    import torch

    from neuro.diffusion import sample

    model.eval()
    by_time = []
    with torch.no_grad():
        for low, high in RANGES:
            x, t, noise = _noised(data, low, high, k)
            by_time.append(float(((model(x, t) - noise) ** 2).mean()))
    side = data.train[0].shape[-1]
    out = sample(
        model, start_noise(cfg.n_samples, side, ctx.seed + k), method=cfg.solver,
        steps=cfg.solver_steps, progress=ctx.progress,
    )  # fmt: skip
    share = [(high - low) / RANGES[-1][1] for low, high in RANGES]
    return {
        "images": out.images.numpy(),
        "by_time": np.array(by_time),
        "error": np.dot(share, by_time),
    }
