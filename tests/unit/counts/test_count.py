import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from neuro.counts import (
    ActivityError,
    CountWarning,
    OpCounts,
    count,
    load_ledger,
    read_architecture,
    save_ledger,
    spec_of,
)
from neuro.errors import DatasetError, ParameterError, UnsupportedNodeError
from tests.naive.counting import conv_reached

NET = {
    "name": "small",
    "timesteps": 4,
    "weight_bits": 8,
    "input": {"shape": [2, 8, 8]},
    "layer": [
        {
            "type": "conv2d",
            "name": "conv",
            "out": 4,
            "kernel": 3,
            "padding": 1,
            "neuron": "lif",
        },
        {"type": "pool", "kernel": 2},
        {"type": "linear", "name": "fc", "out": 5, "neuron": "lif", "bias": True},
    ],
}


@pytest.fixture
def activity(rng):
    return {
        "input": rng.random((4, 3, 2, 8, 8)) < 0.1,
        "conv": rng.random((4, 3, 4, 8, 8)) < 0.2,
        "fc": rng.random((4, 3, 5)) < 0.2,
    }


def test_exact_counts(activity) -> None:
    counts = count(NET, activity)
    assert counts.n_samples == 3
    fired = activity["conv"].reshape(4, 3, 4, 4, 2, 4, 2).any((4, 6))
    expected = np.count_nonzero(fired, axis=(0, 2, 3, 4)) * 5
    assert (counts.per_sample("synop", "fc") == expected).all()
    assert (counts.per_sample("ac", "fc") == expected).all()
    assert counts.total("neuron_update", "conv") == 3 * 4 * 256
    assert counts.total("bias", "fc") == 3 * 4 * 5
    assert counts.total("spike_out", "conv") == activity["conv"].sum()
    info = counts.layers["conv"]
    assert info.synapses == 8 * 8 * 4 * 2 * 9
    assert info.synapses_valid < info.synapses
    assert info.w_bits == 8
    assert counts.total("synop", "conv") <= 3 * 4 * info.synapses_valid


def test_batch_and_order_do_not_matter(activity) -> None:
    whole = count(NET, activity)
    order = [2, 0, 1]
    parts = [
        count(NET, {k: v[:, i : i + 1] for k, v in activity.items()}) for i in order
    ]
    joined = OpCounts.concatenate(parts)
    for op in ("synop", "ac", "spike_out", "neuron_update"):
        assert (joined.per_sample(op) == whole.per_sample(op)[order]).all()
    assert count(NET, activity) == whole


def test_silent_channel_changes_dense_counts_only(activity) -> None:
    bigger = {**NET, "input": {"shape": [3, 8, 8]}}
    silent = np.concatenate([activity["input"], np.zeros((4, 3, 1, 8, 8), bool)], 2)
    a, b = count(NET, activity), count(bigger, {**activity, "input": silent})
    assert a.total("synop") == b.total("synop")
    assert a.layers["conv"].synapses < b.layers["conv"].synapses


def test_rate_equals_exact_for_linear_layers(activity) -> None:
    exact = count(NET, activity).per_sample("synop", "fc")
    rate = count(NET, activity, method="rate").per_sample("synop", "fc")
    assert (exact == rate).all()


def test_time_axis_and_swapped_axes(activity) -> None:
    swapped = {k: np.swapaxes(v, 0, 1) for k, v in activity.items()}
    assert count(NET, swapped, time_axis=1) == count(NET, activity)
    with pytest.raises(ActivityError, match="look swapped"):
        count(NET, {**activity, "fc": swapped["fc"]})
    with pytest.raises(ActivityError, match="--time-axis 1"):
        count(NET, swapped, steps=4)


def test_event_mode_counts_reached_neurons(activity) -> None:
    clocked, event = (
        count(NET, activity, mode=m).total("neuron_update")
        for m in ("clocked", "event")
    )
    assert 0 < event < clocked


def test_reached_neurons_behind_pooling(rng) -> None:
    net = {
        "timesteps": 3,
        "input": {"shape": [1, 6, 6], "rate": 0.1},
        "layer": [
            {"type": "conv2d", "name": "conv", "out": 2, "kernel": 3, "padding": 1},
            {"type": "pool", "name": "pool", "kernel": 2, "neuron": "lif"},
        ],
    }
    x = rng.random((3, 2, 1, 6, 6)) < 0.05
    pooled = np.zeros((3, 2, 2, 3, 3), bool)
    held = {"input": x, "pool": pooled}
    event = count(net, held, mode="event")
    spec = spec_of(net)
    expected = np.zeros(2, np.int64)
    for step in x:
        for k, sample in enumerate(step):
            field = conv_reached(sample, spec.layer("conv"))
            expected[k] += field.reshape(2, 3, 2, 3, 2).any((2, 4)).sum()
    assert event.per_sample("neuron_update").tolist() == expected.tolist()
    assert 0 < expected.sum() < 2 * 3 * 18
    rate = count(net, {"input": 0.1, "pool": 0.1}, mode="event")
    quiet = 0.9 ** (9 * 4)
    assert rate.total("neuron_update") == round((1 - quiet) * 18 * 3)


def test_normalisation_apart_is_a_layer_of_its_own(activity) -> None:
    folded, apart = (count(NET, activity, fold_bn=f) for f in (True, False))
    assert "conv norm" not in folded.layers
    n = int(np.prod(apart.layers["conv"].out_shape)) * 4
    assert apart.per_sample("mac", "conv norm").tolist() == [n] * 3
    assert apart.total("ac") == folded.total("ac")


def test_values_decide_between_additions_and_products(activity) -> None:
    scaled = {**activity, "conv": activity["conv"] * 0.5}
    with pytest.warns(CountWarning, match="first: 0.5"):
        counts = count(NET, scaled)
    assert counts.total("mac", "fc") == counts.total("synop", "fc")
    folded = pytest.warns(CountWarning, match="0.5")
    with folded:
        assert count(NET, scaled, fold_scale=True).total("ac", "fc") > 0
    ternary = {**activity, "conv": activity["conv"].astype(np.int8) * -1}
    assert count(NET, ternary).total("mac") == 0
    two_bit = {**NET, "spike_bits": 2}
    levels = {
        "input": activity["input"] * np.int8(3),
        "conv": activity["conv"] * np.int8(2),
        "fc": activity["fc"],
    }
    serial, mac = (count(two_bit, levels, multibit=m) for m in ("serial", "mac"))
    assert serial.total("ac", "fc") == 2 * serial.total("synop", "fc")
    assert mac.total("mac", "fc") == mac.total("synop", "fc")


def test_real_input_is_a_product_at_every_step() -> None:
    net = {**NET, "input": {"shape": [2, 8, 8], "coding": "analog"}}
    counts = count(net, {"conv": 0.1, "fc": 0.1})
    assert counts.total("mac", "conv") == 4 * counts.layers["conv"].synapses
    assert counts.layers["conv"].input_class == "real"


def test_rates_rise_with_everything() -> None:
    totals = [count(NET, r).total("synop") for r in (0.0, 0.1, 0.2, 1.0)]
    assert totals == sorted(totals)
    assert totals[0] == 0
    longer = count({**NET, "timesteps": 8}, 0.1).total("synop")
    assert longer > totals[1]
    full = count(NET, 1.0)
    assert full.total("synop", "conv") == 4 * full.layers["conv"].synapses


def test_weight_sparsity_is_booked_apart() -> None:
    net = {
        **NET,
        "layer": [*NET["layer"][:2], {**NET["layer"][2], "weight_sparsity": 0.5}],
    }
    counts = count(net, 0.5)
    assert counts.total("synop", "fc") == counts.total("synop_zero", "fc")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"conv2": 0.1}, "did you mean 'conv'"),
        ({"conv": 1.5}, r"\[0, 1\]"),
        ({"conv": np.full((4, 3, 4, 8, 8), np.nan)}, "NaN"),
        ({"conv": np.zeros((5, 3, 4, 8, 8))}, "T differs"),
        ({"conv": np.zeros((4, 2, 4, 8, 8))}, "batch differs"),
        ({"conv": np.zeros((4, 3, 4, 8, 7))}, "expects an input"),
        ({"conv": np.zeros((4, 0, 4, 8, 8))}, "no samples"),
        ({"conv": np.zeros(7)}, "raster"),
    ],
)
def test_bad_activity(activity, change, match) -> None:
    with pytest.raises(ActivityError, match=match):
        count(NET, {**activity, **change})


def test_missing_activity(activity) -> None:
    del activity["conv"]
    with pytest.raises(ActivityError, match="no activity for layer 'conv'"):
        count(NET, activity)
    with pytest.raises(ActivityError, match="network's input"):
        count(NET)


def test_silent_run_warns(activity) -> None:
    with pytest.warns(CountWarning, match="no spikes recorded"):
        counts = count(NET, {k: np.zeros_like(v) for k, v in activity.items()})
    assert counts.total("synop") == 0


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("[input]\nshape=[2]\n", ParameterError, "the network is empty"),
        ("[[layer]]\ntype='linear'\nout=2\n", ParameterError, "'shape' is missing"),
        (
            "[input]\nshape=[2]\n[[layer]]\ntype='liner'\n",
            UnsupportedNodeError,
            "did you mean 'linear'",
        ),
        (
            "[input]\nshape=[2]\n[[layer]]\ntype='linear'\nouts=2\n",
            ParameterError,
            "did you mean 'out'",
        ),
        (
            "[input]\nshape=[2]\n[[layer]]\ntype='linear'\nout=0\n",
            ParameterError,
            "integer >= 1",
        ),
        (
            "timesteps=0\n[input]\nshape=[2]\n[[layer]]\ntype='linear'\nout=2\n",
            ParameterError,
            "timesteps",
        ),
        (
            "[input]\nshape=[2,4]\n[[layer]]\ntype='conv1d'\nout=2\nkernel=7\n",
            ParameterError,
            "larger than its input",
        ),
        (
            "[input]\nshape=[2]\n[[layer]]\ntype='linear'\nout=2\nrate=2.0\n",
            ParameterError,
            "rate in",
        ),
        ("x = ", ParameterError, "not valid TOML"),
    ],
)
def test_bad_architecture(tmp_path, text, error, match) -> None:
    path = tmp_path / "net.toml"
    path.write_text(text)
    with pytest.raises(error, match=match):
        read_architecture(path)


def test_repeat_names_and_yaml_twin(tmp_path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        "[input]\nshape=[8]\n[[layer]]\ntype='repeat'\ncount=3\n"
        "[[layer.layer]]\ntype='linear'\nout=8\nneuron='lif'\n"
    )
    spec = read_architecture(path)
    assert [la.name for la in spec.layers] == ["linear1", "linear2", "linear3"]
    assert [la.sources for la in spec.layers] == [
        ("input",),
        ("linear1",),
        ("linear2",),
    ]


def test_saved_ledger_and_rasters(tmp_path, activity, rng) -> None:
    counts = count(NET, activity)
    save_ledger(tmp_path / "ledger.npz", counts)
    assert load_ledger(tmp_path / "ledger.npz") == counts
    assert count(tmp_path / "ledger.npz") == counts
    w = rng.integers(-1, 2, (5, 7))
    x = rng.random((4, 3, 7)) < 0.5
    np.savez(
        tmp_path / "r.npz",
        **{"weights/a -> b": w, "spikes/a": x, "spikes/b": np.zeros((4, 3, 5))},
    )
    met = count(tmp_path / "r.npz").per_sample("synop")
    naive = [
        sum(
            x[t, s, i] and w[o, i] != 0
            for t, i, o in itertools.product(range(4), range(7), range(5))
        )
        for s in range(3)
    ]
    assert met.tolist() == naive
    np.savez(
        tmp_path / "scaled.npz",
        **{"weights/a -> b": 3.5 * w, "spikes/a": x, "spikes/b": np.zeros((4, 3, 5))},
    )
    assert count(tmp_path / "scaled.npz").per_sample("synop").tolist() == naive
    np.savez(tmp_path / "e.npz", a=np.zeros(2))
    with pytest.raises(DatasetError, match="expected 'ledger'"):
        count(tmp_path / "e.npz")


def test_network_description(rng) -> None:
    rows = rng.standard_normal((6, 4))
    net = SimpleNamespace(
        populations={"out": SimpleNamespace(n=4)},
        stimuli={"in": SimpleNamespace(n=6)},
        projections=[
            SimpleNamespace(pre="in", post="out", rule=SimpleNamespace(rows=rows)),
            SimpleNamespace(
                pre="out",
                post="out",
                rule=SimpleNamespace(indptr=np.array([0, 1, 1, 3, 4])),
            ),
        ],
    )
    x = rng.random((5, 2, 6)) < 0.5
    y = rng.random((5, 2, 4)) < 0.5
    counts = count(net, {"in": x, "out": y})
    assert (counts.per_sample("synop", "in -> out") == 4 * x.sum((0, 2))).all()
    fan = np.array([1, 0, 2, 1])
    assert (counts.per_sample("synop", "out -> out") == y.sum(0) @ fan).all()
    with pytest.raises(ParameterError, match="cannot count a list"):
        count([])
