"""Published figures of the resistive-memory liquid, where the whole set is at hand."""

import numpy as np
import pytest

from neuro.core import Rows
from neuro.datasets import load
from neuro.events import frames
from neuro.lsm import Liquid, fit_readout
from neuro.lsm.presets import PRESETS, RECURRENT_STATISTICS, WEIGHT_STATISTICS

pytestmark = [pytest.mark.slow, pytest.mark.data]


def test_whole_nmnist(data_root):
    """Lin et al. 2025: 0.8911 in software, best test epoch; 200 neurons, one window."""
    data = load("nmnist", path=data_root)
    if data.name != "nmnist" or len(data) < 70_000:
        pytest.skip("needs the whole N-MNIST, 70 000 recordings")
    p = PRESETS["nmnist"]
    draw = np.random.default_rng(0).normal
    liquid = Liquid(
        Rows(p.const * draw(*WEIGHT_STATISTICS, (p.n, p.n_in))),
        Rows(p.const * draw(*RECURRENT_STATISTICS, (p.n, p.n))),
        decay=p.decay,
        v_threshold=p.v_threshold,
    )
    features = np.empty((len(data), p.n))
    for start in range(0, len(data), 2000):
        part = range(start, min(start + 2000, len(data)))
        x = np.stack(
            [
                frames(
                    data[k],
                    data.sensor_size,
                    bin_us=6000,
                    n_bins=p.steps,
                    crop=16,
                    polarity=1,
                )
                for k in part
            ]
        ).reshape(len(part), p.steps, p.n_in)
        features[part.start : part.stop] = liquid.run(x).features
    train = data.splits == "train"
    model = fit_readout(
        features[train],
        data.labels[train],
        data.groups[train],
        rng=np.random.default_rng(0),
    )
    found = model.score(features[~train], data.labels[~train])
    assert found == pytest.approx(0.89, abs=0.015)
