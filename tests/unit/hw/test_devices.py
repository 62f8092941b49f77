import numpy as np
import pytest
from scipy import stats

from hw.devices import (
    CubicIV,
    Device,
    DeviceArray,
    Faults,
    MiloIV,
    OrnsteinUhlenbeck,
    PowerDrift,
    SinhIV,
    Telegraph,
    Variability,
    WriteVerify,
    list_presets,
)
from neuro.errors import DatasetError, ParameterError, ValidityError

DAY = 86400.0
N = 100_000


# --- 7: statistics of programming, spread, faults

SIGMA_US = {
    "pcm_nandakumar": (
        25,
        [0, 0.2, 0.5, 0.8, 1],
        [0.26348, 0.60956, 0.95271, 1.08470, 1.05538],
    ),
    "rram_wan_1s": (
        40,
        [0.5, 1],
        [0.348 + 8.015 - 10.96325 + 5.674125 - 1.0509375, 1.103],
    ),
    "rram_cmo_2": (
        100,
        [0.5, 1],
        [0.0112185391 + 0.01129027418 * 50, 0.0112185391 + 0.01129027418 * 100],
    ),
    "rram_milo": (
        225,
        [0.5, 1],
        [4.782321 - 0.009107 * 112.5, 4.782321 - 0.009107 * 225],
    ),
    "pcm_joshi": (
        25,
        [0.4, 1],
        [0.28638599 + 0.7585724 - 0.178767, 0.28638599 + 1.896431 - 1.11729375],
    ),
}


@pytest.mark.parametrize("name", sorted(SIGMA_US))
def test_published_programming_spread(name):
    g_max, xs, sigmas = SIGMA_US[name]
    device = Device.preset(name)
    for x, sigma in zip(xs, sigmas, strict=True):
        g = x * g_max * 1e-6
        assert device.sigma_programming(g) == pytest.approx(sigma * 1e-6, rel=2e-5)
        if g > 6 * sigma * 1e-6:
            drawn = device.program(np.full(N, g), rng=1).g_programmed
            assert drawn.std() == pytest.approx(sigma * 1e-6, rel=0.02)
            assert abs(drawn.mean() - g) < 4 * sigma * 1e-6 / np.sqrt(N)


def test_every_preset_names_its_source_and_refuses_other_targets():
    for name, source in list_presets().items():
        device = Device.preset(name)
        assert device.name == name
        assert source
        assert name in device.describe()
        g = np.full((3, 3), device.g_max)
        assert device.program(g, rng=0).at_time(device._first_time()).shape == (3, 3)
        g[1, 2] = 1.1 * device.g_max
        with pytest.raises(ValidityError, match=r"\[1, 2\]"):
            device.program(g, rng=0)


def test_wan_interpolates_but_never_extrapolates():
    device = Device.preset("rram_wan")
    cells = device.program(np.full(N, 20e-6), rng=3)
    for t, name in ((1.0, "1s"), (DAY, "1d"), (2 * DAY, "2d")):
        sd = Device.preset(f"rram_wan_{name}").sigma_programming(20e-6)
        assert cells.at_time(t).std() == pytest.approx(float(sd), rel=0.02)
    for t in (0.5, 3 * DAY):
        with pytest.raises(ValidityError, match="extrapolated"):
            cells.at_time(t)
    a, b = cells.at_time(10.0), cells.at_time(1000.0)
    assert np.corrcoef(a, b)[0, 1] > 0.999  # one history per device


@pytest.mark.parametrize("preserve", ["mean", "median"])
def test_lognormal_spread(preserve):
    d = Device(
        name="x",
        g_min=0,
        g_max=1e-4,
        g_physical_max=1e-2,
        variability=Variability(
            device_to_device=0.3, cycle_to_cycle=0.4, preserve=preserve
        ),
    )
    g = d.program(np.full(N, 1e-5), rng=5).g_programmed
    if preserve == "mean":
        assert g.mean() == pytest.approx(1e-5, rel=5e-3)
    else:
        assert np.median(g) == pytest.approx(1e-5, rel=1e-2)
    assert np.log(g).std() == pytest.approx(0.5, rel=0.01)
    assert g.std() / g.mean() == pytest.approx(np.sqrt(np.expm1(0.25)), rel=0.03)


def test_rewriting_keeps_the_device_and_changes_the_cycle():
    d = Device(
        name="x",
        g_min=0,
        g_max=1e-4,
        variability=Variability(device_to_device=0.3, cycle_to_cycle=0.1),
        faults=Faults(off=0.1),
    )
    cells = d.program(np.full((100, 100), 1e-5), rng=5)
    first, fault = cells.g_programmed.copy(), cells.fault.copy()
    cells.program()
    r = np.corrcoef(np.log(first).ravel(), np.log(cells.g_programmed).ravel())[0, 1]
    assert r == pytest.approx(0.09 / 0.10, abs=0.02)
    np.testing.assert_array_equal(cells.fault, fault)


def test_smooth_field_has_unit_variance():
    v = Variability(device_to_device=0.1, correlation_length=3.0)
    z = v.field((400, 400), np.random.default_rng(0))
    assert z.std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(z[:, :-1].ravel(), z[:, 1:].ravel())[0, 1] > 0.9


def test_faults_are_binomial_disjoint_and_persistent():
    f = Faults(on=0.02, off=0.05, unformed=0.03)
    d = Device(name="x", g_min=1e-6, g_max=1e-4, faults=f)
    cells = d.program(np.full((300, 400), 5e-5), rng=2)
    g = cells.at_time(0.0)
    for value, p in ((1e-4, 0.02), (1e-6, 0.05), (0.1e-6, 0.03), (5e-5, 0.90)):
        share = (g == value).mean()
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / g.size)
    drifted = d.with_(drift=PowerDrift(t_0=1.0, mean=0.1, spread=0.0))
    later = drifted.program(np.full((300, 400), 5e-5), rng=2).at_time(1e6)
    np.testing.assert_array_equal(later[cells.fault == 1], 1e-4)


def test_open_lines():
    d = Device(
        name="x", g_min=1e-6, g_max=1e-4, faults=Faults(open_word=(1,), open_bit=(2,))
    )
    g = d.program(np.full((4, 5), 5e-5), rng=0).at_time(0)
    assert not g[1].any()
    assert not g[:, 2].any()
    assert (np.delete(np.delete(g, 1, 0), 2, 1) == 5e-5).all()


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_write_verify(distribution):
    sigma, tol = 2e-6, 1e-6
    d = Device(
        name="x",
        g_min=0,
        g_max=1e-4,
        programming=lambda g: np.full(np.shape(g), sigma),
        verify=WriteVerify(tolerance=tol, max_pulses=10, distribution=distribution),
    )
    cells = d.program(np.full(N, 5e-5), rng=4)
    error = cells.g_programmed - 5e-5
    p = stats.norm.cdf(0.5) - stats.norm.cdf(-0.5)
    lost = (1 - p) ** 10
    outside = np.abs(error) > tol
    assert outside.mean() == pytest.approx(lost, abs=4 * np.sqrt(lost / N))
    assert (cells.pulses[outside] == 10).all()
    assert (cells.pulses == 1).mean() == pytest.approx(p, abs=0.01)
    inside = error[~outside]
    if distribution == "normal":
        expected = stats.truncnorm(-0.5, 0.5, scale=sigma).std()
    else:
        expected = tol / np.sqrt(3)
    assert inside.std() == pytest.approx(expected, rel=0.02)


# --- 8: drift, correlated noise, telegraph noise


def test_drift_slope_is_minus_nu():
    d = Device.preset("pcm_nandakumar", programming=None, read_noise=None)
    cells = d.program(np.linspace(1e-6, 25e-6, 50), rng=1)
    np.testing.assert_array_equal(cells.at_time(0.0), cells.g_programmed)
    times = np.array([1.0, 60.0, 3600.0, DAY, 30 * DAY])
    log = np.log(np.array([cells.at_time(t) for t in times]))
    x = np.log((times + 20) / 20)
    slope = np.polyfit(x, log, 1)[0]
    np.testing.assert_allclose(slope, -cells.nu, atol=1e-10)
    again = cells.at_time(3600.0)
    cells.at_time(1e7)
    np.testing.assert_array_equal(cells.at_time(3600.0), again)


def test_published_drift_and_read_noise_of_phase_change_memory():
    d = Device.preset("pcm_nandakumar", programming=None)
    one = d.with_(drift=PowerDrift(t_0=20.0, mean=0.049, spread=0.0))
    cells = one.program([12.5e-6], rng=0)
    assert cells.at_time(DAY)[0] / 12.5e-6 == pytest.approx(0.6635, abs=5e-5)
    nu = d.program(np.full(N, 12.5e-6), rng=0).nu
    assert nu.mean() == pytest.approx(0.049, rel=0.01)
    for t, relative in ((1.0, 0.0579), (DAY, 0.0702), (365 * DAY, 0.0778)):
        ratio = cells.read_sigma(t)[0] / cells.at_time(t)[0]
        assert ratio == pytest.approx(relative, abs=5e-5)


def test_cmo_relaxation_and_guards():
    d = Device.preset("rram_cmo_2", programming=None)
    cells = d.program(np.full(N, 50e-6), rng=0)
    np.testing.assert_array_equal(cells.at_time(0.0), cells.g_programmed)
    np.testing.assert_array_equal(cells.at_time(0.5), cells.at_time(1.0))
    log = np.log(100.0)
    g = cells.at_time(100.0)
    assert g.mean() * 1e6 == pytest.approx(50 - 0.08900206 * log, abs=0.01)
    assert g.std() * 1e6 == pytest.approx(0.04201137 * log + 0.41183342, rel=0.02)
    low = d.program(np.full(3, 1e-6), rng=0)
    assert np.isfinite(low.read_sigma(1e-7)).all()
    assert (low.read_sigma(10.0) >= 0).all()


def test_ornstein_uhlenbeck_variance_and_correlation():
    process = OrnsteinUhlenbeck(
        (20000,), tau_min=1.0, tau_max=100.0, components=3, dt=2.0, seed=1
    )
    start = process.at(0).copy()
    for k in (1, 5, 20):
        z = process.at(k)
        assert z.var() == pytest.approx(1, abs=0.04)
        expected = np.exp(-2.0 * k / process.taus).mean()
        assert np.mean(start * z) == pytest.approx(expected, abs=0.03)
    end = process.at(20).copy()
    np.testing.assert_array_equal(process.at(0), start)
    np.testing.assert_array_equal(process.at(20), end)


def test_telegraph_occupancy_correlation_and_spectrum():
    model = Telegraph(fraction=1.0, tau_min=5.0, tau_max=5.0)
    state = model.start((4000,), 1.0, 7)
    assert state.tau == pytest.approx(np.full(4000, 2.5))
    series = []
    for k in range(200):
        state.at(k)
        series.append(state.high.copy())
    x = np.array(series, float) - 0.5
    assert x.mean() == pytest.approx(0, abs=0.01)
    for lag in (1, 3):
        c = (x[lag:] * x[:-lag]).mean() / x.var()
        assert c == pytest.approx(np.exp(-lag / 2.5), abs=0.015)
    # sampled Lorentzian
    a = np.exp(-1 / 2.5)
    f = np.fft.rfftfreq(200)
    power = (np.abs(np.fft.rfft(x, axis=0)) ** 2).mean(1) / 200
    theory = 0.25 * (1 - a * a) / (1 - 2 * a * np.cos(2 * np.pi * f) + a * a)
    np.testing.assert_allclose(power[5:], theory[5:], rtol=0.1)
    factor = state.at(3)
    assert set(np.unique(np.sign(factor - 1))) == {-1.0, 1.0}


@pytest.mark.parametrize("mode", ["frozen", "ou"])
def test_same_time_same_read(mode):
    d = Device.preset("pcm_nandakumar")
    cells = d.program(np.full((20, 30), 1e-5), rng=1)
    first = cells.read(5.0, mode=mode, dt=1.0)
    other = cells.read(6.0, mode=mode, dt=1.0)
    np.testing.assert_array_equal(cells.read(5.0, mode=mode, dt=1.0), first)
    assert (first != other).any()


def test_white_reads_are_fresh():
    cells = Device.preset("rram_generic").program(np.full(N, 5e-5), rng=1)
    rng = np.random.default_rng(0)
    a, b = (cells.read(0.0, mode="white", rng=rng) for _ in range(2))
    mean = cells.at_time(0.0)
    assert ((a - mean) / mean).std() == pytest.approx(0.02, rel=0.02)
    assert abs(np.corrcoef(a - mean, b - mean)[0, 1]) < 0.02
    with pytest.raises(ParameterError, match="rng"):
        cells.read(0.0, mode="white")


# --- 2.8: nonlinear curves


@pytest.mark.parametrize("curve", [CubicIV(), SinhIV(a=3.0), MiloIV()])
def test_slopes(curve):
    g = np.array([1e-5, 1e-4, 2e-4])
    np.testing.assert_allclose(curve.slope(g, 0.0), g, rtol=1e-12)
    for v in (-0.3, 0.1, 0.4):
        h = 1e-5
        slope = (curve.current(g, v + h) - curve.current(g, v - h)) / (2 * h)
        np.testing.assert_allclose(curve.slope(g, v), slope, rtol=1e-8)
    if not isinstance(curve, MiloIV):
        np.testing.assert_allclose(curve.current(g, -0.3), -curve.current(g, 0.3))


def test_curves_refuse_other_voltages():
    with pytest.raises(ValidityError, match="range"):
        MiloIV().current(1e-4, 0.6)


# --- 12: reproducibility


def test_switching_an_effect_off_keeps_the_other_draws():
    full = Device.preset(
        "pcm_nandakumar",
        faults=Faults(on=0.05, off=0.05),
        variability=Variability(device_to_device=0.1, cycle_to_cycle=0.1),
    )
    g = np.full((40, 50), 1e-5)
    a = full.program(g, rng=9)
    np.testing.assert_array_equal(full.program(g, rng=9).read(10.0), a.read(10.0))
    no_noise = full.with_(programming=None, variability=Variability()).program(g, rng=9)
    np.testing.assert_array_equal(no_noise.nu, a.nu)
    np.testing.assert_array_equal(no_noise.fault, a.fault)
    no_faults = full.with_(faults=Faults()).program(g, rng=9)
    np.testing.assert_array_equal(no_faults.g_programmed, a.g_programmed)
    np.testing.assert_array_equal(no_faults.nu, a.nu)


def test_state_round_trip_is_bit_exact():
    d = Device.preset("pcm_hermes1", telegraph=Telegraph(fraction=0.2))
    a = d.program(np.full((20, 30), 5e-6), rng=2)
    a.program()
    b = DeviceArray.from_state_dict(d, a.state_dict())
    for x in (a, b):
        x.program()
    np.testing.assert_array_equal(a.read(100.0), b.read(100.0))
    np.testing.assert_array_equal(a.at_time(7.0), b.at_time(7.0))
    with pytest.raises(ParameterError, match="pcm_hermes1"):
        DeviceArray.from_state_dict(Device.preset("pcm_joshi"), a.state_dict())


def test_own_measurements(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "# my chip\ng_target,g_sd,read_sd,nu_mean,nu_sd\n1e-6,1e-7,1e-8,0.02,0.001\n"
        "1e-5,5e-7,1e-7,0.02,0.001\n"
    )
    d = Device.from_csv(path, name="mine")
    assert (d.g_min, d.g_max) == (1e-6, 1e-5)
    assert d.sigma_programming(5.5e-6) == pytest.approx(3e-7)
    cells = d.program(np.full(100, 1e-5), rng=0)
    np.testing.assert_allclose(
        cells.read_sigma(0.0), d.read_noise.curve(cells.at_time(0.0))
    )
    assert cells.nu.mean() == pytest.approx(0.02, rel=0.05)
    path.write_text("g_target\n1e-6\n")
    with pytest.raises(DatasetError, match="g_sd"):
        Device.from_csv(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Device.preset("pcm_nandakuma"), "did you mean"),
        (lambda: Device.preset("pcm_joshi", drfit=1), "no field"),
        (lambda: Faults(on=5), "percent"),
        (lambda: Variability(device_to_device=5), "0.05"),
        (lambda: Device(name="x", g_min=1, g_max=50), "siemens"),
        (lambda: Device.preset("sonos").program([1e-6], rng=0).at_time(5e5), "holds"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_written_spread_joins_programming_and_variability():
    d = Device(
        name="x",
        g_min=0,
        g_max=1e-4,
        programming=lambda g: np.full(np.shape(g), 1e-6),
        variability=Variability(cycle_to_cycle=(0.3, 0.1)),
    )
    drawn = d.program(np.full(N, 5e-5), rng=0).g_programmed
    assert drawn.std() == pytest.approx(float(d.sigma_written(5e-5)), rel=0.02)


def test_sonos_loses_charge_as_tabulated():
    sonos = Device.preset("sonos")
    target = np.full(N, 800e-9)
    cells = sonos.program(target, rng=0)
    day = 86_400.0
    # by hand: the polynomials at 800 nA, the spread at the shifted mean
    powers = 800.0 ** np.arange(11)
    for k, a, b in ((1, 25.59102, 186.85544), (5, 34.57909, 207.34309)):
        mean = 800.0 + float(np.dot(sonos.drift.shift[k], powers))
        g = cells.at_time(k * day) * 1e9
        sigma = a * (1 - np.exp(-mean / b))
        assert g.mean() == pytest.approx(mean, abs=4 * sigma / np.sqrt(N))
        assert g.std() == pytest.approx(sigma, rel=0.02)
    middle = (cells.at_time(2 * day) + cells.at_time(3 * day)) / 2
    np.testing.assert_allclose(cells.at_time(2.5 * day), middle, rtol=1e-3)
    np.testing.assert_array_equal(cells.at_time(0.0), cells.g_programmed)
    # one history: who lies high stays high
    order = np.corrcoef(cells.g_programmed, cells.at_time(5 * day))[0, 1]
    assert order > 0.999
