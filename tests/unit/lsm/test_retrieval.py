import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.lsm.retrieval import (
    class_splits,
    few_shot_accuracy,
    retrieval_accuracy,
    retrieval_chance,
)


def test_random_embeddings_give_chance():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 600)
    scores = [
        retrieval_accuracy(
            rng.standard_normal((600, 8)), rng.standard_normal((600, 8)), labels, labels
        )
        for _ in range(20)
    ]
    chance = retrieval_chance(labels, labels)
    assert abs(np.mean(scores) - chance) < 3 * np.std(scores, ddof=1) / np.sqrt(20)
    assert chance == pytest.approx(sum((np.bincount(labels) / 600) ** 2))


def test_identical_embeddings_are_found():
    e = np.eye(5)
    assert retrieval_accuracy(e, e, np.arange(5), np.arange(5)) == 1.0
    assert retrieval_accuracy(e, e[::-1], np.arange(5), np.arange(5)) == 0.2


def test_every_pair_of_test_classes_once():
    splits = list(class_splits(range(9), rng=np.random.default_rng(0)))
    assert len(splits) == len({s.test for s in splits}) == 36
    for s in splits:
        assert sorted(s.train + s.valid + s.test) == list(range(9))


def test_bad_input():
    with pytest.raises(ParameterError, match="leave none"):
        next(class_splits(range(4), rng=np.random.default_rng(0)))
    with pytest.raises(ShapeError):
        retrieval_accuracy(np.zeros((2, 3)), np.zeros((2, 4)), [0, 1], [0, 1])


def test_few_shot_finds_separated_classes_and_is_at_chance_on_noise():
    rng = np.random.default_rng(0)
    y = np.repeat([3, 7], 200)
    centres = np.where(y[:, None] == 3, [1.0, 0, 0], [0, 1.0, 0])
    near = centres + 0.1 * rng.standard_normal((400, 3))
    assert few_shot_accuracy(near, near, y, shots=3, rng=rng) > 0.95
    scores = [
        few_shot_accuracy(*rng.standard_normal((2, 400, 3)), y, shots=3, rng=rng)
        for _ in range(20)
    ]
    assert abs(np.mean(scores) - 0.5) < 3 * np.std(scores, ddof=1) / np.sqrt(20)
    with pytest.raises(ParameterError, match="without queries"):
        few_shot_accuracy(near, near, y, shots=200, rng=rng)
