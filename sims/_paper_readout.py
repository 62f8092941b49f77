"""The published read-out: one linear layer on raw counts, cross-entropy, Adam.

Every fold of every liquid has a layer of its own; all are trained side by side, which
changes nothing (Adam works element by element, and each loss is the layer's own) and
is many times faster. The figure is that of the last step. What the paper reports, the
best test epoch, is returned as well: it is chosen on the test recordings.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuro.grad import fit
from neuro.random import stream
from neuro.statistics import group_folds

from ._config import Config

__all__ = ["paper_readout"]


class Layers(nn.Module):  # type: ignore[misc]
    """Independent linear layers: (layers, batch, n) to (layers, batch, classes)."""

    def __init__(self, layers: int, n: int, classes: int, *, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            each = [nn.Linear(n, classes) for _ in range(layers)]
        self.weight = nn.Parameter(torch.stack([e.weight.detach().T for e in each]))
        self.bias = nn.Parameter(torch.stack([e.bias.detach()[None] for e in each]))

    def forward(self, x: Any) -> Any:
        """Apply every layer to its own samples."""
        return torch.baddbmm(self.bias, x, self.weight)


class Folds:
    """Training samples of every layer; ``data[i]`` takes the i-th of each.

    Folds differ by a recording at most: the longer ones leave their last one out.
    """

    def __init__(self, features: Any, labels: Any, trains: list[Any]) -> None:
        self.n = min(t.size for t in trains)
        rows = np.stack([t[: self.n] for t in trains])
        self.rows = torch.from_numpy(np.tile(rows, (len(features), 1)))
        self.liquid = torch.arange(len(features)).repeat_interleave(len(trains))[
            :, None
        ]
        self.features, self.labels = features, labels

    def __len__(self) -> int:
        return int(self.n)

    def __getitem__(self, i: Any) -> tuple[Any, Any]:
        rows = self.rows[:, i]
        return self.features[self.liquid, rows], self.labels[rows]


def paper_readout(
    cfg: Config,
    seed: int,
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """Train and test on the folds that :func:`neuro.lsm.cross_validate` makes.

    Parameters
    ----------
    cfg : Config
        With ``folds`` and ``paper_readout`` (lr, batch, steps, epoch_steps).
    seed : int
        The user's seed.
    features : ndarray of float64, shape (liquids, n, n_features)
        Raw counts.
    labels, groups : ndarray of int64, shape (n,)
        Classes; what a fold must not split.

    Returns
    -------
    dict of ndarray of float64, shape (liquids, folds)
        ``last``: after the last step; ``best_test``: at each layer's best test epoch.
    """
    p = cfg.paper_readout
    fold_rng = stream(seed, "folds").spawn(2)[0]
    parts = list(group_folds(labels, groups, cfg.folds, rng=fold_rng))
    x = torch.from_numpy(features.astype(np.float32))
    y = torch.from_numpy(labels)
    classes = int(labels.max()) + 1
    model = Layers(
        len(features) * cfg.folds,
        features.shape[2],
        classes,
        seed=int(stream(seed, "paper read-out").integers(2**31)),
    )
    scores: list[NDArray[np.float64]] = []

    def tested() -> NDArray[np.float64]:
        weight = model.weight.view(len(x), cfg.folds, *model.weight.shape[1:])
        bias = model.bias.view(len(x), cfg.folds, 1, classes)
        with torch.no_grad():
            right = [
                ((x[:, test] @ weight[:, k] + bias[:, k]).argmax(2) == y[test])
                .double()
                .mean(1)
                for k, (_, test) in enumerate(parts)
            ]
        return np.asarray(torch.stack(right, 1).numpy())

    def watched(model: Any, batch: Any) -> Any:
        scores.append(tested())
        return torch.tensor([float(len(scores))])  # the last epoch is the one kept

    def loss(model: Any, batch: Any, generator: Any) -> Any:
        out = model(batch[0])
        # the sum over layers of each layer's mean
        entropy = nn.functional.cross_entropy(
            out.flatten(0, 1), batch[1].flatten(), reduction="sum"
        )
        return entropy / out.shape[1]

    fit(
        model,
        Folds(x, y, [train for train, _ in parts]),
        (torch.zeros(1),),
        loss=loss,
        metric=watched,
        lr=p.lr,
        seed=seed,
        steps=p.steps,
        batch=p.batch,
        valid_every=p.epoch_steps,
    )
    return {"last": scores[-1], "best_test": np.max(scores, axis=0)}
