import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.sparsey import EpisodicReadout, LabelField, intersections

SHAPES = [(3, 2, 4), (1, 2, 5)]


@pytest.fixture
def codes(rng):
    a = rng.integers(0, 4, (12, 3, 2)).astype(np.int16)
    a[rng.random((12, 3)) < 0.3] = -1
    return [a, rng.integers(0, 5, (12, 1, 2)).astype(np.int16)]


def naive_evidence(codes, labels, asked, n_classes, kind):
    """Count pairs one by one."""
    out = np.zeros((len(asked[0]), n_classes))
    for part, question, (m, q, k) in zip(codes, asked, SHAPES, strict=True):
        for mac in range(m):
            for cm in range(q):
                counts = np.zeros((k, n_classes))
                for code, y in zip(part[:, mac, cm], labels, strict=True):
                    if code >= 0:
                        counts[code, y] += 1
                for i, code in enumerate(question[:, mac, cm]):
                    if code < 0:
                        continue
                    if kind == "binary":
                        out[i] += counts[code] > 0
                    else:
                        out[i] += np.log(
                            (counts[code] + 0.05) / (counts.sum(0) + 0.05 * k)
                        )
    return out


@pytest.mark.parametrize("kind", ["binary", "loglik"])
def test_evidence_as_counted_by_hand(kind, codes, rng):
    labels = rng.integers(0, 3, 12)
    field = LabelField(3, SHAPES)
    field.learn([c[:5] for c in codes], labels[:5])
    field.learn([c[5:] for c in codes], labels[5:])
    want = naive_evidence(codes, labels, codes, 3, kind)
    np.testing.assert_allclose(field.evidence(codes, kind), want, rtol=1e-5)
    np.testing.assert_array_equal(field.predict(codes, kind), want.argmax(1))


def test_episodic_is_the_largest_intersection(codes, rng):
    labels = rng.integers(0, 9, 12)
    readout = EpisodicReadout(codes, labels, SHAPES)
    asked = [c[::-1] for c in codes]
    flat = np.concatenate([c.reshape(12, -1) for c in codes], 1)
    want = np.stack([intersections(row, flat) for row in flat[::-1]])
    np.testing.assert_array_equal(readout.intersections(asked), want)
    np.testing.assert_array_equal(readout.nearest(asked, chunk=5), want.argmax(1))
    np.testing.assert_array_equal(readout.predict(asked), labels[want.argmax(1)])


def test_binary_labels_saturate_and_counts_do_not(rng):
    """Every unit has met every class: the binary read-out is blind, loglik is not."""
    y = np.repeat([0, 1], 500)
    p = np.where(y == 0, 0.8, 0.2)
    codes = (rng.random((1000, 20)) > p[:, None]).astype(np.int16)[:, :, None]
    field = LabelField(2, [(20, 1, 2)])
    field.learn(codes, y)
    assert (field.weights("binary") == 1).all()
    assert (field.predict(codes, "loglik") == y).mean() > 0.95
    assert (field.predict(codes, "binary") == y).mean() == 0.5


def test_refusals(codes):
    field = LabelField(3, SHAPES)
    with pytest.raises(ParameterError, match="labels"):
        field.learn(codes, np.full(12, 3))
    with pytest.raises(ShapeError, match="levels"):
        field.learn(codes[:1], np.zeros(12))
    with pytest.raises(ShapeError, match="expected codes"):
        field.learn(codes[::-1], np.zeros(12))
    with pytest.raises(ShapeError, match="labels"):
        field.learn(codes, np.zeros(5))
    with pytest.raises(ParameterError, match="read-out"):
        field.predict(codes, "best")
    with pytest.raises(ParameterError, match="n_classes"):
        LabelField(1, SHAPES)
    with pytest.raises(ParameterError, match="smoothing"):
        LabelField(2, SHAPES, smoothing=0)
