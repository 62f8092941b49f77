"""Every registered neuron model keeps the contract of a step.

A new model adds nothing here: all registered dataclasses with defaults are run.
"""

import dataclasses

import numpy as np
import pytest

import neuro.lsm  # registers its neuron
import neuro.network
from neuro.network.checks import parameter_rows
from neuro.network.description import Population
from neuro.network.registry import _MODELS, model_of

assert neuro.lsm


def _defaults(cls):
    return all(
        f.default is not dataclasses.MISSING
        or f.default_factory is not dataclasses.MISSING
        for f in dataclasses.fields(cls)
    )


CLASSES = sorted((c for c in _MODELS if _defaults(c)), key=lambda c: c.__name__)


def _run(cls, inputs, *, padding=0, compiled=True, steps=40):
    model = model_of(cls())
    n = inputs.shape[1]
    population = Population("p", n, cls())
    params = parameter_rows(population, 1e-3, "nest")
    state = np.zeros((len(model.state), n + padding))
    own = getattr(cls(), "initial", dict)()
    for name, value in own.items():
        state[model.state.index(name), :n] = value
    wide = np.zeros((len(model.ports), n + padding))
    step = model.step if compiled else model.step.py_func
    out = []
    for k in range(steps):
        wide[:, :n] = inputs if k % 3 == 0 else 0.0
        spiked = np.full(n, 7, np.uint8)
        step(params, state, wide, spiked, 1e-3)
        out.append(spiked)
    return np.array(out), state[:, :n]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
class TestNeuronContract:
    def _inputs(self, cls):
        model = model_of(cls())
        scale = 5e-9 if "Cond" in cls.__name__ or cls.__name__ == "Adex" else 1.0
        rng = np.random.default_rng(0)
        return rng.random((len(model.ports), 6)) * scale

    def test_writes_every_flag_and_stays_finite(self, cls):
        spiked, state = _run(cls, self._inputs(cls))
        assert np.isin(spiked, (0, 1)).all()
        assert np.isfinite(state).all()

    def test_does_not_touch_the_padding_and_ignores_it(self, cls):
        inputs = self._inputs(cls)
        plain = _run(cls, inputs)
        padded = _run(cls, inputs, padding=2)
        for a, b in zip(plain, padded, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_neurons_are_independent(self, cls):
        inputs = self._inputs(cls)
        order = np.array([3, 1, 5, 0, 2, 4])
        plain, permuted = (
            _run(cls, inputs),
            _run(cls, np.ascontiguousarray(inputs[:, order])),
        )
        for a, b in zip(plain, permuted, strict=True):
            np.testing.assert_array_equal(a[:, order], b)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_compiled_equals_interpreted(self, cls):
        if "Cond" in cls.__name__ or cls.__name__ == "Adex":
            pytest.skip("its exponential is built of bit operations (intrinsics)")
        inputs = self._inputs(cls)
        a, b = _run(cls, inputs), _run(cls, inputs, compiled=False)
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_allclose(a[1], b[1], rtol=1e-12, atol=1e-300)
