"""Every data set of recordings keeps the same promises."""

import numpy as np
import pytest

from neuro.datasets import Dataset, load
from neuro.events import EVENT, validate

STAND_INS = [("nmnist", {"synthetic": True, "limit": 12})]
REAL = [
    ("nmnist", {"synthetic": False, "limit": 12}),
    ("dvsgesture_samples", {}),
]


def _check(data):
    assert isinstance(data, Dataset)
    n = len(data)
    assert n > 0
    assert data.labels.shape == data.groups.shape == (n,)
    assert data.labels.dtype == data.groups.dtype == np.int64
    assert len(data.sensor_size) == 3
    for i in (0, n - 1, -1):
        events = data[i]
        assert events.dtype == EVENT
        validate(events, data.sensor_size)
        assert (data[i] == events).all()
    with pytest.raises(IndexError):
        data[n]
    assert sum(1 for _ in data) == n


@pytest.mark.parametrize(("name", "options"), STAND_INS)
def test_stand_ins(name, options):
    data = load(name, **options)
    _check(data)
    assert data.synthetic
    assert data.name != name
    assert data.metadata["synthetic"] is True


@pytest.mark.data
@pytest.mark.parametrize(("name", "options"), REAL)
def test_real_sets(data_root, name, options):
    data = load(name, path=data_root, **options)
    _check(data)
    assert not data.synthetic
