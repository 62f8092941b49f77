"""The classifier whose features the metrics use, trained on the real training split.

LeNet: two 5x5 convolutions (16 and 32 channels, ReLU, max-pool 2), a linear layer whose
rectified output is the feature, a linear layer to the classes. Images enter in [-1, 1],
clipped, without rounding to 8 bits.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuro.errors import ShapeError
from neuro.grad import accuracy, cross_entropy, fit, load_weights, save_weights

__all__ = ["FeatureNet", "Features", "train_features"]


class FeatureNet(nn.Module):  # type: ignore[misc]
    """LeNet with a feature layer.

    Parameters
    ----------
    side : int
        Height and width of the images, divisible by 4.
    channels : int
        Of the images.
    d : int
        Features.
    classes : int
        Classes.
    width : int
        Channels of the first convolution (the second has twice as many).
    """

    def __init__(
        self,
        side: int,
        *,
        channels: int = 1,
        d: int = 32,
        classes: int = 10,
        width: int = 16,
    ) -> None:
        super().__init__()
        if side % 4:
            raise ShapeError(f"FeatureNet: side must be divisible by 4, got {side}")
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * width * (side // 4) ** 2, d),
            nn.ReLU(),
        )
        self.head = nn.Linear(d, classes)

    def forward(self, x: Any) -> Any:
        """Return logits (batch, classes) of images (batch, channels, side, side)."""
        return self.head(self.body(x))


class Features(NamedTuple):
    """A trained classifier with the standardisation of its features.

    Attributes
    ----------
    net : FeatureNet
        The classifier.
    mean, sd : ndarray of float64, shape (d,)
        Over the real training set.
    used : ndarray of bool, shape (d,)
        Dimensions whose deviation is at least 1 % of the largest.
    test_accuracy : float
        On the real test set; a share.
    """

    net: Any
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    used: NDArray[np.bool_]
    test_accuracy: float

    def __call__(self, images: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return standardised features, (n, n_used)."""
        f = _raw(self.net, images)
        scaled: NDArray[np.float64] = (f - self.mean) / np.where(self.used, self.sd, 1)
        return scaled[:, self.used]

    def probabilities(self, images: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return class probabilities, (n, classes)."""
        with torch.no_grad():
            p = torch.softmax(self.net(_tensor(images)).double(), 1)
        return np.asarray(p.numpy())

    def save(self, path: Path | str) -> None:
        """Write classifier and standardisation as npz."""
        save_weights(
            path,
            self.net,
            mean=self.mean,
            sd=self.sd,
            used=self.used,
            accuracy=self.test_accuracy,
        )

    @classmethod
    def load(cls, path: Path | str, net: Any) -> "Features":
        """Read into an untrained classifier of the same shape."""
        load_weights(path, net)
        net.eval()
        with np.load(path, allow_pickle=False) as f:
            return cls(
                net,
                f["extra/mean"],
                f["extra/sd"],
                f["extra/used"],
                float(f["extra/accuracy"]),
            )


def _tensor(images: NDArray[np.floating]) -> Any:
    return torch.as_tensor(np.clip(images, -1, 1), dtype=torch.float32)


def _raw(net: Any, images: NDArray[np.floating]) -> NDArray[np.float64]:
    with torch.no_grad():
        parts = [net.body(p).double().numpy() for p in _tensor(images).split(1024)]
    return np.concatenate(parts)


def train_features(
    train: tuple[NDArray[np.float32], NDArray[np.int64]],
    valid: tuple[NDArray[np.float32], NDArray[np.int64]],
    test: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    seed: int,
    d: int = 32,
    width: int = 16,
    epochs: int = 60,
    progress: Callable[..., Iterable[int]] | None = None,
) -> Features:
    """Train the classifier and measure its features on the training set.

    Parameters
    ----------
    train, valid, test : tuple (images, labels)
        Images float32 (n, channels, side, side) in [-1, 1], labels int64 (n,). Weights
        are those of the best accuracy on `valid`; `test` is only looked at once.
    seed : int
        Of weights and batches.
    d, width : int
        Features; channels of the first convolution.
    epochs : int
        At most; 15 without a better validation end it.
    progress : callable, optional
        As for :func:`neuro.grad.fit`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _n, channels, side, _w = train[0].shape
        classes = int(train[1].max()) + 1
        net = FeatureNet(side, channels=channels, d=d, classes=classes, width=width)
    fit(
        net, train, valid, loss=cross_entropy(), lr=2e-3, seed=seed, epochs=epochs,
        metric=accuracy, patience=15, decay="cosine", weight_decay=1e-2,
        progress=progress,
    )  # fmt: skip
    f = _raw(net, train[0])
    sd = f.std(0)
    with torch.no_grad():
        hit = accuracy(net, (_tensor(test[0]), torch.as_tensor(test[1])))
    return Features(net, f.mean(0), sd, sd >= 0.01 * sd.max(), float(hit.mean()))
