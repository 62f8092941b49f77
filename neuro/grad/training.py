"""``fit``: the training loop of the project.

Adam on mini-batches with linear warm-up, clipping of the global gradient norm, an
optional moving average of the weights, validation with early stopping, and checkpoints
from which a run continues bit for bit. A limit is given in epochs, steps or seconds.
"""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from neuro.errors import ConvergenceError, ParameterError
from neuro.grad.batches import Batches, step_generator
from neuro.grad.history import History, RunState
from neuro.results import write_json

__all__ = ["History", "fit"]

log = logging.getLogger(__name__)
Loss = Callable[[Any, Any, torch.Generator], Any]
Metric = Callable[[Any, Any], Any]


def _average(ema: Any, model: Any, decay: float) -> None:
    """Move the averaged weights and floating-point buffers towards the model's."""
    pairs = list(
        zip(ema.state_dict().values(), model.state_dict().values(), strict=True)
    )
    real = [(a, b) for a, b in pairs if a.dtype.is_floating_point]
    with torch.no_grad():
        torch._foreach_lerp_([a for a, _ in real], [b for _, b in real], 1 - decay)
        for a, b in pairs:
            if not a.dtype.is_floating_point:
                a.copy_(b)


def _evaluate(
    model: Any, batches: Batches, loss: Loss, metric: Metric | None, seed: int
) -> float:
    """Return the mean metric per sample, or the mean loss per batch entry."""
    training = model.training
    model.eval()
    total, n = 0.0, 0
    with torch.no_grad():
        for k, batch in enumerate(batches.sweep()):
            size = len(batch[0]) if isinstance(batch, (tuple, list)) else len(batch)
            if metric is None:
                draw = step_generator(seed, "validation loss", k)
                total += float(loss(model, batch, draw)) * size
            else:
                total += float(metric(model, batch).sum(dtype=torch.float64))
            n += size
    model.train(training)
    return total / n


def _limit(
    per_epoch: int, epochs: int | None, steps: int | None, budget_s: float | None
) -> int:
    if epochs is None and steps is None and budget_s is None:
        raise ParameterError("fit: give epochs, steps or budget_s")
    for name, value in (("epochs", epochs), ("steps", steps), ("budget_s", budget_s)):
        if value is not None and not value >= 0:
            raise ParameterError(f"fit.{name}: expected >= 0, got {value}")
    limits = [steps] if steps is not None else []
    if epochs is not None:
        if not per_epoch:
            raise ParameterError("fit: a stream has no epochs; give steps or budget_s")
        limits.append(epochs * per_epoch)
    return min(limits, default=2**62)


def _check(**given: Any) -> None:
    """Refuse settings that cannot work or would silently do nothing."""
    if not given["lr"] > 0:
        raise ParameterError(f"fit.lr: expected > 0, got {given['lr']}")
    if given["warmup"] < 0:
        raise ParameterError(f"fit.warmup: expected >= 0, got {given['warmup']}")
    for name in ("clip", "patience", "valid_every"):
        if given[name] is not None and not given[name] > 0:
            raise ParameterError(f"fit.{name}: expected > 0, got {given[name]}")
    if given["ema"] is not None and not 0 < given["ema"] < 1:
        raise ParameterError(
            f"fit.ema: a decay between 0 and 1, e.g. 0.999, got {given['ema']}"
        )
    for name in ("patience", "target"):
        if given[name] is not None and given["valid"] is None:
            raise ParameterError(
                f"fit.{name} is taken on validation data; give valid= as well"
            )
    if given["resume"] and given["out"] is None:
        raise ParameterError("fit.resume continues from a checkpoint; give its folder")


def fit(
    model: Any,
    train: Any,
    valid: Any = None,
    *,
    loss: Loss,
    lr: float,
    seed: int,
    epochs: int | None = None,
    steps: int | None = None,
    budget_s: float | None = None,
    warmup: int = 0,
    clip: float | None = None,
    ema: float | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    batch: int = 64,
    metric: Metric | None = None,
    patience: int | None = None,
    target: float | None = None,
    valid_every: int | None = None,
    decay: str = "constant",
    weight_decay: float = 0.0,
    groups: Callable[[Any], Any] | None = None,
    checkpoint_every_s: float = 60.0,
    progress: Callable[..., Iterable[int]] | None = None,
) -> History:
    """Train a model; on return it holds the weights of the best validation.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place.
    train, valid : tuple of arrays, indexable object or callable
        See :mod:`neuro.grad.batches`; without `valid` the last weights are kept.
    loss : callable
        ``loss(model, batch, generator) -> scalar Tensor``; all its random numbers come
        from `generator`, which is a function of seed and step.
    lr : float
        Learning rate of Adam.
    seed : int
        Of batches, losses and dropout. Initial weights are the caller's.
    epochs, steps, budget_s : optional
        Limits; the first one reached ends the run. Seconds are of training time, so a
        run limited by them alone is not reproducible.
    warmup : int
        Steps over which the rate rises linearly from 0.
    clip : float, optional
        Largest global gradient norm.
    ema : float, optional
        Decay of the averaged copy, returned as ``History.ema_model``; in early steps
        the decay is ``min(ema, (1 + step) / (10 + step))``. If given, validation (and
        so early stopping) looks at the averaged copy.
    out : path, optional
        Folder of the checkpoint and of ``history.json``.
    resume : bool
        Whether to continue from the checkpoint in `out`, if there is one.
    batch : int
        Samples per step.
    metric : callable, optional
        ``metric(model, batch) -> Tensor (batch,)``, higher is better; without it the
        validation loss is used, lower is better.
    patience : int, optional
        Validations without a new best after which the run ends.
    target : float, optional
        Validation value that ends the run: at least that metric, at most that loss.
    valid_every : int, optional
        Steps between validations; an epoch (or 100 steps of a stream) if not given.
    decay : {"constant", "cosine"}
        Learning rate after the warm-up; "cosine" falls to 0 at the last step.
    weight_decay : float
        Decoupled weight decay (AdamW).
    groups : callable, optional
        ``groups(model)`` returns Adam's parameter groups (own rates, frozen parts).
    checkpoint_every_s : float
        Seconds between checkpoints.
    progress : callable, optional
        ``progress(iterable, total=, label=)``, e.g. the runner's.

    Raises
    ------
    ConvergenceError
        If the loss is not finite.
    ParameterError
        If no limit is given, a stream is limited in epochs, a setting is out of range
        or would have no effect (`target` without `valid`), or the checkpoint is of
        another seed or network.
    """
    _check(
        lr=lr, warmup=warmup, clip=clip, ema=ema, patience=patience, target=target,
        valid_every=valid_every, valid=valid, resume=resume, out=out,
    )  # fmt: skip
    data = Batches(train, batch=batch, seed=seed)
    held = Batches(valid, batch=batch, seed=seed) if valid is not None else None
    last = _limit(data.per_epoch, epochs, steps, budget_s)
    if decay not in ("constant", "cosine"):
        raise ParameterError(f"fit.decay: 'constant' or 'cosine', got {decay!r}")
    if decay == "cosine" and last >= 2**62:
        raise ParameterError("fit.decay='cosine' needs a limit in steps or epochs")
    every = valid_every or data.per_epoch or 100
    parameters = list(groups(model) if groups else model.parameters())
    if not parameters:
        raise ParameterError("fit: the model has no parameters to train")
    optimizer = torch.optim.AdamW(
        parameters, lr=lr, weight_decay=weight_decay, fused=True
    )
    rates = [g["lr"] for g in optimizer.param_groups]
    history = History()
    if ema is not None:
        history.ema_model = copy.deepcopy(model)
        history.ema_model.requires_grad_(False)
    state = RunState(model, optimizer, history, seed)
    folder = Path(out) if out is not None else None
    if resume and folder is not None:
        state.restore(folder)
    if state.finished(last, patience, budget_s):
        state.finish()
        return history
    model.train()
    trainable = [p for g in optimizer.param_groups for p in g["params"]]
    start = saved = time.perf_counter()
    spent, worked = history.wall_s, history.cpu_s - time.process_time()
    total, count = 0.0, 0
    todo: Iterable[int] = range(history.steps, last)
    if progress is not None:
        size = last - history.steps if last < 2**62 else None
        todo = progress(todo, total=size, label="training")
    history.stopped = "steps"
    cpu_state = torch.get_rng_state()
    for step in todo:
        draw = step_generator(seed, "step", step)
        torch.default_generator.manual_seed(draw.initial_seed())  # CPU; 0.5 ms less
        factor = min(1.0, (step + 1) / warmup) if warmup else 1.0
        if decay == "cosine":
            factor *= 0.5 * (1 + math.cos(math.pi * step / last))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        value = loss(model, data.at(step), draw)
        number = float(value.detach())
        if not math.isfinite(number):
            raise ConvergenceError(
                f"fit: the loss is {number} at step {step}; lower lr or set clip"
            )
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(trainable, clip)
        optimizer.step()
        if ema is not None:
            _average(history.ema_model, model, min(ema, (1 + step) / (10 + step)))
        history.steps = step + 1
        total, count = total + number, count + 1
        now = time.perf_counter()
        history.wall_s = spent + now - start
        if history.steps % every == 0 or history.steps == last:
            history.loss.append((history.steps, total / count))
            total, count = 0.0, 0
            if held is not None:
                watched = model if ema is None else history.ema_model
                state.judge(
                    _evaluate(watched, held, loss, metric, seed), metric is not None
                )
                log.debug("step %d: %.6g", history.steps, history.valid[-1][1])
            history.wall_s = spent + time.perf_counter() - start
            history.cpu_s = worked + time.process_time()
            if folder is not None and now - saved > checkpoint_every_s:
                state.save(folder)
                saved = time.perf_counter()
            if (
                target is not None
                and history.valid
                and (history.best >= target if metric else history.best <= target)
            ):
                history.stopped = "target"
                break
            if patience is not None and state.waited >= patience:
                history.stopped = "patience"
                break
        if budget_s is not None and history.wall_s >= budget_s:
            history.stopped = "budget"
            break
    torch.set_rng_state(cpu_state)
    history.cpu_s = worked + time.process_time()
    if count:
        history.loss.append((history.steps, total / count))
    if folder is not None:
        state.save(folder)
        write_json(folder / "history.json", history.to_dict())
    state.finish()
    return history
