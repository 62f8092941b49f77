"""Energy constants with range and source, and the profiles that hold them.

A profile is a TOML file: a name, the process node, parameters of the machine (array
size, word width) and constants. Every constant carries ``value``, ``low``, ``high``,
``unit``, ``node``, ``voltage``, ``kind`` and ``source``; nothing is scaled to another
node, silently or otherwise.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from neuro.errors import ParameterError, did_you_mean

__all__ = ["Constant", "Profile", "ProfileError", "profile_names"]

_FOLDER = Path(__file__).resolve().parent / "profiles"
_KINDS = (
    "measured",
    "simulated",
    "vendor",
    "derived",
    "average",
    "convention",
    "assumed",
)
_UNSTATED = "not stated"
_SCALE = {
    "J": 1.0,
    "mJ": 1e-3,
    "uJ": 1e-6,
    "nJ": 1e-9,
    "pJ": 1e-12,
    "fJ": 1e-15,
    "aJ": 1e-18,
    "W": 1.0,
    "mW": 1e-3,
    "uW": 1e-6,
    "V": 1.0,
    "s": 1.0,
    "ns": 1e-9,
    "S": 1.0,
    "uS": 1e-6,
    "F": 1.0,
    "fF": 1e-15,
    "Hz": 1.0,
    "MHz": 1e6,
    "uW/MHz": 1e-12,
    "pJ/bit": 1e-12,
    "pJ/bit/hop": 1e-12,
    "1": 1.0,
}
_UNPUBLISHED = {
    "loihi2": "no per-event energy of Loihi 2 is published",
    "brainscales2": "no citable per-event energy of BrainScaleS-2 was found",
    "akida": "only vendor claims exist for Akida",
    "innatera": "only vendor claims exist for Innatera",
}


class ProfileError(ParameterError):
    """A profile is unknown, malformed, or used where it does not hold."""


class Constant(NamedTuple):
    """One physical constant with its range.

    Attributes
    ----------
    value, low, high : float
        Best value and range, in `unit`.
    unit : str
        ``"pJ"``, ``"nJ"``, ``"mW"``, ``"uS"`` ...; :attr:`si` converts.
    node : str
        Process, e.g. ``"45 nm"``; empty if it does not apply.
    voltage : float or None
        Supply, volts; None where the source does not state it.
    kind : str
        ``measured``, ``simulated``, ``vendor``, ``derived``, ``average`` (an
        operating-point average: refuses extrapolation), ``convention``, ``assumed``.
    source : str
        Where it was published.
    """

    value: float
    low: float
    high: float
    unit: str
    node: str
    voltage: float | None
    kind: str
    source: str

    @property
    def si(self) -> tuple[float, float, float]:
        """Value, low and high in SI units."""
        k = _SCALE[self.unit]
        return self.value * k, self.low * k, self.high * k

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return self._asdict()


def derived(
    value: float,
    low: float,
    high: float,
    source: str,
    *,
    node: str = "",
    kind: str = "derived",
) -> Constant:
    """Return a derived constant in joules."""
    return Constant(value, low, high, "J", node, None, kind, source)


def _constant(where: str, name: str, data: Mapping[str, Any]) -> Constant:
    what = f"profile {where}: constant {name!r}"
    for key in data:
        if key not in Constant._fields:
            raise ProfileError(
                f"{what}: unknown key {key!r}{did_you_mean(key, Constant._fields)}"
            )
    for key in ("value", "unit", "kind", "source"):
        if key not in data:
            raise ProfileError(f"{what}: {key!r} is missing")
    value = data["value"]
    low, high = data.get("low", value), data.get("high", value)
    for key, number in (("value", value), ("low", low), ("high", high)):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ProfileError(f"{what}: {key} must be a number, got {number!r}")
        if not math.isfinite(number) or number < 0:
            raise ProfileError(f"{what}: {key} must be finite and >= 0, got {number}")
    if not low <= value <= high:
        raise ProfileError(f"{what}: expected low <= value <= high, got {low}..{high}")
    if data["unit"] not in _SCALE:
        raise ProfileError(
            f"{what}: unknown unit {data['unit']!r}; accepted: {', '.join(_SCALE)}"
        )
    if data["kind"] not in _KINDS:
        raise ProfileError(
            f"{what}: unknown kind {data['kind']!r}; accepted: {', '.join(_KINDS)}"
        )
    voltage = data.get("voltage", _UNSTATED)
    if voltage != _UNSTATED and (
        isinstance(voltage, (bool, str)) or not math.isfinite(voltage) or voltage <= 0
    ):
        raise ProfileError(
            f"{what}: voltage must be > 0 V or {_UNSTATED!r}, got {voltage!r}"
        )
    return Constant(
        float(value),
        float(low),
        float(high),
        str(data["unit"]),
        str(data.get("node", "")),
        None if voltage == _UNSTATED else float(voltage),
        str(data["kind"]),
        str(data["source"]),
    )


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the package."""
    return sorted(p.stem for p in _FOLDER.glob("*.toml"))


@dataclass(frozen=True)
class Profile:
    """A named set of constants of one machine.

    Parameters
    ----------
    name : str
        Name, as ``neuro energy profiles`` lists it.
    kind : str
        ``"digital"``, ``"chip"``, ``"cim"`` or ``"yan24"``: which models accept it.
    constants : mapping of str to Constant
        The constants.
    parameters : mapping of str to number or str
        Sizes and widths: array rows, ADC bits, word bits.
    node, title : str
        Process and one line of description.
    cite : tuple of str
        BibTeX keys.
    """

    name: str
    kind: str
    constants: Mapping[str, Constant]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    node: str = ""
    title: str = ""
    cite: tuple[str, ...] = ()

    @classmethod
    def load(cls, name: str | Path) -> "Profile":
        """Load a profile of the package by name, or a user's TOML file by path.

        Raises
        ------
        ProfileError
            If the name is unknown, or a constant lacks value, unit, kind or source.
        """
        text = str(name)
        path = Path(text)
        if not text.endswith(".toml"):
            key = text.lower().replace("-", "").replace("_", "").replace(" ", "")
            if key in _UNPUBLISHED:
                raise ProfileError(
                    f"profile {text!r}: {_UNPUBLISHED[key]}; write your own numbers "
                    "with 'neuro energy profiles new FILE.toml'"
                )
            path = _FOLDER / f"{text}.toml"
            if text not in profile_names():
                raise ProfileError(
                    f"unknown profile {text!r}{did_you_mean(text, profile_names())}; "
                    f"accepted: {', '.join(profile_names())}, or a FILE.toml"
                )
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ProfileError(
                f"profile {text}: cannot be read ({error.strerror})"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ProfileError(f"profile {text}: not valid TOML ({error})") from None
        return cls.from_dict(data, where=text)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, where: str = "") -> "Profile":
        """Build from the parsed TOML."""
        known = ("name", "kind", "node", "title", "cite", "parameters", "constants")
        where = where or str(data.get("name", ""))
        for key in data:
            if key not in known:
                raise ProfileError(
                    f"profile {where}: unknown key {key!r}{did_you_mean(key, known)}"
                )
        for key in ("name", "kind", "constants"):
            if key not in data:
                raise ProfileError(f"profile {where}: {key!r} is missing")
        kinds = ("digital", "chip", "cim", "yan24")
        if data["kind"] not in kinds:
            raise ProfileError(
                f"profile {where}: unknown kind {data['kind']!r}; "
                f"accepted: {', '.join(kinds)}"
            )
        if not isinstance(data["constants"], Mapping) or not all(
            isinstance(v, Mapping) for v in data["constants"].values()
        ):
            raise ProfileError(
                f"profile {where}: constants must be tables [constants.NAME]"
            )
        return cls(
            name=str(data["name"]),
            kind=str(data["kind"]),
            constants={k: _constant(where, k, v) for k, v in data["constants"].items()},
            parameters=dict(data.get("parameters", {})),
            node=str(data.get("node", "")),
            title=str(data.get("title", "")),
            cite=tuple(data.get("cite", ())),
        )

    def need(self, *names: str, model: str) -> None:
        """Raise unless all constants `names` are there."""
        missing = [n for n in names if n not in self.constants]
        if missing:
            raise ProfileError(
                f"profile {self.name!r} ({self.kind}) lacks {', '.join(missing)}, "
                f"which model {model!r} needs; choose another profile"
            )

    def parameter(self, name: str, default: Any) -> Any:
        """Return a parameter or its default."""
        return self.parameters.get(name, default)

    def replace(self, **parameters: Any) -> "Profile":
        """Return a copy with other parameters."""
        return Profile(
            self.name,
            self.kind,
            self.constants,
            {**self.parameters, **parameters},
            self.node,
            self.title,
            self.cite,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "name": self.name,
            "kind": self.kind,
            "node": self.node,
            "title": self.title,
            "cite": list(self.cite),
            "parameters": dict(self.parameters),
            "constants": {k: c.to_dict() for k, c in self.constants.items()},
        }
