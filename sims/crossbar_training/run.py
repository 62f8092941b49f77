"""A small classifier trained clean, with noise only, and with noise and wires.

Real handwritten digits (8 x 8, scikit-learn's ``load_digits``), one hidden layer, both
matrices on resistive arrays with wires and converters. Every training is programmed
onto several copies; copies and splits are the same for all kinds of training, so their
differences are paired. The test part is looked at once; early stopping sees the
validation part and clean weights only.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from hw.crossbar import ADC, AnalogConfig, wire
from hw.crossbar.torch_layers import (
    Injection,
    analog_layers,
    calibrate,
    clip_weights,
    noise_injection,
    program,
    to_analog,
    unprogram,
)
from hw.devices import Device
from neuro.grad import fit
from neuro.random import stream

from .._config import Config
from .._runner import Context
from ._figures import draw

__all__ = ["run"]

KINDS = ("clean", "noise", "noise_and_wires")


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    parts = _split(ctx.seed)
    ctx.split(
        n_train=len(parts["train"][1]),
        n_test=len(parts["test"][1]),
        name="digits",
        protocol="one stratified split: 60 % train, 20 % validation, 20 % test",
    )
    found: dict[str, dict[str, list[Any]]] = {
        kind: {"digital": [], "hardware": [], "wires": [], "noise_only": []}
        for kind in KINDS
    }
    for k in ctx.progress(range(cfg.seeds), label="trainings"):
        for kind in KINDS:
            scores = ctx.step(
                f"{kind}-{k}", lambda kind=kind, k=k: _one(cfg, ctx, parts, kind, k)
            )
            for key, values in found[kind].items():
                values.append(scores[key].mean())
    for kind, scores in found.items():
        for key, values in scores.items():
            control: str | None = "accuracy_clean_digital"
            if kind == "clean" and key == "digital":
                control = None
            if key == "hardware" and kind != "clean":
                control = "accuracy_clean_hardware"
            ctx.metric(f"accuracy_{kind}_{key}", values, control=control)
    clean = found["clean"]
    lost = np.array(clean["digital"]) - np.array(clean["hardware"])
    for kind in KINDS[1:]:
        won = np.array(found[kind]["hardware"]) - np.array(clean["hardware"])
        # of every training; of their means where one of them lost nothing
        each = won / lost if (lost > 0).all() else [won.sum() / max(lost.sum(), 1e-9)]
        ctx.metric(f"recovered_{kind}", each)
    draw(ctx, found)


def _split(seed: int) -> dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    digits = load_digits()
    x = (digits.data / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    rng = stream(seed, "split")
    order: dict[str, list[int]] = {"train": [], "valid": [], "test": []}
    for label in range(10):
        own = rng.permutation(np.flatnonzero(y == label))
        a, b = int(0.6 * own.size), int(0.8 * own.size)
        order["train"] += own[:a].tolist()
        order["valid"] += own[a:b].tolist()
        order["test"] += own[b:].tolist()
    return {k: (x[v], y[v]) for k, v in order.items()}


def _config(cfg: Config) -> AnalogConfig:
    lines = wire(cfg.node)
    return AnalogConfig(
        device=Device.preset(cfg.device, g_max=cfg.g_max),
        r_word=lines.r_word,
        r_bit=lines.r_bit,
        adc=ADC(bits=cfg.adc_bits, range="calibrated"),
    )


def _one(
    cfg: Config, ctx: Context, parts: dict[str, Any], kind: str, k: int
) -> dict[str, Any]:
    """Train once, score digitally and on programmed copies."""
    seed = int(np.random.SeedSequence([ctx.seed, k]).generate_state(1)[0]) % 2**31
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # initial weights
        plain = nn.Sequential(
            nn.Linear(64, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, 10)
        )
    config = _config(cfg)
    model = to_analog(plain, config)
    layers = list(analog_layers(model).values())
    how = Injection(
        kind="none" if kind == "clean" else "device",
        strength=cfg.strength,
        wires="effective" if kind == "noise_and_wires" else "off",
        refresh=1,
    )

    def loss(net: Any, batch: Any, generator: torch.Generator) -> torch.Tensor:
        for layer in layers:
            layer.generator = generator
        if kind != "clean":
            clip_weights(net, cfg.clip_sigma)
        return functional.cross_entropy(net(batch[0]), batch[1])

    def right(net: Any, batch: Any) -> torch.Tensor:
        return (net(batch[0]).argmax(1) == batch[1]).float()

    with noise_injection(model, how):
        fit(
            model,
            parts["train"],
            parts["valid"] if kind == "clean" else None,
            loss=loss,
            lr=cfg.lr,
            seed=seed,
            epochs=cfg.epochs,
            metric=right,
            decay="cosine",
        )
    out = {"digital": np.array([_accuracy(model, parts["test"])])}
    for key, effects in (
        ("hardware", None),
        ("wires", ("wires",)),
        ("noise_only", ("programming", "variability", "read_noise", "converters")),
    ):
        for layer in layers:
            layer.config = config if effects is None else config.only(*effects)
        scores = []
        for copy in range(cfg.copies):
            program(model, seed=1000 * k + copy)
            calibrate(model, torch.from_numpy(parts["train"][0][:512]))
            scores.append(_accuracy(model, parts["test"]))
        unprogram(model)
        out[key] = np.array(scores)
    return out


def _accuracy(model: nn.Module, part: Any) -> float:
    model.eval()
    with torch.no_grad():
        answer = model(torch.from_numpy(part[0])).argmax(1).numpy()
    return float((answer == part[1]).mean())
