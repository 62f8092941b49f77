"""Systems trained by gradient: a convolutional SNN and an ANN of equal size, 8 bits."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuro.counts import OpCounts, record
from neuro.grad import accuracy, cross_entropy, fit, neuron_factory, shifted
from neuro.grad.classifiers import Summed, conv_classifier
from neuro.grad.quantized import (
    QuantizedActivation,
    QuantizedWeights,
    transformed_conv,
    transformed_linear,
)
from neuro.random import stream
from neuro.statistics import group_folds

from .._config import Config
from ._answers import Answer, Task

__all__ = ["ann", "snn"]

BITS = 8
Places = NDArray[np.int64]


def snn(
    cfg: Config, task: Task, train: Places, test: Places, *, seed: int, fold: int
) -> Answer:
    """Train a convolutional network of leaky neurons; one bit per spike."""
    model = _train(cfg, task, train, "snn", seed=seed, fold=fold)
    return _answer(model, model, task.coarse[test], a_bits=1)


def ann(
    cfg: Config, task: Task, train: Places, test: Places, *, seed: int, fold: int
) -> Answer:
    """Train the same layers on the summed frames, weights and activations of 8 bits."""
    model = _train(cfg, task, train, "ann", seed=seed, fold=fold)
    return _answer(model, model.model, task.coarse[test], a_bits=BITS)


def _train(
    cfg: Config, task: Task, train: Places, name: str, *, seed: int, fold: int
) -> Any:
    """Fit on the training recordings, a tenth of their groups held out for stopping."""
    net = cfg.net
    weights = QuantizedWeights(BITS)
    spiking = name == "snn"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(seed, "weights", name, fold).integers(2**31)))
        model: Any = conv_classifier(
            task.coarse.shape[2:],  # type: ignore[arg-type]
            classes=task.n_classes, channels=tuple(net.channels), hidden=net.hidden,
            neuron=(
                neuron_factory("lif", beta=net.beta)
                if spiking
                else lambda: QuantizedActivation(BITS)
            ),
            conv=transformed_conv(weights), linear=transformed_linear(weights),
            dropout=net.dropout,
        )  # fmt: skip
        if not spiking:
            model = Summed(model, scale=0.5)
    y, groups = task.labels[train], task.groups[train]
    rng = stream(seed, "validation", fold)
    parts = min(10, len(np.unique(groups)))
    inner, valid = next(iter(group_folds(y, groups, parts, rng=rng)))
    fit(
        model,
        *((task.coarse[train[part]], y[part]) for part in (inner, valid)),
        loss=shifted(cross_entropy(), net.shift), lr=net.lr, epochs=net.epochs,
        seed=int(stream(seed, "batches", name, fold).integers(2**31)),
        batch=net.batch, metric=accuracy, decay="cosine", warmup=20, clip=1.0,
        weight_decay=1e-3,
    )  # fmt: skip
    model.eval()
    return model


def _answer(
    model: Any, counted: Any, frames: NDArray[np.uint8], *, a_bits: int
) -> Answer:
    """Predict and count, in batches; the counts do not depend on their size."""
    predicted, ledgers = [], []
    for start in range(0, len(frames), 64):
        x = torch.from_numpy(frames[start : start + 64])
        with (
            torch.no_grad(),
            record(
                counted, time_axis=1, inner_axis=0, a_bits=a_bits, multibit="mac"
            ) as recorder,
        ):
            predicted.append(model(x).mean(0).argmax(1).numpy())
        ledgers.append(recorder.counts)
    counts = OpCounts.concatenate(ledgers)
    bits = sum(info.weights * info.w_bits for info in counts.layers.values())
    norms = sum(p.numel() for n, p in model.named_parameters() if "weight" not in n)
    return Answer(np.concatenate(predicted), counts, bits + 32 * norms)
