"""Digits spoken by espeak-ng and heard by the synthetic cochlea: no N-TIDIGITS.

espeak-ng is a program of the system (``apt install espeak-ng``), called once per
recording. Speakers are pairs of an English voice and a voice variant; every recording
draws its own speed, pitch and level of background noise. The eleven words are those of
TIDIGITS: "zero" and "oh" are different classes. Speakers of the training and test parts
differ.
"""

import io
import shutil
import subprocess
import wave
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.recordings import MadeRecordings
from neuro.errors import DatasetError, ParameterError
from neuro.events.cochlea import Cochlea, hear
from neuro.random import stream

__all__ = [
    "LABEL_MAPS",
    "STAND_IN",
    "SpokenDigits",
    "espeak",
    "speakers",
    "spoken_digits",
]

STAND_IN = "espeak-digits"
_DIGITS = {str(k): k for k in range(1, 10)}
# tonic's reader, and the published code of the resistive-memory liquid
LABEL_MAPS: dict[str, dict[str, int]] = {
    "tonic": {"o": 0, **_DIGITS, "z": 10},
    "lsm": {"z": 0, **_DIGITS, "o": 10},
}
WORDS = {
    "z": "zero",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "o": "oh",
}
_VOICES = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
_VARIANTS = ("m1", "f1", "m2", "f2", "m3", "f3", "m4", "f4", "m7", "f5")
_SPEED_WPM = (100, 180)
_PITCH = (25, 75)  # espeak's scale of 0 to 99
_NOISE = (0.001, 0.02)  # of the peak


def speakers() -> list[str]:
    """Return all speakers, voices and variants mixed: ``en-us+m1``, ``en+f1`` ..."""
    pairs = product(range(len(_VARIANTS)), range(len(_VOICES)))
    return [f"{_VOICES[v]}+{_VARIANTS[(k + v) % len(_VARIANTS)]}" for k, v in pairs]


def espeak(
    text: str, *, voice: str = "en-us", speed_wpm: int = 140, pitch: int = 50
) -> tuple[NDArray[np.float64], int]:
    """Speak a text.

    Parameters
    ----------
    text : str
        What to say.
    voice : str
        Voice and variant, ``en-us+f2``.
    speed_wpm : int
        Words per minute, 80 to 450.
    pitch : int
        0 to 99.

    Returns
    -------
    waveform : ndarray of float64, shape (n,)
        In [-1, 1].
    sample_rate_hz : int
        Samples per second.

    Raises
    ------
    DatasetError
        If espeak-ng is missing or fails.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise DatasetError(
            "espeak-ng is not installed; the spoken stand-in of N-TIDIGITS needs it: "
            "install the system package espeak-ng, or set NEURO_DATA to a folder with "
            "ntidigits/n-tidigits.hdf5"
        )
    done = subprocess.run(
        [
            program,
            "-v",
            voice,
            "-s",
            str(speed_wpm),
            "-p",
            str(pitch),
            "-z",
            "--stdout",
            "--",
            text,
        ],
        capture_output=True,
        check=False,
    )
    if done.returncode or len(done.stdout) <= 44:
        lines = done.stderr.decode(errors="replace").split("\n")
        raise DatasetError(f"espeak-ng failed for voice {voice!r}: {lines[0] or '?'}")
    with wave.open(io.BytesIO(done.stdout)) as sound:
        rate = sound.getframerate()
        raw = sound.readframes(
            len(done.stdout) // 2
        )  # the header of a pipe has no size
    return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2") / 32768.0, rate


class SpokenDigits(MadeRecordings):
    """Digits spoken and heard when they are asked for; kept once they were made.

    Recording i depends on the seed and i alone.
    """

    def __init__(
        self,
        parts: list[tuple[str, str, int]],
        *,
        cochlea: Cochlea,
        seed: int,
        **columns: Any,
    ) -> None:
        super().__init__(**columns)
        self.parts, self.cochlea, self.seed = parts, cochlea, seed

    def waveform(self, i: int) -> tuple[NDArray[np.float64], int]:
        """Return the sound of recording i and its sample rate, silence trimmed."""
        symbol, voice, repetition = self.parts[i]
        rng = stream(self.seed, "spoken digits", symbol, voice, repetition)
        speed = int(rng.integers(_SPEED_WPM[0], _SPEED_WPM[1] + 1))
        pitch = int(rng.integers(_PITCH[0], _PITCH[1] + 1))
        sound, rate = espeak(WORDS[symbol], voice=voice, speed_wpm=speed, pitch=pitch)
        loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
        sound = sound[loud[0] : loud[-1] + 1]
        noise = rng.uniform(*_NOISE) * np.abs(sound).max()
        return sound + noise * rng.standard_normal(sound.size), rate

    def _make(self, i: int) -> NDArray[Any]:
        return hear(*self.waveform(i), cochlea=self.cochlea)

    def _take(self, chosen: NDArray[np.int64]) -> Self:
        part = type(self)(
            [self.parts[k] for k in chosen],
            cochlea=self.cochlea,
            seed=self.seed,
            **self._columns(chosen),
        )
        return self._hand_over(part, chosen)


def spoken_digits(
    *,
    label_map: str = "lsm",
    n_speakers: int = 24,
    repetitions: int = 2,
    seed: int = 0,
    cochlea: Cochlea | None = None,
) -> SpokenDigits:
    """Return eleven words by every speaker, half of the speakers for testing.

    Parameters
    ----------
    label_map : {"lsm", "tonic"}
        Which zero is 0 and which 10.
    n_speakers : int
        4 to 60, about half of them test speakers, both halves with all voices and both
        kinds of variant if it is a multiple of 12. ``groups`` is the speaker.
    repetitions : int
        Times that each speaker says each word.
    seed : int
        Seed of speed, pitch and noise.
    cochlea : Cochlea, optional
        Filter bank.

    Raises
    ------
    DatasetError
        If espeak-ng is missing.
    """
    everyone = speakers()
    if not 4 <= n_speakers <= len(everyone):
        raise ParameterError(
            f"n_speakers must lie in 4..{len(everyone)}, got {n_speakers}"
        )
    if repetitions < 1:
        raise ParameterError(f"repetitions must be >= 1, got {repetitions}")
    espeak("one")  # says at once what is missing
    cochlea = Cochlea() if cochlea is None else cochlea
    chosen = everyone[:n_speakers]
    parts = list(product(WORDS, chosen, range(repetitions)))
    of_test = [
        (k % len(_VOICES) // 2 + k // len(_VOICES)) % 2 for k in range(n_speakers)
    ]
    speaker = np.array([chosen.index(voice) for _, voice, _ in parts])
    return SpokenDigits(
        parts,
        cochlea=cochlea,
        seed=seed,
        name=STAND_IN,
        sensor_size=cochlea.sensor_size,
        synthetic=True,
        labels=[LABEL_MAPS[label_map][symbol] for symbol, _, _ in parts],
        groups=speaker,
        splits=np.where(np.take(of_test, speaker), "test", "train"),
        metadata={
            "name": STAND_IN,
            "synthetic": True,
            "seed": seed,
            "label_map": label_map,
            "speakers": chosen,
            "repetitions": repetitions,
            "cochlea": cochlea.to_dict(),
        },
    )
