"""Levels of macs over one input: U upwards within a step, D downwards a step later."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.counts import OpCounts
from neuro.errors import DatasetError, ParameterError, did_you_mean
from neuro.results import write_arrays
from neuro.sparsey._wiring import signal_mask, start_mask
from neuro.sparsey.activity import Activity
from neuro.sparsey.fields import Fields, Source
from neuro.sparsey.level import Level
from neuro.sparsey.mac import read_arrays
from neuro.sparsey.parameters import LevelParameters

__all__ = ["Hierarchy", "LevelSpec"]

SCHEMA = "neuro.sparsey.hierarchy/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSpec:
    """One level of a hierarchy.

    Parameters
    ----------
    name : str
        Unique; seeds the level's own random stream.
    parameters : LevelParameters
        Its macs.
    fields : Fields
        What each mac sees of `source`.
    source : str
        ``"input"`` or the name of an earlier level.
    horizontal : Fields, "own" or None
        H.
    feedback : str, optional
        Name of the level that D comes from, any place in the list.
    feedback_fields : Fields, optional
        Macs of `feedback` that each mac sees.

    Notes
    -----
    Several levels may read the input side by side: receptive fields of several sizes,
    or macs of different Q and K.
    """

    name: str
    parameters: LevelParameters
    fields: Fields
    source: str = "input"
    horizontal: Fields | Literal["own"] | None = None
    feedback: str | None = None
    feedback_fields: Fields | None = None


class Hierarchy:
    """Levels of macs.

    Parameters
    ----------
    levels : sequence of LevelSpec
        From the input upwards.
    seed : int
        Seed of all draws.
    threads : int
        Threads per level; the result does not depend on it.

    Notes
    -----
    Without D the levels are run one after the other through a whole batch, which is
    faster and gives the same codes as frame by frame: draws depend on step and mac.
    """

    __references__ = ("rinkus2017", "rinkus2014")

    def __init__(
        self, levels: Sequence[LevelSpec], *, seed: int = 0, threads: int = 1
    ) -> None:
        if not levels:
            raise ParameterError("Hierarchy: expected at least one level")
        names = [spec.name for spec in levels]
        if len(set(names)) != len(names) or "input" in names:
            raise ParameterError(
                f"Hierarchy: level names must differ and not be 'input', got {names}"
            )
        self.specs = tuple(levels)
        self.seed = seed
        by_name = {spec.name: spec for spec in levels}
        self.levels: dict[str, Level] = {}
        for spec in levels:
            below = None
            if spec.source != "input":
                if spec.source not in self.levels:
                    raise ParameterError(
                        f"Hierarchy: {spec.name!r} reads {spec.source!r}, which is no "
                        f"earlier level{did_you_mean(spec.source, self.levels)}"
                    )
                below = self.levels[spec.source].source
            above = None
            if spec.feedback is not None:
                if spec.feedback not in by_name:
                    raise ParameterError(
                        f"Hierarchy: {spec.name!r} gets D from {spec.feedback!r}, "
                        f"which is no level{did_you_mean(spec.feedback, by_name)}"
                    )
                above = _source(by_name[spec.feedback])
            self.levels[spec.name] = Level(
                spec.parameters,
                spec.fields,
                below=below,
                horizontal=spec.horizontal,
                feedback=spec.feedback_fields,
                above=above,
                seed=seed,
                name=spec.name,
                threads=threads,
            )
        self._stepwise = any(spec.feedback for spec in levels)
        self._last: dict[str, Activity] = {}

    @property
    def counts(self) -> OpCounts:
        """Ledger of all levels."""
        total = OpCounts()
        for level in self.levels.values():
            total = total + level.counts
        return total

    @property
    def n_weights(self) -> int:
        """Synapses of all levels."""
        return sum(level.n_weights for level in self.levels.values())

    def shapes(self, names: Sequence[str] | None = None) -> list[tuple[int, int, int]]:
        """Return (n_macs, n_cms, n_units) of levels, as read-outs want them."""
        return [
            (s.n_macs, s.n_cms, s.n_units)
            for s in (self.levels[n].source for n in names or self.levels)
        ]

    def reset(self) -> None:
        """Start a new sequence."""
        self._last = {}
        for level in self.levels.values():
            level.reset()

    def run(
        self,
        frames: ArrayLike,
        *,
        starts: ArrayLike | bool = True,
        learn: bool | Mapping[str, bool] = False,
        soft: bool | None = None,
        signals: ArrayLike | str = "UHD",
    ) -> dict[str, Activity]:
        """Advance all levels through frames.

        Parameters
        ----------
        frames : array_like, shape (n_frames, ...)
            Binary input.
        starts : array_like of bool or bool
            Frames that start a sequence; True = every frame is an item of its own.
        learn : bool or mapping of level name to bool
            Which levels learn (critical periods: lower levels may be done).
        soft : bool, optional
            As in :meth:`Level.run`.
        signals : str or array_like of uint8
            Signals in use at the levels that read the input; those above use all.
        """
        x = np.asarray(frames)
        n = len(x)
        begins = start_mask(starts, n) != 0
        learning = {
            name: bool(learn.get(name, False)) if isinstance(learn, Mapping) else learn
            for name in self.levels
        }
        if not self._stepwise:
            return self._advance(x, begins, learning, soft, signals)
        mask = signal_mask(signals, n)
        parts = []
        for f in range(n):
            one = slice(f, f + 1)
            if begins[f]:
                self._last = {}
            self._last = self._advance(x[one], begins[one], learning, soft, mask[one])
            parts.append(self._last)
        return {
            name: Activity(
                *(
                    np.concatenate([getattr(p[name], field) for p in parts])
                    for field in Activity.__slots__
                )
            )
            for name in self.levels
            if parts
        }

    def _advance(
        self,
        x: NDArray[Any],
        starts: NDArray[np.bool_],
        learn: Mapping[str, bool],
        soft: bool | None,
        signals: ArrayLike | str,
    ) -> dict[str, Activity]:
        found: dict[str, Activity] = {}
        for spec in self.specs:
            level = self.levels[spec.name]
            options: dict[str, Any] = {"starts": starts, "soft": soft}
            if spec.source == "input":
                options |= {"frames": x, "signals": signals}
            else:
                source = found[spec.source]
                options["below"] = source.codes
                options["below_hypotheses"] = self.levels[spec.source].signal_factors(
                    source.hypotheses
                )
            if spec.feedback is not None and spec.feedback in self._last:
                source = self._last[spec.feedback]
                options["above"] = source.codes
                options["above_hypotheses"] = self.levels[spec.feedback].signal_factors(
                    source.hypotheses
                )
            elif spec.feedback is not None:
                above = self.levels[spec.feedback].source
                options["above"] = np.full((1, above.n_macs, above.n_cms), -1, np.int16)
            found[spec.name] = level.run(learn=learn[spec.name], **options)
        return found

    def recall(self, cue: ArrayLike, n_frames: int) -> dict[str, Activity]:
        """Recall a sequence: the cue by U, later frames by H and D at the input levels.

        Parameters
        ----------
        cue : array_like, shape (n_cue_frames, ...)
            First frames.
        n_frames : int
            Frames in all.
        """
        shown = np.asarray(cue)
        frames = np.zeros((n_frames, *shown.shape[1:]), np.uint8)
        frames[: len(shown)] = shown
        signals = np.full(n_frames, 6, np.uint8)
        signals[: len(shown)] = 7
        starts = np.zeros(n_frames, bool)
        starts[:1] = True
        return self.run(frames, starts=starts, signals=signals)

    def save(self, path: Path | str) -> None:
        """Write description and state."""
        head: dict[str, Any] = {"schema": SCHEMA, "seed": self.seed, "levels": []}
        arrays: dict[str, Any] = {}
        for i, spec in enumerate(self.specs):
            kind = spec.horizontal
            head["levels"].append(
                {
                    "name": spec.name,
                    "parameters": spec.parameters.to_dict(),
                    "source": spec.source,
                    "horizontal": kind if kind is None or kind == "own" else "fields",
                    "feedback": spec.feedback,
                }
            )
            for label, fields in (
                ("u", spec.fields),
                ("h", kind if isinstance(kind, Fields) else None),
                ("d", spec.feedback_fields),
            ):
                if fields is not None:
                    arrays[f"{i}.{label}.sources"] = fields.padded()
                    arrays[f"{i}.{label}.centres"] = fields.centres
                    arrays[f"{i}.{label}.n"] = np.array(fields.n_sources)
            state = self.levels[spec.name].get_state()
            arrays |= {f"{i}.state.{k}": v for k, v in state.items()}
            if spec.name in self._last:
                last = self._last[spec.name]
                for field in Activity.__slots__:
                    arrays[f"{i}.last.{field}"] = getattr(last, field)
        write_arrays(path, {"head": np.array(json.dumps(head)), **arrays})

    @classmethod
    def load(cls, path: Path | str, *, threads: int = 1) -> "Hierarchy":
        """Read what :meth:`save` wrote."""
        arrays = read_arrays(path)
        head = json.loads(str(arrays.pop("head", "{}")))
        if head.get("schema") != SCHEMA:
            raise DatasetError(f"{path}: expected {SCHEMA}, got {head.get('schema')!r}")

        def fields(i: int, label: str) -> Fields | None:
            key = f"{i}.{label}.sources"
            if key not in arrays:
                return None
            sources = tuple(row[row >= 0] for row in arrays[key])
            return Fields(
                sources, arrays[f"{i}.{label}.centres"], int(arrays[f"{i}.{label}.n"])
            )

        specs = []
        for i, item in enumerate(head["levels"]):
            kind = item["horizontal"]
            seen = fields(i, "u")
            if seen is None:
                raise DatasetError(f"{path}: fields of level {item['name']!r} missing")
            specs.append(
                LevelSpec(
                    name=item["name"],
                    parameters=LevelParameters.from_dict(item["parameters"]),
                    fields=seen,
                    source=item["source"],
                    horizontal=fields(i, "h") if kind == "fields" else kind,
                    feedback=item["feedback"],
                    feedback_fields=fields(i, "d"),
                )
            )
        model = cls(specs, seed=head["seed"], threads=threads)
        for i, spec in enumerate(specs):
            start = f"{i}.state."
            state = {
                k[len(start) :]: v for k, v in arrays.items() if k.startswith(start)
            }
            model.levels[spec.name].set_state(state)
            if f"{i}.last.codes" in arrays:
                model._last[spec.name] = Activity(
                    *(arrays[f"{i}.last.{field}"] for field in Activity.__slots__)
                )
        return model

    def __repr__(self) -> str:
        return f"Hierarchy({', '.join(map(repr, self.levels.values()))})"


def _source(spec: LevelSpec) -> Source:
    p = spec.parameters
    return Source(len(spec.fields), p.n_cms, p.n_units)
