"""What is written for NEST, and what Brian2 and NEST cannot have."""

import ast
import json

import numpy as np
import pytest

from neuro.errors import UnsupportedNodeError
from neuro.network import (
    Adex,
    Alif,
    Current,
    Events,
    FixedIndegree,
    Frames,
    IfDelta,
    LifCondExp,
    LifCondExpReference,
    LifExp,
    LifExpEI,
    Network,
    Normal,
    OneToOne,
    Poisson,
    Population,
    Projection,
    Sine,
    SpikeList,
    to_brian2,
    to_nest,
)
from neuro.network.expand import expand

DT = 1e-4


def test_the_folder_holds_the_network_in_nests_units(tmp_path):
    tau = np.array([10e-3, 20e-3, 30e-3])
    net = Network(
        SpikeList("in", 2, [1e-3, 2e-3], [0, 1]),
        Events("camera", 2, [1500, 2700], [1, 1]),
        Population(
            "x", 3,
            LifExp(tau_mem=tau, tau_syn=2e-3, r=50e6, v_leak=-65e-3, v_threshold=-50e-3,
                   v_reset=-60e-3, t_ref=1e-3, i_e=1e-10),
        ),
        Population("y", 2, LifCondExp()),
        Projection("in", "x", FixedIndegree(2), weight=Normal(1e-10, 1e-11), delay=5 * DT),
        Projection("x", "y", FixedIndegree(1), weight=2e-9, delay=DT, port="inh"),
        Projection("camera", "x", FixedIndegree(1), weight=1e-10, delay=DT),
        Current("x", 5e-11),
        Poisson("x", 800.0, 3e-11),
        dt=DT,
    )  # fmt: skip
    script = to_nest(net, tmp_path, seed=4)
    spec = json.loads((tmp_path / "network.json").read_text())
    x = spec["populations"]["x"]
    assert x["model"] == "iaf_psc_exp"
    assert x["params"]["tau_m"] == pytest.approx([10, 20, 30])
    np.testing.assert_allclose(x["params"]["C_m"], tau / 50e6 * 1e12)
    assert x["params"]["I_e"] == pytest.approx(150.0)
    assert (x["params"]["V_th"], x["params"]["V_m"]) == pytest.approx((-50.0, -65.0))
    assert spec["populations"]["y"]["params"]["g_L"] == pytest.approx(10.0)
    assert spec["poisson"] == [
        {"target": "x", "rate": 800.0, "weight": pytest.approx(30.0)}
    ]
    arrays = np.load(tmp_path / "arrays.npz")
    want = expand(net.projections[0], 2, 3, name="in -> x", dt=DT, seed=4)
    np.testing.assert_array_equal(arrays["projection0_pre"], want.pre)
    np.testing.assert_allclose(arrays["projection0_weight"], want.weight * 1e12)
    assert (arrays["projection0_delay"] == 0.5).all()
    assert (arrays["projection1_weight"] == -2.0).all()  # nS, receptor by sign
    assert arrays["source1_times"].tolist() == [1.5, 2.7]
    ast.parse(script.read_text())
    exact = to_nest(Network(*net.sources.values(), net.populations["x"], dt=DT),
                    tmp_path / "precise", precise=True)  # fmt: skip
    spec = json.loads((exact.parent / "network.json").read_text())
    assert spec["populations"]["x"]["model"] == "iaf_psc_exp_ps"


@pytest.mark.parametrize(
    ("objects", "options", "message"),
    [
        ([Population("x", 1, Alif())], {}, "'x': Alif has no NEST model"),
        ([Population("x", 1, Adex())], {"precise": True}, "no precise NEST model"),
        ([Population("x", 1, LifExp(reset="subtract"))], {}, "subtract"),
        ([Population("x", 1, LifExp()), Sine("x", 1.0, 5.0)], {}, "Sine"),
        ([Population("x", 1, LifExp()), Frames("f", 1)], {}, "frames"),
        ([Population("x", 1, LifExp()), SpikeList("s", 1, [0.0], [0])], {}, "times > 0"),
        (
            [Population("x", 1, LifExpEI()),
             Projection("x", "x", OneToOne(), weight=-1.0, delay=DT, port="exc")],
            {}, r"weight\[0\] has the sign",
        ),
        (
            [Population("x", 1, LifExp()), Population("y", 1, LifExp()),
             Projection("x", "y", OneToOne())],
            {}, "with a delay",
        ),
    ],
)  # fmt: skip
def test_what_nest_cannot_have_is_named(objects, options, message, tmp_path):
    with pytest.raises(UnsupportedNodeError, match=message):
        to_nest(Network(*objects, dt=DT), tmp_path, **options)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([Population("x", 1, LifCondExpReference())], "no equations for LifCondExpR"),
        ([Population("x", 1, IfDelta()), Frames("f", 1)], "frames"),
        ([Population("x", 1, IfDelta()), Sine("x", 1.0, 5.0)], "constant currents"),
        (
            [Population("x", 1, IfDelta()), SpikeList("s", 1, [1e-3, 1e-3], [0, 0])],
            "two events",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_brian2_cannot_have_is_named(objects, message):
    pytest.importorskip("brian2")
    with pytest.raises(UnsupportedNodeError, match=message):
        to_brian2(Network(*objects, dt=DT))
