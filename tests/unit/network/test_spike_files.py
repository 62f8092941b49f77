"""Spikes and synapses through npz, SONATA and neo."""

import h5py
import numpy as np
import pytest

from neuro.errors import DatasetError, ParameterError
from neuro.network import (
    FixedIndegree,
    LifExp,
    Network,
    Normal,
    Population,
    Projection,
    Spikes,
)
from neuro.network.expand import expand
from neuro.network.neo_adapter import from_neo, to_neo
from neuro.network.spike_files import (
    load_spikes,
    read_sonata_edges,
    read_sonata_spikes,
    save_spikes,
    write_sonata_edges,
    write_sonata_spikes,
)


@pytest.fixture
def trains(rng):
    def train(n, m):
        t = np.sort(rng.random(m))
        return Spikes(t, rng.integers(0, n, m).astype(np.int32))

    return {"exc": train(20, 300), "inh": train(5, 40), "silent": train(3, 0)}


def _equal(a, b, rtol=0.0):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name].times, b[name].times, rtol=rtol)
        np.testing.assert_array_equal(a[name].indices, b[name].indices)


def test_npz(trains, tmp_path):
    save_spikes(tmp_path / "s.npz", trains)
    _equal(load_spikes(tmp_path / "s.npz"), trains)


def test_sonata_spikes(trains, tmp_path):
    write_sonata_spikes(tmp_path / "s.h5", trains)
    _equal(read_sonata_spikes(tmp_path / "s.h5"), trains, rtol=1e-15)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file.attrs["magic"] == 0x0A7A
        assert file["spikes/exc/timestamps"].attrs["units"] == "milliseconds"
        assert file["spikes/exc/node_ids"].dtype == np.uint64
        assert file["spikes/exc"].attrs["sorting"] == 2


def test_sonata_edges(tmp_path):
    net = Network(
        Population("a", 30, LifExp()),
        Population("b", 10, LifExp()),
        Projection(
            "a",
            "b",
            FixedIndegree(4),
            weight=Normal(1.0, 0.2),
            delay=Normal(2e-3, 4e-4),
        ),
        Projection("b", "a", FixedIndegree(2), weight=-3.0, delay=1e-3),
        dt=1e-4,
    )
    write_sonata_edges(tmp_path / "e.h5", net, seed=2)
    edges = read_sonata_edges(tmp_path / "e.h5", "a_to_b")
    want = expand(net.projections[0], 30, 10, name="a -> b", dt=1e-4, seed=2)
    order = np.lexsort((want.pre, want.post))
    assert (edges.source, edges.target) == ("a", "b")
    np.testing.assert_array_equal(edges.pre, want.pre[order])
    np.testing.assert_array_equal(edges.post, want.post[order])
    np.testing.assert_array_equal(edges.weight, want.weight[order])
    np.testing.assert_allclose(edges.delay, want.delay[order] * 1e-4, rtol=1e-14)
    with h5py.File(tmp_path / "e.h5") as file:
        ranges = file["edges/a_to_b/indices/target_to_source/range_to_edge_id"][:]
    for post, (low, high) in enumerate(ranges):
        assert (edges.post[low:high] == post).all()
        assert high - low == 4
    with pytest.raises(ParameterError, match="a_to_b, b_to_a"):
        read_sonata_edges(tmp_path / "e.h5")


def test_errors(trains, tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = 1
    with pytest.raises(DatasetError, match="spikes"):
        read_sonata_spikes(tmp_path / "x.h5")
    with pytest.raises(DatasetError, match="edges"):
        read_sonata_edges(tmp_path / "x.h5")
    batch = {
        "a": Spikes(np.zeros(2), np.zeros(2, np.int32), np.array([0, 1], np.int32))
    }
    with pytest.raises(ParameterError, match="several samples"):
        write_sonata_spikes(tmp_path / "y.h5", batch)


def test_neo(trains, rng):
    pytest.importorskip("neo")
    n = {"exc": 20, "inh": 5, "silent": 3}
    block = to_neo(trains, n=n, t_stop=1.0)
    assert len(block.segments) == 1
    assert len(block.segments[0].spiketrains) == 28
    _equal(from_neo(block), trains)
    batch = {
        "a": Spikes(
            np.array([0.1, 0.2, 0.1]),
            np.array([0, 1, 1], np.int32),
            np.array([0, 0, 1], np.int32),
        )
    }
    back = from_neo(to_neo(batch, n={"a": 2}, t_stop=1.0))
    assert back["a"].samples.tolist() == [0, 0, 1]
    _equal(back, batch)
    with pytest.raises(ParameterError, match="no entry"):
        to_neo(trains, n={}, t_stop=1.0)
