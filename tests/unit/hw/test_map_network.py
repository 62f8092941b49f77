"""Networks on arrays: every kind of projection, and what is refused."""

import time

import numpy as np
import pytest

from hw.crossbar import AnalogConfig, AnalogMatrix, Mapping, map_network
from hw.devices import Device, Telegraph
from neuro.errors import MemoryLimitError, ParameterError
from neuro.network import (
    Bernoulli,
    FixedIndegree,
    Frames,
    LifDelta,
    Network,
    Normal,
    Poisson,
    Population,
    Projection,
    Uniform,
)
from neuro.network.standard import brunel

IDEAL = Device(name="ideal", g_min=1e-6, g_max=1e-4)
CLEAN = AnalogConfig(device=IDEAL, read_mode="none")


def test_random_projections_are_those_of_the_same_seed():
    """500 neurons, excitation and inhibition, delays: the spikes of the digital net."""
    net = brunel(scale=0.04, indegree_scale=0.04)
    plain = net.build(seed=3).run(0.1)
    mapped = map_network(net, CLEAN, seed=3).build(seed=3).run(0.1)
    for name in ("E", "I"):
        expected = plain.spike_counts(name)
        assert expected.sum() > 100
        np.testing.assert_array_equal(mapped.spike_counts(name), expected)
    assert mapped.counts.measured("array_j") > 0


def test_weights_of_the_projection_are_programmed():
    net = Network(
        Frames("in", 30),
        Population("a", 20, LifDelta(v_threshold=1.0)),
        Projection("in", "a", Bernoulli(0.5), weight=Normal(0.3, 0.1)),
        dt=1e-3,
    )
    x = np.random.default_rng(0).random((2, 40, 30)) < 0.2
    mapped = map_network(net, CLEAN, seed=5)
    assert mapped.projections[0].weight is None
    results = [n.build(seed=5).run_samples({"in": x}, 40e-3) for n in (net, mapped)]
    plain, analog = (r.spike_counts("a") for r in results)
    assert plain.sum() > 50
    np.testing.assert_array_equal(plain, analog)


def one(delay, n=40):
    return Network(
        Population("a", n, LifDelta()),
        Projection("a", "a", FixedIndegree(3), weight=0.1, delay=delay),
        Poisson("a", 100.0, 0.5),
        dt=1e-3,
    )


@pytest.mark.parametrize(
    ("net", "error", "message"),
    [
        (one(Uniform(1e-3, 3e-3)), ParameterError, "a -> a has a delay per synapse"),
        (one(np.full(120, 2e-3)), ParameterError, "a -> a has a delay per synapse"),
        (brunel(scale=0.04, indegree_scale=0.04, stdp=True), ParameterError, "learns"),
        (one(1e-3, n=8000), MemoryLimitError, "8000 x 8000"),
        (Network(Population("a", 2, LifDelta()), dt=1e-3), ParameterError, "nothing"),
    ],
)
def test_what_arrays_cannot_hold(net, error, message):
    with pytest.raises(error, match=message):
        map_network(net, CLEAN)


def test_noise_of_an_aged_chip_begins_where_it_is_looked_at(rng):
    """A year of age at a grid of a second costs nothing, and noise moves on."""
    config = AnalogConfig(
        device=Device.preset("pcm_nandakumar"),
        read_mode="ou",
        start_time=3.15e7,
        update_every=1.0,
    )
    a = AnalogMatrix(rng.normal(size=(4, 5)), config, seed=1)
    start = time.process_time()
    first, second = a.block(0.0).w, a.block(1.0).w
    assert time.process_time() - start < 5.0
    assert not np.array_equal(first, second)
    b = AnalogMatrix(a.W, config, seed=1)
    np.testing.assert_array_equal(b.block(1.0).w, second)
    np.testing.assert_array_equal(b.block(0.0).w, first)


@pytest.mark.parametrize("mode", ["none", "white", "frozen"])
def test_telegraph_noise_moves_with_simulated_time(mode):
    device = IDEAL.with_(telegraph=Telegraph(fraction=1.0, tau_min=0.5, tau_max=2.0))
    config = AnalogConfig(
        device=device, mapping=Mapping(), read_mode=mode, update_every=0.5
    )
    a = AnalogMatrix(np.ones((10, 10)), config, seed=0)
    blocks = np.array([a.block(0.5 * k).w for k in range(60)])
    states = blocks > np.median(blocks, axis=0)
    moves = (states[1:] != states[:-1]).mean()
    assert 0.05 < moves < 0.6
