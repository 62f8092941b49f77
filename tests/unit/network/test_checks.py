"""Every mistake is named before a run, with object, index and value."""

import warnings

import numpy as np
import pytest

from neuro.core.connectivity import Csr
from neuro.errors import MemoryLimitError, ParameterError, ShapeError
from neuro.network import (
    AllToAll,
    Bernoulli,
    Current,
    Events,
    FixedIndegree,
    FixedOutdegree,
    FixedTotal,
    Frames,
    LifDelta,
    LifExp,
    LogNormal,
    Network,
    Normal,
    OneToOne,
    Pairs,
    Poisson,
    Population,
    Projection,
    Record,
    Result,
    Sine,
    SpikeList,
    Uniform,
)
from neuro.network.expand import expand
from neuro.network.spike_files import load_spikes

DT = 1e-4
A = Population("a", 3, LifExp())


def _pair(**kwargs):
    return Projection("a", "a", Pairs([0, 1], [1, 2]), **{"delay": DT, **kwargs})


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((A, A), "'a' is used twice"),
        ((A, _pair(port="inputs")), "has no port 'inputs'"),
        ((A, Projection("b", "a", OneToOne(), delay=DT)), "no object 'b'"),
        ((A, _pair(delay=0.0)), r"delay = 0 s: expected 0.0001 to 0.2"),
        ((A, _pair(delay=1.0)), r"delay = 1 s.*ring of 16384 slots"),
        ((A, _pair(delay=[DT, 0.0])), r"delay\[1\] = 0 s"),
        ((Population("a", 2, LifExp(tau_mem=np.ones(3))),), r"shape \(3,\)"),
        ((Population("a", 2, LifExp(), init={"u": 0}),), "no state 'u'"),
        ((Population("a", 2, LifExp(), init={"v": [0, np.nan]}),), r"\[1\] is nan"),
        ((A, Poisson("b", 1.0, 1.0)), "no population 'b'"),
        ((A, Poisson("a", np.ones(2), 1.0)), r"shape \(2,\) does not fit 3"),
        ((A, Poisson("a", 1.0, 1.0), Poisson("a", 2.0, 1.0)), "used twice"),
        ((A, Current("a", np.ones(4))), "does not fit"),
        ((A, Record("a", ("w",))), "no state 'w'"),
        ((A, Record("a", ("v",), indices=[3])), r"indices\[0\] = 3: out of range"),
        ((A, Record("a"), Record("a")), "two Records"),
        ((A, Sine("a", 1.0, 1.0, port="x")), "no port 'x'"),
        ((3,), "cannot hold a int"),
        (
            (SpikeList("s", 1, [], []), A, Projection("s", "a", Bernoulli(1.0))),
            "needs a delay",
        ),
    ],
)  # fmt: skip
def test_a_wrong_network_is_refused(parts, message):
    with pytest.raises(ParameterError, match=message):
        Network(*parts, dt=DT)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: _pair(weight=np.inf), "weight is inf"),
        (lambda: _pair(weight=[1.0, np.nan]), r"weight\[1\] is nan"),
        (lambda: Projection("a", "a", 3), "rule must be"),
        (lambda: Population("a", -1, LifExp()), "n >= 0"),
        (lambda: Population("", 1, LifExp()), "expected a name"),
        (lambda: SpikeList("s", 2, [0.2, 0.1], [0, 1]), r"times\[1\] = 0.1 comes"),
        (lambda: SpikeList("s", 2, [0.1], [2]), r"channels\[0\] = 2: out of range"),
        (lambda: SpikeList("s", 2, [-0.1], [0]), "before time 0"),
        (lambda: SpikeList("s", 2, [np.nan], [0]), r"times\[0\] is nan"),
        (lambda: Events("e", 2, [0.5], [0]), "microseconds are integers"),
        (lambda: Events("e", 2, [1], [0], rounding="up"), "rounding"),
        (lambda: Poisson("a", -1.0, 1.0), r"rate_hz: expected >= 0, got -1"),
        (lambda: Poisson("a", [1.0, 2.0], 1.0, times=[0.1, 0.2]), "begin at 0"),
        (lambda: Current("a", np.nan), "not finite"),
        (lambda: Normal(0.0, -1.0), "sd >= 0"),
        (lambda: Normal(0.0, 1.0, 10.0, 11.0), "more than 4 sd"),
        (lambda: Uniform(1.0, 0.0), "low <= high"),
        (lambda: LogNormal(1.0, -1.0), "sd >= 0"),
        (lambda: FixedIndegree(-1), "integer >= 0"),
        (lambda: Bernoulli(1.5), r"expected 0..1"),
        (lambda: Pairs([0], [0, 1]), "equally long"),
        (lambda: Pairs([-1], [0]), "must be >= 0"),
        (lambda: Frames("f", 2, values="signed"), "'binary' or 'real'"),
        (lambda: Record("a", interval=0.0), "expected > 0"),
        (lambda: Network(dt=0.0), "expected > 0 s"),
        (lambda: Network(dt=1.0, convention="neuron"), "'nest', 'nir' or 'brian2'"),
    ],
)  # fmt: skip
def test_a_wrong_part_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


def test_index_and_size_errors_come_at_the_build():
    wrong = Projection("a", "a", Pairs([0, 7], [0, 0]), delay=DT)
    with pytest.raises(ParameterError, match=r"pre\[1\] = 7: index out of range 0..2"):
        Network(A, wrong, dt=DT).build(engine="grid")
    with pytest.raises(ShapeError, match="3 values for 2 synapses"):
        Network(A, _pair(weight=[1.0, 2.0, 3.0]), dt=DT).build(engine="grid")
    many = Projection("a", "a", FixedIndegree(4, multapses=False), delay=DT)
    with pytest.raises(ParameterError, match="allow multapses"):
        Network(A, many, dt=DT).build(engine="grid")


def test_build_options_are_checked():
    net = Network(A, dt=DT)
    for options, message in (
        ({"threads": 0}, "threads"),
        ({"precision": "half"}, "precision"),
        ({"window": 100}, "window"),
    ):
        with pytest.raises(ParameterError, match=message):
            net.build(engine="grid", **options)
    big = Network(
        Population("a", 100_000, LifExp()),
        Projection("a", "a", FixedIndegree(100_000), weight=Normal(1, 0.1), delay=DT),
        dt=DT,
    )
    assert big.memory().total > 5e10
    assert "total" in str(big.memory())
    with pytest.raises(MemoryLimitError, match="largest item is 'a -> a'"):
        big.build(engine="grid", memory_limit=1 << 30)


def test_warnings_name_rounded_delays_and_high_rates():
    with pytest.warns(UserWarning, match="largest error 4e-05"):
        Network(A, _pair(delay=1.4e-4), dt=DT)
    with pytest.warns(UserWarning, match="more than 30"):
        net = Network(A, Poisson("a", 5e5, 1.0), dt=DT)
    v = LifDelta(v_threshold=np.inf, tau_mem=1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = Network(
            Population("a", 400, v), Poisson("a", 5e5, 1.0), Record("a", ("v",)), dt=DT
        )
    total = net.build(engine="grid").run(0.01).traces["a.v"].values[-1]
    assert abs(total.mean() - 5000) < 4 * np.sqrt(5000 / 400)


RULES = [
    (FixedIndegree(4), 40),
    (FixedIndegree(4, autapses=False), 40),
    (FixedIndegree(4, multapses=False, autapses=False), 40),
    (FixedOutdegree(3, multapses=False), 30),
    (FixedTotal(55, autapses=False), 55),
    (OneToOne(), 10),
    (AllToAll(), 100),
    (AllToAll(autapses=False), 90),
    (Bernoulli(1.0), 100),
    (Bernoulli(0.0), 0),
]


@pytest.mark.parametrize(("rule", "n"), RULES, ids=lambda x: repr(x))
def test_rules_give_what_they_say(rule, n):
    q = Projection("a", "a", rule, weight=Uniform(0, 1), delay=Uniform(DT, 9 * DT))
    s = expand(q, 10, 10, name="a -> a", dt=DT, seed=0)
    t = expand(q, 10, 10, name="a -> a", dt=DT, seed=0)
    for x, y in zip(s, t, strict=True):
        np.testing.assert_array_equal(x, y)
    assert s.pre.size == n
    if not getattr(rule, "autapses", True):
        assert (s.pre != s.post).all()
    if not getattr(rule, "multapses", True):
        assert len({*zip(s.pre, s.post, strict=True)}) == n
    if isinstance(rule, FixedIndegree):
        assert (np.bincount(s.post, minlength=10) == 4).all()
    if isinstance(rule, FixedOutdegree):
        assert (np.bincount(s.pre, minlength=10) == 3).all()
    if n:
        assert s.delay.min() >= 1


def test_bernoulli_has_its_mean():
    q = Projection("a", "b", Bernoulli(0.1), delay=DT)
    s = expand(q, 1000, 1000, name="x", dt=DT, seed=1)
    assert abs(s.pre.size - 1e5) < 4 * np.sqrt(0.09 * 1e6)
    assert np.bincount(s.post, minlength=1000).std() < 12


def test_events_keep_their_multiplicity_and_rounding():
    from neuro.network.stimuli import to_steps

    t, c = [150, 250, 249, 251], [1, 0, 0, 0]
    e = Events("e", 2, t, c, sort=True)
    steps, channels = to_steps(e, DT)
    assert steps.tolist() == [2, 2, 3, 3]
    assert channels.tolist() == [0, 1, 0, 0]
    for rounding, expected in (("floor", [1, 2, 2, 2]), ("ceil", [2, 3, 3, 3])):
        e = Events("e", 2, t, c, sort=True, rounding=rounding)
        assert sorted(to_steps(e, DT)[0].tolist()) == expected
    record = np.array(
        [(5, 1, 2, 1)], [("t", "i8"), ("x", "i2"), ("y", "i2"), ("p", "i1")]
    )
    e = Events.from_array("e", record, (4, 3, 2))
    assert e.n == 24
    assert e.channels.tolist() == [(1 * 3 + 2) * 4 + 1]


@pytest.mark.parametrize("engine", ["grid", "exact"])
def test_a_runaway_is_said(engine):
    net = Network(Population("a", 3, LifExp(i_e=100.0, t_ref=2e-3)), dt=DT)
    simulation = net.build(engine=engine)
    with pytest.warns(
        UserWarning, match="'a' fires at 4.. per unit.*a runaway"
    ) as seen:
        simulation.run(0.2)
    assert seen[0].filename == __file__  # the user's line


def test_parts_show_what_is_not_default():
    net = Network(
        Population("a", 1000, LifExp(i_e=np.arange(1000.0)), init={"v": Uniform(0, 1)}),
        Projection("a", "a", Pairs(np.arange(9), np.arange(9)), delay=DT),
        Poisson("a", 100.0, 0.1),
        dt=DT,
    )
    text = str(net)
    assert "model=LifExp(i_e=array(1000: 0..999))" in text
    assert "rule=Pairs(pre=array(9: 0..8), post=array(9: 0..8)), delay=0.0001)" in text
    assert "Poisson(target='a', rate_hz=100, weight=0.1" in text
    assert len(repr(net)) < 100
    result = net.build(engine="grid").run(0.0)
    assert repr(result.spikes["a"]) == "Spikes(0 of 0 neurons)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, _: net.build(engine="grid").run("1 s"), "number >= 0, got '1 s'"),
        (lambda net, _: net.build(engine="exact").run(np.nan), "number >= 0, got nan"),
        (lambda net, _: net.build(seed="x"), "seed must be an integer >= 0"),
        (lambda net, _: net.build(seed=-1), "seed must be an integer >= 0"),
        (lambda net, _: net.build(thread=2), "did you mean 'threads'"),
        (lambda net, _: net.build(engine="exact", window=2), "no option 'window'"),
        (
            lambda net, _: net.build(engine="grid").run(DT, {"f": np.zeros((1, 3))}),
            "no Frames stimulus 'f'",
        ),
        (lambda net, f: net.build(engine="grid").restore(f), "no file"),
        (lambda net, f: net.build(engine="exact").restore(f), "no file"),
        (lambda net, f: Result.load(f), "Result.load: no file"),
        (lambda net, f: load_spikes(f), "load_spikes: no file"),
    ],
)
def test_wrong_calls_give_one_line(call, message, tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(ParameterError, match=message) as error:
        call(Network(A, dt=DT), path)
    assert "\n" not in str(error.value)
    if "no file" in message:
        path.write_bytes(b"something else")
        with pytest.raises(ParameterError, match="cannot read"):
            call(Network(A, dt=DT), path)


def test_a_checkpoint_belongs_to_its_engine(tmp_path):
    net = Network(A, dt=DT)
    for engine, other in (("grid", "exact"), ("exact", "grid")):
        net.build(engine=engine).checkpoint(tmp_path / "c.npz")
        with pytest.raises(ParameterError, match=f"not a checkpoint of the {other}"):
            net.build(engine=other).restore(tmp_path / "c.npz")


def test_layouts_with_wrong_entries_are_named():
    with pytest.raises(ParameterError, match=r"weights\[1\] is nan"):
        Csr(3, [0, 2], [0, 1], [1.0, np.nan])
    with pytest.raises(ParameterError, match=r"indices\[1\] = 3.*0..2"):
        Csr(3, [0, 2], [0, 3], [1.0, 1.0])
    with pytest.raises(ParameterError, match="LifExp is a class"):
        Network(Population("a", 1, LifExp), dt=DT)
    with pytest.raises(ParameterError, match="one finite number"):
        Poisson("a", 1.0, [1.0, 2.0])
