import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.lsm import cross_validate, input_counts, window_edges
from neuro.lsm.readout import _model, _ridge_scores


def _blobs(rng, n=120):
    y = np.repeat(np.arange(3), n // 3)
    return y, np.eye(3)[y] * 4 + rng.standard_normal((n, 3))


@pytest.mark.parametrize("kind", ["logistic", "ridge"])
def test_separable_classes_are_found_and_shuffled_ones_are_not(rng, kind):
    y, x = _blobs(rng)
    groups = np.arange(len(y))
    good = cross_validate(
        x, y, groups, folds=5, kind=kind, rng=np.random.default_rng(0)
    )
    assert good.mean() > 0.9
    noise = rng.standard_normal(x.shape)
    bad = cross_validate(
        noise, y, groups, folds=5, kind=kind, rng=np.random.default_rng(0)
    )
    assert abs(bad.mean() - 1 / 3) < 0.2


@pytest.mark.parametrize("n_features", [8, 150])
def test_ridge_path_equals_scikit_learn(rng, n_features):
    y = rng.integers(0, 4, 120)
    x = rng.standard_normal((120, n_features)) + 0.6 * (y[:, None] == 2)
    x[:, 0] = 1.0
    train, valid = (x[:80], y[:80]), (x[80:], y[80:])
    strengths = (0.1, 10.0, 1e3)
    expected = [_model("ridge", s).fit(*train).score(*valid) for s in strengths]
    assert _ridge_scores(strengths, train, valid) == expected


def test_same_generator_same_folds(rng):
    y, x = _blobs(rng)
    first, second = (
        cross_validate(
            x, y, np.arange(len(y)), folds=4, kind="ridge", rng=np.random.default_rng(3)
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_unknown_kind():
    with pytest.raises(ParameterError, match="logistic"):
        cross_validate(
            np.zeros((4, 1)),
            [0, 1, 0, 1],
            np.arange(4),
            folds=2,
            kind="logistik",
            rng=np.random.default_rng(0),
        )


def test_windows_conserve_counts(rng):
    frames = (rng.random((3, 50, 7)) < 0.4).astype(np.uint8)
    whole, split = input_counts(frames), input_counts(frames, 3)
    np.testing.assert_array_equal(split.reshape(3, 3, 7).sum(1), whole)
    np.testing.assert_array_equal(window_edges(50, 3), [0, 17, 34, 50])
    with pytest.raises(ParameterError, match="windows"):
        window_edges(5, 6)
