"""Layers of crossbar arrays handed in as factories, trained through ``fit``."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from hw.crossbar.torch_layers import (
    AnalogConv2d,
    AnalogLinear,
    analog_layers,
    noise_injection,
    program,
    unprogram,
)
from neuro.grad import cross_entropy, fit, neuron_factory
from neuro.grad.classifiers import conv_classifier, recurrent_classifier

SHAPE = (1, 6, 6)


def _bars(n=160, steps=4):
    """Noisy horizontal or vertical bars, uint8 (n, steps, 1, 6, 6), and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n)
    x = rng.random((n, steps, *SHAPE)) < 0.08
    for i, (label, at) in enumerate(zip(labels, rng.integers(0, 6, n), strict=True)):
        where = (slice(None), 0, at) if label else (slice(None), 0, slice(None), at)
        x[i][where] |= rng.random((steps, 6)) < 0.7
    return x.astype(np.uint8), labels


def _spread(model, x, copies=4):
    """Mean accuracy over copies written to devices, and the spread of their logits."""
    right, logits = [], []
    for copy in range(copies):
        program(model, seed=copy)
        with torch.no_grad():
            out = model.eval()(torch.from_numpy(x[0])).mean(0)
        right.append(float((out.argmax(-1).numpy() == x[1]).mean()))
        logits.append(out.numpy())
        unprogram(model)
    return float(np.mean(right)), float(np.std(logits, axis=0).mean())


def _build(kind):
    torch.manual_seed(0)
    neuron = neuron_factory("lif", beta=0.5)
    if kind == "conv":
        return conv_classifier(
            SHAPE, classes=2, channels=(6,), hidden=16, kernel=3, neuron=neuron,
            conv=AnalogConv2d, linear=AnalogLinear,
        )  # fmt: skip
    return recurrent_classifier(
        SHAPE, classes=2, hidden=24, neuron=neuron, linear=AnalogLinear
    )


@pytest.mark.parametrize("kind", ["conv", "recurrent"])
def test_noise_aware_training_of_spiking_networks(kind):
    x, y = _bars()
    train, test = (x[:120], y[:120]), (x[120:], y[120:])
    plain = cross_entropy()

    def trained(strength):
        model = _build(kind)
        layers = list(analog_layers(model).values())
        assert len(layers) == 3

        def loss(net, batch, generator):
            # the noise of a step comes from that step's generator: runs repeat
            for layer in layers:
                layer.generator = generator
            return plain(net, batch, generator)

        how = (
            {"kind": "gaussian", "strength": strength} if strength else {"kind": "none"}
        )
        with noise_injection(model, **how):
            history = fit(model, train, loss=loss, lr=1e-2, seed=0, epochs=10, batch=20)
        return model, history

    model, history = trained(0.2)
    assert history.loss[-1][1] < 0.6 * history.loss[0][1]
    assert trained(0.2)[1].loss == history.loss
    clean, other = trained(0.0)
    assert other.loss != history.loss
    score, spread = _spread(model, test)
    assert score > 0.8
    # what training with noise is for: copies of the hardware agree more
    assert 0 < spread < 0.8 * _spread(clean, test)[1]
