import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.htm import AnomalyLikelihood, SdrClassifier
from tests.naive.spatial_pooler import NaiveClassifier


def stream(rng, n, n_cells=20, n_buckets=4):
    patterns = [np.sort(rng.permutation(n_cells)[:3]) for _ in range(n_buckets)]
    buckets = np.arange(n) % n_buckets
    sizes = np.full(n, 3)
    cells = np.concatenate([patterns[b] for b in buckets]).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return cells, ends, buckets, buckets * 10.0 + rng.random(n)


def test_same_as_the_naive_form(rng):
    cells, ends, buckets, values = stream(rng, 60)
    ours = SdrClassifier(20, 4, horizons=(1, 3), alpha=0.5)
    found = ours.run(cells, ends, buckets, values)
    for k, horizon in enumerate((1, 3)):
        naive = NaiveClassifier(20, 4, horizon, 0.5)
        for r in range(60):
            active = cells[ends[r] : ends[r + 1]].tolist()
            p, held = naive.compute(active, int(buckets[r]), float(values[r]))
            np.testing.assert_allclose(found.probabilities[r, k], p, atol=1e-12)
            np.testing.assert_allclose(found.bucket_values[r], held)
        np.testing.assert_allclose(ours.weights[k], naive.w, atol=1e-12)


def test_learns_a_cycle(rng):
    cells, ends, buckets, values = stream(rng, 400)
    found = SdrClassifier(20, 4, horizons=(1,), alpha=0.2).run(
        cells, ends, buckets, values
    )
    best = found.probabilities[200:-1, 0].argmax(1)
    np.testing.assert_array_equal(best, buckets[201:])
    assert np.abs(found.values[200:-1, 0] - values[201:]).max() < 1
    np.testing.assert_allclose(found.probabilities.sum(2), 1)


def test_pieces_equal_one_run(rng):
    cells, ends, buckets, values = stream(rng, 50)
    one = SdrClassifier(20, 4, horizons=(2, 5), alpha=0.3)
    whole = one.run(cells, ends, buckets, values)
    other = SdrClassifier(20, 4, horizons=(2, 5), alpha=0.3)
    parts = []
    for a, b in ((0, 1), (1, 4), (4, 50)):
        parts.append(
            other.run(
                cells[ends[a] : ends[b]],
                ends[a : b + 1] - ends[a],
                buckets[a:b],
                values[a:b],
            ).probabilities
        )
    np.testing.assert_array_equal(np.concatenate(parts), whole.probabilities)
    again = SdrClassifier(20, 4, horizons=(2, 5), alpha=0.3)
    again.set_arrays(other.to_arrays())
    np.testing.assert_array_equal(again.weights, one.weights)


def test_without_learning_nothing_changes(rng):
    classifier = SdrClassifier(20, 4)
    classifier.run(*stream(rng, 20), learn=False)
    assert not classifier.weights.any()
    assert np.isnan(classifier.bucket_values).all()


def test_errors(rng):
    with pytest.raises(ParameterError, match="horizons"):
        SdrClassifier(20, 4, horizons=(1, 1))
    with pytest.raises(ParameterError, match="alpha"):
        SdrClassifier(20, 4, alpha=0.0)
    cells, ends, buckets, values = stream(rng, 5)
    with pytest.raises(ShapeError):
        SdrClassifier(20, 4).run(cells, ends, buckets[:4], values)
    with pytest.raises(ParameterError, match="buckets"):
        SdrClassifier(20, 3).run(cells, ends, buckets, values)
    with pytest.raises(ParameterError, match="cells"):
        SdrClassifier(2, 4).run(cells, ends, buckets, values)


class TestAnomalyLikelihood:
    def test_a_burst_of_surprise_is_an_alarm(self, rng):
        scores = rng.random(1000) * 0.2
        scores[800:805] = 1.0
        found = AnomalyLikelihood(learning_period=100).update(scores)
        assert (found[:100] == 0.5).all()
        assert found[805:808].max() > 0.9999
        assert (found[100:790] > 0.9999).mean() < 0.01

    def test_against_the_definition(self, rng):
        from scipy.stats import norm

        scores = rng.random(120)
        found = AnomalyLikelihood(
            long_window=30, short_window=4, learning_period=5
        ).update(scores)
        short = [scores[max(0, t - 3) : t + 1].mean() for t in range(120)]
        for t in range(5, 120):
            window = short[max(0, t - 29) : t + 1]
            z = (short[t] - np.mean(window)) / max(np.std(window), 1e-3)
            assert found[t] == pytest.approx(norm.cdf(z), abs=1e-9)

    def test_pieces_equal_one_run(self, rng):
        scores = rng.random(400)
        kind = {"long_window": 50, "short_window": 5, "learning_period": 20}
        whole = AnomalyLikelihood(**kind).update(scores)
        other = AnomalyLikelihood(**kind)
        parts = [other.update(p) for p in np.split(scores, [1, 30, 200])]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-9)

    def test_errors(self):
        with pytest.raises(ParameterError, match="short_window"):
            AnomalyLikelihood(short_window=9, long_window=9)
        with pytest.raises(ParameterError, match="finite"):
            AnomalyLikelihood().update([np.nan])
