"""Where the three signals of a level come from, checked once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError
from neuro.sparsey.fields import Fields, Source
from neuro.sparsey.parameters import LevelParameters

_BITS = {"U": 1, "H": 2, "D": 4}


@dataclass(frozen=True, slots=True)
class Wiring:
    """Fields of U, H and D, and the sizes of the levels that U and D come from."""

    fields: Fields
    below: Source | None
    horizontal: Fields | None
    feedback: Fields | None
    above: Source | None

    @classmethod
    def of(
        cls,
        fields: Fields,
        below: Source | None,
        horizontal: Fields | str | None,
        feedback: Fields | None,
        above: Source | None,
    ) -> "Wiring":
        """Check what the user gave."""
        n_macs = len(fields)
        if isinstance(horizontal, str):
            if horizontal != "own":
                raise ParameterError(
                    f"Level.horizontal: expected Fields, 'own' or None, "
                    f"got {horizontal!r}"
                )
            own = tuple(np.array([m], np.int32) for m in range(n_macs))
            horizontal = Fields(own, fields.centres, n_macs)
        if (feedback is None) != (above is None):
            raise ParameterError("Level: feedback and above must be given together")
        for label, given in (("horizontal", horizontal), ("feedback", feedback)):
            if given is not None and len(given) != n_macs:
                raise ParameterError(
                    f"Level.{label}: {len(given)} fields for {n_macs} macs"
                )
        for label, seen, source in (
            ("fields", fields, below),
            ("feedback", feedback, above),
        ):
            if seen is None or source is None or seen.n_sources == source.n_macs:
                continue
            raise ParameterError(
                f"Level.{label}: made for {seen.n_sources} macs, the level that is "
                f"read has {source.n_macs}"
            )
        if horizontal is not None and any(
            m in s and s[0] != m for m, s in enumerate(horizontal.sources)
        ):
            raise ParameterError(
                "Level.horizontal: a mac must list itself first; "
                "use neighbours(..., own_first=True)"
            )
        return cls(fields, below, horizontal, feedback, above)

    @property
    def own_history(self) -> bool:
        """Whether every mac hears at most its own past."""
        return self.horizontal is None or all(
            s.size == 1 and s[0] == m for m, s in enumerate(self.horizontal.sources)
        )

    def weight_bytes(self, p: LevelParameters) -> int:
        """Bytes of the weight matrices, with ages where weights decay."""

        def slots(f: Fields | None) -> int:
            return 0 if f is None else int(f.sizes.max(initial=0))

        def units(source: Source | None) -> int:
            return 1 if source is None else source.n_cms * source.n_units

        qk = p.n_cms * p.n_units
        rows = slots(self.fields) * units(self.below) + slots(self.horizontal) * qk
        if self.above is not None:
            rows += slots(self.feedback) * units(self.above)
        return len(self.fields) * rows * qk * (6 if p.decay else 1)


def signal_mask(signals: ArrayLike | str, n: int) -> NDArray[np.uint8]:
    """Signals in use per frame, U = 1, H = 2, D = 4, from letters or such sums."""
    mask = np.empty(n, np.uint8)
    if isinstance(signals, str):
        if not signals or set(signals) - set(_BITS):
            raise ParameterError(f"signals: expected letters of 'UHD', got {signals!r}")
        mask[:] = sum(_BITS[s] for s in set(signals))
        return mask
    given: Any = np.asarray(signals)
    if given.shape not in ((), (n,)) or ((given < 1) | (given > 7)).any():
        raise ParameterError(
            f"signals: expected one sum of U = 1, H = 2, D = 4 per frame ({n}), "
            f"got an array of shape {given.shape}"
        )
    mask[:] = given
    return mask


def start_mask(starts: ArrayLike | bool, n: int) -> NDArray[np.uint8]:
    """Frames that start a sequence, one byte each."""
    given = np.asarray(starts)
    if given.shape not in ((), (n,)):
        raise ParameterError(
            f"starts: expected a bool or one per frame ({n}), got shape {given.shape}"
        )
    mask = np.empty(n, np.uint8)
    mask[:] = given != 0
    return mask
