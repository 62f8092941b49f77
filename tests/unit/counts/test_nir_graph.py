import numpy as np
import pytest

from hw.energy.cli import main
from neuro.counts import ActivityError, count
from neuro.counts.nir_graph import SUPPORTED, read_nir, spec_of_graph
from neuro.errors import DatasetError, UnsupportedNodeError

nir = pytest.importorskip("nir")


def lif(shape):
    one = np.ones(shape)
    return nir.LIF(tau=one, r=one, v_leak=0 * one, v_threshold=one)


@pytest.fixture
def graph(rng):
    w = rng.integers(-1, 2, (4, 2, 3, 3)).astype(np.float32)
    return nir.NIRGraph(
        nodes={
            "input": nir.Input({"input": np.array([2, 8, 8])}),
            "conv": nir.Conv2d(
                input_shape=(8, 8),
                weight=w,
                stride=1,
                padding=1,
                dilation=1,
                groups=1,
                bias=np.ones(4),
            ),
            "lif": lif((4, 8, 8)),
            "pool": nir.SumPool2d(kernel_size=2, stride=2, padding=0),
            "flat": nir.Flatten({"input": np.array([4, 4, 4])}, 0, -1),
            "fc": nir.Linear(rng.standard_normal((5, 64))),
            "out": lif((5,)),
            "rec": nir.Linear(rng.standard_normal((5, 5))),
            "output": nir.Output({"output": np.array([5])}),
        },
        edges=[
            ("input", "conv"),
            ("conv", "lif"),
            ("lif", "pool"),
            ("pool", "flat"),
            ("flat", "fc"),
            ("fc", "out"),
            ("out", "rec"),
            ("rec", "out"),
            ("out", "output"),
        ],
        type_check=False,
    )


@pytest.fixture
def activity(rng):
    return {
        "input": rng.random((3, 2, 2, 8, 8)) < 0.2,
        "lif": rng.random((3, 2, 4, 8, 8)) < 0.2,
        "out": rng.random((3, 2, 5)) < 0.4,
    }


def test_counts_with_recurrence_and_pooling(graph, activity) -> None:
    from neuro.counts import CountWarning

    # sums over 2 x 2 windows are no longer binary
    with pytest.warns(CountWarning, match="'fc'"):
        counts = count(graph, activity)
    assert counts.layers["conv"].w_bits == 32
    assert counts.layers["fc"].w_bits == 64
    assert counts.total("bias", "conv") == 3 * 2 * 256
    expected = activity["out"].sum((0, 2)) * 5
    rec = counts.per_sample("synop", "rec") + counts.per_sample("synop_zero", "rec")
    assert (rec == expected).all()
    sums = activity["lif"].reshape(3, 2, 4, 4, 2, 4, 2).any((4, 6)).sum((0, 2, 3, 4))
    assert (counts.per_sample("mac", "fc") == sums * 5).all()
    assert counts.total("neuron_update", "lif") == 3 * 2 * 256
    assert counts.total("spike_out", "out") == activity["out"].sum()
    assert counts.total("synop_zero", "conv") > 0


def test_rate_of_all_layers(graph) -> None:
    counts = count(graph, 0.1, steps=5)
    assert counts.layers["conv"].steps == 5
    assert counts.total("ac", "rec") == round(0.1 * 25 * 5)


def test_missing_activity_of_a_recurrent_source(graph, activity) -> None:
    del activity["out"]
    activity["lif"] = 0.1
    with pytest.raises(ActivityError, match="'out'"):
        count(graph, activity)


def test_sub_graphs_are_flattened(rng) -> None:
    inner = nir.NIRGraph(
        nodes={
            "input": nir.Input({"input": np.array([3])}),
            "fc": nir.Linear(np.ones((2, 3))),
            "lif": lif((2,)),
            "output": nir.Output({"output": np.array([2])}),
        },
        edges=[("input", "fc"), ("fc", "lif"), ("lif", "output")],
    )
    graph = nir.NIRGraph(
        nodes={
            "input": nir.Input({"input": np.array([3])}),
            "block": inner,
            "output": nir.Output({"output": np.array([2])}),
        },
        edges=[("input", "block"), ("block", "output")],
        type_check=False,
    )
    counts = count(
        graph, {"input": np.ones((1, 1, 3)), "block.lif": np.ones((1, 1, 2))}
    )
    assert counts.total("synop", "block.fc") == 6


def test_unsupported_nodes(graph) -> None:
    class Strange(nir.ir.NIRNode):
        pass

    node = object.__new__(Strange)
    graph.nodes["strange"] = node
    with pytest.raises(UnsupportedNodeError, match="'strange' of type Strange"):
        spec_of_graph(graph)
    assert spec_of_graph(graph, strict=False).skipped == ("strange",)
    assert "CubaLIF" in SUPPORTED


def test_files_and_command_line(graph, activity, tmp_path, capsys) -> None:
    path = tmp_path / "net.nir"
    nir.write(path, graph)
    spec = read_nir(path)
    assert [la.name for la in spec.layers if la.has_weights]
    np.savez(tmp_path / "a.npz", **activity)
    code = main(
        ["estimate", str(path), "--activity", str(tmp_path / "a.npz"), "--json"]
    )
    assert code == 0
    assert main(["estimate", str(path)]) == 5
    assert main(["budget", str(path), "--wbits", "8", "--sbits", "1", "-T", "4"]) == 0
    (tmp_path / "bad.nir").write_bytes(b"\x89HDF\r\n\x1a\n rest")
    with pytest.raises(DatasetError, match="not a readable NIR"):
        read_nir(tmp_path / "bad.nir")
    assert main(["estimate", str(tmp_path / "bad.nir"), "--rate", "0.1"]) == 3
    capsys.readouterr()
