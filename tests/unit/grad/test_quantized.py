import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.quantize import multibit_gradient, multibit_step, quantize_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from neuro.grad.quantized import (
    MultiBit,
    QuantizedConv2d,
    QuantizedLinear,
    multibit_spike,
    quantize_weight,
)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("per_channel", [True, False])
def test_weights_equal_the_plain_quantiser(rng, bits, per_channel) -> None:
    w = rng.standard_normal((5, 7))
    expected = quantize_weights(w, bits, axis=0 if per_channel else None).values
    t = torch.tensor(w, requires_grad=True)
    got = quantize_weight(t, bits, per_channel=per_channel)
    np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-12, atol=1e-15)
    got.sum().backward()
    assert (t.grad == 1).all()


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("floor", [False, True])
def test_neuron_equals_the_plain_step(rng, bits, reset, floor) -> None:
    x = rng.normal(0.7, 1.5, (6, 3, 4))
    out = MultiBit(bits, beta=0.8, reset=reset, floor=floor)(torch.tensor(x)).numpy()
    v = np.zeros((3, 4))
    for k in range(6):
        s, v = multibit_step(
            v,
            x[k],
            beta=0.8,
            bits=bits,
            reset=reset,
            rounding="floor" if floor else "nearest",
        )
        assert (out[k] == s).all()


def test_gradient_of_the_spike() -> None:
    v = torch.linspace(-2, 5, 57, dtype=torch.float64, requires_grad=True)
    multibit_spike(v, 2).sum().backward()
    assert (v.grad.numpy() == multibit_gradient(v.detach().numpy(), bits=2)).all()


def test_layers_train_and_refuse_bad_bits(rng) -> None:
    layer = QuantizedLinear(4, 3, bits=2)
    conv = QuantizedConv2d(1, 2, 3, bits=1, bias=False)
    y = layer(torch.ones(2, 4)).sum() + conv(torch.ones(1, 1, 4, 4)).sum()
    y.backward()
    assert layer.weight.grad is not None
    assert conv.weight.grad is not None
    for bad in (0, 1.5):
        with pytest.raises(ParameterError, match="bits"):
            MultiBit(bad)
