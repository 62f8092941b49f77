"""Parts that the diffusion experiments share: images, training, scores, figures."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError
from neuro.random import stream

from ._config import Config
from ._runner import Context

__all__ = [
    "SCORES",
    "Calibration",
    "Splits",
    "calibrate",
    "load_images",
    "record_scores",
    "scores",
    "start_noise",
    "train_denoiser",
    "unet_config",
]

Images = NDArray[np.float32]
SCORES = (
    "fd", "mmd2", "precision", "recall", "density", "coverage", "memorisation_ratio",
    "class_entropy", "confident_share", "relative_noise", "relative_pixels",
)  # fmt: skip


class Splits(NamedTuple):
    """Images in [-1, 1], float32 (n, 1, side, side), and labels."""

    train: tuple[Images, NDArray[np.int64]]
    valid: tuple[Images, NDArray[np.int64]]
    test: tuple[Images, NDArray[np.int64]]


def load_images(cfg: Config, ctx: Context) -> Splits:
    """Load 8x8 digits (scikit-learn) or MNIST, and split once, by the seed 0.

    The split does not depend on the run's seed: test images are never trained on,
    whatever is repeated.
    """
    rng = stream(0, "image split")
    if cfg.images == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        x = (digits.images / 8 - 1).astype(np.float32)
        y = digits.target.astype(np.int64)
        order = rng.permutation(len(x))
        n_valid, n_test = 200, 500
        parts = np.split(order, [n_test, n_test + n_valid])
        test, valid, train = parts
        name = "digits"
    elif cfg.images == "mnist":
        data = ctx.data("mnist")
        x = (data.images / 127.5 - 1).astype(np.float32)
        y = data.labels.astype(np.int64)
        test = data.indices("test")
        rest = data.indices("train")
        rest = rest[rng.permutation(rest.size)]
        valid, train = np.split(rest, [rest.size // 12])
        if cfg.n_train:
            valid, train = valid[: cfg.n_train], train[: cfg.n_train]
        name = data.name
    else:
        raise ParameterError(f"images: 'digits' or 'mnist', got {cfg.images!r}")
    if cfg.n_samples > len(test):
        raise ParameterError(
            f"n_samples: at most {len(test)} (the real test images), got "
            f"{cfg.n_samples}"
        )
    ctx.split(n_train=train.size, n_test=test.size, name=name, synthetic=False)
    return Splits(*((x[i][:, None], y[i]) for i in (train, valid, test)))


class Calibration(NamedTuple):
    """What the scores are read against; every set has as many images as are generated.

    Attributes
    ----------
    features : Features
        The classifier that scores.
    second : Features
        A classifier of another seed and width.
    real : ndarray
        Test images scored against.
    floor, floor_sd : float
        Distance of a training subset to the test images; spread over halves.
    noise, pixels : float
        Distance of clipped noise and of independent pixels.
    """

    features: Any
    second: Any
    real: Images
    floor: float
    floor_sd: float
    noise: float
    pixels: float


def calibrate(cfg: Config, ctx: Context, data: Splits, features: Any = None) -> Any:
    """Train (or take) the classifiers and measure floors and ceilings."""
    from neuro.diffusion import train_features
    from neuro.diffusion.metrics import frechet_distance, independent_pixels

    d = 64 if cfg.images == "mnist" else 32
    epochs = cfg.classifier_epochs
    if features is None:
        features = train_features(*data, seed=1, d=d, epochs=epochs)
    second = train_features(*data, seed=2, d=d, width=12, epochs=epochs)
    n = cfg.n_samples
    rng = ctx.rng("calibration")
    real = data.test[0][rng.permutation(len(data.test[0]))[:n]]
    reference = features(real)
    shape = (n, *real.shape[1:])

    def distance(images: Any) -> float:
        return frechet_distance(features(images), reference)

    floor = distance(data.train[0][rng.permutation(len(data.train[0]))[:n]])
    halves = []
    for _ in range(10):
        order = rng.permutation(n)
        a, b = reference[order[: n // 2]], reference[order[n // 2 :]]
        halves.append(frechet_distance(a, b))
    noise = np.clip(rng.standard_normal(shape), -1, 1).astype(np.float32)
    pixels = independent_pixels(data.train[0], n, rng=rng)
    found = Calibration(
        features, second, real, floor, float(np.std(halves, ddof=1)), distance(noise),
        distance(pixels),
    )  # fmt: skip
    ctx.metric("classifier_accuracy", features.test_accuracy)
    ctx.metric("fd_floor", found.floor)
    ctx.metric("fd_halves", halves)
    ctx.metric("fd_ceiling_noise", found.noise)
    ctx.metric("fd_ceiling_pixels", found.pixels)
    return found


def scores(
    images: Images, calibration: Calibration, data: Splits, rng: np.random.Generator
) -> dict[str, float]:
    """Return the scores of one generated set by name."""
    from neuro.diffusion import metrics as m

    c = calibration
    f, r = c.features(images), c.features(c.real)
    distance = m.frechet_distance(f, r)
    shares = np.bincount(data.test[1], minlength=10) / len(data.test[1])
    shape = m.manifold(f, r)
    cover = m.class_coverage(c.features.probabilities(images), shares)
    copied = m.memorisation(images, c.real, data.train[0][:10_000])
    return {
        "fd": distance,
        "mmd2": m.kernel_distance(f, r, rng=rng).value,
        **shape._asdict(),
        "memorisation_ratio": copied.ratio,
        "close_share": copied.close_share,
        "class_entropy": cover.entropy,
        "confident_share": cover.confident_share,
        "relative_noise": m.relative_score(distance, c.floor, c.noise),
        "relative_pixels": m.relative_score(distance, c.floor, c.pixels),
        "fd_second": m.frechet_distance(c.second(images), c.second(c.real)),
    }


def record_scores(ctx: Context, suffix: str, found: list[Mapping[str, float]]) -> None:
    """Put the scores of several seeds into the record under ``NAME_suffix``."""
    for name in found[0]:
        control = {"fd": "fd_floor"}.get(name)
        if suffix == "spiking" and name not in ("fd",):
            control = f"{name}_dense"
        ctx.metric(f"{name}_{suffix}", [f[name] for f in found], control=control)


def start_noise(n: int, side: int, seed: int) -> Any:
    """Return the starting noise shared by all models of one seed."""
    import torch

    from neuro.grad import step_generator

    generator = step_generator(seed, "start noise")
    return torch.randn(n, 1, side, side, generator=generator)


def unet_config(cfg: Config, **changes: Any) -> Any:
    """Return the configuration of the U-Net that the settings ask for."""
    from neuro.diffusion import UNetConfig

    settings = {
        "steps": cfg.snn_steps, "shortcut": cfg.shortcut,
        "encoder": cfg.encoder, "prediction": cfg.prediction, "reset": cfg.reset,
    }  # fmt: skip
    return UNetConfig.preset(cfg.size, **{**settings, **changes})


def train_denoiser(
    cfg: Config,
    ctx: Context,
    data: Splits,
    config: Any,
    *,
    name: str,
    seed: int,
    steps: int,
    make: Any = None,
) -> tuple[Any, Any, Any]:
    """Train one U-Net; a run that was cut off continues from its checkpoint.

    Parameters
    ----------
    config : UNetConfig
        Of the network.
    name : str
        Folder of its checkpoint; ``part-repetition``, whose processor time is noted as
        ``training_part``.
    seed : int
        Of weights, batches, diffusion steps and noise.
    steps : int
        Of training.
    make : callable, optional
        ``make(config) -> SpikingUNet``, for networks with other parts.

    Returns
    -------
    raw, averaged : SpikingUNet
        Last weights and their moving average.
    history : History
        Of the training.
    """
    import torch

    from neuro.diffusion import SpikingUNet, denoising_loss
    from neuro.diffusion.schedule import Schedule
    from neuro.grad import fit

    part = name.rpartition("-")[0] or name
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(seed, "weights").integers(2**31)))
        model = (make or SpikingUNet)(config)
    history = fit(
        model, (data.train[0],), loss=denoising_loss(Schedule()), lr=cfg.lr,
        seed=seed, steps=steps, warmup=cfg.warmup, clip=1.0, ema=cfg.ema,
        batch=cfg.batch, out=ctx.out / "training" / name, resume=True,
        progress=ctx.progress, checkpoint_every_s=20.0, decay="cosine",
    )  # fmt: skip
    ctx.cpu_time(f"training_{part}", history.cpu_s)
    return model, history.ema_model, history
