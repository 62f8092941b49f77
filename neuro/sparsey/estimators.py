"""Sparsey behind the interface of scikit-learn: encoder and classifier of images."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from neuro.errors import ParameterError, ShapeError
from neuro.sparsey.fields import Fields, square_fields, whole_field
from neuro.sparsey.level import Level
from neuro.sparsey.parameters import LevelParameters
from neuro.sparsey.readout import EpisodicReadout, LabelField
from neuro.sparsey.selection import Logistic, Selection

__all__ = ["SparseyClassifier", "SparseyEncoder"]


class SparseyEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Images to sparse distributed codes: one pass, one trial per item.

    Parameters
    ----------
    image_shape : (int, int), optional
        Height and width; default: square images.
    receptive_fields : int, sequence of int or None
        Side of the square fields; several sizes are pooled. None: one mac that sees
        all features, which then need not be an image.
    stride : int
        Distance of neighbouring macs, pixels.
    band : (int, int)
        Fewest and most active pixels that activate a mac; for fields of other sizes
        than the first the band is scaled with their side.
    n_cms, n_units : int
        Q and K.
    freeze : float
        Fraction of set weights at which a mac stops learning.
    slope, inflection : float
        Of the logistic sigmoid.
    seed : int
        Seed of all draws.
    threads : int
        Threads; the codes do not depend on it.

    Notes
    -----
    Pixels other than zero are on. ``transform`` gives a sparse matrix with one column
    per unit, so that any linear model of scikit-learn can follow.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int] | None = None,
        receptive_fields: int | Sequence[int] | None = 6,
        stride: int = 1,
        band: tuple[int, int] = (4, 12),
        n_cms: int = 5,
        n_units: int = 150,
        freeze: float = 0.05,
        slope: float = 40.0,
        inflection: float = 0.9,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.image_shape = image_shape
        self.receptive_fields = receptive_fields
        self.stride = stride
        self.band = band
        self.n_cms = n_cms
        self.n_units = n_units
        self.freeze = freeze
        self.slope = slope
        self.inflection = inflection
        self.seed = seed
        self.threads = threads

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are float32 ones
        return tags

    def _make(self, n_features: int) -> None:
        self.levels_ = []
        for name, fields, scale in self._fields(n_features):
            low, high = (max(1, round(limit * scale)) for limit in self.band)
            parameters = LevelParameters(
                n_cms=self.n_cms,
                n_units=self.n_units,
                band=(low, high),
                freeze_u=self.freeze,
                selection=Selection(
                    sigmoid=Logistic(slope=self.slope, inflection=self.inflection)
                ),
            )
            self.levels_.append(
                Level(
                    parameters, fields, seed=self.seed, name=name, threads=self.threads
                )
            )
        self.shapes_ = [
            (x.n_macs, x.n_cms, x.n_units) for x in (v.source for v in self.levels_)
        ]

    def _fields(self, n_features: int) -> list[tuple[str, Fields, float]]:
        """Name, receptive fields and scale of the band of every level."""
        if self.receptive_fields is None:
            return [("mac", whole_field(n_features), 1.0)]
        shape = self.image_shape
        if shape is None:
            side = round(n_features**0.5)
            shape = (side, side)
        if shape[0] * shape[1] != n_features:
            raise ShapeError(
                f"{type(self).__name__}: {n_features} pixels are no image of shape "
                f"{tuple(shape)}; give image_shape=(height, width), or "
                "receptive_fields=None for features that are no image"
            )
        given = self.receptive_fields
        sizes = [given] if isinstance(given, int) else list(given)
        if not sizes:
            raise ParameterError("receptive_fields: expected at least one size")
        return [
            (
                f"mac{i}-{size}",
                square_fields(
                    shape,
                    (min(size, shape[0]), min(size, shape[1])),
                    stride=self.stride,
                ),
                size / sizes[0],
            )
            for i, size in enumerate(sizes)
        ]

    def _codes(self, X: NDArray[Any], *, learn: bool) -> list[NDArray[np.int16]]:
        return [level.run(X, learn=learn).codes for level in self.levels_]

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "SparseyEncoder":
        """Learn from scratch; one pass in the given order."""
        x = validate_data(self, X, reset=True)
        self._make(x.shape[1])
        self._codes(x, learn=True)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "SparseyEncoder":
        """Go on learning."""
        first = not hasattr(self, "levels_")
        x = validate_data(self, X, reset=first)
        if first:
            self._make(x.shape[1])
        self._codes(x, learn=True)
        return self

    def codes(self, X: ArrayLike) -> list[NDArray[np.int16]]:
        """Codes without learning: per field size int16 (n, n_macs, n_cms)."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False)
        found = []
        for level in self.levels_:
            with level.unchanged():  # asking twice gives the same answer
                found.append(level.run(x).codes)
        return found

    def transform(self, X: ArrayLike) -> scipy.sparse.csr_matrix:
        """One column per unit, 1 where it is on: sparse (n, n_units_in_all)."""
        codes = self.codes(X)
        n = len(codes[0])
        columns, offset = [], 0
        for part, (m, q, k) in zip(codes, self.shapes_, strict=True):
            flat = part.reshape(n, m * q).astype(np.int64)
            columns.append(np.where(flat < 0, -1, offset + np.arange(m * q) * k + flat))
            offset += m * q * k
        unit = np.concatenate(columns, 1)
        on = unit >= 0
        indptr = np.concatenate([[0], np.cumsum(on.sum(1))])
        data = np.ones(int(indptr[-1]), np.float32)
        return scipy.sparse.csr_matrix((data, unit[on], indptr), shape=(n, offset))


class SparseyClassifier(ClassifierMixin, SparseyEncoder):  # type: ignore[misc]
    """Classify images by single-trial learning in macs.

    Parameters
    ----------
    readout : {"binary", "loglik", "episodic"}
        ``"binary"`` is the paper's: summed binary label weights. ``"loglik"`` uses
        counts, ``"episodic"`` the label of the most similar stored code.
    image_shape, receptive_fields, stride, band, n_cms, n_units, freeze, slope, \
inflection, seed, threads
        As in :class:`SparseyEncoder`.

    Attributes
    ----------
    classes_ : ndarray
        Class labels.
    label_field_ : LabelField
        Label weights; give ``label_field_.predict(codes, kind)`` another read-out.

    Examples
    --------
    >>> from neuro.datasets import load
    >>> from neuro.sparsey import line_images
    >>> found = load("mnist", synthetic=True)  # scikit-learn's digits, 28 x 28
    >>> X, y = line_images(found.images).reshape(len(found), -1), found.labels
    >>> model = SparseyClassifier(stride=2, n_units=50).fit(X[:1200], y[:1200])
    >>> bool(model.score(X[1200:], y[1200:]) > 0.7)
    True
    """

    __references__ = ("rinkus2017",)

    def __init__(
        self,
        *,
        readout: Literal["binary", "loglik", "episodic"] = "binary",
        image_shape: tuple[int, int] | None = None,
        receptive_fields: int | Sequence[int] | None = 6,
        stride: int = 1,
        band: tuple[int, int] = (4, 12),
        n_cms: int = 5,
        n_units: int = 150,
        freeze: float = 0.05,
        slope: float = 40.0,
        inflection: float = 0.9,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        super().__init__(
            image_shape=image_shape,
            receptive_fields=receptive_fields,
            stride=stride,
            band=band,
            n_cms=n_cms,
            n_units=n_units,
            freeze=freeze,
            slope=slope,
            inflection=inflection,
            seed=seed,
            threads=threads,
        )
        self.readout = readout

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "SparseyClassifier":
        """Learn from scratch; one pass in the given order."""
        x, labels = validate_data(self, X, y, reset=True)
        check_classification_targets(labels)
        self._begin(x.shape[1], np.unique(labels))
        return self._learn(x, labels)

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> "SparseyClassifier":
        """Go on learning; `classes` names all classes at the first call."""
        first = not hasattr(self, "levels_")
        x, labels = validate_data(self, X, y, reset=first)
        check_classification_targets(labels)
        if first:
            self._begin(x.shape[1], np.unique(labels if classes is None else classes))
        return self._learn(x, labels)

    def _begin(self, n_features: int, classes: NDArray[Any]) -> None:
        if self.readout not in ("binary", "loglik", "episodic"):
            raise ParameterError(
                "readout: expected 'binary', 'loglik' or 'episodic', "
                f"got {self.readout!r}"
            )
        if classes.size < 2:
            raise ParameterError(
                f"SparseyClassifier: expected at least 2 classes, got {classes.size} "
                "class"
            )
        self._make(n_features)
        self.classes_ = classes
        self.label_field_ = LabelField(classes.size, self.shapes_)
        self._stored: list[tuple[list[NDArray[np.int16]], NDArray[np.int64]]] = []

    def _learn(self, x: NDArray[Any], labels: NDArray[Any]) -> "SparseyClassifier":
        place = np.searchsorted(self.classes_, labels)
        place = np.minimum(place, self.classes_.size - 1)
        if (self.classes_[place] != labels).any():
            raise ParameterError(
                "partial_fit: labels outside the classes of the first call; "
                "give classes= there"
            )
        codes = self._codes(x, learn=True)
        self.label_field_.learn(codes, place)
        if self.readout == "episodic":
            self._stored.append((codes, place))
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class of every image, shape (n,)."""
        codes = self.codes(X)
        if self.readout != "episodic":
            found = self.label_field_.predict(codes, self.readout)
        else:
            parts = [
                np.concatenate([c[i] for c, _ in self._stored])
                for i in range(len(codes))
            ]
            labels = np.concatenate([y for _, y in self._stored])
            found = EpisodicReadout(parts, labels, self.shapes_).predict(codes)
        return np.asarray(self.classes_[found])

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Summed evidence, shape (n, n_classes); of two classes the difference, (n,).

        Raises
        ------
        ParameterError
            With the episodic read-out, which compares items and not classes.
        """
        check_is_fitted(self)
        if self.readout == "episodic":
            raise ParameterError("decision_function: not for the episodic read-out")
        evidence = self.label_field_.evidence(self.codes(X), self.readout)
        if self.classes_.size == 2:
            return np.asarray(evidence[:, 1] - evidence[:, 0])
        return evidence
