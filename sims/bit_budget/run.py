"""Train one small network at equal bit budget in different shapes, and compare.

A configuration is ``b_w/b_s/T``. Every trained layer has b_w-bit weights, every neuron
sends b_s-bit spikes, the network runs T steps. With T = 1 it is a quantised ANN of
b_s-bit activations. :mod:`sims.bit_budget.tasks` says what it is trained on.

Each seed of each configuration is a step of its own: an interrupted run goes on there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hw.bitbudget import bit_budget, budget, layers_of
from hw.energy import estimate
from hw.energy.plot import plot_budget
from neuro.counts import OpCounts
from neuro.errors import ParameterError

from .._config import Config
from .._runner import Context
from .tasks import Arrays, Task, load_tasks

# per task: metric, configurations whose difference it is, and the paper's figure
_DIFFERENCES: dict[str, tuple[tuple[str, str, str, float | None], ...]] = {
    "still": (
        ("still_levels_minus_steps", "1/4/1", "1/1/4", 0.9500 - 0.9391),
        ("still_levels_minus_both", "1/4/1", "1/2/2", 0.9500 - 0.9443),
        ("still_levels_minus_weights", "1/4/1", "4/1/1", None),
    ),
    "events": (
        ("events_steps_minus_levels", "1/1/16", "1/16/1", 0.798 - 0.358),
        ("events_steps_minus_both", "1/1/16", "1/4/4", 0.798 - 0.631),
        ("events_steps_minus_weights", "1/1/16", "16/1/1", None),
    ),
    "binary": (
        ("binary_steps_minus_levels", "1/1/16", "1/16/1", 0.798 - 0.358),
        ("binary_steps_minus_both", "1/1/16", "1/4/4", 0.798 - 0.631),
    ),
    "order": (
        ("order_steps_minus_levels", "1/1/16", "1/16/1", 0.798 - 0.358),
        ("order_steps_minus_both", "1/1/16", "1/4/4", 0.798 - 0.631),
        ("order_two_steps_minus_levels", "1/8/2", "1/16/1", None),
    ),
}
_TITLES = {
    "still": "still images",
    "events": "recordings",
    "binary": "recordings, binary frames",
    "order": "recordings and their direction",
}


def run(cfg: Config, ctx: Context) -> None:
    """Run the tasks and write metrics, energy and figure."""
    import torch

    torch.set_num_threads(1)
    tasks = load_tasks(cfg, ctx)
    accuracies: dict[str, dict[str, Any]] = {name: {} for name in tasks}
    controls: dict[str, float] = {}
    energies: dict[str, Any] = {}
    todo = [(t, c) for t in tasks for c in cfg[t].configurations]
    for name, text in ctx.progress(todo, label="configurations"):
        accuracy, counts = _configuration(cfg, ctx, tasks[name], text)
        accuracies[name][text] = accuracy
        report = estimate(counts, model="lemaire22")
        energies[f"{name} {text}"] = report.to_dict()
        if (name, text) == (_priced(tasks), cfg[_priced(tasks)].configurations[0]):
            ctx.counts(counts)
        key = f"{name}_{text.replace('/', '_')}"
        ctx.metric(key, accuracy, control=f"{name}_control")
        ctx.metric(f"{key}_joules", [report.total], unit="J")
        b = budget(layers_of(counts))
        ctx.metric(f"{key}_ns_ace", [b.ns_ace or 0.0], unit="bit operations")
    for name, task in tasks.items():
        control = ctx.step(f"{name}-control", lambda t=task: _control(cfg, t))  # type: ignore[misc]
        ctx.metric(f"{name}_control", control["accuracy"])
        controls[name] = float(np.mean(control["accuracy"]))
        found = accuracies[name]
        for metric, first, second, paper in _DIFFERENCES[name]:
            if first in found and second in found:
                ctx.metric(metric, found[first] - found[second], paper=paper)
    ctx.energy({"schema": "neuro.energy/1", "reports": energies})
    _figure(ctx, accuracies, controls)


def _priced(tasks: Mapping[str, Task]) -> str:
    """Return the task whose first configuration is the run's ledger."""
    return "events" if "events" in tasks else next(iter(tasks))


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


class _Data:
    """Batches for ``fit``: indices in, frames and labels out."""

    def __init__(self, task: Task, part: Arrays, steps: int, s_bits: int) -> None:
        import torch

        self.x = task.frames(part[0], steps, s_bits)
        self.y = torch.as_tensor(part[1])

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: Any) -> Any:
        return self.x[i], self.y[i]


def _configuration(
    cfg: Config, ctx: Context, task: Task, text: str
) -> tuple[Any, OpCounts]:
    """Return accuracies (seeds,) and the ledger of the first seed's test samples."""
    w, s, t = parse(text)
    if cfg.seeds < 1:
        raise ParameterError(f"bit-budget: seeds: expected >= 1, got {cfg.seeds}")

    def one(seed: int) -> dict[str, Any]:
        model, test = _train(cfg, ctx, task, (w, s, t), seed)
        held = {"accuracy": np.array(_accuracy(model, test))}
        if seed == 0:
            counts = _count(model, test, cfg.priced, s)
            held["ledger"] = np.array(json.dumps(counts.to_dict()))
        return held

    label = f"{task.name}-{text.replace('/', '_')}"
    seeds = [ctx.step(f"{label}-{k}", lambda k=k: one(k)) for k in range(cfg.seeds)]  # type: ignore[misc]
    counts = OpCounts.from_dict(json.loads(str(seeds[0]["ledger"])))
    return np.array([float(held["accuracy"]) for held in seeds]), counts


def _train(
    cfg: Config,
    ctx: Context,
    task: Task,
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
    c, name = cfg[task.name], task.name
    train, valid, test = (_Data(task, p, t, s) for p in task.split(seed))
    torch.manual_seed(int(ctx.rng(f"{name} weights {seed}").integers(2**31)))
    quantized = QuantizedWeights(w)
    model = conv_classifier(
        tuple(train.x.shape[2:]),
        classes=task.classes,
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


def _control(cfg: Config, task: Task) -> dict[str, Any]:
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
    accuracies: Mapping[str, Mapping[str, Any]],
    controls: Mapping[str, float],
) -> None:
    import matplotlib.pyplot as plt

    n = len(accuracies)
    columns = 1 if n == 1 else 2
    rows = -(-n // columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(4.75 * columns, 3.9 * rows),
        layout="constrained",
        squeeze=False,
    )
    for ax, (name, found) in zip(axes.flat, accuracies.items(), strict=False):
        names: Sequence[str] = list(found)
        plot_budget(
            names,
            [np.asarray(found[c], np.float64) for c in names],
            ax=ax,
            control=controls[name],
        )
        ax.set_title(_TITLES[name])
    for ax in axes.flat[n:]:
        ax.set_axis_off()
    ctx.figure("accuracy_against_budget", fig)
