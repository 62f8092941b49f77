from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.energy import Profile, ProfileError, estimate, make_model
from hw.energy.adc import adc_constant, neurosim, survey
from hw.energy.breakeven import breakeven_lines, spikes_per_synapse
from hw.energy.chip import affine_fit
from hw.energy.cim import array_energy, tiles
from hw.energy.load import Load
from hw.energy.selfcheck import anchors, lemaire_network
from hw.energy.terms import Term, build_report
from hw.energy.yan24 import Comparison, breakeven_rate, verdict_of_rate
from neuro.counts import LayerInfo, OpCounts, count
from neuro.errors import ParameterError, ValidityError


@pytest.mark.parametrize("anchor", anchors(), ids=lambda a: a.name)
def test_anchor(anchor) -> None:
    assert anchor.got == anchor.expected


def test_lemaire_components_to_the_printed_digit(lemaire_network_ledger) -> None:
    report = estimate(
        lemaire_network_ledger, model="lemaire22", profile="horowitz45-int32"
    )
    assert report.total * 1e12 == pytest.approx(10_178_994.62, rel=1e-9)
    other = estimate(
        lemaire_network_ledger,
        model="lemaire22",
        profile="horowitz45-int32",
        ram="regression",
    )
    assert other.total * 1e12 == pytest.approx(24_706_468.89, rel=1e-9)
    assert report.low <= report.total <= other.total <= report.high


@pytest.fixture
def lemaire_network_ledger() -> OpCounts:
    return lemaire_network()


comparisons = st.builds(
    Comparison,
    synapses=st.integers(1, 10**8),
    neurons=st.integers(1, 10**5),
    steps=st.integers(1, 64),
    w_bits=st.integers(1, 32),
    v_bits=st.integers(1, 32),
    silent=st.floats(0, 1),
    hops=st.floats(0, 10),
    weight_bit=st.floats(0, 2e-11),
    state_bit=st.floats(0, 2e-13),
)


@given(comparisons)
def test_both_networks_cost_the_same_at_break_even(c) -> None:
    rate = breakeven_rate(c)
    # the error of the difference is relative to the larger part of the sum
    scale = max(c.qnn(), c.snn(0.0))
    assert abs(c.snn(rate) - c.qnn()) <= 1e-12 * scale


@given(comparisons, st.floats(0, 1))
def test_break_even_rises_with_the_activity_of_the_ann(c, silent) -> None:
    low, high = sorted([silent, c.silent])
    quiet, busy = (breakeven_rate(replace(c, silent=s)) for s in (high, low))
    assert quiet <= busy + 1e-12 * abs(busy)


@given(comparisons, st.integers(1, 64))
def test_break_even_falls_with_steps_at_fixed_bits(c, steps) -> None:
    few, many = sorted([steps, c.steps])
    a = breakeven_rate(replace(c, steps=few, a_bits=4))
    b = breakeven_rate(replace(c, steps=many, a_bits=4))
    assert b <= a + 1e-12 * abs(a)


def test_break_even_in_the_limit_of_memory() -> None:
    c = Comparison(
        synapses=10**9, neurons=1, steps=8, silent=0.25, weight_bit=1e-6, state_bit=0.0
    )
    assert breakeven_rate(c) == pytest.approx(0.75 / 8, rel=1e-4)
    assert verdict_of_rate(-1) == "never"
    assert verdict_of_rate(1.5) == "always"
    with pytest.raises(ParameterError, match="steps"):
        replace(c, steps=0)


def test_price_of_yan24_is_its_closed_form() -> None:
    counts = OpCounts()
    info = LayerInfo(
        kind="linear",
        in_shape=(100,),
        out_shape=(50,),
        weights=5000,
        synapses=5000,
        neurons=50,
        steps=10,
        w_bits=8,
        v_bits=16,
    )
    counts.layer("fc", info)
    rate = 0.2
    counts.add("fc", "synop", round(rate * 10 * 5000), w_bits=8)
    counts.add("fc", "ac", round(rate * 10 * 5000), w_bits=8)
    counts.add("fc", "neuron_update", 500, w_bits=8)
    counts.add("fc", "reset", round(rate * 500), w_bits=8)
    counts.add("fc", "spike_out", round(rate * 500), w_bits=8)
    report = estimate(counts, model="yan24")
    profile = Profile.load("yan24-22nm")
    si = {k: c.si[0] for k, c in profile.constants.items()}
    c = Comparison(
        synapses=5000,
        neurons=50,
        steps=10,
        w_bits=8,
        v_bits=16,
        weight_bit=si["weight_bit"],
        state_bit=si["state_bit"],
        mul_bit2=si["mac_bit2"],
    )
    assert report.total == pytest.approx(c.snn(rate), rel=1e-12)
    levels = next(a for a in report.ann if a.name == "levels")
    assert levels.a_bits == 4
    assert levels.total == pytest.approx(c.qnn(), rel=1e-12)


def test_break_even_lines(run_ledger) -> None:
    value = spikes_per_synapse(run_ledger)
    assert value == pytest.approx(5500 / 20_000)
    lines = {b["name"]: b for b in breakeven_lines(run_ledger, w_bits=8)}
    assert lines["Davidson and Furber 2021"]["verdict"] == "below"
    assert lines["Dampfhoffer et al. 2023"]["verdict"] == "inside"
    assert "yan24" in lines
    bare = OpCounts()
    bare.add("x", "synop", 3)
    with pytest.raises(ParameterError, match="undefined"):
        spikes_per_synapse(bare)


def test_chip_events_static_power_and_ranges(run_ledger) -> None:
    report = estimate(run_ledger, model="chip", profile="loihi", latency_s=0.01)
    parts = report.components
    assert parts["synaptic events"][0] == pytest.approx(5500 * 23.6e-12)
    assert parts["synaptic events"][2] == pytest.approx(5500 * 35.5e-12)
    assert parts["neuron updates"][0] == pytest.approx(5000 * 52e-12)
    assert parts["neuron updates"][2] == pytest.approx(5000 * 81e-12)
    assert parts["static power"][0] == pytest.approx(0.104 * 0.01)
    without = estimate(run_ledger, model="chip", profile="loihi")
    assert any("latency" in t for t in without.not_included)
    assert "static power" not in without.components
    odin = estimate(run_ledger, model="chip", profile="odin", latency_s=0.01)
    assert odin.components["clock power"][0] == pytest.approx(1.78e-12 * 75e6 * 0.01)
    hops = estimate(run_ledger, model="chip", profile="truenorth", hops=3.0)
    assert hops.components["hops"][0] == pytest.approx(165 * 3 * 2.3e-12)
    dense = estimate(run_ledger, model="chip", profile="keras-cpu")
    assert dense.components["synaptic events"][0] == pytest.approx(20_000 * 50 * 8.6e-9)
    whole = estimate(run_ledger, model="chip", profile="xylo-audio-2")
    assert whole.components["inference"][0] == pytest.approx(6.6e-6)


def test_averages_refuse_extrapolation(run_ledger) -> None:
    with pytest.raises(ProfileError, match="latency"):
        estimate(run_ledger, model="chip", profile="odin-average")
    at_point = 5500 / 37.5e6
    report = estimate(
        run_ledger, model="chip", profile="odin-average", latency_s=at_point
    )
    assert report.total == pytest.approx(5500 * 12.7e-12)
    for factor in (0.4, 2.1):
        with pytest.raises(ProfileError, match="more than 50 % away"):
            estimate(
                run_ledger,
                model="chip",
                profile="odin-average",
                latency_s=at_point * factor,
            )
    with pytest.raises(ParameterError, match="latency_s"):
        make_model("chip", latency_s=0.0)
    with pytest.raises(ParameterError, match="same rate"):
        affine_fit((1.0, 2.0), (3.0, 3.0))


def test_htm_and_sparsey_ledgers_are_priced() -> None:
    counts = OpCounts()
    counts.layer("segments", LayerInfo(kind="segment", w_bits=8, steps=1))
    counts.layer("mac", LayerInfo(kind="mac", w_bits=1, steps=1))
    for layer, w in (("segments", 8), ("mac", 1)):
        counts.add(layer, "synop", 1000, w_bits=w)
        counts.add(layer, "ac", 1000, w_bits=w)
        counts.add(layer, "plastic", 10, w_bits=w)
    counts.add("segments", "grow", 5, w_bits=8)
    counts.add("mac", "mac", 7, w_bits=32)
    for model, profile in (
        ("op45", None),
        ("lemaire22", None),
        ("yan24", None),
        ("chip", "loihi"),
        ("cim", None),
    ):
        report = estimate(counts, model=model, profile=profile)
        assert report.total > 0
        assert report.ann == ()
        assert report.breakeven == ()
    chip = estimate(counts, model="chip", profile="loihi")
    assert chip.components["learning"][0] == pytest.approx(20 * 120e-12)
    lemaire = estimate(counts, model="lemaire22", profile="horowitz45-int32")
    # the memory holds the five synapses grown
    memory = lemaire.constants["E_RAM segments parameters"]
    assert memory.source.startswith("piecewise E_RAM of 5 words")
    assert "plastic (weight changes by learning)" in " ".join(
        estimate(counts, model="op45").not_included
    )


def test_array_and_tiles() -> None:
    g = np.full((3, 2), 50e-6)
    assert array_energy(g, v_read=0.1, t_read=10e-9, driven=np.array([1, 0, 1])) == (
        pytest.approx(4 * 5e-15)
    )
    with pytest.raises(ProfileError, match="conductances"):
        array_energy(-1e-6, v_read=0.1, t_read=1e-9)
    info = LayerInfo(
        kind="conv",
        in_shape=(16, 8, 8),
        out_shape=(32, 8, 8),
        kernel=(3, 3),
        w_bits=8,
    )
    t = tiles(info, Profile.load("rram-32nm"))
    assert (t.row_tiles, t.slices, t.devices, t.column_tiles) == (2, 2, 4, 1)
    single = tiles(info, Profile.load("isaac-32nm"))
    assert (single.slices, single.devices) == (4, 4)


def test_silent_reads_cost_nothing_in_event_mode(run_ledger) -> None:
    event, clocked = (
        estimate(run_ledger, model="cim", mode=m, ann=()) for m in ("event", "clocked")
    )
    assert event.total < clocked.total
    silent = OpCounts(1)
    silent.layer("a -> b", run_ledger.layers["input -> liquid"])
    silent.add("a -> b", "synop", 0)
    assert estimate(silent, model="cim", mode="event", ann=()).total == 0


def test_booked_conversions_are_taken(run_ledger) -> None:
    run_ledger.add("input -> liquid", "row_drive", np.full(10, 7))
    run_ledger.add("input -> liquid", "array_read", np.full(10, 5))
    run_ledger.add("input -> liquid", "adc_convert", np.full(10, 11))
    report = estimate(run_ledger, model="cim", ann=())
    adc = adc_constant(8, nm=32).value
    assert report.components["ADC"][0] == pytest.approx(11 * adc)
    assert report.components["row drivers"][0] == pytest.approx(7 * 0.3906e-12)


def test_converters_refuse_what_they_do_not_cover() -> None:
    for call in (
        lambda: survey(0.5, nm=32),
        lambda: neurosim(8, nm=28),
    ):
        with pytest.raises(ValidityError):
            call()
    with pytest.raises(ParameterError, match="does not cover"):
        adc_constant(6, nm=28, model="neurosim")
    band = adc_constant(8, nm=32)
    assert (band.low, band.high) == pytest.approx((0.1418e-12, 2.56e-12), rel=1e-3)
    assert neurosim(8, nm=32, r_column=1e4) > neurosim(8, nm=32)


NET = {
    "timesteps": 4,
    "weight_bits": 8,
    "input": {"shape": [2, 8, 8]},
    "layer": [
        {"type": "conv2d", "name": "conv", "out": 4, "neuron": "lif"},
        {"type": "linear", "name": "fc", "out": 5, "neuron": "lif"},
    ],
}


@pytest.mark.parametrize("model", ["op45", "lemaire22", "yan24", "cim"])
def test_monotone_in_rate_steps_and_bits(model) -> None:
    def total(net, rate):
        return estimate(count(net, rate), model=model, ann=()).total

    rates = [total(NET, r) for r in (0.05, 0.2, 0.8)]
    assert rates == sorted(rates)
    assert total({**NET, "timesteps": 8}, 0.2) > rates[1]
    more = [total({**NET, "weight_bits": b}, 0.2) for b in (8, 32)]
    assert more[0] <= more[1]


def test_options_reach_the_count(rng) -> None:
    activity = {
        "input": rng.random((3, 4, 2, 8, 8)) < 0.1,
        "conv": rng.random((3, 4, 4, 6, 6)) < 0.1,
        "fc": rng.random((3, 4, 5)) < 0.1,
    }
    report = estimate(
        NET, activity, model="lemaire22", time_axis=1, steps=4, mode="event"
    )
    assert report.n_samples == 3
    assert report.layers[0].neuron_updates < 4 * 144
    every = estimate(NET, activity, model="lemaire22", time_axis=1)
    assert every.layers[0].neuron_updates == 4 * 144


def test_batch_amortises_weights_of_dense_layers_only() -> None:
    dense = {**NET, "input": {"shape": [2, 8, 8], "coding": "analog"}}
    one, many = (
        estimate(count(dense, 0.1), model="lemaire22", batch=b) for b in (1, 16)
    )
    assert many.layers[0].total < one.layers[0].total
    assert many.layers[1].total == one.layers[1].total
    assert many.ann[0].total < one.ann[0].total


def test_recurrent_networks_have_no_single_pass() -> None:
    counts = OpCounts()
    info = LayerInfo(in_shape=(9,), out_shape=(9,), weights=81, synapses=81, steps=10)
    counts.layer("a -> a", info)
    counts.add("a -> a", "synop", 90)
    counts.add("a -> a", "ac", 90)
    ann = estimate(counts, model="op45").ann[0]
    assert "recurrent" in ann.mapping
    assert ann.total == pytest.approx(10 * 81 * 0.23e-12)


def test_a_model_of_the_users_has_ann_columns_on_any_profile() -> None:
    """A profile of a chip has no memories: the ANN is priced by the reference."""

    class Own:
        name = "own"

        def price(self, counts, profile):
            load = Load(counts)
            terms = [
                Term(la.name, "events", "compute", la.synops, "synop") for la in load
            ]
            return build_report(self.name, profile, load, terms, not_included=("rest",))

    report = estimate(lemaire_network(), model=Own(), profile="odin")
    chip = estimate(lemaire_network(), model="chip", profile="odin")
    assert [a.total for a in report.ann] == [a.total for a in chip.ann]
    assert all("as a reference" in a.mapping for a in report.ann)
