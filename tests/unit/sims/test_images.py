"""The split of the images is the same for every seed, and clean."""

from types import SimpleNamespace

import numpy as np

from sims._images import load_images


class _Context:
    def split(self, **note):
        self.note = note


def test_test_images_are_never_trained_on():
    cfg = SimpleNamespace(images="digits", n_samples=500)
    first, second = _Context(), _Context()
    a, b = load_images(cfg, first), load_images(cfg, second)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x[0], y[0])
    assert [len(part[1]) for part in a] == [1097, 200, 500]
    assert a.train[0].min() == -1
    assert a.train[0].max() == 1
    assert first.note["n_test"] == 500
    total = np.concatenate([part[0].reshape(len(part[1]), -1) for part in a])
    assert len(total) == 1797
