"""Parts of the classifier experiment."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.grad import neuron_factory
from neuro.grad.classifiers import Summed, conv_classifier
from sims.snn_nmnist.run import _macs, _pooled


def test_pooling_keeps_any_spike():
    frames = np.zeros((1, 2, 2, 5, 5), np.uint8)
    frames[0, 1, 0, 3, 2] = 1
    frames[0, 1, 0, 2, 2] = 1
    frames[0, 0, 1, 4, 4] = 1  # outside the squares
    small = _pooled(frames, 2)
    assert small.shape == (1, 2, 2, 2, 2)
    assert small.sum() == 1
    assert small[0, 1, 0, 1, 1] == 1


def test_products_of_the_artificial_network():
    model = conv_classifier(
        (2, 8, 8), channels=(3,), hidden=5, kernel=3, neuron=neuron_factory("relu")
    )
    conv, hidden, out = 16 * 3 * 2 * 9, 48 * 5, 50
    assert _macs(Summed(model), (2, 8, 8)) == conv + hidden + out
