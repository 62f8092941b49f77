"""Export to NIR and back into the engine."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
nir = pytest.importorskip("nir")

from neuro.errors import UnsupportedNodeError
from neuro.grad import neuron_factory
from neuro.grad.classifiers import recurrent_classifier
from neuro.grad.fold import with_folded_norms
from neuro.grad.nir_export import to_nir
from neuro.network import from_nir
from tests.unit.grad.test_engine import SHAPE, _conv, _frames, _torch_spikes


@pytest.mark.parametrize("beta", [1.0, 0.875])
def test_graph_through_a_file_sends_the_same_spikes(rng, tmp_path, beta):
    model = _conv(neuron=neuron_factory("lif", beta=beta))
    frames = _frames(rng)
    path = tmp_path / "net.nir"
    nir.write(path, to_nir(model, grid_bits=10))
    net = from_nir(path, dt=1e-4, semantics="euler")
    result = net.network.build(engine="grid", precision="double").run_samples(
        {"input": frames.reshape(*frames.shape[:2], -1)}, 6e-4
    )
    theirs = _torch_spikes(with_folded_norms(model, grid_bits=10), frames)
    for k, spikes in enumerate(theirs):
        np.testing.assert_array_equal(result.spike_counts(f"layer{k}"), spikes.sum(1))


def test_recurrent_graph_has_its_loop():
    model = recurrent_classifier(
        SHAPE, hidden=5, neuron=neuron_factory("lif", beta=0.5)
    )
    graph = to_nir(model)
    assert ("layer0_feedback", "layer0") in graph.edges
    tau = graph.nodes["layer0"].tau
    np.testing.assert_allclose(1 - 1e-4 / tau, 0.5)


def test_subtractive_reset_has_no_node():
    model = _conv(neuron=neuron_factory("lif", reset="subtract"))
    with pytest.raises(UnsupportedNodeError, match="resets by subtraction"):
        to_nir(model)
