"""What a level of macs is: sizes, activation band, time, learning options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any

from neuro.errors import ParameterError
from neuro.sparsey.selection import Selection

__all__ = ["BACK_OFF_CHAIN", "Decay", "Hypotheses", "LevelParameters"]

# Back-off chain of the author's program: highest order first; members of one rank
# compete by G. Thresholds as in an independent port's tests.
BACK_OFF_CHAIN = (
    (("HUD", 0.90),),
    (("HU", 0.93), ("UD", 0.93)),
    (("U", 0.96),),
)
_SEPARATING = Selection()
BackOff = tuple[tuple[tuple[str, float], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypotheses:
    """How a mac that holds several competing codes changes its outgoing signals.

    A mac counts, per module, the units with ``V >= threshold``; their rounded mean is
    ``zeta``, the number of stored codes that fit equally well. Its signals are
    multiplied by ``F(zeta)`` and the sum clipped at 1; ``F = 0`` silences it.

    Parameters
    ----------
    threshold : float
        ``V`` from which a unit counts, in 0..1.
    table : tuple of float
        ``F(1), F(2), ...``; a larger zeta takes the last entry.

    Notes
    -----
    Form and constants of the published correction are unverified; any function fits:
    ``Hypotheses.of(lambda zeta: ..., n_units=K)``.
    """

    threshold: float = 0.5
    table: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ParameterError(
                f"Hypotheses.threshold: expected a value in 0..1, got {self.threshold}"
            )
        if not self.table or min(self.table) < 0:
            raise ParameterError("Hypotheses.table: expected factors >= 0 from F(1) on")

    @classmethod
    def of(
        cls, factor: Callable[[int], float], *, n_units: int, threshold: float = 0.5
    ) -> "Hypotheses":
        """Tabulate any function of zeta up to K."""
        table = tuple(float(factor(z)) for z in range(1, n_units + 1))
        return cls(threshold=threshold, table=table)

    @classmethod
    def power(
        cls, *, exponent: float = 2.0, limit: int = 3, threshold: float = 0.5
    ) -> "Hypotheses":
        """``F = zeta**exponent`` up to `limit`, then 0 (Rinkus 2014, unverified).

        With exponent 1 the hard choice after an uneven mixture drops the hypothesis
        that holds fewer modules; 2 carries both on.
        """
        grown = tuple(float(z**exponent) for z in range(1, limit + 1))
        return cls(threshold=threshold, table=(*grown, 0.0))

    @classmethod
    def discount(
        cls,
        *,
        n_units: int,
        exponent: float | None = None,
        discount_above: float = 0,
        ignore_from: float = 1e6,
        threshold: float = 0.5,
    ) -> "Hypotheses":
        """Divide by zeta, or by ``1 + zeta**exponent`` (the author's program)."""

        def factor(zeta: int) -> float:
            if zeta >= ignore_from:
                return 0.0
            if zeta == 1 or zeta <= discount_above:
                return 1.0
            return 1 / zeta if exponent is None else 1 / (1 + zeta**exponent)

        return cls.of(factor, n_units=n_units, threshold=threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """Passive decay and permanence of single synapses.

    A new weight is full for 2000 steps, then falls in steps to 0 at 4000; a second
    event of pre and post while it is still full makes it last twice as long, a third
    for good. Limits are those of the author's program.

    Parameters
    ----------
    source_persistence_u, source_persistence_h, source_persistence_d : int
        A second event closer than this, in steps, is the same event.
    """

    source_persistence_u: int = 1
    source_persistence_h: int = 1
    source_persistence_d: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelParameters:
    """Description of the macs of one level.

    Parameters
    ----------
    n_cms : int
        Q, competitive modules per mac.
    n_units : int
        K, units per module.
    selection : Selection
        Constants of the code selection algorithm.
    band : tuple of float
        Fewest and most active afferents that activate a mac (pixels, or macs of the
        level below). Integers are counts; two floats up to 1 are fractions of the
        receptive field. One active afferent is always needed.
    freeze_u, freeze_h, freeze_d : float
        Fraction of set weights above which a mac's matrix stops learning; 1 = never.
    persistence : int
        Steps that a code stays on.
    start_frame : int
        First frame of a sequence in which the macs may act.
    hypotheses : Hypotheses, optional
        Correction of ambiguous macs; None = off.
    back_off : tuple
        Versions tried in retrieval, such as :data:`BACK_OFF_CHAIN`; empty = off.
    decay : Decay, optional
        Ageing weights; None = permanent binary weights.
    """

    n_cms: int = 24
    n_units: int = 8
    selection: Selection = _SEPARATING
    band: tuple[float, float] = (0.0, 1.0)
    freeze_u: float = 1.0
    freeze_h: float = 1.0
    freeze_d: float = 1.0
    persistence: int = 1
    start_frame: int = 0
    hypotheses: Hypotheses | None = None
    back_off: BackOff = ()
    decay: Decay | None = None

    def __post_init__(self) -> None:
        def check(name: str, ok: bool, accepted: str) -> None:
            if not ok:
                raise ParameterError(
                    f"LevelParameters.{name}: expected {accepted}, "
                    f"got {getattr(self, name)!r}"
                )

        for name in ("n_cms", "n_units", "persistence", "start_frame"):
            check(name, isinstance(getattr(self, name), Integral), "an integer")
        check(
            "selection",
            isinstance(self.selection, Selection),
            f"a Selection, such as Selection.preset({str(self.selection)!r})"
            if isinstance(self.selection, str)
            else "a Selection",
        )
        for name, kind in (("hypotheses", Hypotheses), ("decay", Decay)):
            given = getattr(self, name)
            check(name, given is None or isinstance(given, kind), kind.__name__)
        check("band", len(tuple(self.band)) == 2, "two limits, (fewest, most)")
        check("n_cms", self.n_cms >= 1, "an integer >= 1")
        check("n_units", 2 <= self.n_units <= 32767, "an integer in 2..32767")
        low, high = self.band
        check("band", 0 <= low <= high, "(fewest, most) with 0 <= fewest <= most")
        for name in ("freeze_u", "freeze_h", "freeze_d"):
            check(name, 0 < getattr(self, name) <= 1, "a value in 0..1, 1 = never")
        check("persistence", self.persistence >= 1, "an integer >= 1")
        check("start_frame", self.start_frame >= 0, "an integer >= 0")
        for rank in self.back_off:
            for signals, _threshold in rank:
                if not signals or set(signals) - set("HUD"):
                    raise ParameterError(
                        f"LevelParameters.back_off: expected letters of 'HUD', "
                        f"got {signals!r}"
                    )

    def band_counts(self, size: int) -> tuple[int, int]:
        """Return the activation band in counts for a receptive field of `size`."""
        low, high = self.band
        if high <= 1 and isinstance(high, float):
            low, high = low * size, high * size
            low = int(-(-low // 1))
        return max(1, int(low)), int(high)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        values["selection"] = self.selection.to_dict()
        values["band"] = list(self.band)
        values["back_off"] = [[list(case) for case in rank] for rank in self.back_off]
        if self.hypotheses is not None:
            values["hypotheses"] = {
                "threshold": self.hypotheses.threshold,
                "table": list(self.hypotheses.table),
            }
        if self.decay is not None:
            values["decay"] = {
                f.name: getattr(self.decay, f.name) for f in fields(Decay)
            }
        return values

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LevelParameters":
        """Rebuild from :meth:`to_dict`."""
        values = dict(data)
        values["selection"] = Selection.from_dict(values["selection"])
        values["band"] = tuple(values["band"])
        values["back_off"] = tuple(
            tuple((str(s), float(t)) for s, t in rank) for rank in values["back_off"]
        )
        if values["hypotheses"] is not None:
            held = values["hypotheses"]
            values["hypotheses"] = Hypotheses(
                threshold=held["threshold"], table=tuple(held["table"])
            )
        if values["decay"] is not None:
            values["decay"] = Decay(**values["decay"])
        return cls(**values)
