"""Every registered plasticity rule keeps the contract of ``on_pre``."""

import numpy as np
import pytest

import neuro.network.plasticity  # noqa: F401
from neuro.network.registry import _RULES, rule_of

CLASSES = sorted(_RULES, key=lambda c: c.__name__)


def _call(cls, *, count, spike=1, last=10, now=60, n=3):
    spec, rule = cls(), rule_of(cls())
    rng = np.random.default_rng(1)
    n_post, room = len(rule.post_traces), 4
    synapse = np.zeros((len(rule.fields), n), np.float32)
    synapse[: min(2, len(rule.fields))] = 0.3
    if len(rule.fields) > 2:
        synapse[2:] = 0.5
    times = np.zeros((8, room), np.int64)
    posts = np.zeros((n_post, 8, room))
    counts = np.full(8, count, np.int64)
    for i in range(max(0, count - room), count):
        times[:, i % room] = 20 + 5 * (i - max(0, count - room))
        posts[:, :, i % room] = 1.0
    taus = [getattr(spec, x) for x in (*rule.pre_traces, *rule.post_traces)]
    decay = np.exp(-np.arange(4000) * 1e-3 / np.array(taus).reshape(-1, 1))
    decay = np.ascontiguousarray(decay) if taus else np.zeros((0, 1))
    before = synapse.copy()
    frozen = [times.copy(), posts.copy(), counts.copy()]
    made = rule.on_pre(
        np.asarray(spec.prepare(1e-3), np.float64), synapse,
        np.array([5, 0, 2], np.uint16), np.ones(len(rule.pre_traces)), posts, times,
        counts, rng.random((1, 8)), last, now, 3, decay, spike,
    )  # fmt: skip
    for a, b in zip(frozen, (times, posts, counts), strict=True):
        np.testing.assert_array_equal(a, b)
    return made, before, synapse


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
class TestRuleContract:
    def test_returns_its_updates_and_stays_finite(self, cls):
        made, _, synapse = _call(cls, count=3)
        assert made >= 3
        assert np.isfinite(synapse).all()
        assert (synapse >= 0).all()

    def test_works_after_the_ring_has_turned(self, cls):
        a, _, x = _call(cls, count=4)
        b, _, y = _call(cls, count=400)
        assert a == b
        np.testing.assert_array_equal(x, y)

    def test_first_spike_without_history_changes_no_stdp_weight(self, cls):
        _, before, synapse = _call(cls, count=0, last=-1)
        if rule_of(cls()).post_traces:
            np.testing.assert_array_equal(before[0], synapse[0])

    def test_settling_never_depresses(self, cls):
        _, before, synapse = _call(cls, count=3, spike=0)
        assert (synapse[0] >= before[0]).all()
