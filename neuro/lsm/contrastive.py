r"""Contrastive projections of two liquids into one space (needs the extra ``grad``).

Each modality's liquid counts :math:`f` pass through one trained layer,
:math:`e = \mathrm{GELU}(W f + b)`; paired samples are pulled together.

* ``infonce``: cosine similarities over a temperature, cross-entropy of the pair against
  the batch, both directions;
* ``soft_clip``: raw dot products, targets from the similarities within each modality;
* ``supervised``: every item of the other modality with the anchor's label is a positive
  (multi-positive), with a learnable scale;
* ``prototype``: prototypical networks. Half of each class in a batch, both modalities,
  is averaged to a prototype; the other half is classified by its squared distance.

The published code holds neither the loss of the audio-image task nor the place of the
GELU nor the initial scale: these are choices made here.

References
----------
.. [1] Lin et al., Nature Computational Science (2025), s43588-024-00751-z.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from torch.nn import functional as F

from neuro.errors import ParameterError, ShapeError, did_you_mean
from neuro.grad import History, fit
from neuro.random import stream

__all__ = ["LOSSES", "Projections", "train_projections"]


def infonce(a: Any, b: Any, labels: Any, scale: Any) -> Any:
    """Symmetric cross-entropy of the diagonal."""
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T * scale
    diagonal = torch.arange(len(s))
    return (F.cross_entropy(s, diagonal) + F.cross_entropy(s.T, diagonal)) / 2


def soft_clip(a: Any, b: Any, labels: Any, scale: Any) -> Any:
    """Cross-entropy against targets from the similarities within each modality."""
    s = a @ b.T * scale
    target = F.softmax((b @ b.T + a @ a.T) / 2 / scale, dim=1).detach()
    one = -(target * F.log_softmax(s, dim=1)).sum(1).mean()
    other = -(target.T * F.log_softmax(s.T, dim=1)).sum(1).mean()
    return (one + other) / 2


def supervised(a: Any, b: Any, labels: Any, scale: Any) -> Any:
    """Multi-positive: all items of the other modality with the anchor's label."""
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T * scale
    same = (labels[:, None] == labels[None]).to(s.dtype)
    one = -(same * F.log_softmax(s, dim=1)).sum(1) / same.sum(1)
    other = -(same * F.log_softmax(s.T, dim=1)).sum(1) / same.sum(1)
    return (one.mean() + other.mean()) / 2


def prototype(a: Any, b: Any, labels: Any, scale: Any) -> Any:
    """Cross-entropy of queries against class means of the batch's support half.

    Pairs of a class are support and query in turn; batches are shuffled, so the halves
    are drawn anew in every epoch. Distances are squared, of unit vectors.
    """
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    same = labels[:, None] == labels[None]
    support = same.tril(-1).sum(1) % 2 == 0
    _, place = torch.unique(labels, return_inverse=True)
    member = F.one_hot(place).to(a.dtype)
    weights = member * support[:, None]
    prototypes = weights.T @ (a + b) / (2 * weights.sum(0)[:, None])
    queries = ~support if bool((~support).any()) else support
    found = [
        F.cross_entropy(
            -(torch.cdist(x[queries], prototypes) ** 2) * scale, place[queries]
        )
        for x in (a, b)
    ]
    return (found[0] + found[1]) / 2


LOSSES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "infonce": infonce,
    "soft_clip": soft_clip,
    "supervised": supervised,
    "prototype": prototype,
}


class _Pair(nn.Module):
    """Two projections and a scale."""

    def __init__(
        self, n_a: int, n_b: int, dim: int, temperature: float, *, learn_scale: bool
    ) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(n_a, dim), nn.Linear(n_b, dim)
        self.log_scale = nn.Parameter(
            torch.tensor(float(-np.log(temperature))), requires_grad=learn_scale
        )

    def forward(self, a: Any, b: Any) -> tuple[Any, Any]:
        return F.gelu(self.a(a)), F.gelu(self.b(b))


@dataclass(frozen=True)
class Projections:
    """Trained projections; arrays in, arrays out.

    Attributes
    ----------
    history : History
        Loss and validation of the training.
    """

    history: History
    _model: Any
    _moments: tuple[NDArray[np.float64], ...]

    def embed_a(self, features: ArrayLike) -> NDArray[np.float64]:
        """Project the first modality; float64, shape (n, dim)."""
        return self._embed(features, self._moments[:2], self._model.a)

    def embed_b(self, features: ArrayLike) -> NDArray[np.float64]:
        """Project the second modality; float64, shape (n, dim)."""
        return self._embed(features, self._moments[2:], self._model.b)

    def _embed(
        self, features: ArrayLike, moments: tuple[NDArray[np.float64], ...], layer: Any
    ) -> NDArray[np.float64]:
        x = (np.asarray(features, np.float64) - moments[0]) / moments[1]
        with torch.no_grad():
            e = F.gelu(layer(torch.as_tensor(x, dtype=torch.float32)))
        return np.asarray(e.numpy(), np.float64)


def _moments(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    sd = x.std(0)
    return x.mean(0), np.where(sd > 0, sd, 1.0)


def train_projections(
    a: ArrayLike,
    b: ArrayLike,
    labels: ArrayLike,
    *,
    valid: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    loss: str = "infonce",
    dim: int = 64,
    temperature: float = 1.0,
    epochs: int = 100,
    batch: int = 8,
    lr: float = 1e-3,
    patience: int | None = None,
    seed: int,
) -> Projections:
    """Train the two projections on paired samples.

    Parameters
    ----------
    a, b : array_like of float, shape (n_pairs, n_features)
        Features of the two modalities; row i of `a` and row i of `b` are a pair of one
        class, the same pair in every epoch. Standardised by their training moments.
    labels : array_like of int, shape (n_pairs,)
        Class of each pair; only ``supervised`` and ``prototype`` use it.
    valid : tuple (a, b, labels), optional
        Pairs of validation classes; the epoch with the best retrieval on them is kept.
    loss : {"infonce", "soft_clip", "supervised", "prototype"}
        See the module.
    dim : int
        Dimension of the shared space.
    temperature : float
        Divides the similarities; where the scale is learnt (``supervised``) its start.
    epochs, batch, lr, patience, seed
        As in :func:`neuro.grad.fit`.
    """
    if loss not in LOSSES:
        raise ParameterError(
            f"contrastive loss {loss!r}{did_you_mean(loss, LOSSES)}; "
            f"accepted: {', '.join(LOSSES)}"
        )
    if not temperature > 0:
        raise ParameterError(f"temperature: expected > 0, got {temperature}")
    xa, xb = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(xa) != len(xb) or len(xa) != len(np.asarray(labels)):
        raise ShapeError(
            f"train_projections: {len(xa)} and {len(xb)} samples and "
            f"{len(np.asarray(labels))} labels; pairs need equal numbers"
        )
    moments = (*_moments(xa), *_moments(xb))

    def tensors(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> tuple[Any, Any, Any]:
        return (
            torch.as_tensor((np.asarray(x) - moments[0]) / moments[1]).float(),
            torch.as_tensor((np.asarray(y) - moments[2]) / moments[3]).float(),
            torch.as_tensor(np.asarray(z)).long(),
        )

    torch.manual_seed(int(stream(seed, "projections").integers(2**31)))
    model = _Pair(
        xa.shape[1], xb.shape[1], dim, temperature, learn_scale=loss == "supervised"
    )
    function = LOSSES[loss]

    def objective(model: Any, batch: Any, generator: Any) -> Any:
        ea, eb = model(batch[0], batch[1])
        return function(ea, eb, batch[2], model.log_scale.exp())

    held = None if valid is None else tensors(*valid)

    def retrieved(model: Any, batch: Any) -> Any:
        ea, eb = model(batch[0], held[1])  # type: ignore[index]
        if loss != "soft_clip":
            ea, eb = F.normalize(ea, dim=1), F.normalize(eb, dim=1)
        found = held[2][(ea @ eb.T).argmax(1)]  # type: ignore[index]
        return (found == batch[2]).float()

    history = fit(
        model,
        tensors(xa, xb, labels),
        held,
        loss=objective,
        metric=None if held is None else retrieved,
        lr=lr,
        seed=seed,
        epochs=epochs,
        batch=batch,
        patience=patience,
    )
    model.eval()
    return Projections(history, model, moments)
