import numpy as np
import pytest

from neuro.counts import LayerInfo, OpCounts


@pytest.fixture
def lemaire_network() -> OpCounts:
    """The integrate-and-fire network of the published anchor, T = 8, 32 bit."""
    counts, steps = OpCounts(), 8
    common = {"steps": steps, "leaky": False}
    counts.layer(
        "conv1",
        LayerInfo(
            kind="conv",
            in_shape=(2, 16, 16),
            out_shape=(8, 16, 16),
            kernel=(5, 5),
            stride=(1, 1),
            padding=(2, 2),
            weights=400,
            synapses=102_400,
            neurons=2048,
            bias=True,
            **common,
        ),
    )
    counts.layer(
        "conv2",
        LayerInfo(
            kind="conv",
            in_shape=(8, 16, 16),
            out_shape=(16, 8, 8),
            kernel=(3, 3),
            stride=(2, 2),
            padding=(1, 1),
            weights=1152,
            synapses=73_728,
            neurons=1024,
            **common,
        ),
    )
    counts.layer(
        "fc",
        LayerInfo(
            kind="linear",
            in_shape=(1024,),
            out_shape=(10,),
            weights=10_240,
            synapses=10_240,
            neurons=10,
            bias=True,
            **common,
        ),
    )
    for name, spikes_in, spikes_out, neurons, synops in (
        ("conv1", 327, 3325, 2048, 0),
        ("conv2", 3325, 3071, 1024, 0),
        ("fc", 3071, 70, 10, 30_710),
    ):
        counts.add(name, "synop", synops)
        counts.add(name, "spike_in", spikes_in)
        counts.add(name, "spike_out", spikes_out)
        counts.add(name, "reset", spikes_out)
        counts.add(name, "neuron_update", steps * neurons)
    return counts


@pytest.fixture
def run_ledger() -> OpCounts:
    """A ledger as the engine writes it: a projection and its population."""
    counts = OpCounts(10)
    spikes = np.arange(10, 110, 10)
    counts.layer(
        "input -> liquid",
        LayerInfo(
            in_shape=(200,), out_shape=(100,), weights=20_000, synapses=20_000, steps=50
        ),
    )
    counts.layer("liquid", LayerInfo(kind="population", neurons=100, steps=50))
    counts.add("input -> liquid", "synop", spikes * 100)
    counts.add("input -> liquid", "ac", spikes * 100)
    counts.add("liquid", "neuron_update", np.full(10, 5000))
    counts.add("liquid", "spike_out", spikes * 3)
    counts.add("liquid", "reset", spikes * 3)
    return counts
