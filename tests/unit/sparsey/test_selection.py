import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.sparsey import General, JavaSigmoid, Logistic, Selection
from neuro.sparsey.selection import PRESETS


def test_example_of_rinkus_2010():
    """12 inputs, Q 4, K 3, S 5: a familiar input re-selects each winner with 0.968."""
    rule = Selection.preset("rinkus2010")
    v = np.zeros((4, 3))
    v[:, 0] = 1.0
    rho = rule.probabilities(v)[:, 0]
    # eta' 100, psi(0) = 1 + 100 / (1 + e^5) = 1.67: 101 / (101 + 2 * 1.67)
    assert rho == pytest.approx(101 / (101 + 2 * (1 + 100 / (1 + np.exp(5)))), abs=5e-3)
    assert rho == pytest.approx(0.968, abs=5e-3)
    shares = []
    for overlap in (5, 4, 3, 2, 1, 0):
        v[:, 0] = overlap / 5
        shares.append(rule.probabilities(v)[0, 0])
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == pytest.approx(1 / 3)


def test_table_of_expansivity():
    rule = Selection.preset("rinkus2010")
    got = [rule.expansivity(g, 3) - 1 for g in (0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    assert got == pytest.approx([0, 0, 0.2, 5, 12, 100])


def test_power_law_and_its_ends():
    rule = Selection(g_minus=0.2, gamma=2, chi=100)
    assert rule.expansivity(0.2, 8) == 1
    assert rule.expansivity(1.0, 8) == 801
    assert rule.expansivity(0.6, 8) == pytest.approx(1 + 0.25 * 800)
    assert Selection.preset("random").expansivity(1.0, 8) == 1


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_psi_is_flat_for_novel_and_near_eta_at_one(name):
    sigmoid = PRESETS[name].sigmoid
    v = np.linspace(0, 1, 11)
    assert sigmoid(v, 1.0) == pytest.approx(np.ones(11))
    top = sigmoid(v, 500.0)
    assert (np.diff(top) >= 0).all()
    assert top[-1] == pytest.approx(500, rel=0.06)


def test_general_equals_a_logistic_of_slope_32():
    v = np.linspace(0, 1, 21)
    want = Logistic(slope=32, inflection=1 + np.log(0.1) / 4)(v, 90.0)
    np.testing.assert_allclose(General()(v, 90.0), want, rtol=1e-9)
    assert 1 + np.log(0.1) / 4 == pytest.approx(0.424, abs=1e-3)


def test_java_saturates_at_once():
    assert JavaSigmoid()(0.999, 300.0) == 300
    assert JavaSigmoid()(0.99, 300.0) < 270


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_dictionary_and_back(name):
    assert Selection.from_dict(PRESETS[name].to_dict()) == PRESETS[name]


@pytest.mark.parametrize(
    "wrong",
    [{"g_minus": 2}, {"gamma": 0}, {"chi": -1}, {"lambda_h": 0}, {"normalizer": "x"},
     {"min_cutoff": 1}, {"max_cutoff": 0}, {"ratchet_step": -1}, {"table": ((1, 0), (0, 1))}],
)  # fmt: skip
def test_refuses(wrong):
    with pytest.raises(ParameterError, match=rf"Selection\.{next(iter(wrong))}"):
        Selection(**wrong)


def test_unknown_preset():
    with pytest.raises(ParameterError, match="separating"):
        Selection.preset("seperating")
