import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn

from hw.crossbar import ADC, AnalogConfig, Crossbar
from hw.crossbar.torch_layers import (
    AnalogConv2d,
    AnalogLinear,
    AnalogRecurrent,
    Injection,
    analog_layers,
    calibrate,
    crossbar_mvm,
    noise_injection,
    program,
    seed,
    set_time,
    to_analog,
    to_digital,
    unprogram,
)
from hw.devices import Device
from neuro.errors import ParameterError, UnsupportedNodeError

pytestmark = pytest.mark.torch
IDEAL = Device(name="ideal", g_min=1e-6, g_max=1e-4)
CLEAN = AnalogConfig(device=IDEAL, read_mode="none")
WIRED = CLEAN.with_(r_word=20.0, r_bit=20.0, tol=1e-12)


def small_cnn():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48, 5),
    )


@pytest.mark.parametrize("r", [0.0, 30.0])
def test_gradcheck_through_wires(r):
    torch.manual_seed(1)
    g = (torch.rand(5, 4, dtype=torch.float64) * 1e-3 + 1e-4).requires_grad_()
    v = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)

    def scaled(a, b):
        return 1e3 * crossbar_mvm(a, b, r_word=r, r_bit=2 * r, tol=1e-14)

    assert torch.autograd.gradcheck(scaled, (g, v), eps=1e-6, atol=1e-7, rtol=1e-5)


def test_gradcheck_of_a_layer_with_exact_wires():
    torch.manual_seed(1)
    layer = AnalogLinear(4, 3, config=WIRED.with_(rows_max=3, cols_max=4)).double()
    x = torch.randn(2, 4, dtype=torch.float64)
    layer.train()
    with noise_injection(layer, kind="none", wires="exact"):
        weight = layer.weight.detach().clone()
        top = weight.abs().max()
        weight[weight.abs() < 0.05] = 0.1  # away from the kink at 0
        k = int((weight.abs() == top).nonzero()[0][0])

        def run(w):
            # the largest weight sets the scale and is held fixed by the layer
            return layer._wired(x, torch.cat([w, weight[k : k + 1]]))

        rest = weight[[i for i in range(3) if i != k]].requires_grad_()
        assert torch.autograd.gradcheck(run, (rest,), eps=1e-6, atol=1e-6, rtol=1e-4)


def test_converted_model_gives_the_same_answers():
    x = torch.randn(6, 1, 8, 8)
    model = small_cnn()
    expected = model(x).detach()
    analog = to_analog(model, CLEAN)
    assert set(analog_layers(analog)) == {"0", "3"}
    torch.testing.assert_close(analog(x), expected)
    analog.eval()
    program(analog, seed=0)
    torch.testing.assert_close(analog(x), expected, atol=1e-5, rtol=1e-5)
    unprogram(analog)
    plain = to_digital(analog)
    assert type(plain[0]) is nn.Conv2d
    torch.testing.assert_close(plain(x), expected)


def test_recurrent_matches_nn_rnn():
    torch.manual_seed(0)
    rnn = nn.RNN(4, 6)
    x = torch.randn(5, 3, 4)
    expected, last = rnn(x)
    new = to_analog(rnn, CLEAN)
    assert isinstance(new, AnalogRecurrent)
    out, h = new(x)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(h, last)


def test_exact_and_effective_wires_agree_with_programming():
    torch.manual_seed(0)
    layer = AnalogLinear(10, 4, config=WIRED)
    x = torch.randn(7, 10)
    layer.train()
    outs = {}
    for wires in ("off", "effective", "exact"):
        with noise_injection(layer, kind="none", wires=wires):
            outs[wires] = layer(x).detach()
    layer.eval()
    program(layer, seed=0)
    torch.testing.assert_close(layer(x), outs["exact"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(outs["effective"], outs["exact"], atol=1e-5, rtol=1e-5)
    assert (outs["off"] - outs["exact"]).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("kind", "strength", "expected"),
    [
        ("gaussian", 0.1, 0.1),
        ("multiplicative", 0.2, None),
        ("polynomial", 1.0, None),
        ("device", 1.0, None),
    ],
)
def test_injected_noise_has_the_stated_size(kind, strength, expected):
    torch.manual_seed(0)
    layer = AnalogLinear(
        300, 200, bias=False, config=AnalogConfig(device=Device.preset("pcm_joshi"))
    )
    seed(layer, 3)
    generator = layer.generator
    layer.train()
    with noise_injection(layer, kind=kind, strength=strength, generator=generator):
        a, b = layer(torch.eye(300)), layer(torch.eye(300))
    change = (a.T - layer.weight).detach()
    assert (a != b).any()
    w = layer.weight.detach()
    top = w.abs().max()
    if kind == "gaussian":
        sd = strength * top
    elif kind == "multiplicative":
        sd = strength * w.pow(2).mean().sqrt()
    elif kind == "polynomial":
        u = w.abs() / top
        sd = top * (0.0105392 + 0.0768 * u - 0.046925 * u**2).pow(2).mean().sqrt()
    else:
        sd = layer._device_sd(w).pow(2).mean().sqrt()
    assert float(change.std()) == pytest.approx(float(sd), rel=0.02)
    assert layer.applied_sd > 0


def test_gradient_is_taken_at_the_noisy_weights_and_kept_clean():
    torch.manual_seed(0)
    layer = AnalogLinear(5, 1, bias=False, config=CLEAN)
    before = layer.weight.detach().clone()
    x = torch.randn(3, 5)
    with noise_injection(layer, kind="gaussian", strength=0.5):
        loss = layer(x).pow(2).sum()
        loss.backward()
    torch.testing.assert_close(layer.weight.detach(), before)
    clean = 2 * (x.T @ (x @ before.T)).T
    assert (layer.weight.grad - clean).abs().max() > 1e-3
    assert layer.injection is None


@pytest.mark.parametrize("kind", ["discretize", "dorefa"])
def test_quantised_forward_straight_through(kind):
    torch.manual_seed(0)
    layer = AnalogLinear(20, 8, bias=False, config=CLEAN)
    with noise_injection(layer, kind=kind, strength=5 if kind == "discretize" else 3):
        out = layer(torch.eye(20))
        out.sum().backward()
    steps = 2 if kind == "discretize" else 3
    u = out.detach() / layer.weight.abs().max().detach() * steps
    torch.testing.assert_close(u, u.round(), atol=1e-5, rtol=0)
    torch.testing.assert_close(layer.weight.grad, torch.ones_like(layer.weight))


def test_per_sample_noise_and_drop_connect():
    torch.manual_seed(0)
    layer = AnalogLinear(20, 8, bias=False, config=CLEAN)
    x = torch.ones(50, 20)
    with noise_injection(layer, strength=0.1, per="sample"):
        assert layer(x).std(0).min() > 0
    with noise_injection(layer, strength=0.1):
        assert layer(x).std(0).max() < 1e-6
    with noise_injection(layer, kind="drop_connect", strength=0.5):
        share = (layer(torch.eye(20)) == 0).float().mean()
    assert 0.3 < share < 0.7


def test_programming_seeds_time_and_calibration():
    config = AnalogConfig(
        device=Device.preset("pcm_nandakumar"), adc=ADC(bits=7, range="calibrated")
    )
    model = to_analog(small_cnn(), config).eval()
    x = torch.randn(20, 1, 8, 8)
    outs = []
    for s in (0, 0, 1):
        program(model, seed=s)
        calibrate(model, x)
        outs.append(model(x))
    torch.testing.assert_close(outs[0], outs[1], rtol=0, atol=0)
    assert (outs[0] != outs[2]).any()
    set_time(model, 1e6)
    assert model(x).abs().mean() < outs[2].abs().mean()


def test_mistakes_are_named():
    with pytest.warns(UserWarning, match="no analog layer"):
        program(nn.ReLU(), seed=0)
    with pytest.warns(UserWarning, match="converted"):
        to_analog(nn.Sequential(nn.ReLU()), CLEAN)
    with pytest.raises(ParameterError, match="no layer"):
        to_analog(small_cnn(), CLEAN, include=["9"])
    with pytest.raises(ParameterError, match="not programmed"):
        set_time(to_analog(small_cnn(), CLEAN), 1.0)
    with pytest.raises(UnsupportedNodeError, match="groups"):
        AnalogConv2d(4, 4, 3, groups=2)
    with pytest.raises(ParameterError, match="accepted"):
        Injection(kind="gauss")
    assert set(analog_layers(to_analog(small_cnn(), CLEAN, exclude=["3"]))) == {"0"}


def test_adjoint_layer_gradient_equals_the_array(rng):
    g = rng.uniform(1e-5, 1e-4, (6, 4))
    v, x = rng.normal(size=(2, 6)), rng.normal(size=(2, 4))
    dg, dv = Crossbar(g, 10.0, 10.0, tol=1e-12).vjp(v, x)
    gt = torch.from_numpy(g).requires_grad_()
    vt = torch.from_numpy(v).requires_grad_()
    crossbar_mvm(gt, vt, r_word=10.0, r_bit=10.0, tol=1e-12).backward(
        torch.from_numpy(x)
    )
    np.testing.assert_allclose(gt.grad.numpy(), dg, rtol=1e-12)
    np.testing.assert_allclose(vt.grad.numpy(), dv, rtol=1e-12)
