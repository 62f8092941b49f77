import math

import numpy as np
import pytest
from scipy.signal import butter, lfilter, sosfilt

from neuro.errors import ParameterError, ShapeError
from neuro.events import validate
from neuro.events._kernels import channel_drive, hair_cells
from neuro.events.cochlea import Cochlea, hear
from tests.naive.event_camera import interpreted

RATE = 16_000


def _tone(hz, seconds=0.3):
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


def _naive(drive, dt, tau, threshold, refractory):
    out = []
    for channel, row in enumerate(drive):
        v, last = 0.0, -math.inf
        for k, value in enumerate(row):
            decayed = v * math.exp(-dt / tau)
            v = decayed + value * dt
            if v >= threshold:
                gap = v - decayed
                share = (threshold - decayed) / gap if decayed < threshold else 0.0
                when = (k + share) * dt
                if when - last < refractory:
                    v = threshold
                else:
                    out.append((math.floor(1e6 * when), channel))
                    last = when
                    v = min(v - threshold, threshold)
    return out


@pytest.mark.parametrize("kernel", [hair_cells, interpreted(hair_cells)])
def test_hair_cells_equal_the_naive_ones(rng, kernel):
    drive = np.maximum(0, rng.normal(100, 200, (3, 1500)))
    t, x = np.empty(4000, np.int64), np.empty(4000, np.int16)
    n = kernel(drive, 1e-3, 20e-3, 1.0, 2e-3, t, x)
    want = _naive(drive, 1e-3, 20e-3, 1.0, 2e-3)
    assert list(zip(t[:n].tolist(), x[:n].tolist(), strict=True)) == want
    assert n > 100


@pytest.mark.parametrize("kernel", [channel_drive, interpreted(channel_drive)])
@pytest.mark.parametrize("compression", [0.5, 0.7, 1.0])
def test_drive_equals_the_one_by_scipy(rng, kernel, compression):
    sound = rng.normal(size=800)
    section = butter(1, [900, 1100], "bandpass", fs=RATE, output="sos")
    rectified = np.maximum(sosfilt(section, sound), 0.0) ** compression
    want = 42.0 * lfilter([0.1], [1, -0.9], rectified)
    out = np.empty(800)
    kernel(sound, section[0], 0.9, compression, 42.0, out)
    assert out == pytest.approx(want, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("hz", [200, 1000, 4000])
def test_a_tone_excites_its_channel(hz):
    events = validate(hear(_tone(hz), RATE), (64, 1, 2))
    busiest = Cochlea().centres()[np.bincount(events["x"]).argmax()]
    assert busiest == pytest.approx(hz, rel=0.08)
    assert (events["p"] == 1).all()
    assert (events["y"] == 0).all()


def test_loudness_does_not_matter_and_silence_is_silent():
    sound = _tone(500)
    quiet = hear(0.01 * sound, RATE)
    loud = hear(np.rint(30_000 * sound).astype(np.int16), RATE)
    assert quiet.size == pytest.approx(loud.size, rel=0.02)
    assert hear(np.zeros(1000), RATE).size == 0
    assert hear(np.empty(0), RATE).size == 0


def test_channels_above_the_band_stay_silent(rng):
    events = hear(rng.standard_normal(4000), 8000)
    assert Cochlea().centres()[events["x"].max()] < 0.45 * 8000


def test_refractory_time_is_kept(rng):
    cochlea = Cochlea(gain=4000.0)
    events = hear(rng.standard_normal(8000), RATE, cochlea=cochlea)
    for channel in np.unique(events["x"]):
        t = events["t"][events["x"] == channel]
        assert t.size < 2 or np.diff(t).min() >= 1999  # stamps are whole microseconds


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cochlea(n_channels=0), "n_channels"),
        (lambda: Cochlea(gain=0.0), "gain"),
        (lambda: Cochlea(compression=1.5), "compression"),
        (lambda: hear(np.zeros((2, 5)), RATE), "mix channels"),
        (lambda: hear(np.zeros(5), 0), "sample_rate_hz"),
        (lambda: hear([0.0, np.nan], RATE), "not finite"),
    ],
)
def test_mistakes_are_named(make, words):
    with pytest.raises((ParameterError, ShapeError), match=words):
        make()
