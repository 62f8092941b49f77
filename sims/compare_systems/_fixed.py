"""Systems without gradients: event counts, liquid, HTM sequence memory, Sparsey."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.counts import LayerInfo, OpCounts
from neuro.htm import SdrClassifier, SpatialPooler, TemporalMemory, TemporalMemoryParams
from neuro.lsm import input_counts
from neuro.random import stream
from neuro.sparsey import (
    LabelField,
    Level,
    LevelParameters,
    Logistic,
    Selection,
    square_fields,
)

from .._config import Config
from .._liquids import array_liquid
from ._answers import READOUT_BITS, Answer, Task, linear_readout, spent

__all__ = ["counts", "htm", "liquid", "sparsey"]

Places = NDArray[np.int64]


def _seed(seed: int, system: str, fold: int) -> int:
    return int(stream(seed, system, fold).integers(2**31))


def counts(
    cfg: Config, task: Task, train: Places, test: Places, *, seed: int, fold: int
) -> Answer:
    """Count events per pixel and window, and read out: what the others must beat."""
    ledger = OpCounts(len(test))
    ledger.layer("counter", LayerInfo(kind="projection", w_bits=READOUT_BITS))
    events = task.fine[test].sum((1, 2), dtype=np.int64)
    ledger.add("counter", "ac", events, w_bits=READOUT_BITS)
    features = input_counts(task.fine, cfg.windows)
    rng = stream(seed, "read-out", fold)
    return Answer(*_read(ledger, features, task, train, test, rng))


def liquid(
    cfg: Config, task: Task, train: Places, test: Places, *, seed: int, fold: int
) -> Answer:
    """Run the liquid on its resistive array; its weights are never written again."""
    net = array_liquid(
        cfg, seed, fold, cfg.liquid.n, task.fine.shape[2],
        recurrence=cfg.liquid.recurrence, calibration=task.fine[train[:20]],
    )  # fmt: skip
    features = np.empty((len(task.labels), cfg.windows * cfg.liquid.n))
    features[train] = net.run(task.fine[train], windows=cfg.windows).features
    activity = net.run(task.fine[test], windows=cfg.windows)
    features[test] = activity.features
    rng = stream(seed, "read-out", fold)
    return Answer(*_read(activity.operations, features, task, train, test, rng))


def _read(
    ledger: OpCounts,
    features: NDArray[np.float64],
    task: Task,
    train: Places,
    test: Places,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], OpCounts, int]:
    predicted, bits = linear_readout(ledger, features, train, test, task, rng)
    return predicted, ledger, bits


def htm(
    cfg: Config, task: Task, train: Places, test: Places, *, seed: int, fold: int
) -> Answer:
    """Pool every frame into columns, follow their sequence, classify the cells."""
    p = cfg.htm
    frames = task.coarse.max(2).reshape(len(task.labels), task.coarse.shape[1], -1)
    pooler = SpatialPooler(
        frames.shape[2], columns=p.columns, active_columns=p.active_columns,
        seed=_seed(seed, "pooler", fold),
    )  # fmt: skip
    memory = TemporalMemory(
        TemporalMemoryParams(
            columns=p.columns, cells_per_column=p.cells_per_column,
            max_segments=32,
        ),
        seed=_seed(seed, "temporal memory", fold),
    )  # fmt: skip

    def show(places: Places, *, learn: bool) -> list[Any]:
        traces = []
        for k in places:
            active = [np.flatnonzero(f) for f in frames[k] if f.any()]
            memory.reset()
            columns = pooler.run(active, learn=learn)
            traces.append(memory.run(columns, learn=learn, keep_cells=True))
        return traces

    for _ in range(p.passes):
        show(train, learn=True)
    classifier = SdrClassifier(
        p.columns * p.cells_per_column, task.n_classes, horizons=(0,), alpha=p.alpha
    )
    learnt = show(train, learn=False)
    rng = stream(seed, "order of records", fold)
    for _ in range(p.classifier_passes):
        for k in rng.permutation(len(train)):
            _classify(classifier, learnt[k], int(task.labels[train[k]]), learn=True)
    predicted, ledgers = [], []
    for k in test:
        before = pooler.counts + memory.counts
        (trace,) = show(np.array([k]), learn=False)
        done = spent(before, pooler.counts + memory.counts)
        evidence = _classify(classifier, trace, 0, learn=False)
        predicted.append(int(evidence.argmax()))
        visited = int(trace.cells.size) * task.n_classes
        done.layer(
            "readout",
            LayerInfo(
                kind="segment", neurons=task.n_classes, w_bits=32,
                weights=classifier.n_cells * task.n_classes,
            ),
        )  # fmt: skip
        for op in ("synop", "ac"):
            done.add("readout", op, visited)
        ledgers.append(done)
    used = {int(c) for trace in learnt for c in trace.cells}
    bits = (
        pooler.permanence.size  # whether connected; permanences only while learning
        + memory.synapses.n_synapses * (32 + 8)  # presynaptic cell, permanence
        + len(used) * task.n_classes * 32
    )
    return Answer(np.array(predicted), OpCounts.concatenate(ledgers), bits)


def _classify(
    classifier: SdrClassifier, trace: Any, label: int, *, learn: bool
) -> NDArray[np.float64]:
    """Return the summed log probability of each class over a recording's frames."""
    n = len(trace.cell_ends) - 1
    if n == 0:
        return np.zeros(classifier.n_buckets)
    answer = classifier.run(
        trace.cells, trace.cell_ends, np.full(n, label), np.full(n, float(label)),
        learn=learn,
    )  # fmt: skip
    return np.log(np.maximum(answer.probabilities[:, 0], 1e-12)).sum(0)


def sparsey(
    cfg: Config, task: Task, train: Places, test: Places, *, seed: int, fold: int
) -> Answer:
    """Store every training recording once; read classes off the codes of new ones."""
    p = cfg.sparsey
    merged = task.coarse.max(2)
    n_frames, shape = merged.shape[1], merged.shape[2:]
    level = Level(
        LevelParameters(
            n_cms=p.n_cms, n_units=p.n_units, band=tuple(p.band), freeze_u=p.freeze_u,
            freeze_h=p.freeze_h,
            selection=Selection(sigmoid=Logistic(slope=40.0, inflection=0.9)),
        ),
        square_fields(shape, p.receptive_field, stride=p.stride),
        horizontal="own",
        seed=_seed(seed, "sparsey", fold),
    )  # fmt: skip

    def codes(places: Places, *, learn: bool) -> list[NDArray[np.int16]]:
        flat = merged[places].reshape(len(places) * n_frames, -1)
        starts = np.arange(len(flat)) % n_frames == 0
        found = level.run(flat, starts=starts, learn=learn).codes
        steps = found.reshape(len(places), n_frames, *found.shape[1:])
        return [np.ascontiguousarray(steps[:, t]) for t in range(n_frames)]

    size = [(level.n_macs, p.n_cms, p.n_units)] * n_frames
    field = LabelField(task.n_classes, size)
    field.learn(codes(train, learn=True), task.labels[train])
    level.clear_counts()
    asked = codes(test, learn=False)
    predicted = field.predict(asked, "loglik")
    ledger = level.counts
    table = field.weights("loglik")
    ledger.layer(
        "readout",
        LayerInfo(kind="mac", weights=table.size, neurons=task.n_classes, w_bits=32),
    )
    active = np.sum([(c >= 0).sum((1, 2)) for c in asked], axis=0)
    for op in ("synop", "ac"):
        ledger.add("readout", op, active * task.n_classes)
    return Answer(predicted, ledger, level.n_weights + table.size * 32)
