"""SNN classifiers of event recordings, trained by gradient, run on the engine.

A convolutional and a recurrent network on frames of the recordings, an artificial
network of equal size on the summed frames, and the liquid with its read-out, all on the
same folds: no fold splits a source image. A network is stopped on a validation part of
its training folds; the test fold is looked at once. The transfer trains on simulated
recordings only and tests on all real ones.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw.energy import estimate
from neuro.counts import LayerInfo, OpCounts
from neuro.datasets.recordings import CameraRecordings
from neuro.random import stream
from neuro.statistics import group_folds

from .._config import Config
from .._liquids import array_liquid, bin_recordings
from .._runner import Context
from .._simulated import unrecorded_images
from . import _figures

__all__ = ["run"]


class Set(NamedTuple):
    """Frames uint8 (n, steps, 2, height, width), labels, groups, the recordings."""

    frames: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    recordings: Any
    synthetic: bool


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import torch

    torch.set_num_threads(cfg.threads)
    data = _load(cfg, ctx)
    folds = list(
        group_folds(data.labels, data.groups, cfg.folds, rng=ctx.rng("folds"))
    )[: cfg.run_folds or cfg.folds]
    ctx.split(
        n_train=len(folds[0][0]), n_test=sum(len(t) for _, t in folds),
        protocol=f"{len(folds)} of {cfg.folds} folds, no source image in two",
    )  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    for name in ("snn_conv", "snn_recurrent", "ann"):
        found[name] = [
            ctx.step(
                f"{name}-{k}",
                lambda n=name, k=k, f=fold: _train_and_test(cfg, ctx, data, n, k, f),
            )
            for k, fold in enumerate(folds)
        ]
    liquid = ctx.step("liquid", lambda: _liquid(cfg, ctx, data, folds))
    scores = {n: np.array([r["accuracy"] for r in rows]) for n, rows in found.items()}
    scores["liquid"] = liquid["accuracy"]
    for name, values in scores.items():
        control = {"ann": "chance", "liquid": "chance"}.get(name, "accuracy_ann")
        ctx.metric(f"accuracy_{name}", values, control=control)
    chance = float(np.bincount(data.labels).max() / len(data.labels))
    ctx.metric("chance", chance)
    rates = {
        n: {k: float(v) for k, v in found[n][0].items() if k.startswith("rate/")}
        for n in ("snn_conv", "snn_recurrent")
    }
    for name, layers in rates.items():
        ctx.metric(f"firing_per_step_{name}", list(layers.values()))
    counts = _engine(cfg, ctx, data, folds[0][1])
    _price(cfg, ctx, data, counts)
    if cfg.transfer_samples and not data.synthetic:
        transfer = ctx.step("transfer", lambda: _transfer(cfg, ctx, data))
        ctx.metric(
            "accuracy_transfer",
            float(transfer["accuracy"]),
            control="accuracy_snn_conv",
        )
        scores["transfer"] = np.atleast_1d(transfer["accuracy"])
    ctx.arrays("scores", **scores)
    _figures.accuracy(
        ctx, scores, float(np.bincount(data.labels).max() / len(data.labels))
    )
    _figures.frames(ctx, data)
    _figures.rates(ctx, rates)


def _load(cfg: Config, ctx: Context) -> Set:
    limit = cfg.samples or None
    recordings = ctx.data("nmnist", seed=ctx.seed, limit=limit)
    if recordings.synthetic and not limit:
        recordings = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)
    return _binned(cfg, ctx, recordings, "frames")


def _simulated(cfg: Config, ctx: Context, real: Any) -> Set:
    """Recordings of the event camera, of images that were not recorded."""
    images, labels = unrecorded_images(
        real, cfg.transfer_samples, path=cfg.data.path, rng=ctx.rng("training images")
    )
    recordings = CameraRecordings(
        images, seed=ctx.seed, name="mnist-camera", labels=labels,
        groups=np.arange(len(labels)),
    )  # fmt: skip
    return _binned(cfg, ctx, recordings, "frames-simulated")


def _binned(cfg: Config, ctx: Context, recordings: Any, step: str) -> Set:
    def make() -> dict[str, Any]:
        flat = bin_recordings(
            recordings, bin_us=cfg.events.bin_us, n_bins=cfg.events.n_bins, crop=0,
            polarity=-1, ctx=ctx,
        )  # fmt: skip
        width, height, polarities = recordings.sensor_size
        return {"frames": flat.reshape(len(flat), -1, polarities, height, width)}

    frames = ctx.step(step, make)["frames"]
    return Set(frames, recordings.labels, recordings.groups, recordings,
               bool(recordings.synthetic))  # fmt: skip


def _build(cfg: Config, name: str, shape: tuple[int, ...], seed: int) -> Any:
    import torch

    from neuro.grad import neuron_factory
    from neuro.grad.classifiers import Summed, conv_classifier, recurrent_classifier

    net = cfg.net
    spiking = neuron_factory("lif", beta=net.beta)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "snn_recurrent":
            p, height, width = shape
            small = (p, height // net.pool, width // net.pool)
            return recurrent_classifier(
                small, hidden=net.recurrent, neuron=spiking, dropout=net.dropout,
                norm=net.recurrent_norm,
            )  # fmt: skip
        options = {
            "channels": tuple(net.channels), "hidden": net.hidden,
            "dropout": net.dropout,
        }  # fmt: skip
        if name == "ann":
            relu = neuron_factory("relu")
            return Summed(conv_classifier(shape, neuron=relu, **options), scale=0.5)
        return conv_classifier(shape, neuron=spiking, **options)


def _pooled(frames: NDArray[np.uint8], pool: int) -> NDArray[np.uint8]:
    """Merge binary frames over squares of pixels: a spike if any."""
    n, steps, p, height, width = frames.shape
    h, w = height // pool, width // pool
    cut = frames[..., : h * pool, : w * pool]
    merged: NDArray[np.uint8] = cut.reshape(n, steps, p, h, pool, w, pool).max((4, 6))
    return merged


def _prepare(cfg: Config, name: str, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _pooled(frames, cfg.net.pool) if name == "snn_recurrent" else frames


def _fit(
    cfg: Config,
    ctx: Context,
    data: Set,
    name: str,
    k: int,
    chosen: NDArray[np.int64],
    *,
    epochs: int = 0,
) -> Any:
    """Train on the chosen recordings, a tenth of their groups held out."""
    from neuro.grad import accuracy, cross_entropy, fit, shifted

    x = _prepare(cfg, name, data.frames)
    rng = stream(ctx.seed, "validation", k)
    inner, valid = next(
        iter(group_folds(data.labels[chosen], data.groups[chosen], 10, rng=rng))
    )
    seed = int(stream(ctx.seed, "weights", name, k).integers(2**31))
    model = _build(cfg, name, data.frames.shape[2:], seed)
    parts = [(x[chosen[i]], data.labels[chosen[i]]) for i in (inner, valid)]
    recurrent = name == "snn_recurrent"
    shift = cfg.recurrent_shift if recurrent else cfg.shift
    epochs = epochs or (cfg.recurrent_epochs if recurrent else cfg.epochs)
    fit(
        model, *parts, loss=shifted(cross_entropy(), shift), lr=cfg.lr, seed=seed,
        epochs=epochs, batch=cfg.batch, metric=accuracy, decay="cosine", warmup=20,
        clip=1.0, weight_decay=1e-3, resume=True, progress=ctx.progress,
        out=ctx.out / "training" / f"{name}-{k}",
    )  # fmt: skip
    return model


def _test(model: Any, frames: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    import torch

    from neuro.grad import accuracy

    with torch.no_grad():
        hits = [
            accuracy(model, (torch.from_numpy(frames[i : i + 64]),
                             torch.from_numpy(labels[i : i + 64])))
            for i in range(0, len(frames), 64)
        ]  # fmt: skip
    return float(torch.cat(hits).mean())


def _train_and_test(
    cfg: Config, ctx: Context, data: Set, name: str, k: int, fold: Any
) -> dict[str, Any]:
    import torch

    from neuro.grad import firing_rates

    train, test = fold
    model = _fit(cfg, ctx, data, name, k, train)
    x = _prepare(cfg, name, data.frames[test])
    out: dict[str, Any] = {
        "accuracy": _test(model, x, data.labels[test]),
        "parameters": model.n_parameters(),
    }
    if name != "ann":
        rates = firing_rates(model, torch.from_numpy(x[:64]))
        out |= {f"rate/{layer}": rate for layer, rate in rates.items()}
    if name == "snn_conv" and k == 0:
        out |= {f"weights/{n}": v.numpy() for n, v in model.state_dict().items()}
    return out


def _transfer(cfg: Config, ctx: Context, data: Set) -> dict[str, Any]:
    """Train on simulated recordings, test on all real ones."""
    made = _simulated(cfg, ctx, data.recordings)
    model = _fit(
        cfg, ctx, made, "snn_conv", -1, np.arange(len(made.labels)),
        epochs=cfg.transfer_epochs,
    )  # fmt: skip
    return {"accuracy": _test(model, data.frames, data.labels)}


def _liquid(cfg: Config, ctx: Context, data: Set, folds: Any) -> dict[str, Any]:
    """Score the liquid of nmnist-lsm on the same folds, ridge read-out."""
    from neuro.lsm.readout import fit_readout

    f = cfg.frames
    frames = bin_recordings(
        data.recordings, bin_us=f.bin_us, n_bins=f.n_bins, crop=f.crop,
        polarity=f.polarity, ctx=ctx,
    )  # fmt: skip
    liquid = array_liquid(cfg, ctx.seed, 0, cfg.liquid.n, frames.shape[2])
    x, y, g = liquid.run(frames).features, data.labels, data.groups
    scores = []
    for train, test in folds:
        rng = ctx.rng("liquid read-out")
        readout = fit_readout(x[train], y[train], g[train], kind="ridge", rng=rng)
        scores.append(float((readout.predict(x[test]) == y[test]).mean()))
    return {"accuracy": np.array(scores)}


def _engine(cfg: Config, ctx: Context, data: Set, test: NDArray[np.int64]) -> OpCounts:
    """Run test recordings of the first fold on the engine and compare with torch."""
    import torch

    from neuro.grad.mismatch import compare

    model = _build(cfg, "snn_conv", data.frames.shape[2:], 0)
    with np.load(ctx.out / "steps" / "snn_conv-0.npz", allow_pickle=False) as stored:
        state = {
            k.removeprefix("weights/"): torch.from_numpy(np.array(stored[k]))
            for k in stored.files
            if k.startswith("weights/")
        }
    model.load_state_dict(state)
    model.eval()
    chosen = test[: cfg.engine_samples]
    frames, labels = data.frames[chosen], data.labels[chosen]
    exact = compare(model, frames, grid_bits=cfg.grid_bits)
    loose = compare(model, frames)
    ctx.metric("spike_mismatches", exact.total)
    ctx.metric("spike_mismatch_rate_float32", loose.rate)
    for name, logits in (
        ("engine", exact.engine_logits),
        ("torch_on_grid", exact.torch_logits),
        ("torch_float32", loose.torch_logits),
    ):
        ctx.metric(
            f"accuracy_{name}", float((logits.argmax(1) == labels).mean()),
            control="accuracy_torch_on_grid" if name == "engine" else None,
        )  # fmt: skip
    ctx.counts(exact.result.counts)
    return exact.result.counts  # type: ignore[no-any-return]


def _price(cfg: Config, ctx: Context, data: Set, counts: OpCounts) -> None:
    """Joules per recording of the SNN on the engine and of the artificial network."""
    model = _build(cfg, "ann", data.frames.shape[2:], 0)
    dense = OpCounts(1)
    dense.layer("ann", LayerInfo(kind="conv", input_class="real", a_bits=32))
    dense.add("ann", "mac", _macs(model, data.frames.shape[2:]), a_bits=32)
    reports = {
        "snn_conv": estimate(counts, model="op45", profile="horowitz45-fp32"),
        "ann": estimate(dense, model="op45", profile="horowitz45-fp32"),
    }
    for name, report in reports.items():
        ctx.metric(
            f"energy_{name}", report.total, unit="J",
            control="energy_ann" if name != "ann" else None,
        )  # fmt: skip
    ctx.energy({name: report.to_dict() for name, report in reports.items()})


def _macs(model: Any, shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of one pass of the artificial network."""
    import torch

    total = 0

    def hook(module: Any, _inputs: Any, out: Any) -> None:
        nonlocal total
        weight = module.weight
        total += weight.numel() * (out[0, 0].numel() if weight.ndim == 4 else 1)

    handles = [
        m.register_forward_hook(hook)
        for m in model.modules()
        if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)
    ]
    model.eval()
    with torch.no_grad():
        model(torch.zeros(1, 1, *shape))
    for handle in handles:
        handle.remove()
    return total
