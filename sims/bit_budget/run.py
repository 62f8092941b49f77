"""Train one small network at equal bit budget in different shapes, and compare.

A configuration is ``b_w/b_s/T``. Every trained layer has b_w-bit weights, every neuron
sends b_s-bit spikes, the network runs T steps. With T = 1 it is a quantised ANN of
b_s-bit activations. Still images are fed in at each step (the first layer sees grey
levels); recordings are cut into T frames whose event counts are clipped to b_s bits.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.bitbudget import bit_budget, budget, layers_of
from hw.energy import estimate
from hw.energy.plot import plot_budget
from neuro.counts import OpCounts
from neuro.errors import ParameterError

from .._config import Config
from .._runner import Context

Arrays = tuple[NDArray[Any], NDArray[np.int64]]
# configuration pairs whose difference the paper reports, and its figure
_STILL = (
    ("still_levels_minus_steps", "1/4/1", "1/1/4", 0.9500 - 0.9391),
    ("still_levels_minus_both", "1/4/1", "1/2/2", 0.9500 - 0.9443),
    ("still_levels_minus_weights", "1/4/1", "4/1/1", None),
)
_EVENTS = (
    ("events_steps_minus_levels", "1/1/16", "1/16/1", 0.798 - 0.358),
    ("events_steps_minus_both", "1/1/16", "1/4/4", 0.798 - 0.631),
    ("events_steps_minus_weights", "1/1/16", "16/1/1", None),
)


def run(cfg: Config, ctx: Context) -> None:
    """Run both tasks and write metrics, energy and figures."""
    import torch

    torch.set_num_threads(1)
    tasks = {"still": _still(cfg, ctx), "events": _events(cfg, ctx)}
    results: dict[str, dict[str, dict[str, Any]]] = {}
    ledger: OpCounts | None = None
    energies: dict[str, Any] = {}
    todo = [(t, c) for t in tasks for c in cfg[t].configurations]
    for task, text in ctx.progress(todo, label="configurations"):
        held = ctx.step(
            f"{task}-{text.replace('/', '_')}",
            lambda t=task, c=text: _configuration(cfg, ctx, t, c, tasks[t]),
        )
        results.setdefault(task, {})[text] = held
        counts = OpCounts.from_dict(_loads(str(held["ledger"])))
        report = estimate(counts, model="lemaire22")
        energies[f"{task} {text}"] = report.to_dict()
        if task == "events" and text == cfg.events.configurations[0]:
            ledger = counts
        key = f"{task}_{text.replace('/', '_')}"
        ctx.metric(key, held["accuracy"], control=f"{task}_control")
        ctx.metric(f"{key}_joules", [report.total], unit="J")
        b = budget(layers_of(counts))
        ctx.metric(f"{key}_ns_ace", [b.ns_ace or 0.0], unit="bit operations")
    controls: dict[str, float] = {}
    for task in tasks:
        control = ctx.step(
            f"{task}-control", lambda t=task: _control(cfg, ctx, tasks[t])
        )
        ctx.metric(f"{task}_control", control["accuracy"])
        controls[task] = float(np.mean(control["accuracy"]))
    for task, pairs in (("still", _STILL), ("events", _EVENTS)):
        for name, first, second, paper in pairs:
            if first in results[task] and second in results[task]:
                difference = (
                    results[task][first]["accuracy"] - results[task][second]["accuracy"]
                )
                ctx.metric(name, difference, paper=paper)
    if ledger is not None:
        ctx.counts(ledger)
    ctx.energy({"schema": "neuro.energy/1", "reports": energies})
    _figure(ctx, results, controls)


def _loads(text: str) -> Mapping[str, Any]:
    import json

    found: Mapping[str, Any] = json.loads(text)
    return found


def parse(text: str) -> tuple[int, int, int]:
    """Return ``(b_w, b_s, T)`` of ``"b_w/b_s/T"``."""
    try:
        w, s, t = (int(part) for part in text.split("/"))
    except ValueError:
        raise ParameterError(
            f"bit-budget: configuration {text!r}: expected b_w/b_s/T, e.g. '1/4/1'"
        ) from None
    bit_budget(w, s, t)
    return w, s, t


Split = Callable[[int], tuple[Arrays, Arrays, Arrays]]


class _Task:
    """A data set, cut into train, validation and test by seed."""

    def __init__(
        self, name: str, split: Split, frames: Callable[[NDArray[Any], int, int], Any]
    ) -> None:
        self.name, self.split, self.frames = name, split, frames


def _still(cfg: Config, ctx: Context) -> _Task:
    data = ctx.data("mnist")
    images = np.asarray(data.images)
    labels = np.asarray(data.labels)
    c = cfg.still
    sizes = np.cumsum([c.train, c.valid, c.test])
    if sizes[-1] > len(labels):
        shares = np.array([c.train, c.valid, c.test]) / sizes[-1]
        sizes = np.cumsum((shares * len(labels)).astype(int))

    def split(seed: int) -> tuple[Arrays, Arrays, Arrays]:
        order = ctx.rng(f"still split {seed}").permutation(len(labels))
        parts = np.split(order[: sizes[-1]], sizes[:-1])
        a, b, d = ((images[p], labels[p]) for p in parts)
        return a, b, d

    def frames(x: NDArray[Any], steps: int, s_bits: int) -> Any:
        import torch

        grey = torch.as_tensor(x.astype(np.float32) / 255.0)
        return grey[:, None, None].expand(-1, steps, -1, -1, -1)

    return _Task("still", split, frames)


def _events(cfg: Config, ctx: Context) -> _Task:
    from neuro.events import frame_batch

    c = cfg.events
    data = ctx.data("nmnist", limit=c.recordings or None)
    if data.synthetic and not c.recordings:
        data = ctx.data("nmnist", limit=c.stand_in_samples)
    labels = np.asarray(data.labels)
    groups = np.asarray(data.groups)
    n = len(data)
    recordings = [data[i] for i in range(n)]
    size = data.sensor_size
    held: dict[int, NDArray[np.uint16]] = {}

    def binned(steps: int) -> NDArray[np.uint16]:
        if steps not in held:
            side = min(c.crop, size[0], size[1]) // c.pool * c.pool
            found = frame_batch(
                recordings,
                size,
                bin_us=-(-c.duration_us // steps),
                n_bins=steps,
                crop=side,
                binary=False,
            )
            shape = (*found.shape[:3], side // c.pool, c.pool, side // c.pool, c.pool)
            held[steps] = found.reshape(shape).sum((4, 6), dtype=np.uint16)
        return held[steps]

    def split(seed: int) -> tuple[Arrays, Arrays, Arrays]:
        rng = ctx.rng(f"events split {seed}")
        unique = rng.permutation(np.unique(groups))
        cut = np.cumsum([c.test_share, c.valid_share])
        where = np.split(unique, (cut * len(unique)).astype(int))
        test, valid, train = (np.flatnonzero(np.isin(groups, g)) for g in where)
        a, b, d = ((p, labels[p]) for p in (train, valid, test))
        return a, b, d

    def frames(x: NDArray[Any], steps: int, s_bits: int) -> Any:
        import torch

        top = 2**s_bits - 1
        return torch.as_tensor(np.minimum(binned(steps)[x], top).astype(np.float32))

    ctx.split(n_train=n - int(c.test_share * n), n_test=int(c.test_share * n))
    return _Task("events", split, frames)


class _Data:
    """Batches for ``fit``: indices in, frames and labels out."""

    def __init__(self, task: _Task, part: Arrays, steps: int, s_bits: int) -> None:
        import torch

        self.x = task.frames(part[0], steps, s_bits)
        self.y = torch.as_tensor(part[1])

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: Any) -> Any:
        return self.x[i], self.y[i]


def _configuration(
    cfg: Config, ctx: Context, name: str, text: str, task: _Task
) -> dict[str, Any]:
    import json

    w, s, t = parse(text)
    scores, first = [], None
    for seed in range(cfg.seeds):
        model, test = _train(cfg, ctx, name, task, (w, s, t), seed)
        scores.append(_accuracy(model, test))
        if first is None:
            first = _count(model, test, cfg.priced, s)
    if first is None:
        raise ParameterError("bit-budget: seeds must be >= 1")
    return {
        "accuracy": np.array(scores),
        "ledger": np.array(json.dumps(first.to_dict())),
    }


def _train(
    cfg: Config,
    ctx: Context,
    name: str,
    task: _Task,
    bits: tuple[int, int, int],
    seed: int,
) -> tuple[Any, _Data]:
    import torch

    from neuro.grad import accuracy, cross_entropy, fit
    from neuro.grad.classifiers import conv_classifier
    from neuro.grad.multibit import MultiBit
    from neuro.grad.quantized import (
        QuantizedWeights,
        transformed_conv,
        transformed_linear,
    )

    w, s, t = bits
    c = cfg[name]
    train, valid, test = (_Data(task, p, t, s) for p in task.split(seed))
    torch.manual_seed(int(ctx.rng(f"{name} weights {seed}").integers(2**31)))
    quantized = QuantizedWeights(w)
    model = conv_classifier(
        tuple(train.x.shape[2:]),
        channels=tuple(cfg.channels),
        hidden=cfg.hidden,
        neuron=lambda: MultiBit(s, beta=c.beta),
        linear=transformed_linear(quantized),
        conv=transformed_conv(quantized),
    )
    fit(
        model,
        train,
        valid,
        loss=cross_entropy(),
        lr=cfg.lr,
        seed=int(ctx.rng(f"{name} batches {seed}").integers(2**31)),
        epochs=c.epochs,
        batch=cfg.batch,
        metric=accuracy,
        decay="cosine",
    )
    return model, test


def _accuracy(model: Any, data: _Data) -> float:
    import torch

    from neuro.grad import accuracy

    right = 0.0
    with torch.no_grad():
        for start in range(0, len(data), 250):
            part = slice(start, start + 250)
            right += float(accuracy(model, (data.x[part], data.y[part])).sum())
    return right / len(data)


def _count(model: Any, data: _Data, n: int, s_bits: int) -> OpCounts:
    import torch

    from neuro.counts import record

    with (
        torch.no_grad(),
        record(model, time_axis=1, inner_axis=0, a_bits=s_bits, v_bits=32) as recorder,
    ):
        model(data.x[:n])
    return recorder.counts


def _control(cfg: Config, ctx: Context, task: _Task) -> dict[str, Any]:
    """Logistic regression on grey levels, or on events summed over time."""
    from sklearn.linear_model import LogisticRegression

    scores = []
    for seed in range(cfg.seeds):
        train, _, test = task.split(seed)
        a, b = (task.frames(p[0], 1, 8).flatten(1).numpy() for p in (train, test))
        scale = max(float(a.max()), 1.0)
        fitted = LogisticRegression(C=0.1, max_iter=300).fit(a / scale, train[1])
        scores.append(float(fitted.score(b / scale, test[1])))
    return {"accuracy": np.array(scores)}


def _figure(
    ctx: Context,
    results: Mapping[str, Mapping[str, Mapping[str, Any]]],
    controls: Mapping[str, float],
) -> None:
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.0), layout="constrained")
    titles = {"still": "still images", "events": "recordings"}
    for ax, (task, found) in zip(axes, results.items(), strict=True):
        names: Sequence[str] = list(found)
        plot_budget(
            names,
            [np.asarray(found[c]["accuracy"], np.float64) for c in names],
            ax=ax,
            control=controls[task],
        )
        ax.set_title(titles[task])
    ctx.figure("accuracy_against_budget", fig)
