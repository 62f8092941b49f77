import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.quantize import multibit_gradient, multibit_step

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from neuro.grad.multibit import MultiBit, multibit_spike


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


def test_refuses_bad_values() -> None:
    for bad in (0, 1.5):
        with pytest.raises(ParameterError, match="bits"):
            MultiBit(bad)
    with pytest.raises(ParameterError, match="beta"):
        MultiBit(1, beta=0.0)
    with pytest.raises(ParameterError, match="threshold"):
        MultiBit(1, threshold=0.0)
    with pytest.raises(ParameterError, match="reset"):
        MultiBit(1, reset="none")
