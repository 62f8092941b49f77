"""One mac: store, recognise, recall. The smallest thing that is a memory."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.counts import OpCounts
from neuro.errors import DatasetError, ParameterError, ShapeError
from neuro.results import write_arrays
from neuro.sparsey.activity import Activity, likelihoods
from neuro.sparsey.fields import whole_field
from neuro.sparsey.level import Level
from neuro.sparsey.parameters import LevelParameters

__all__ = ["Mac", "Recognition"]

SCHEMA = "neuro.sparsey.mac/1"


class Recognition(NamedTuple):
    """Answer of a mac to one input.

    Attributes
    ----------
    code : ndarray of int16, shape (n_cms,)
        Active code; -1 if the input lies outside the activation band.
    familiarity : float
        G in 0..1.
    likelihoods : ndarray of float64, shape (n_stored,)
        Fraction of each stored code that is active.
    item : int
        Stored item of largest likelihood; -1 if there is none.
    """

    code: NDArray[np.int16]
    familiarity: float
    likelihoods: NDArray[np.float64]
    item: int


class Mac:
    """A coding field that stores items and sequences in one set of weights.

    Parameters
    ----------
    n_inputs : int
        Binary inputs.
    parameters : LevelParameters, optional
        Q, K, selection, band, freezing and so on; default: Q = 24, K = 8.
    horizontal : bool
        Whether the mac sees its own previous code (sequences).
    seed : int
        Seed of all draws.
    keep_codes : bool
        Keep the codes of what was stored, for :meth:`recognize`; the algorithm itself
        never reads them.

    Examples
    --------
    >>> import numpy as np
    >>> mac = Mac(16, LevelParameters(n_cms=8, n_units=4), seed=1)
    >>> item = np.zeros(16, np.uint8)
    >>> item[[1, 5, 9, 13]] = 1
    >>> code = mac.store(item)
    >>> answer = mac.recognize(item)
    >>> bool((answer.code == code).all()), answer.familiarity
    (True, 1.0)

    References
    ----------
    .. [1] Rinkus and Leveille, arXiv:1710.07829 (2017).
    """

    __references__ = ("rinkus2017", "rinkus2010")

    def __init__(
        self,
        n_inputs: int,
        parameters: LevelParameters | None = None,
        *,
        horizontal: bool = False,
        seed: int = 0,
        keep_codes: bool = True,
    ) -> None:
        if not isinstance(n_inputs, (int, np.integer)) or n_inputs < 1:
            raise ParameterError(
                f"Mac.n_inputs: expected an integer >= 1, got {n_inputs!r}"
            )
        self.parameters = parameters or LevelParameters()
        self.n_inputs, self.seed, self.keep_codes = n_inputs, seed, keep_codes
        self.level = Level(
            self.parameters,
            whole_field(n_inputs),
            horizontal="own" if horizontal else None,
            seed=seed,
        )
        self._stored: list[NDArray[np.int16]] = []

    @property
    def horizontal(self) -> bool:
        """Whether the mac sees its own previous code."""
        return self.level.horizontal is not None

    @property
    def counts(self) -> OpCounts:
        """The ledger; see :attr:`Level.counts`."""
        return self.level.counts

    @property
    def stored_codes(self) -> NDArray[np.int16]:
        """Codes in the order of storage, shape (n_stored, n_cms)."""
        if not self._stored:
            return np.zeros((0, self.parameters.n_cms), np.int16)
        if len(self._stored) > 1:
            self._stored = [np.concatenate(self._stored)]
        return self._stored[0]

    @property
    def density(self) -> float:
        """Fraction of set U weights."""
        return float(self.level.density()[0, 0])

    def reset(self) -> None:
        """Start a new sequence."""
        self.level.reset()

    def store(self, item: ArrayLike) -> NDArray[np.int16]:
        """Learn one item in a single trial; return its code, shape (n_cms,)."""
        return np.asarray(self.store_items(np.asarray(item).reshape(1, -1))[0])

    def store_items(self, items: ArrayLike) -> NDArray[np.int16]:
        """Learn items one after the other; return codes, shape (n, n_cms)."""
        codes: NDArray[np.int16] = self.level.run(items, learn=True).codes[:, 0]
        if self.keep_codes:
            self._stored.append(codes)
        return codes

    def store_sequence(self, frames: ArrayLike) -> NDArray[np.int16]:
        """Learn a sequence, each code chained to the last; shape (n_frames, n_cms)."""
        if np.ndim(frames) < 2:
            raise ShapeError(
                f"Mac.store_sequence: expected frames (n_frames, {self.n_inputs}), "
                f"got shape {np.shape(frames)}"
            )
        activity = self.level.run(frames, starts=_first(frames), learn=True)
        codes = activity.codes[:, 0]
        if self.keep_codes:
            self._stored.append(codes)
        return codes

    def codes(
        self, items: ArrayLike, *, soft: bool = False, sequence: bool = False
    ) -> Activity:
        """Answer to items (or to a sequence) without learning."""
        starts: Any = _first(items) if sequence else True
        return self.level.run(items, starts=starts, soft=soft)

    def recognize(self, item: ArrayLike) -> Recognition:
        """Activate the best code and compare it with all stored codes."""
        activity = self.codes(np.asarray(item).reshape(1, -1))
        code = activity.codes[0, 0]
        like = self.likelihoods(code)
        best = int(like.argmax()) if like.size and like.max() > 0 else -1
        return Recognition(code, float(activity.familiarity[0, 0]), like, best)

    def likelihoods(
        self, code: ArrayLike, stored: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Fraction of each stored code present in `code`, shape (n_stored,)."""
        held = self.stored_codes if stored is None else np.asarray(stored)
        return likelihoods(code, held)

    def recall(self, cue: ArrayLike, n_frames: int) -> Activity:
        """Recall a sequence: the cue by U, every later frame by H alone.

        Parameters
        ----------
        cue : array_like, shape (n_inputs,) or (n_cue_frames, n_inputs)
            First frame or frames.
        n_frames : int
            Frames in all, cue included.
        """
        if not self.horizontal:
            raise ParameterError("Mac.recall: needs a mac made with horizontal=True")
        shown = np.asarray(cue).reshape(-1, self.n_inputs)
        if n_frames < len(shown):
            raise ParameterError(
                f"Mac.recall: n_frames {n_frames} is less than the cue's {len(shown)}"
            )
        frames = np.zeros((n_frames, self.n_inputs), np.uint8)
        frames[: len(shown)] = shown
        signals = np.full(n_frames, 2, np.uint8)
        signals[: len(shown)] = 3
        return self.level.run(frames, starts=_first(frames), signals=signals)

    def decode(self, codes: ArrayLike, *, theta: float = 0.9) -> NDArray[np.uint8]:
        """Decode codes to inputs by the reverse weights, shape (n, n_inputs)."""
        held, q = np.asarray(codes), self.parameters.n_cms
        if held.shape[-1:] != (q,):
            raise ShapeError(
                f"Mac.decode: expected codes (n, {q}), got shape {held.shape}"
            )
        return self.level.decode(held.reshape(-1, 1, q), theta=theta)

    def save(self, path: Path | str) -> None:
        """Write description and state; loading in mid-stream changes nothing."""
        head = {
            "schema": SCHEMA,
            "n_inputs": self.n_inputs,
            "parameters": self.parameters.to_dict(),
            "horizontal": self.horizontal,
            "seed": self.seed,
            "keep_codes": self.keep_codes,
        }
        arrays = self.level.get_state() | {"stored": self.stored_codes}
        write_arrays(path, {"head": np.array(json.dumps(head)), **arrays})

    @classmethod
    def load(cls, path: Path | str) -> "Mac":
        """Read what :meth:`save` wrote."""
        arrays = read_arrays(path)
        head = json.loads(str(arrays.pop("head", "{}")))
        if head.get("schema") != SCHEMA:
            raise DatasetError(f"{path}: expected {SCHEMA}, got {head.get('schema')!r}")
        mac = cls(
            head["n_inputs"],
            LevelParameters.from_dict(head["parameters"]),
            horizontal=head["horizontal"],
            seed=head["seed"],
            keep_codes=head["keep_codes"],
        )
        stored = arrays.pop("stored")
        mac._stored = [stored] if len(stored) else []
        mac.level.set_state(arrays)
        return mac

    def __repr__(self) -> str:
        p = self.parameters
        return (
            f"Mac({self.n_inputs} inputs, Q={p.n_cms}, K={p.n_units}, "
            f"{len(self.stored_codes)} codes stored, U density {self.density:.2f})"
        )


def read_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Read an npz file without pickle."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {k: file[k] for k in file.files}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: not a saved model ({error})") from None


def _first(frames: ArrayLike) -> NDArray[np.uint8]:
    starts = np.zeros(len(np.asarray(frames)), np.uint8)
    starts[:1] = 1
    return starts
