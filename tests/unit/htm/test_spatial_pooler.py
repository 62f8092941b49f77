import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.htm import SpatialPooler
from neuro.htm._kernels import pooler as kernels
from tests.naive.spatial_pooler import NaivePooler, naive_pool, naive_winners

SETTINGS = {
    "columns": 40,
    "active_columns": 5,
    "permanence_increment": 0.03,
    "permanence_decrement": 0.05,
    "seed": 2,
}


def records(rng, n, bits=30):
    return [rng.permutation(bits)[: rng.integers(0, 12)] for _ in range(n)]


def test_same_as_the_naive_form(rng):
    pooler = SpatialPooler(30, **SETTINGS)
    naive = NaivePooler(pooler)
    for k, record in enumerate(records(rng, 120)):
        learn = k % 5 != 4
        expected = naive_pool(naive, record.tolist(), learn=learn)
        assert pooler.compute(record, learn=learn).tolist() == expected
    np.testing.assert_array_equal(pooler.permanence, naive.permanence)
    connected = np.array(naive.permanence).T >= 0.5
    np.testing.assert_array_equal(pooler.synapses.rows, connected)


def test_winners_with_many_ties_compiled_and_interpreted(rng):
    for _ in range(50):
        overlaps = rng.integers(0, 4, 20).astype(np.int32)
        rank = rng.permutation(20)
        k = int(rng.integers(1, 21))
        expected = naive_winners(overlaps.tolist(), rank.tolist(), k)
        for kernel in (kernels.winners_of, kernels.winners_of.py_func):
            out = np.zeros(k, np.int32)
            kernel(overlaps, rank, k, out)
            assert out.tolist() == expected


def test_initial_synapses():
    pooler = SpatialPooler(809, columns=200, seed=1)
    assert (pooler.potential.sum(1) == 647).all()
    share = (pooler.permanence >= 0.5).sum() / pooler.potential.sum()
    assert share == pytest.approx(0.5, abs=0.01)
    assert pooler.permanence[pooler.potential == 0].max() == 0


def test_learning_changes_winners_only(rng):
    pooler = SpatialPooler(30, **SETTINGS)
    before = pooler.permanence.copy()
    winners = pooler.compute(range(6))
    others = np.setdiff1d(np.arange(40), winners)
    np.testing.assert_array_equal(pooler.permanence[others], before[others])
    assert (pooler.permanence[winners] != before[winners]).any()


def test_save_and_load_in_mid_stream(rng, tmp_path):
    pooler = SpatialPooler(30, **SETTINGS)
    data = records(rng, 60)
    pooler.run(data[:30])
    pooler.save(tmp_path / "pooler.npz")
    again = SpatialPooler.load(tmp_path / "pooler.npz")
    np.testing.assert_array_equal(pooler.run(data[30:]), again.run(data[30:]))
    np.testing.assert_array_equal(pooler.permanence, again.permanence)
    assert pooler.counts == again.counts
    with pytest.raises(ParameterError, match="not a saved pooler"):
        SpatialPooler.load(tmp_path / "none.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"n_inputs": 0},
        {"active_columns": 41},
        {"potential_share": 0.0},
        {"connected_permanence": 1.0},
        {"permanence_decrement": -0.1},
    ],
)
def test_refuses_bad_parameters(changes):
    values = {"n_inputs": 30} | SETTINGS | changes
    with pytest.raises(ParameterError):
        SpatialPooler(values.pop("n_inputs"), **values)


def test_refuses_bits_out_of_range():
    with pytest.raises(ParameterError, match="bits must lie in"):
        SpatialPooler(30, **SETTINGS).compute([30])
