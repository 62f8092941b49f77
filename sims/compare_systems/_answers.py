"""What every system gives for a fold: predictions, operations, stored bits."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.counts import LayerInfo, OpCounts
from neuro.lsm.readout import fit_readout
from neuro.quantize import quantize_weights

__all__ = ["READOUT_BITS", "Answer", "Task", "linear_readout", "spent"]

READOUT_BITS = 8


class Task(NamedTuple):
    """Recordings as two kinds of frames, with their classes.

    Attributes
    ----------
    fine : ndarray of uint8, shape (n, steps, lines)
        Short bins, for the liquid and the event counts.
    coarse : ndarray of uint8, shape (n, steps, polarities, height, width)
        Long bins, for the other systems.
    labels, groups : ndarray of int64, shape (n,)
        Classes; what no fold may split.
    n_classes : int
        Number of classes.
    """

    fine: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    n_classes: int


class Answer(NamedTuple):
    """A system's answer on the test recordings of a fold.

    Attributes
    ----------
    predicted : ndarray of int64, shape (n_test,)
        Classes.
    counts : OpCounts
        Operations of the inference, one sample per recording.
    bits : int
        Bits that must be stored between recordings: weights, synapses, read-out.
    """

    predicted: NDArray[np.int64]
    counts: OpCounts
    bits: int


def linear_readout(
    counts: OpCounts,
    features: NDArray[np.float64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    task: Task,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], int]:
    """Fit a ridge read-out, store it in 8 bits, answer with it and book its work.

    Parameters
    ----------
    counts : OpCounts
        Ledger of the test recordings; the read-out is added.
    features : ndarray of float64, shape (n, n_features)
        Of all recordings.
    train, test : ndarray of int64
        Places of the fold.
    task : Task
        Classes and groups.
    rng : numpy.random.Generator
        Draws the validation part on which the strength is chosen.

    Returns
    -------
    predicted : ndarray of int64, shape (n_test,)
        Classes.
    bits : int
        Of the stored weights and offsets.
    """
    y, groups = task.labels, task.groups
    model = fit_readout(features[train], y[train], groups[train], kind="ridge", rng=rng)
    scaler, linear = model[0], model[-1]
    weights = np.atleast_2d(linear.coef_) / scaler.scale_
    offset = linear.intercept_ - weights @ scaler.mean_
    held = quantize_weights(weights, READOUT_BITS).values
    decision = features[test] @ held.T + offset
    if len(linear.classes_) == 2:  # one decision for two classes
        decision = np.concatenate([-decision, decision], 1)
    n_out, n_in = held.shape
    counts.layer(
        "readout",
        LayerInfo(
            kind="linear", in_shape=(n_in,), out_shape=(n_out,), weights=held.size,
            synapses=held.size, steps=1, w_bits=READOUT_BITS, a_bits=8,
            input_class="multibit", bias=True,
        ),
    )  # fmt: skip
    done = np.full(len(test), held.size)
    for op in ("synop", "mac"):
        counts.add("readout", op, done, a_bits=8, w_bits=READOUT_BITS)
    predicted = linear.classes_[decision.argmax(1)]
    return predicted.astype(np.int64), held.size * READOUT_BITS + 32 * n_out


def spent(before: OpCounts, after: OpCounts) -> OpCounts:
    """Return the operations between two states of one growing ledger, as one sample."""
    out = OpCounts(1)
    for name, info in after.layers.items():
        out.layer(name, info)
    held: dict[Any, int] = {
        (layer, op, a, w): int(n.sum()) for layer, op, a, w, n in before.entries()
    }
    for layer, op, a, w, n in after.entries():
        done = int(n.sum()) - held.get((layer, op, a, w), 0)
        out.add(layer, op, done, a_bits=a, w_bits=w)
    return out
