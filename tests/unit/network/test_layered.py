"""The step driver: frames, same-step edges, real values, hardware weights."""

import numpy as np
import pytest

from neuro.core import Rows
from neuro.errors import ParameterError, ShapeError
from neuro.network import (
    Bernoulli,
    Frames,
    IfDelta,
    Li,
    LifDelta,
    Network,
    OneToOne,
    Pairs,
    Population,
    Projection,
    Record,
    Relay,
    ThresholdUnit,
    WeightBlock,
)

UNIT = IfDelta(v_threshold=1.0, v_reset=0.0)


def _net(*parts, **kwargs):
    return Network(*parts, dt=1.0, dimensionless=True, **kwargs)


def test_layers_without_delay_fire_in_the_same_step():
    net = _net(
        Frames("in", 1),
        Population("b", 1, ThresholdUnit()),
        Population("a", 1, ThresholdUnit()),
        Projection("a", "b", OneToOne(), weight=1.0),
        Projection("in", "a", OneToOne(), weight=1.0),
    )
    frames = np.array([[[0], [1], [0]]])
    result = net.build().run_samples({"in": frames}, 3)
    assert result.spikes["a"].times.tolist() == [2]
    assert result.spikes["b"].times.tolist() == [2]


def test_a_cycle_without_delay_is_refused():
    with pytest.raises(ParameterError, match="cycle"):
        _net(Population("a", 1, UNIT), Projection("a", "a", OneToOne()))


def test_real_values_flow_through_relays_and_count_as_macs(rng):
    w1, w2 = rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
    net = _net(
        Frames("in", 3, values="real"),
        Population("r", 4, Relay()),
        Population("out", 2, Li(tau_mem=5.0)),
        Projection("in", "r", Rows(w1)),
        Projection("r", "out", Rows(w2), gain=[1.0, 2.0, 0.5, 1.0]),
        Record("out", ("v",)),
    )
    x = rng.normal(size=(2, 4, 3))
    result = net.build().run_samples({"in": x}, 4)
    v, decay = np.zeros((2, 2)), np.exp(-1 / 5)
    gain = [1.0, 2.0, 0.5, 1.0]
    for k in range(4):
        v = decay * v + gain[k] * x[:, k] @ w1.T @ w2.T
        np.testing.assert_allclose(result.traces["out.v"].values[:, k], v, atol=1e-12)
    assert result.counts.per_sample("mac", "in -> r").tolist() == [48, 48]
    assert not result.counts.booked("ac", "in -> r")


class _Source:
    """Weights that change with time, with noise and a converter."""

    def __init__(self, w, *, variance=None, adc=None, expires=np.inf):
        self.w, self.variance, self.adc, self.expires = w, variance, adc, expires
        self.asked, self.reads = [], []
        self.shape = w.shape

    def block(self, t):
        self.asked.append(t)
        k = 0 if self.expires == np.inf else int(t // self.expires)
        until = (k + 1) * self.expires if np.isfinite(self.expires) else np.inf
        return WeightBlock(self.w * (k + 1), self.variance, self.adc, until)

    def settle(self, row_reads):
        self.reads.append(row_reads.copy())
        return {"array_j": float(row_reads.sum())}


def _read(source, frames, *, seed=0, workers=1):
    n_post, n_pre = source.shape
    net = _net(
        Frames("in", n_pre),
        Population("out", n_post, Relay()),
        Projection("in", "out", source),
        Record("out", ("value",)),
    )
    result = net.build(seed=seed).run_samples(
        {"in": frames}, frames.shape[1], workers=workers
    )
    return result.traces["out.value"].values, result


def test_expired_blocks_are_asked_again_and_settled(rng):
    source = _Source(rng.normal(size=(3, 5)), expires=4.0)
    frames = rng.random((2, 10, 5)) < 0.4
    values, result = _read(source, frames)
    assert source.asked == [0.0, 4.0, 8.0]
    for k in range(10):
        expected = frames[:, k] @ source.w.T * (k // 4 + 1)
        np.testing.assert_allclose(values[:, k], expected, atol=1e-12)
    total = np.sum(source.reads, axis=0)
    np.testing.assert_array_equal(total, frames.sum((0, 1)))
    assert result.counts.measured("array_j") == frames.sum()


def test_read_noise_has_its_variance_and_is_fresh_in_every_step(rng):
    n = 400
    variance = np.full((n, 2), 0.25)
    frames = np.ones((20, 50, 2), np.uint8)
    values, _ = _read(_Source(np.zeros((n, 2)), variance=variance), frames)
    assert abs(values.std() - np.sqrt(0.5)) < 0.01
    assert abs(values.mean()) < 0.01
    flat = values.reshape(-1, n)
    assert abs(np.corrcoef(flat[1:].ravel(), flat[:-1].ravel())[0, 1]) < 0.01
    again, _ = _read(_Source(np.zeros((n, 2)), variance=variance), frames, workers=3)
    np.testing.assert_array_equal(values, again)
    other, _ = _read(_Source(np.zeros((n, 2)), variance=variance), frames, seed=1)
    assert not np.array_equal(values, other)


def test_the_converter_clips_and_rounds():
    w = np.array([[0.34, 5.0], [-0.9, -9.0]])
    values, _ = _read(_Source(w, adc=(-1.0, 1.0, 5)), np.array([[[1, 0], [1, 1]]]))
    np.testing.assert_allclose(values[0], [[0.5, -1.0], [1.0, -1.0]])


def test_a_column_reader_is_called_once_per_step():
    class Reader(_Source):
        def read(self, active, t):
            self.asked.append((t, active.tolist()))
            return self.w[:, active].sum(1) ** 2

    source = Reader(np.array([[1.0, 2.0]]))
    values, result = _read(source, np.array([[[1, 1], [0, 0], [0, 1]]]))
    assert source.asked == [(0.0, [0, 1]), (1.0, []), (2.0, [1])]
    np.testing.assert_allclose(values[0, :, 0], [9.0, 0.0, 4.0])
    assert result.counts.total("synop") == 3


def test_run_goes_on_from_the_present_state(rng, tmp_path):
    net = _net(
        Frames("in", 6),
        Population("a", 5, LifDelta(tau_mem=5.0)),
        Projection("in", "a", Bernoulli(0.6), weight=0.4),
        Projection("a", "a", Bernoulli(0.5), weight=-0.3, delay=2.0),
    )
    x = rng.random((30, 6)) < 0.3
    batch = net.build().run_samples({"in": x[None]}, 30)
    sim = net.build()
    a = sim.run(13, {"in": x[:13]})
    sim.checkpoint(tmp_path / "s.npz")
    other = net.build()
    other.restore(tmp_path / "s.npz")
    b = other.run(17, {"in": x[13:]})
    times = np.concatenate([a.spikes["a"].times, b.spikes["a"].times])
    np.testing.assert_array_equal(times, batch.spikes["a"].times)
    assert times.size > 5


def test_wrong_frames_are_refused():
    net = _net(
        Frames("in", 2), Population("a", 2, UNIT), Projection("in", "a", OneToOne())
    )
    sim = net.build()
    with pytest.raises(ParameterError, match="'in' are missing"):
        sim.run_samples({}, 3)
    with pytest.raises(ParameterError, match="no Frames stimulus 'into'"):
        sim.run_samples({"into": np.zeros((1, 3, 2))}, 3)
    with pytest.raises(ShapeError, match=r"\(n_samples, >= 3, 2\)"):
        sim.run_samples({"in": np.zeros((1, 2, 2))}, 3)
    with pytest.raises(ShapeError, match="weights are"):
        _net(
            Frames("in", 2),
            Population("a", 3, UNIT),
            Projection("in", "a", _Source(np.zeros((2, 2)))),
        )


def test_same_result_for_all_layouts(rng):
    w = rng.normal(size=(6, 4))
    post, pre = np.nonzero(np.ones_like(w))
    x = rng.random((3, 12, 4)) < 0.4
    out = []
    for rule, weight in ((Rows(w), None), (Pairs(pre, post), w[post, pre])):
        net = _net(
            Frames("in", 4),
            Population("a", 6, UNIT),
            Projection("in", "a", rule, weight=weight),
        )
        out.append(net.build().run_samples({"in": x}, 12).spike_counts("a"))
    np.testing.assert_array_equal(*out)
