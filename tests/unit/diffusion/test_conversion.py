"""Conversion of a quantised network: exact where it can be, calibrated elsewhere."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.diffusion import SpikingUNet, UNetConfig
from neuro.diffusion.conversion import (
    calibrate,
    conversion_errors,
    quantized_unet,
    to_spiking,
)
from neuro.errors import ParameterError
from neuro.grad import Lif
from neuro.grad.quantized import QuantizedActivation


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_rate_equals_quantised_activation_for_constant_current(bits):
    s = 2.0
    steps = 2**bits - 1
    x = torch.linspace(-1, 3, 401, dtype=torch.float64) + 1e-4
    q = QuantizedActivation(bits, clip=s)(x)
    neuron = Lif(1.0, threshold=s, reset="subtract", v_init=s / 2, amplitude=s)
    rate = neuron(x.expand(steps, 1, -1)).mean(0)[0]
    torch.testing.assert_close(rate, q.detach(), rtol=0, atol=1e-6)


def _pair(bits=2):
    torch.manual_seed(0)
    model = quantized_unet(UNetConfig.preset("tiny", ch=8), bits, clip=2.0).eval()
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_var.uniform_(0.2, 0.6)
            torch.nn.init.normal_(m.bias, 0.3, 0.2)
    torch.nn.init.xavier_uniform_(model.head.conv.conv.weight)
    return model, to_spiking(model)


def _noised(n=16):
    g = torch.Generator().manual_seed(1)
    return torch.randn(n, 1, 8, 8, generator=g), torch.randint(1000, (n,), generator=g)


def test_converted_network_has_the_steps_and_shares_no_memory():
    model, spiking = _pair()
    assert spiking.config.steps == 3
    assert spiking.n_parameters() == model.n_parameters() - sum(
        isinstance(m, QuantizedActivation) for m in model.modules()
    )
    with torch.no_grad():
        spiking.encoder.conv1.conv.weight.add_(1)
    assert not torch.equal(
        spiking.encoder.conv1.conv.weight, model.encoder.conv1.conv.weight
    )


def test_first_layer_is_exact_and_errors_grow_with_depth():
    model, spiking = _pair()
    errors = conversion_errors(model, spiking, *_noised())
    assert errors["encoder"] < 1e-10
    assert 0 < errors["down.0"] < errors["up.3"]


def test_calibration_brings_the_blocks_closer():
    model, spiking = _pair()
    before = conversion_errors(model, spiking, *_noised())
    images = np.random.default_rng(0).uniform(-1, 1, (64, 1, 8, 8)).astype(np.float32)
    losses = calibrate(model, spiking, images, steps=14, seed=0, lr=1e-3, batch=16)
    after = conversion_errors(model, spiking, *_noised())
    assert set(losses) == set(before) - {"noise", "encoder"}
    assert after["encoder"] < 1e-10
    assert after["up.4"] < 0.95 * before["up.4"]
    assert after["noise"] < before["noise"]


def test_only_quantised_networks_are_converted():
    with pytest.raises(ParameterError, match="QuantizedActivation of one width"):
        to_spiking(SpikingUNet(UNetConfig.preset("tiny").dense()))
