"""Plasticity rules: one synapse against sums over pairs, histories, checkpoints."""

import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.network import (
    LifDelta,
    Network,
    OneToOne,
    Pairs,
    PairStdp,
    Poisson,
    Population,
    PowerLawStdp,
    Projection,
    Record,
    RecordWeights,
    Result,
    RewardStdp,
    ShortTerm,
    SpikeList,
    TripletStdp,
)
from tests.naive import grid as naive

DT = 1e-4
QUIET = LifDelta(v_threshold=np.inf, tau_mem=10e-3)


def _synapse(pre, post, rule, w, *, delay=10, steps=None, **build):
    """One plastic synapse; the post neuron is made to fire at the given steps."""
    fires = LifDelta(tau_mem=1e-3, v_threshold=0.5)
    end = max([*pre, *post]) + delay + 1 if steps is None else steps
    # a spike in advance n is stamped n + 1; the kick is due at that step
    net = Network(
        SpikeList("pre", 1, np.array(pre) * DT, np.zeros(len(pre), int)),
        SpikeList("kick", 1, (np.array(post) - 1) * DT, np.zeros(len(post), int)),
        Population("post", 1, fires),
        Projection("kick", "post", Pairs([0], [0]), weight=1.0, delay=DT),
        Projection(
            "pre",
            "post",
            Pairs([0], [0]),
            weight=w,
            delay=delay * DT,
            plasticity=rule,
            port="current",
        ),
        dt=DT,
    )
    sim = net.build(engine="grid", **build)
    result = sim.run(end * DT)
    np.testing.assert_array_equal(np.rint(result.spikes["post"].times / DT), post)
    return float(sim.weights("pre -> post")[2][0]), result, sim


@pytest.mark.parametrize("pairing", ["all", "nearest", "restricted"])
@pytest.mark.parametrize(
    ("law", "side"), [("pair", "dendrite"), ("power", "dendrite"), ("power", "axon")]
)
def test_random_trains_equal_sums_over_pairs(rng, pairing, law, side):
    if law == "pair":
        rule = PairStdp(
            tau_plus=15e-3, tau_minus=30e-3, rate=0.05, alpha=0.9, mu_plus=0.4,
            mu_minus=0.7, w_max=2.0, pairing=pairing,
        )  # fmt: skip
    else:
        rule = PowerLawStdp(
            rate=0.05, alpha=0.4, mu=0.4, w0=0.5, pairing=pairing, delay_on=side
        )
    for delay in (1, 12):
        pre = np.sort(rng.choice(np.arange(2, 3000), 60, replace=False)).tolist()
        post = np.sort(rng.choice(np.arange(20, 3000, 3), 60, replace=False)).tolist()
        pre.append(3100)  # settles what came before
        w, result, _ = _synapse(pre, post, rule, 1e-9 + 0.5, delay=delay)
        expected = naive.stdp_pair(
            pre, post, 0.5, delay=delay, dt=DT, rule=rule, pairing=pairing,
            axonal=side == "axon",
        )  # fmt: skip
        assert abs(expected - 0.5) > 1e-3
        np.testing.assert_allclose(w, expected, rtol=2e-6)
        assert result.counts.total("plastic", "pre -> post") > 30


@pytest.mark.parametrize("lag", [1, 5, 10, 100, 500, 1000, -1, -5, -100, -1000])
def test_one_pair_follows_the_formula(lag):
    rule = PairStdp(rate=0.1, alpha=0.5, mu_plus=1.0, mu_minus=1.0, w_max=1.0)
    delay = 7
    pre, post = [1200], [1200 + lag - delay]
    w, _, _ = _synapse([*pre, 4000], post, rule, 0.5, delay=delay)
    k = np.exp(-abs(lag) * DT / 20e-3)
    late = np.exp(-(4000 - 1200 - lag) * DT / 20e-3)
    if lag > 0:
        expected = 0.5 + 0.1 * 0.5 * k
        expected -= 0.05 * expected * late
    else:
        expected = 0.5 - 0.05 * 0.5 * k
        expected -= 0.05 * expected * late
    np.testing.assert_allclose(w, expected, rtol=3e-7)


def test_triplets_read_slow_traces_before_their_update(rng):
    rule = TripletStdp(a2_plus=5e-3, a2_minus=7e-3, a3_plus=6e-3, a3_minus=2e-3)
    pre = np.sort(rng.choice(np.arange(2, 2000), 30, replace=False)).tolist()
    pre.append(2100)
    post = np.sort(rng.choice(np.arange(20, 2000, 2), 30, replace=False)).tolist()
    delay, w = 4, 0.4
    events = sorted([(t + delay, 0) for t in post] + [(t, 1) for t in pre])
    r1 = r2 = o1 = o2 = 0.0
    last = 0
    for t, kind in events:
        gap = (t - last) * DT
        r1, r2 = r1 * np.exp(-gap / rule.tau_plus), r2 * np.exp(-gap / rule.tau_x)
        o1, o2 = o1 * np.exp(-gap / rule.tau_minus), o2 * np.exp(-gap / rule.tau_y)
        last = t
        if kind == 0:
            w = min(w + r1 * (rule.a2_plus + rule.a3_plus * o2), rule.w_max)
            o1, o2 = o1 + 1, o2 + 1
        else:
            same = t - delay in post  # a post spike at this very step is not seen
            slow, fast = r2, o1 - 1 if same else o1
            w = max(w - fast * (rule.a2_minus + rule.a3_minus * slow), 0.0)
            r1, r2 = r1 + 1, r2 + 1
    got, _, _ = _synapse(pre, post, rule, 0.4, delay=delay)
    np.testing.assert_allclose(got, w, rtol=2e-6)


def test_short_term_plasticity_releases_u_x():
    rule = ShortTerm(u=0.4, tau_rec=100e-3, tau_facil=50e-3)
    pre = [10, 110, 210, 1200]
    net = Network(
        SpikeList("pre", 1, np.array(pre) * DT, np.zeros(4, int)),
        Population("post", 1, LifDelta(tau_mem=1e3, v_threshold=np.inf)),
        Projection(
            "pre", "post", Pairs([0], [0]), weight=2.0, delay=1e-3, plasticity=rule
        ),
        Record("post", ("v",)),
        dt=DT,
    )
    v = net.build(engine="grid").run(0.14).traces["post.v"].values[:, 0]
    u, x, last, total = 0.4, 1.0, None, 0.0
    for t in pre:
        if last is not None:
            gap = (t - last) * DT
            x = 1 + (x - 1) * np.exp(-gap / 100e-3)
            u = u * np.exp(-gap / 50e-3)
            u = u + 0.4 * (1 - u)
        total += 2.0 * u * x
        x, last = x - u * x, t
        np.testing.assert_allclose(v[t + 10 - 1], total, rtol=1e-4)


def _plastic_network():
    rng = np.random.default_rng(3)
    rule = PowerLawStdp(rate=0.1, alpha=0.05, w0=0.01)
    n = 40
    pairs = Pairs(rng.integers(0, n, 400), rng.integers(0, n, 400))
    return Network(
        Population("a", n, LifDelta(tau_mem=10e-3, v_threshold=1.0, t_ref=1e-3)),
        Poisson("a", 3000.0, 0.1),
        Projection("a", "a", pairs, weight=0.05, delay=1.5e-3, plasticity=rule),
        dt=DT,
    )


@pytest.mark.filterwarnings("ignore:population .* a runaway")
def test_plastic_network_does_not_depend_on_blocks_window_or_split(tmp_path):
    net = _plastic_network()
    whole = net.build(engine="grid", seed=1)
    a = whole.run(0.3)
    assert a.spike_counts("a").max() > 33  # histories had to grow
    w = whole.weights("a -> a")
    key = np.lexsort((w[1], w[0]))
    for options in ({"blocks": 3}, {"window": 1}):
        other = net.build(engine="grid", seed=1, **options)
        b = other.run(0.3)
        np.testing.assert_array_equal(b.spikes["a"].times, a.spikes["a"].times)
        v = other.weights("a -> a")
        order = np.lexsort((v[1], v[0]))
        np.testing.assert_array_equal(np.sort(v[2]), np.sort(w[2]))
        np.testing.assert_array_equal(v[1][order], w[1][key])
        assert b.counts.total("plastic") == a.counts.total("plastic")
    first = net.build(engine="grid", seed=1)
    first.run(0.17)
    first.checkpoint(tmp_path / "c.npz")
    second = net.build(engine="grid", seed=1)
    second.restore(tmp_path / "c.npz")
    c = second.run(0.13)
    late = a.spikes["a"].times > 0.17 + DT / 2
    np.testing.assert_array_equal(c.spikes["a"].times, a.spikes["a"].times[late])
    np.testing.assert_array_equal(second.weights("a -> a")[2], w[2])


def _two_delays(side, delay):
    """Two populations of parrots and a plastic projection, delays per synapse."""
    rng = np.random.default_rng(5)
    n, m = 12, 300
    fires = LifDelta(tau_mem=1e-3, v_threshold=0.5, t_ref=0.0)
    rule = PowerLawStdp(rate=0.1, alpha=0.05, w0=0.01, delay_on=side)
    parts = [Population("a", n, fires), Population("b", n, fires)]
    for name in "ab":
        times = np.sort(rng.integers(1, 2000, m)) * DT
        parts.append(SpikeList(f"k{name}", n, times, rng.integers(0, n, m)))
        parts.append(Projection(f"k{name}", name, OneToOne(), weight=1.0, delay=DT))
    pairs = Pairs(rng.integers(0, n, 60), rng.integers(0, n, 60))
    steps = rng.integers(3, 6, 60) if delay is None else np.full(60, delay)
    parts.append(
        Projection(
            "a", "b", pairs, weight=0.2, delay=steps * DT, plasticity=rule,
            port="current",
        )
    )  # fmt: skip
    return Network(*parts, dt=DT), pairs, steps, rule


@pytest.mark.parametrize("side", ["dendrite", "axon"])
def test_delays_of_a_plastic_projection_differ_by_synapse(side):
    net, pairs, steps, rule = _two_delays(side, None)
    sim = net.build(engine="grid")
    result = sim.run(0.22)
    pre, post, w = sim.weights("a -> b")
    trains = {
        k: [
            np.rint(s.times[s.indices == i] / DT).astype(int).tolist()
            for i in range(12)
        ]
        for k, s in result.spikes.items()
    }
    mine = sorted(zip(pre.tolist(), post.tolist(), w.tolist(), strict=True))
    want = []
    for p, q, d in zip(pairs.pre, pairs.post, steps, strict=True):
        before = trains["a"][p]
        seen = [t for t in trains["b"][q] if t + d <= before[-1]]
        if side == "axon":
            seen = [t for t in trains["b"][q] if t < before[-1] + d]
        x = naive.stdp_pair(
            before, seen, 0.2, delay=int(d), dt=DT, rule=rule, axonal=side == "axon"
        )
        want.append((int(p), int(q), x))
    want.sort()
    assert [x[:2] for x in mine] == [x[:2] for x in want]
    np.testing.assert_allclose([x[2] for x in mine], [x[2] for x in want], rtol=2e-6)
    for options in ({"blocks": 3}, {"window": 1, "tile": 8}):
        other = net.build(engine="grid", **options)
        other.run(0.1)
        other.run(0.12)
        v = other.weights("a -> b")
        again = sorted(zip(*(x.tolist() for x in v), strict=True))
        assert again == mine


@pytest.mark.parametrize("side", ["dendrite", "axon"])
def test_reward_multiplies_the_eligibility(side):
    rule = RewardStdp(
        tau_plus=15e-3, tau_minus=30e-3, tau_e=0.2, a_plus=0.3, a_minus=0.2, w_max=5.0,
        delay_on=side,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    pre = np.sort(rng.choice(np.arange(2, 900), 20, replace=False)).tolist()
    post = np.sort(rng.choice(np.arange(20, 900, 3), 25, replace=False)).tolist()
    _, _, sim = _synapse(pre, post, rule, 2.0, delay=5, steps=950)
    assert sim.weights("pre -> post")[2] == [2.0]  # no reward, no change
    sim.reward("pre -> post", 0.5)
    late = 5 * (side == "dendrite")
    p = [t + 5 * (side == "axon") for t in pre]
    e = 0.0
    for t in pre if side == "dendrite" else p:
        k = sum(np.exp(-(t - q - late) * DT / 30e-3) for q in post if q + late < t)
        e -= 0.2 * k * np.exp(-(950 - t + 1) * DT / 0.2)
    for q in post:
        at = q + late
        seen = [x for x in p if x < at + (side == "axon")]
        k = sum(np.exp(-(at - x) * DT / 15e-3) for x in seen)
        e += 0.3 * k * np.exp(-(950 - at + 1) * DT / 0.2)
    np.testing.assert_allclose(sim.weights("pre -> post")[2], 2.0 + 0.5 * e, rtol=1e-6)
    with pytest.raises(ParameterError, match="no projection"):
        sim.reward("post -> pre", 1.0)
    other = _plastic_network().build(engine="grid")
    with pytest.raises(ParameterError, match="takes no reward"):
        other.reward("a -> a", 1.0)


def test_weights_are_recorded_at_given_times(tmp_path):
    net, _, _, _ = _two_delays("dendrite", 4)
    record = RecordWeights("a -> b", [0.0, 0.05, 0.11, 0.5])
    parts = [*net.populations.values(), *net.sources.values(), *net.projections]
    recorded = Network(*parts, record, dt=DT).build(engine="grid")
    plain = net.build(engine="grid")
    result = recorded.run(0.1)
    result.save(tmp_path / "r.npz")
    trace = Result.load(tmp_path / "r.npz").traces["a -> b.weight"]
    np.testing.assert_allclose(trace.times, [0.0, 0.05])
    assert (trace.values[0] == np.float32(0.2)).all()
    plain.run(0.05)
    np.testing.assert_array_equal(trace.values[1], plain.weights("a -> b")[2])
    plain.run(0.06)
    late = recorded.run(0.05).traces["a -> b.weight"]
    np.testing.assert_allclose(late.times, [0.11])
    np.testing.assert_array_equal(late.values[0], plain.weights("a -> b")[2])
    with pytest.raises(ParameterError, match="no plastic projection"):
        Network(*parts, RecordWeights("ka -> a", [0.1]), dt=DT)
    with pytest.raises(ParameterError, match="finite times"):
        RecordWeights("a -> b", [-1.0])


@pytest.mark.parametrize("pairing", ["all", "nearest", "restricted"])
def test_a_silent_source_is_settled_and_histories_stay_short(pairing):
    rule = PairStdp(
        tau_plus=1e-3, tau_minus=2e-3, rate=0.05, alpha=0.9, mu_plus=0.4, mu_minus=0.7,
        w_max=2.0, pairing=pairing,
    )  # fmt: skip
    last, end = 105, 16_005
    post = list(range(20, end - 20, 20))
    w, _, sim = _synapse([last, end], post, rule, 1.0)
    engine = sim._grid()
    assert engine.history.max() <= 128  # 799 post spikes
    # all of it again, by sums over pairs; the trains end with a pre spike
    want = 1.0
    seen = [t + 10 for t in post]
    before = [t for t in seen if t < last]
    after = [t for t in seen if last < t < end]
    first = before if pairing == "all" else before[-1:]
    want -= (
        0.05
        * 0.9
        * 2.0
        * (want / 2.0) ** 0.7
        * sum(np.exp(-(last - t) * DT / 2e-3) for t in first)
    )
    for t in after[:1] if pairing == "restricted" else after:
        kept = np.exp(-(t - last) * DT / 1e-3)
        want += 0.05 * 2.0 * (1 - want / 2.0) ** 0.4 * kept
    late = after if pairing == "all" else after[-1:]
    want -= (
        0.05
        * 0.9
        * 2.0
        * (want / 2.0) ** 0.7
        * sum(np.exp(-(end - t) * DT / 2e-3) for t in late)
    )
    assert w == pytest.approx(want, rel=1e-6)
    again, _, _ = _synapse([last, end], post, rule, 1.0, blocks=2)
    assert again == w


def test_wrong_rules_are_refused():
    with pytest.raises(ParameterError, match=r"PairStdp.tau_plus: expected > 0"):
        PairStdp(tau_plus=0.0)
    with pytest.raises(ParameterError, match="pairing"):
        PowerLawStdp(pairing="some")
    with pytest.raises(ParameterError, match="u <= 1"):
        ShortTerm(u=1.5)
    with pytest.raises(ParameterError, match="not a registered plasticity rule"):
        Network(
            Population("a", 1, QUIET),
            Projection("a", "a", Pairs([0], [0]), delay=DT, plasticity=3),
            dt=DT,
        )
    with pytest.raises(ParameterError, match=r"Simulation\.run"):
        _plastic_network().build(engine="grid").run_samples({}, 0.01)


@pytest.mark.parametrize(
    "rule", [PairStdp(), PowerLawStdp(w0=0.1), TripletStdp(), RewardStdp(), ShortTerm()]
)
def test_double_precision_is_a_refinement_of_single(rule):
    """Same network, weights kept as float32 and as float64."""
    rng = np.random.default_rng(2)
    times = np.sort(rng.integers(1, 2000, 200)) * DT
    net = Network(
        SpikeList("in", 10, times, rng.integers(0, 10, 200)),
        Population("a", 10, LifDelta(tau_mem=2e-3, i_e=1.3, t_ref=2e-3)),
        Projection("in", "a", OneToOne(), weight=0.01, delay=DT, plasticity=rule),
        dt=DT,
    )
    weights = {}
    for precision, size in (("single", 4), ("double", 8)):
        simulation = net.build(engine="grid", precision=precision)
        assert simulation._grid().state.plastic_weights.itemsize == size
        simulation.run(0.2)
        if isinstance(rule, RewardStdp):
            simulation.reward("in -> a", -1e-3)
        weights[precision] = simulation.weights("in -> a")[2]
    assert np.ptp(weights["double"]) > 0
    np.testing.assert_allclose(weights["single"], weights["double"], rtol=1e-5)
    assert (
        net.memory("grid", "double").objects["in -> a"]
        > (net.memory("grid").objects["in -> a"])
    )
