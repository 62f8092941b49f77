import numpy as np
import pytest

from neuro.core import Rows
from neuro.errors import ParameterError
from neuro.lsm import Liquid
from neuro.lsm.cost import (
    PUBLISHED_RATIOS,
    TrainingCost,
    array_energy,
    array_operations,
    break_even_energy,
    dense_macs,
    training_cost,
)
from neuro.lsm.presets import PRESETS, RECURRENT_STATISTICS, WEIGHT_STATISTICS
from tests.naive import liquid as naive


@pytest.mark.parametrize(
    ("names", "macs"),
    [
        (["nmnist"], 4_560_000),
        (["ntidigits"], 6_811_200),
        (["atv-image", "atv-audio"], 11_371_200),
        (["btv-neural", "btv-vision"], 1_206_288_384),
    ],
)
def test_dense_operations_of_the_published_sizes(names, macs):
    assert dense_macs(*(PRESETS[n] for n in names)) == macs


def test_training_cost_of_the_published_sizes():
    atv = [PRESETS["atv-image"], PRESETS["atv-audio"]]
    btv = [PRESETS["btv-neural"], PRESETS["btv-vision"]]
    cost = training_cost(atv, 64, n_samples=1568, epochs=100)
    assert cost.readout_macs == 25_600
    assert cost.ratio == pytest.approx(179, abs=0.5)
    halved = training_cost(atv, 64, n_samples=1568, epochs=100, factor=2)
    assert halved.ratio == pytest.approx(138, abs=0.5)
    large = training_cost(btv, 256, n_samples=1, epochs=100)
    assert large.ratio == pytest.approx(238, abs=0.5)
    # no single E k gives both published ratios
    needed = [
        c.passes_for(PUBLISHED_RATIOS[k].training)
        for c, k in ((cost, "atv"), (large, "btv"))
    ]
    assert needed == pytest.approx([232, 596], abs=1)
    assert all("unverified" in p.status for p in PUBLISHED_RATIOS.values())


def test_ratio_at_the_number_of_passes_it_needs():
    cost = TrainingCost(
        n_samples=3, epochs=1, factor=57.0, liquid_macs=1000, readout_macs=7
    )
    assert cost.passes_for(cost.ratio) == pytest.approx(57)
    assert cost.passes_for(1000 / 7 + 2) == float("inf")
    assert "k = 57" in str(cost)
    with pytest.raises(ParameterError, match="epochs"):
        TrainingCost(n_samples=1, epochs=0, factor=3, liquid_macs=1, readout_macs=1)


def test_operations_of_a_run_are_exact(rng):
    preset = PRESETS["nmnist"]
    frames = (rng.random((3, preset.steps, preset.n_in)) < 0.09).astype(np.uint8)
    w_in = preset.const * rng.normal(*WEIGHT_STATISTICS, (preset.n, preset.n_in))
    w_rec = preset.const * rng.normal(*RECURRENT_STATISTICS, (preset.n, preset.n))
    options = {"decay": preset.decay, "v_threshold": preset.v_threshold}
    activity = Liquid(Rows(w_in), Rows(w_rec), **options).run(frames)
    raster = naive.run(frames, w_in, w_rec, **options)
    visits = (frames.sum((1, 2), dtype=int) + raster[:, :-1].sum((1, 2), dtype=int)) * (
        preset.n
    )
    ledger = activity.operations
    booked = ledger.per_sample("synop") + ledger.per_sample("synop_zero")
    np.testing.assert_array_equal(booked, visits)
    operations = array_operations(ledger, preset)
    assert operations.dense == 4.56e6
    assert operations.analog == visits.mean()
    assert operations.neuron == preset.n * preset.steps
    assert operations.saving == pytest.approx(4.56e6 / visits.mean())


def test_break_even_gives_the_ratio_back(rng):
    preset = PRESETS["nmnist"]
    frames = np.ones((1, preset.steps, preset.n_in), np.uint8)
    silent = Liquid(
        Rows(np.zeros((preset.n, preset.n_in))), Rows(np.zeros((preset.n, preset.n)))
    )
    operations = array_operations(
        silent.run(frames).operations, preset, readout_units=10
    )
    assert operations.digital == 2000
    prices = {"adc_j": 1e-12, "neuron_j": 2e-12, "digital_j": 4.6e-12}
    e = break_even_energy(operations, 5.0, mac_j=4.6e-12, **prices)
    total = (
        operations.analog * e
        + operations.conversions * prices["adc_j"]
        + operations.neuron * prices["neuron_j"]
        + operations.digital * prices["digital_j"]
    )
    assert array_energy(operations, analog_j=e, **prices) == pytest.approx(total)
    assert operations.dense * 4.6e-12 / total == pytest.approx(5.0)
    assert break_even_energy(operations, 1e9, mac_j=1e-15, **prices) < 0
    with pytest.raises(ParameterError, match="ratio"):
        break_even_energy(operations, 0.0, mac_j=1.0)
