import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.bitbudget import (
    BudgetLayer,
    bit_budget,
    budget,
    equivalent_bits,
    layers_of,
    ns_ace,
    s_ace,
    state_bits,
    storage_bits,
    synapse_energy,
)
from neuro.counts import count
from neuro.counts.architecture import parse_architecture
from neuro.errors import ParameterError

layer = st.builds(
    BudgetLayer,
    name=st.just("x"),
    n=st.integers(1, 10**9),
    weights=st.integers(0, 10**7),
    neurons=st.integers(0, 10**5),
    steps=st.integers(1, 32),
    w_bits=st.integers(1, 16),
    s_bits=st.integers(1, 8),
    rate=st.floats(0, 1),
)


@given(st.lists(layer, min_size=1, max_size=4))
def test_activity_only_lowers_the_effort(layers) -> None:
    assert ns_ace(layers) <= s_ace(layers) * (1 + 1e-12)
    full = [BudgetLayer(**{**_fields(la), "rate": 1.0}) for la in layers]
    assert ns_ace(full) == pytest.approx(s_ace(full), rel=1e-12)


def _fields(la):
    return {k: getattr(la, k) for k in la.__dataclass_fields__}


@given(layer)
def test_effort_is_bits_times_operations(la) -> None:
    sop = la.rate * la.steps * la.n
    assert ns_ace([la]) == pytest.approx(la.w_bits * la.s_bits * sop)
    # PokeBNN's effort of one pass with T b_s bits
    assert s_ace([la]) == la.n * la.w_bits * (la.steps * la.s_bits)


def test_mixed_precision_by_layer_and_step() -> None:
    layers = [
        BudgetLayer(name="a", n=10, weights=10, steps=3, w_bits=4, s_bits=(1, 2, 3)),
        BudgetLayer(name="b", n=5, weights=5, neurons=2, steps=3, w_bits=8, v_bits=16),
    ]
    assert s_ace(layers) == 10 * 4 * 6 + 5 * 8 * 3
    b = budget(layers)
    assert (b.bit_budget, b.configuration, b.ns_ace) == (None, "mixed", None)
    assert storage_bits(layers) == 40 + 40
    assert state_bits(layers) == 32


def test_mappings() -> None:
    assert equivalent_bits(4, 2, mapping="ops") == 8
    assert equivalent_bits(4, 2) == 4
    assert equivalent_bits(1, 16) == 16
    with pytest.raises(ParameterError, match="mapping"):
        equivalent_bits(1, 1, mapping="none")


def test_ledger_and_description_agree() -> None:
    net = {
        "timesteps": 4,
        "weight_bits": 2,
        "input": {"shape": [2, 8, 8]},
        "layer": [
            {"type": "conv2d", "name": "c", "out": 4, "neuron": "lif"},
            {"type": "linear", "name": "f", "out": 5, "neuron": "lif"},
        ],
    }
    a = budget(layers_of(parse_architecture(net)))
    b = budget(layers_of(count(net, 0.25)))
    assert (a.s_ace, a.n, a.weights, a.bit_budget) == (b.s_ace, b.n, b.weights, 8)
    assert a.ns_ace is None
    assert b.ns_ace == pytest.approx(0.25 * b.s_ace, rel=0.01)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bit_budget(0, 1, 1),
        lambda: bit_budget(1, 1, 0),
        lambda: BudgetLayer(name="a", n=1, rate=1.5),
        lambda: BudgetLayer(name="a", n=1, steps=2, s_bits=(1,)),
        lambda: ns_ace([BudgetLayer(name="a", n=1)]),
        lambda: budget([]),
        lambda: synapse_energy(16, 0.0),
    ],
)
def test_bad_values(call) -> None:
    with pytest.raises(ParameterError):
        call()


def test_energy_of_a_synapse_is_linear_in_its_budget() -> None:
    assert synapse_energy([16, 32], 2e-15).tolist() == [3.2e-14, 6.4e-14]
