import numpy as np
import pytest

from hw.crossbar import RandomWeights, capacity_report, formed_probability
from neuro.errors import ParameterError

MEAN, SD = 0.00156, 6.61329


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "mixture"])
def test_moments_within_three_standard_errors(distribution):
    p = 0.3 if distribution == "mixture" else 0.0
    source = RandomWeights(
        (400, 500),
        const=0.07,
        mean=MEAN,
        sd=SD,
        distribution=distribution,
        p_unformed=p,
        seed=11,
    )
    d = source.block(0.0).w / 0.07
    n = d.size
    kurtosis = np.mean((d - d.mean()) ** 4) / d.var() ** 2
    assert abs(d.mean() - MEAN) < 3 * SD / np.sqrt(n)
    assert abs(d.std() - SD) < 3 * SD * np.sqrt((kurtosis - 1) / (4 * n))
    assert abs(np.mean((d - d.mean()) ** 3)) / SD**3 < 3 * np.sqrt(
        np.mean(((d - d.mean()) / SD) ** 6) / n
    )


def test_small_cell_spread_is_normal():
    d = RandomWeights((400, 500), const=1.0, sd=1.0, seed=1).block(0).w.ravel()
    from scipy.stats import kstest

    assert kstest(d, "norm").pvalue > 1e-3


def test_zeros_only_where_both_cells_are_unformed():
    p = 0.4
    w = RandomWeights((300, 400), const=1.0, sd=5.0, p_unformed=p, seed=2).block(0).w
    zeros = (w == 0).mean()
    assert abs(zeros - p * p) < 4 * np.sqrt(p * p * (1 - p * p) / w.size)


def test_formed_share_follows_the_programming_voltage():
    q = formed_probability(3.4, 3.2, 0.2)
    assert q == pytest.approx(0.8413447, rel=1e-6)
    s = RandomWeights((300, 400), const=1.0, sd=5.0, p_unformed=1 - q, seed=5)
    formed = np.mean([s.g_plus > 0.11e-6, s.g_minus > 0.11e-6])
    assert abs(formed - q) < 4 * np.sqrt(q * (1 - q) / s.n_cells)


def test_one_effect_leaves_the_draws_of_others():
    plain = RandomWeights((40, 50), const=1.0, sd=5.0, seed=4)
    faulty = RandomWeights(
        (40, 50),
        const=1.0,
        sd=5.0,
        seed=4,
        stuck_on=0.05,
        stuck_off=0.1,
        drift_nu=0.1,
        read_noise=0.2,
    )
    same = ~faulty._stuck[0]
    np.testing.assert_array_equal(plain.g_plus[same], faulty.g_plus[same])
    noisy = RandomWeights(
        (40, 50),
        const=1.0,
        sd=5.0,
        seed=4,
        stuck_on=0.05,
        stuck_off=0.1,
        programming_noise=0.1,
    )
    np.testing.assert_array_equal(noisy._stuck, faulty._stuck)


def test_another_chip_has_the_same_targets():
    a, b, c = (
        RandomWeights(
            (40, 50),
            const=1.0,
            sd=5.0,
            seed=4,
            programming_noise=noise,
            programming_seed=s,
        )
        .block(0)
        .w
        for noise, s in ((0.0, 0), (0.1, 1), (0.1, 2))
    )
    assert np.std(b / a - 1) == pytest.approx(0.1, rel=0.1)
    assert (b != c).all()


def test_stuck_cells_are_binomial_and_disjoint():
    s = RandomWeights(
        (300, 400), const=1.0, sd=5.0, stuck_on=0.03, stuck_off=0.07, seed=9
    )
    for g, p in ((s.g_on * s.unit, 0.03), (s.g_off * s.unit, 0.07)):
        share = np.mean([s.g_plus == g, s.g_minus == g])
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / s.n_cells)


@pytest.mark.parametrize("reference", ["weight", "cell"])
def test_read_variance(reference):
    s = RandomWeights(
        (20, 30),
        const=0.5,
        sd=5.0,
        read_noise=0.1,
        read_noise_additive=0.2,
        noise_reference=reference,
    )
    b = s.block(0)
    if reference == "weight":
        expected = (0.1 * b.w) ** 2 + (0.5 * 0.2) ** 2
    else:
        cells = (s.g_plus**2 + s.g_minus**2) / s.unit**2
        expected = 0.25 * (0.01 * cells + 0.04)
    np.testing.assert_allclose(b.variance, expected, rtol=1e-12)


def test_drift_follows_the_power_law():
    s = RandomWeights(
        (8, 9), const=1.0, sd=5.0, drift_nu=0.05, drift_t0=20.0, seconds_per_step=2.0
    )
    w0, w1 = s.block(0).w, s.block(43200.0).w
    np.testing.assert_allclose(w1 / w0, (1 + 86400 / 20.0) ** -0.05, rtol=1e-12)


def test_energy_of_driven_rows():
    s = RandomWeights((3, 4), const=1.0, sd=5.0, v_read=0.3, t_read=20e-9)
    reads = np.array([1, 0, 2, 5])
    expected = ((s.g_plus + s.g_minus).sum(0) * reads).sum() * 0.09 * 20e-9
    assert s.settle(reads)["array_j"] == pytest.approx(expected, rel=1e-12)


def test_measured_conductances(rng):
    g = rng.uniform(1e-6, 5e-5, (2, 6, 7))
    s = RandomWeights.from_conductances(g[0], g[1], const=2.0)
    np.testing.assert_allclose(s.block(0).w, 2.0 * (g[0] - g[1]) / 1e-6, rtol=1e-12)


def test_adc_has_a_zero_code_and_calibrates(rng):
    s = RandomWeights((30, 60), const=1.0, sd=5.0, adc_bits=8)
    lo, hi, codes = s.block(0).adc
    assert (lo, codes) == (-hi, 255)
    x = rng.random((500, 60)) < 0.1
    narrow = s.calibrate(x)
    assert narrow < hi
    assert s.block(0).adc == (-narrow, narrow, 255)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sd": -1.0}, "sd"),
        ({"stuck_on": 5}, "percent"),
        ({"distribution": "gauss"}, "accepted"),
        ({"distribution": "mixture"}, "p_unformed"),
        ({"adc_bits": 1}, "adc_bits"),
        ({"stuck_on": 0.6, "stuck_off": 0.6}, "stuck_on"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ParameterError, match=message):
        RandomWeights((3, 4), **{"const": 1.0, "sd": 5.0, **options})


def test_capacity_of_the_published_liquids():
    nmnist = capacity_report({"in": (200, 256), "rec": (200, 200)})
    tidigits = capacity_report([(200, 64), (200, 200)])
    assert (nmnist.cells, tidigits.cells) == (182_400, 105_600)
    assert nmnist.fits
    assert tidigits.fits
    assert not capacity_report([(200, 256), (200, 200), (200, 64), (200, 200)]).fits
    big = capacity_report([(2048, 192), (2048, 2048)])
    assert big.utilisation == pytest.approx(35.0, abs=0.1)


def test_conductances_at_a_time_are_those_of_the_block():
    source = RandomWeights(
        (5, 7),
        const=2.0,
        sd=3.0,
        drift_nu=0.05,
        drift_nu_sd=0.02,
        age=100.0,
        update_every=50.0,
        seed=4,
    )
    for seconds in (0.0, 50.0):
        plus, minus = source.conductances(seconds)
        np.testing.assert_allclose(
            2.0 * (plus - minus) / source.unit, source.block(seconds).w
        )
    assert (source.conductances(50.0)[0] < source.g_plus).all()
