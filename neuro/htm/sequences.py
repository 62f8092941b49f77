"""Artificial sequence sets, the endless stream made of them, and the read-out.

The sets and protocols of Cui, Ahmad & Hawkins (2016): pairs of sequences that share
their interior, so that only the first element tells the last one. A stream repeats
{a sequence drawn uniformly, one noise symbol}; no reset is ever given.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro import sdr
from neuro.errors import ParameterError, did_you_mean
from neuro.htm.records import MemoryTrace

__all__ = [
    "NOISE_SYMBOLS",
    "SequenceSet",
    "SymbolStream",
    "last_element_hits",
    "long_sequences",
    "moving_accuracy",
    "sequence_set",
    "symbol_stream",
]

__references__ = ("cui2016",)

NOISE_SYMBOLS = 5000
Sequences = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Sequences of symbols ``0 .. n_symbols - 1``.

    Attributes
    ----------
    name : str
        Name of the set.
    n_symbols : int
        Symbols of the task.
    n_predictions : int
        Possible endings of a beginning; so many symbols are predicted.
    sequences, changed : tuple of tuples of int
        The sequences, and those of the changed task.
    """

    name: str
    n_symbols: int
    n_predictions: int
    sequences: Sequences
    changed: Sequences

    def scrambled(self, *, rng: np.random.Generator) -> "SequenceSet":
        """Return the set with its symbols renamed by a random permutation."""
        names = rng.permutation(self.n_symbols)

        def rename(sequences: Sequences) -> Sequences:
            return tuple(tuple(int(names[s]) for s in q) for q in sequences)

        return SequenceSet(
            self.name,
            self.n_symbols,
            self.n_predictions,
            rename(self.sequences),
            rename(self.changed),
        )


def _pairs(rows: str) -> Sequences:
    return tuple(tuple(int(s) for s in row.split("-")) for row in rows.split())


def _swap_endings(sequences: Sequences) -> Sequences:
    """Exchange the last elements inside each pair."""
    out: list[tuple[int, ...]] = []
    for a, b in zip(sequences[::2], sequences[1::2], strict=True):
        out += [(*a[:-1], b[-1]), (*b[:-1], a[-1])]
    return tuple(out)


def _branching(rows: str) -> tuple[Sequences, Sequences]:
    """Read ``start|interior|ending,ending``; the changed set swaps the two starts."""
    parts = []
    for row in rows.split():
        start, interior, endings = row.split("|")
        parts.append(
            (
                int(start),
                tuple(int(s) for s in interior.split("-")),
                [int(e) for e in endings.split(",")],
            )
        )
    plain, changed = [], []
    for one, other in zip(parts[::2], parts[1::2], strict=True):
        for own, foreign in ((one, other), (other, one)):
            plain += [(own[0], *own[1], e) for e in own[2]]
            changed += [(own[0], *own[1], e) for e in foreign[2]]
    return tuple(plain), tuple(changed)


_H1 = _pairs(
    "6-8-7-4-2-3-0 1-8-7-4-2-3-5 6-3-4-2-7-8-5 1-3-4-2-7-8-0 "
    "0-9-7-8-5-3-4-1 2-9-7-8-5-3-4-6 0-4-3-5-8-7-9-6 2-4-3-5-8-7-9-1"
)
_H1S = _pairs(
    "6-3-4-3-4-3-0 1-3-4-3-4-3-5 6-4-3-3-4-3-5 1-4-3-3-4-3-0 "
    "0-4-4-3-3-4-3-1 2-4-4-3-3-4-3-6 0-3-3-4-4-3-4-6 2-3-3-4-4-3-4-1"
)
_H2 = _branching(
    "4|8-3-10-9-6|1,2 5|8-3-10-9-6|0,7 4|6-9-10-3-8|7,0 5|6-9-10-3-8|2,1 "
    "4|3-8-6-1-10-11|9,2 5|3-8-6-1-10-11|0,7 4|11-10-1-6-8-3|7,0 5|11-10-1-6-8-3|2,9"
)
_H4 = _branching(
    "7|4-12-5-14-1|2,3,0,9 11|4-12-5-14-1|13,10,6,8 "
    "7|1-14-5-12-4|8,6,10,13 11|1-14-5-12-4|9,0,3,2 "
    "9|4-5-15-6-1-12|2,3,0,10 13|4-5-15-6-1-12|14,11,7,8 "
    "9|1-12-6-15-4-5|8,7,11,14 13|1-12-6-15-4-5|10,0,3,2"
)
_SETS = {
    "H1": SequenceSet("H1", 10, 1, _H1, _swap_endings(_H1)),
    "H1s": SequenceSet("H1s", 7, 1, _H1S, _swap_endings(_H1S)),
    "H2": SequenceSet("H2", 12, 2, *_H2),
    "H4": SequenceSet("H4", 16, 4, *_H4),
}


def sequence_set(name: str) -> SequenceSet:
    """Return a published set.

    Parameters
    ----------
    name : {"H1", "H1s", "H2", "H4"}
        One ending per beginning (of ten symbols, of seven); two endings; four endings.
    """
    if name not in _SETS:
        raise ParameterError(
            f"sequence_set: unknown set {name!r}{did_you_mean(name, _SETS)}; "
            f"accepted: {', '.join(_SETS)}"
        )
    return _SETS[name]


def long_sequences(length: int, *, rng: np.random.Generator) -> SequenceSet:
    """Return four sequences of `length`, pairs with a common interior.

    Parameters
    ----------
    length : int
        Elements of a sequence, >= 3.
    rng : numpy.random.Generator
        Draws starts, ends and interiors from ``2 * length`` symbols.
    """
    if length < 3:
        raise ParameterError(f"long_sequences: length must be >= 3, got {length}")
    sequences: list[tuple[int, ...]] = []
    for _ in range(2):
        pool = rng.permutation(2 * length)
        interior = rng.permutation(pool[4 : 2 + length]).tolist()
        sequences += [
            (int(pool[0]), *interior, int(pool[2])),
            (int(pool[1]), *interior, int(pool[3])),
        ]
    held = tuple(sequences)
    return SequenceSet(f"L{length}", 2 * length, 1, held, _swap_endings(held))


@dataclass(frozen=True, slots=True)
class SymbolStream:
    """A stream of symbols and where predictions are scored.

    Attributes
    ----------
    symbols : ndarray of int64, shape (n_elements,)
        Task symbols, then noise symbols from ``n_symbols`` on.
    scored : ndarray of int64, shape (n_scored,)
        Elements after which the last element of a sequence is to be predicted.
    truth : ndarray of int64, shape (n_scored,)
        That last element.
    """

    symbols: NDArray[np.int64]
    scored: NDArray[np.int64]
    truth: NDArray[np.int64]


def symbol_stream(
    task: SequenceSet,
    n_elements: int,
    *,
    rng: np.random.Generator,
    change_at: int | None = None,
    noise: tuple[int, int] | None = None,
    noise_positions: tuple[int, ...] = (1, 2, 3),
    n_noise: int = NOISE_SYMBOLS,
) -> SymbolStream:
    """Draw a stream.

    Parameters
    ----------
    task : SequenceSet
        What is drawn from.
    n_elements : int
        Length, noise symbols included.
    rng : numpy.random.Generator
        Draws sequences and noise.
    change_at : int, optional
        Sequences that start at this element or later come from the changed task.
    noise : tuple of int, optional
        Sequences that start in ``noise[0] <= element < noise[1]`` get one element
        replaced by a random noise symbol.
    noise_positions : tuple of int
        Positions (0-based) that the replaced element is drawn from.
    n_noise : int
        Noise symbols.
    """
    if n_elements < 1:
        raise ParameterError(f"symbol_stream: n_elements >= 1, got {n_elements}")
    symbols: list[int] = []
    scored: list[int] = []
    truth: list[int] = []
    while len(symbols) < n_elements:
        start = len(symbols)
        changed = change_at is not None and start >= change_at
        choices = task.changed if changed else task.sequences
        sequence = list(choices[rng.integers(len(choices))])
        scored.append(start + len(sequence) - 2)
        truth.append(sequence[-1])
        if noise is not None and noise[0] <= start < noise[1]:
            at = noise_positions[int(rng.integers(len(noise_positions)))]
            sequence[at] = task.n_symbols + int(rng.integers(n_noise))
        symbols += sequence
        symbols.append(task.n_symbols + int(rng.integers(n_noise)))
    held = np.array(scored) < n_elements
    return SymbolStream(
        np.array(symbols[:n_elements]), np.array(scored)[held], np.array(truth)[held]
    )


def last_element_hits(
    stream: SymbolStream,
    trace: MemoryTrace,
    codes: NDArray[np.integer[Any]],
    n_columns: int,
    n_predictions: int,
    *,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Whether each sequence's last element was among the predictions.

    The score of a symbol is the overlap of its code with the predicted columns; the
    `n_predictions` best ones are the prediction, ties at random. Nothing is trained.

    Parameters
    ----------
    stream : SymbolStream
        The stream.
    trace : MemoryTrace
        With predicted columns, of the whole stream.
    codes : ndarray of int, shape (n_symbols, w)
        Codes of the task's symbols.
    n_columns : int
        Size of the representation.
    n_predictions : int
        Number of symbols predicted.
    rng : numpy.random.Generator
        Breaks ties.
    """
    hits = np.zeros(stream.scored.size, np.bool_)
    for k, at in enumerate(stream.scored.tolist()):
        ends = trace.predicted_ends
        predicted = trace.predicted[ends[at] : ends[at + 1]]
        found = sdr.overlaps(codes, predicted, n_columns)
        order = np.lexsort((rng.random(found.size), -found))
        hits[k] = stream.truth[k] in order[:n_predictions]
    return hits


def moving_accuracy(hits: NDArray[np.bool_], window: int = 100) -> NDArray[np.float64]:
    """Return the trailing mean over `window` sequences (fewer at the beginning)."""
    total = np.concatenate([[0.0], np.cumsum(hits)])
    end = np.arange(1, hits.size + 1)
    begin = np.maximum(end - window, 0)
    return np.asarray((total[end] - total[begin]) / (end - begin), np.float64)
