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


class _Standardise(nn.Module):
    """Features minus their mean over their deviation, both fixed."""

    def __init__(self, x: NDArray[np.float64]) -> None:
        super().__init__()
        sd = x.std(0)
        self.register_buffer("mean", torch.as_tensor(x.mean(0)))
        self.register_buffer("sd", torch.as_tensor(np.where(sd > 0, sd, 1.0)))

    def forward(self, x: Any) -> Any:
        return ((x - self.mean) / self.sd).float()


class _Pair(nn.Module):
    """Two encoders, a projection on each, and a scale."""

    def __init__(
        self,
        encoders: tuple[Any, Any],
        widths: tuple[int, int],
        dim: int,
        temperature: float,
        *,
        learn_scale: bool,
    ) -> None:
        super().__init__()
        self.encode_a, self.encode_b = encoders
        self.a, self.b = (nn.Linear(width, dim) for width in widths)
        self.log_scale = nn.Parameter(
            torch.tensor(float(-np.log(temperature))), requires_grad=learn_scale
        )

    def embed_a(self, x: Any) -> Any:
        return F.gelu(self.a(self.encode_a(x)))

    def embed_b(self, x: Any) -> Any:
        return F.gelu(self.b(self.encode_b(x)))

    def forward(self, a: Any, b: Any) -> tuple[Any, Any]:
        return self.embed_a(a), self.embed_b(b)


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

    def embed_a(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Project the first modality; float64, shape (n, dim)."""
        return _embed(self._model, self._model.embed_a, samples)

    def embed_b(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Project the second modality; float64, shape (n, dim)."""
        return _embed(self._model, self._model.embed_b, samples)


def _embed(model: Any, function: Any, samples: ArrayLike) -> NDArray[np.float64]:
    training = model.training
    model.eval()
    with torch.no_grad():
        e = function(torch.as_tensor(np.asarray(samples)))
    model.train(training)
    return np.asarray(e.numpy(), np.float64)


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
    clip: float | None = None,
    encoders: tuple[Any, Any] | None = None,
    watch: Callable[[Projections], None] | None = None,
    seed: int,
) -> Projections:
    """Train the two projections on paired samples.

    Parameters
    ----------
    a, b : array_like, shape (n_pairs, n_features), or (n_pairs, ...) with encoders
        The two modalities; row i of `a` and row i of `b` are a pair of one class, the
        same pair in every epoch. Features are standardised by their training moments.
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
    epochs, batch, lr, patience, clip, seed
        As in :func:`neuro.grad.fit`.
    encoders : tuple of torch.nn.Module, optional
        Map each modality's samples, as they were given, to features of width
        ``encoder.width``; trained with the projections. Their initial weights are the
        caller's. Default: the features as they are, standardised.
    watch : callable, optional
        Called with the projections so far after every validation.
    """
    if loss not in LOSSES:
        raise ParameterError(
            f"contrastive loss {loss!r}{did_you_mean(loss, LOSSES)}; "
            f"accepted: {', '.join(LOSSES)}"
        )
    if not temperature > 0:
        raise ParameterError(f"temperature: expected > 0, got {temperature}")
    xa, xb, y = np.asarray(a), np.asarray(b), np.asarray(labels)
    if len(xa) != len(xb) or len(xa) != len(y):
        raise ShapeError(
            f"train_projections: {len(xa)} and {len(xb)} samples and {len(y)} labels; "
            "pairs need equal numbers"
        )
    if encoders is None:
        encoders = (_Standardise(xa), _Standardise(xb))
        widths = (xa.shape[1], xb.shape[1])
    else:
        widths = (encoders[0].width, encoders[1].width)
    torch.manual_seed(int(stream(seed, "projections").integers(2**31)))
    model = _Pair(encoders, widths, dim, temperature, learn_scale=loss == "supervised")
    function = LOSSES[loss]

    def objective(model: Any, batch: Any, generator: Any) -> Any:
        ea, eb = model(batch[0], batch[1])
        return function(ea, eb, batch[2], model.log_scale.exp())

    history = fit(
        model,
        _tensors(xa, xb, y),
        None if valid is None else _tensors(*valid),
        loss=objective,
        metric=None if valid is None else _Retrieval(valid, loss, watch),
        lr=lr,
        seed=seed,
        epochs=epochs,
        batch=batch,
        patience=patience,
        clip=clip,
    )
    model.eval()
    return Projections(history, model)


def _tensors(*arrays: ArrayLike) -> tuple[Any, ...]:
    return tuple(torch.as_tensor(np.asarray(x)) for x in arrays)


class _Retrieval:
    """Validation metric: retrieval among all validation pairs.

    The other modality is embedded once per validation, at its first batch.
    """

    def __init__(self, valid: Any, loss: str, watch: Any) -> None:
        self.items, self.labels = _tensors(*valid[1:])
        self.watch = watch
        self.normalise = loss != "soft_clip"
        self.seen = 0

    def _embedded(self, x: Any) -> Any:
        return F.normalize(x, dim=1) if self.normalise else x

    def __call__(self, model: Any, batch: Any) -> Any:
        if self.seen == 0:
            self.embedded = self._embedded(model.embed_b(self.items))
        found = (self._embedded(model.embed_a(batch[0])) @ self.embedded.T).argmax(1)
        self.seen = (self.seen + len(batch[0])) % len(self.labels)
        if self.seen == 0 and self.watch is not None:
            self.watch(Projections(History(), model))
        return (self.labels[found] == batch[2]).float()
