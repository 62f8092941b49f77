"""``fit``: learns, stops, resumes bit for bit."""

import math

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from torch import nn

from neuro.errors import ConvergenceError, ParameterError
from neuro.grad import (
    Lif,
    PerStep,
    accuracy,
    cross_entropy,
    firing_rates,
    fit,
    load_weights,
    repeat,
    save_weights,
)


class _Net(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.body = nn.Sequential(
            PerStep(nn.Linear(4, 16), nn.BatchNorm1d(16)),
            Lif(0.9),
            PerStep(nn.Dropout(dropout), nn.Linear(16, 2)),
        )

    def forward(self, x):
        return self.body(repeat(x, 4))


def _net(seed=0, **options):
    torch.manual_seed(seed)
    return _Net(**options)


def _data(n=128):
    x = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def test_learns_what_a_line_cannot():
    train, valid = _data(512), _data(512)
    net = _net()
    history = fit(
        net, train, valid, loss=cross_entropy(), lr=1e-2, seed=0, epochs=40,
        metric=accuracy,
    )  # fmt: skip
    assert history.best > 0.9
    assert history.valid[0][1] < history.best
    assert history.stopped == "steps"
    assert history.steps == 40 * 8
    assert 0 < firing_rates(net, torch.randn(8, 4))["body.1"] < 1


@pytest.mark.parametrize("ema", [None, 0.9])
def test_resume_is_bit_exact(tmp_path, ema):
    options = {
        "loss": cross_entropy(), "lr": 1e-2, "seed": 3, "warmup": 5, "clip": 1.0,
        "ema": ema, "metric": accuracy,
    }  # fmt: skip
    whole, parts = _net(dropout=0.2), _net(dropout=0.2)
    a = fit(whole, _data(), _data(), steps=11, valid_every=3, **options)
    worked = 0.0
    for steps in (4, 7, 11):
        parts = _net(seed=9, dropout=0.2) if steps > 4 else parts
        b = fit(
            parts, _data(), _data(), steps=steps, valid_every=3, out=tmp_path,
            resume=True, **options,
        )  # fmt: skip
        assert b.cpu_s > worked  # goes on from the parts before
        worked = b.cpu_s
    left, right = whole.state_dict(), parts.state_dict()
    assert all(torch.equal(left[k], right[k]) for k in left)
    assert [v for v in a.valid if v[0] % 3 == 0] == [
        v for v in b.valid if v[0] % 3 == 0
    ]
    if ema:
        left, right = a.ema_model.state_dict(), b.ema_model.state_dict()
        assert all(torch.equal(left[k], right[k]) for k in left)
    assert (tmp_path / "history.json").is_file()
    assert len(list(tmp_path.glob("state-*.npz"))) == 1


def test_early_stopping_returns_the_best_weights():
    net = _net()
    history = fit(
        net, _data(32), _data(32), loss=cross_entropy(), lr=0.3, seed=0, epochs=200,
        patience=2, batch=8,
    )  # fmt: skip
    assert history.stopped == "patience"
    values = [v for _s, v in history.valid]
    assert history.best == min(values)
    assert len(values) - 1 - values.index(history.best) == 2


def test_target_ends_the_run():
    history = fit(
        _net(), _data(512), _data(512), loss=cross_entropy(), lr=1e-2, seed=0,
        epochs=60, metric=accuracy, target=0.7,
    )  # fmt: skip
    assert history.stopped == "target"
    assert history.best >= 0.7
    assert all(v < 0.7 for _s, v in history.valid[:-1])


def test_stream_with_budget_and_steps():
    def draw(generator):
        x = torch.randn(16, 4, generator=generator)
        return x, (x[:, 0] > 0).long()

    history = fit(
        _net(), draw, draw, loss=cross_entropy(), lr=1e-2, seed=0, steps=150,
        budget_s=60.0,
    )  # fmt: skip
    assert history.stopped == "steps"
    assert [s for s, _v in history.valid] == [100, 150]
    history = fit(_net(), draw, loss=cross_entropy(), lr=1e-2, seed=0, budget_s=0.05)
    assert history.stopped == "budget"
    assert math.isnan(history.best)


def test_cosine_needs_an_end_and_limits_are_checked():
    with pytest.raises(ParameterError, match="give epochs, steps or budget_s"):
        fit(_net(), _data(), loss=cross_entropy(), lr=1.0, seed=0)
    with pytest.raises(ParameterError, match="needs a limit in steps or epochs"):
        fit(
            _net(), _data(), loss=cross_entropy(), lr=1.0, seed=0, budget_s=1.0,
            decay="cosine",
        )  # fmt: skip
    with pytest.raises(ParameterError, match="a stream has no epochs"):
        fit(_net(), lambda g: None, loss=cross_entropy(), lr=1.0, seed=0, epochs=1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"lr": 0.0}, r"fit.lr: expected > 0, got 0.0"),
        ({"warmup": -1}, "fit.warmup: expected >= 0"),
        ({"clip": 0.0}, "fit.clip: expected > 0"),
        ({"ema": 1.0}, "a decay between 0 and 1"),
        ({"target": 0.9}, "fit.target is taken on validation data; give valid="),
        ({"patience": 3}, "fit.patience is taken on validation data"),
        ({"resume": True}, "continues from a checkpoint; give its folder"),
    ],
)
def test_settings_that_cannot_work_or_would_do_nothing(setting, message):
    options = {"loss": cross_entropy(), "lr": 1e-2, "seed": 0, "steps": 1}
    with pytest.raises(ParameterError, match=message):
        fit(_net(), _data(), **{**options, **setting})


def test_checkpoint_of_another_network_or_seed_is_named(tmp_path):
    options = {"loss": cross_entropy(), "lr": 1e-2, "steps": 2, "out": tmp_path}
    fit(_net(), _data(), seed=0, **options)
    with pytest.raises(ParameterError, match="is of seed 0, not 1"):
        fit(_net(), _data(), seed=1, resume=True, **options)
    with pytest.raises(ParameterError, match="of another network"):
        fit(nn.Linear(4, 2), _data(), seed=0, resume=True, **options)
    with pytest.raises(ParameterError, match="no parameters to train"):
        fit(nn.Identity(), _data(), loss=cross_entropy(), lr=1e-2, seed=0, steps=1)


def test_loss_that_explodes_is_an_error():
    def loss(model, batch, generator):
        return model(batch[0]).sum() * math.inf

    with pytest.raises(ConvergenceError, match="at step 0; lower lr or set clip"):
        fit(_net(), _data(), loss=loss, lr=1.0, seed=0, steps=1)


def test_rate_penalty_lowers_the_rate():
    rates = []
    for weight in (0.0, 30.0):
        net = _net()
        loss = cross_entropy(rate_target=0.02, rate_weight=weight)
        fit(net, _data(256), loss=loss, lr=1e-2, seed=0, epochs=15)
        rates.append(firing_rates(net, torch.from_numpy(_data(256)[0]))["body.1"])
    assert rates[1] < 0.6 * rates[0]


def test_weights_file_round_trip_and_misfit(tmp_path):
    net = _net()
    path = tmp_path / "w.npz"
    save_weights(path, net, note=np.arange(3))
    other = _net(seed=5)
    load_weights(path, other)
    x = torch.randn(3, 4)
    assert torch.equal(net.eval()(x), other.eval()(x))
    with pytest.raises(ParameterError, match="does not fit"):
        load_weights(path, nn.Linear(2, 2))
