"""Fused neurons against the naive twin, the torch loop and snnTorch."""

import copy

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")

from neuro.errors import ParameterError
from neuro.grad import (
    Integrator,
    Lif,
    Recurrent,
    SnnTorch,
    Surrogate,
    _kernels,
    neuron_factory,
)
from tests.naive import grad_neurons as naive


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("name", ["atan", "rectangle", "fast_sigmoid"])
def test_kernels_equal_the_naive_twin(rng, compiled, zero, detach, name):
    x = rng.normal(0.4, 0.8, (5, 7))
    beta = rng.uniform(0.3, 1.0, 7)
    grad = rng.normal(size=x.shape)
    surrogate = Surrogate(name)
    want_u, want_s = naive.forward(x, beta, 1.0, False, zero, 0.25)
    assert 0 < want_s.mean() < 1
    shape = (5, 1, 7, 1)
    u, s = np.empty(shape), np.empty(shape)
    run = _kernels.forward if compiled else _kernels.forward.py_func
    run(x.reshape(shape), beta, 1.0, False, zero, 0.25, u, s)
    np.testing.assert_allclose(u.reshape(x.shape), want_u, rtol=1e-14)
    np.testing.assert_array_equal(s.reshape(x.shape), want_s)

    def derivative(d):
        return float(surrogate.derivative(torch.tensor(d, dtype=torch.float64)))

    want_gx, want_gb = naive.backward(
        grad, want_u, beta, 1.0, False, zero, 0.25, detach, derivative
    )
    gx, gb = np.empty(shape), np.zeros(7)
    run = _kernels.backward if compiled else _kernels.backward.py_func
    run(
        grad.reshape(shape), u, beta, 1.0, False, zero, 0.25, detach,
        surrogate.code, surrogate.alpha, True, gx, gb,
    )  # fmt: skip
    np.testing.assert_allclose(gx.reshape(x.shape), want_gx, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gb, want_gb, rtol=1e-12, atol=1e-14)
    fixed, untouched = np.empty(shape), np.zeros(7)
    run(
        grad.reshape(shape), u, beta, 1.0, False, zero, 0.25, detach,
        surrogate.code, surrogate.alpha, False, fixed, untouched,
    )  # fmt: skip
    np.testing.assert_array_equal(fixed, gx)
    assert not untouched.any()


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("learn", [True, False])
def test_fused_equals_the_torch_loop(reset, detach, learn):
    torch.manual_seed(1)
    beta = torch.rand(3) * 0.5 + 0.4
    neuron = Lif(beta, reset=reset, detach_reset=detach, learn_beta=learn)
    x = torch.randn(4, 2, 3, 5, 5, dtype=torch.float64).add_(0.3).requires_grad_()
    weights = torch.randn(4, 2, 3, 5, 5, dtype=torch.float64)
    inputs = [x, *neuron.parameters()]
    fused, loop = neuron(x), neuron.forward_loop(x)
    assert torch.equal(fused, loop)
    for a, b in zip(
        torch.autograd.grad((fused * weights).sum(), inputs),
        torch.autograd.grad((loop * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-10)


def test_blocks_beyond_the_cache_line_up():
    x = torch.randn(3, 1, 2500)
    assert torch.equal(Lif(0.9)(x), Lif(0.9).forward_loop(x))


def test_gradient_equals_finite_differences_of_the_unreset_potential():
    """Below threshold the neuron is linear: the exact gradient is known."""
    neuron = Lif(0.5, threshold=1e6, surrogate=Surrogate("rectangle", 1e9))
    x = torch.rand(3, 1, 1, dtype=torch.float64, requires_grad=True)
    neuron(x)[2].sum().backward()
    expected = torch.tensor([0.25, 0.5, 1.0], dtype=torch.float64) / 1e9
    torch.testing.assert_close(x.grad.ravel(), expected)


def test_same_spikes_as_snntorch_with_detached_reset():
    """Leaky(reset to zero) sends the spikes of the hard-reset neuron."""
    torch.manual_seed(0)
    x = torch.randn(4, 50, 40) * 0.8 + 0.3
    theirs = neuron_factory("snntorch", beta=0.9)()
    ours = Lif(0.9, detach_reset=True)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    sa, sb = theirs(a), ours(b)
    assert torch.equal(sa, sb)
    w = torch.randn_like(x)
    (sa * w).sum().backward()
    (sb * w).sum().backward()
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-6)


def test_gradient_through_the_reset_differs_from_the_detached_one():
    x = torch.full((3, 1, 1), 0.9, requires_grad=True)
    grads = []
    for detach in (True, False):
        s = Lif(1.0, detach_reset=detach)(x)
        grads.append(torch.autograd.grad(s[2].sum(), x)[0])
    assert not torch.allclose(*grads)


@pytest.mark.parametrize("name", ["if", "lif", "snntorch"])
def test_no_state_between_calls_nor_copies(name):
    neuron = neuron_factory(name)()
    x = torch.rand(4, 2, 6)
    first = neuron(x)
    other = copy.deepcopy(neuron)
    neuron(torch.rand(4, 2, 6))
    assert torch.equal(neuron(x), first)
    assert torch.equal(other(x), first)


def test_threshold_ties():
    x = torch.ones(1, 1, 1)
    assert Lif(1.0)(x).item() == 1
    assert Lif(1.0, strict=True)(x).item() == 0


def test_integrator_last_is_the_end_of_the_sequence():
    x = torch.randn(6, 2, 3)
    readout = Integrator(0.8)
    torch.testing.assert_close(readout.last(x), readout(x)[-1])


def test_recurrent_layer_with_silent_feedback_is_feed_forward():
    layer = Recurrent(4, 3, Lif(0.9))
    torch.nn.init.zeros_(layer.feedback.weight)
    x = torch.randn(5, 2, 4)
    assert torch.equal(layer(x), Lif(0.9)(layer.input(x)))


def test_wrong_arguments_say_what_is_accepted():
    with pytest.raises(ParameterError, match=r"Lif.beta: expected values in \(0, 1\]"):
        Lif(1.5)
    with pytest.raises(ParameterError, match="'zero' or 'subtract'"):
        Lif(reset="none")
    with pytest.raises(ParameterError, match="features are axis 2"):
        Lif([0.5, 0.6])(torch.zeros(2, 2, 3))
    with pytest.raises(ParameterError, match="did you mean 'lif'"):
        neuron_factory("liff")
    with pytest.raises(ParameterError, match="init_hidden=False"):
        SnnTorch(snn.Leaky(beta=0.9, init_hidden=True))
