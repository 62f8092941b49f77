"""Our counts against NeuroBench's and spikingjelly's on one snnTorch network."""

import pytest

pytestmark = [pytest.mark.peer, pytest.mark.torch]


@pytest.fixture(scope="module")
def counted():
    pytest.importorskip("torch")
    pytest.importorskip("snntorch")
    from neuro.cli.bench.counting import _side_by_side

    return _side_by_side()


def test_neurobench(counted) -> None:
    pytest.importorskip("neurobench")
    assert counted["neurobench_Effective_ACs"] == counted["ours_synop"]
    assert counted["neurobench_Effective_MACs"] == 0
    assert counted["neurobench_Dense"] == counted["ours_dense_valid"]
    assert counted["neurobench_MembraneUpdates"] == counted["ours_membrane_updates"]


def test_spikingjelly(counted) -> None:
    pytest.importorskip("spikingjelly.activation_based.op_counter")
    assert counted["spikingjelly_SynOp"] == counted["ours_synop_with_zeros"]
    # also counts the additions inside the neurons
    assert counted["spikingjelly_AC"] > counted["ours_synop_with_zeros"]
