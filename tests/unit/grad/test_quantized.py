"""Quantised weights, states and activations; noise in training only."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.errors import ParameterError
from neuro.grad import Lif, fit
from neuro.grad.quantized import (
    QuantizedActivation,
    QuantizedState,
    QuantizedWeights,
    WeightNoise,
    transformed_conv,
    transformed_linear,
)
from neuro.quantize import quantize_weights


def test_layers_use_the_projects_quantiser_and_train_through_it():
    torch.manual_seed(0)
    layer = transformed_linear(QuantizedWeights(3))(4, 2)
    want = quantize_weights(layer.weight.detach().numpy(), 3).values
    np.testing.assert_allclose(layer.effective().detach().numpy(), want, rtol=1e-6)
    x = torch.randn(64, 4)
    target = x @ torch.tensor([[0.5, -0.25, 0.0, 1.0], [1.0, 0.5, -0.5, 0.0]]).T

    def loss(model, batch, generator):
        return ((model(batch[0]) - batch[1]) ** 2).mean()

    history = fit(layer, (x, target), loss=loss, lr=0.02, seed=0, epochs=60)
    assert history.loss[-1][1] < 0.1 * history.loss[0][1]
    assert len(np.unique(np.abs(layer.effective().detach().numpy()[0]))) <= 4


def test_convolution_keeps_its_arguments():
    layer = transformed_conv(QuantizedWeights(2))(
        1, 3, 3, stride=2, padding=1, bias=False
    )
    assert layer(torch.zeros(2, 1, 8, 8)).shape == (2, 3, 4, 4)
    assert layer.bias is None


def test_noise_acts_in_training_only():
    layer = transformed_linear(WeightNoise(0.1, seed=1))(50, 50)
    with torch.no_grad():
        assert torch.equal(layer.effective(), layer.weight)
    difference = layer.effective() - layer.weight
    scale = 0.1 * float(layer.weight.abs().max().detach())
    assert float(difference.std().detach()) == pytest.approx(scale, rel=0.1)
    assert not torch.equal(layer.effective(), layer.effective())


def test_state_is_on_its_grid_and_saturates():
    q = QuantizedState(4, 0.25)
    v = torch.tensor([0.3, -9.0, 9.0, 0.6], requires_grad=True)
    y = q(v)
    assert y.tolist() == [0.25, -2.0, 1.75, 0.5]
    y.sum().backward()
    assert v.grad.tolist() == [1, 0, 0, 1]
    spikes = Lif(0.9, quantize_state=QuantizedState(16, 2.0**-12))
    x = torch.randn(6, 3, 20)
    assert (spikes(x) != Lif(0.9)(x)).float().mean() < 0.02


def test_activation_levels_and_gradients():
    q = QuantizedActivation(2, clip=3.0)
    x = torch.tensor([-1.0, 0.4, 0.6, 2.4, 9.0], requires_grad=True)
    y = q(x)
    torch.testing.assert_close(y.detach(), torch.tensor([0.0, 0.0, 1.0, 2.0, 3.0]))
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 1, 1, 1, 0]))
    assert float(q.clip.grad) != 0


def test_wrong_arguments():
    with pytest.raises(ParameterError, match="bits >= 1"):
        QuantizedActivation(0)
    with pytest.raises(ParameterError, match="relative"):
        WeightNoise(-1.0)
    with pytest.raises(ParameterError, match="bits >= 2"):
        QuantizedState(1, 0.1)
    with pytest.raises(ParameterError, match="bits must be"):
        QuantizedWeights(0)
