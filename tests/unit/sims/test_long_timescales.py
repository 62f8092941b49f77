"""The tasks are what they are called."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from sims.long_timescales.run import targets


@pytest.mark.parametrize("n", [2, 3, 7])
def test_targets_against_plain_loops(rng, n):
    bits = rng.integers(0, 2, (20, 3))
    stream = torch.from_numpy(bits)
    parity = targets(stream, n, "parity").numpy()
    match = targets(stream, n, "match").numpy()
    for t in range(n - 1, 20):
        for b in range(3):
            assert parity[t, b] == bits[t - n + 1 : t + 1, b].sum() % 2
            assert match[t, b] == (bits[t, b] == bits[t - n + 1, b])
    assert 0.2 < np.mean(match[n - 1 :]) < 0.8
