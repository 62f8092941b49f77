import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer
from sklearn.utils.estimator_checks import check_estimator

from neuro.datasets import load
from neuro.errors import ParameterError, ShapeError
from neuro.sparsey import SparseyClassifier, SparseyEncoder, line_images

SMALL = {"stride": 2, "n_units": 50, "freeze": 0.08}


@pytest.fixture(scope="module")
def digits():
    """Return scikit-learn's digits as lines of one pixel, 20 x 20."""
    found = load("mnist", synthetic=True)
    return line_images(found.images).reshape(len(found), -1), found.labels


@pytest.mark.parametrize("readout", ["binary", "loglik", "episodic"])
def test_classifies_digits(readout, digits):
    x, y = digits
    model = SparseyClassifier(readout=readout, **SMALL).fit(x[:1200], y[:1200])
    assert model.score(x[1200:], y[1200:]) > 0.7
    assert model.n_features_in_ == 400


def test_partial_fit_equals_fit(digits):
    x, y = digits
    whole = SparseyClassifier(**SMALL).fit(x[:300], y[:300])
    parts = SparseyClassifier(**SMALL)
    parts.partial_fit(x[:100], y[:100], classes=np.arange(10))
    parts.partial_fit(x[100:300], y[100:300])
    np.testing.assert_array_equal(whole.predict(x[300:]), parts.predict(x[300:]))
    with pytest.raises(ParameterError, match="outside"):
        parts.partial_fit(x[:5], np.full(5, 77))


def test_drops_into_a_pipeline(digits):
    x, y = digits
    model = make_pipeline(Binarizer(threshold=0.5), SparseyClassifier(**SMALL))
    assert model.fit(x[:600], y[:600]).score(x[600:], y[600:]) > 0.7
    linear = make_pipeline(SparseyEncoder(**SMALL), LogisticRegression(max_iter=200))
    assert linear.fit(x[:600], y[:600]).score(x[600:], y[600:]) > 0.7
    assert clone(model).get_params()["sparseyclassifier__n_units"] == 50


def test_pooled_sizes_and_labels_of_any_kind(digits):
    x, y = digits
    names = np.array([f"digit {c}" for c in y])
    model = SparseyClassifier(**SMALL | {"receptive_fields": (6, 8)})
    model.fit(x[:200], names[:200])
    assert set(model.predict(x[200:300])) <= set(names)
    assert len(model.codes(x[:3])) == 2
    assert model.decision_function(x[:3]).shape == (3, 10)


def test_transform_has_one_unit_per_module(digits):
    x, _ = digits
    model = SparseyEncoder(**SMALL).partial_fit(x[:50])
    z = model.transform(x[:5])
    codes = model.codes(x[:5])[0]
    assert z.shape == (5, 64 * 5 * 50)
    assert z.sum() == (codes >= 0).sum()


def test_refusals(digits):
    x, y = digits
    with pytest.raises(ShapeError, match="image_shape"):
        SparseyEncoder(image_shape=(3, 3)).fit(x[:5])
    with pytest.raises(ParameterError, match="readout"):
        SparseyClassifier(readout="x").fit(x[:20], y[:20])
    with pytest.raises(ParameterError, match="2 classes"):
        SparseyClassifier().fit(x[:5], np.zeros(5))
    with pytest.raises(ParameterError, match="receptive_fields"):
        SparseyEncoder(receptive_fields=()).fit(x[:5])
    with pytest.raises(ParameterError, match="episodic"):
        SparseyClassifier(readout="episodic", **SMALL).fit(
            x[:20], y[:20]
        ).decision_function(x)


WHOLE = {"receptive_fields": None, "band": (1, 10**6)}


@pytest.mark.parametrize(
    "estimator", [SparseyClassifier(**WHOLE), SparseyEncoder(**WHOLE)]
)
def test_passes_the_checks_of_scikit_learn(estimator):
    check_estimator(
        estimator,
        expected_failed_checks={
            "check_classifiers_train": "features are binary: continuous ones are all on"
        },
        on_skip=None,
    )


def test_features_that_are_no_image(rng):
    x = (rng.random((40, 33)) < 0.3).astype(np.uint8)
    with pytest.raises(ShapeError, match="receptive_fields=None"):
        SparseyClassifier().fit(x, np.arange(40) % 2)
    y = np.arange(40) % 2
    model = SparseyClassifier(
        readout="loglik", **WHOLE, n_cms=12, n_units=100, freeze=0.9
    )
    assert model.fit(x, y).score(x, y) > 0.9
    assert model.decision_function(x).shape == (40,)
