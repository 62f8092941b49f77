import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.htm import MemoryTrace
from neuro.htm.sequences import (
    last_element_hits,
    long_sequences,
    moving_accuracy,
    sequence_set,
    symbol_stream,
)


class TestSets:
    @pytest.mark.parametrize(
        ("name", "n", "symbols", "k"),
        [("H1", 8, 10, 1), ("H1s", 8, 7, 1), ("H2", 16, 12, 2), ("H4", 32, 16, 4)],
    )
    def test_published_sets(self, name, n, symbols, k):
        task = sequence_set(name)
        assert (len(task.sequences), task.n_symbols, task.n_predictions) == (
            n,
            symbols,
            k,
        )
        for sequences in (task.sequences, task.changed):
            assert {s for q in sequences for s in q} <= set(range(symbols))
            endings = {}
            for q in sequences:
                endings.setdefault(q[:-1], set()).add(q[-1])
            assert {len(e) for e in endings.values()} == {k}
        # the change keeps every beginning and moves every ending
        assert {q[:-1] for q in task.sequences} == {q[:-1] for q in task.changed}
        assert not set(task.sequences) & set(task.changed)
        # without the first element the ending cannot be told
        tails = {}
        for q in task.sequences:
            tails.setdefault(q[1:-1], set()).add(q[-1])
        assert min(len(t) for t in tails.values()) > k - 1 + (k == 1)

    def test_changed_endings_of_the_first_set(self):
        assert [q[-1] for q in sequence_set("H1").changed] == [5, 0, 0, 5, 6, 1, 1, 6]
        assert {q[-1] for q in sequence_set("H2").changed[:2]} == {0, 7}

    def test_long_sequences(self, rng):
        task = long_sequences(20, rng=rng)
        assert [len(q) for q in task.sequences] == [20] * 4
        a, b = task.sequences[:2]
        assert a[1:-1] == b[1:-1]
        assert a[0] != b[0]
        assert a[-1] != b[-1]
        assert all(len(set(q)) == 20 for q in task.sequences)

    def test_scrambled_is_a_renaming(self, rng):
        task = sequence_set("H1")
        other = task.scrambled(rng=rng)
        names = dict(zip(task.sequences[0], other.sequences[0], strict=True))
        for old, new in (
            (task.sequences, other.sequences),
            (task.changed, other.changed),
        ):
            for q, r in zip(old, new, strict=True):
                for s, t in zip(q, r, strict=True):
                    assert names.setdefault(s, t) == t

    def test_errors(self, rng):
        with pytest.raises(ParameterError, match="did you mean"):
            sequence_set("H3")
        with pytest.raises(ParameterError, match="length"):
            long_sequences(2, rng=rng)
        with pytest.raises(ParameterError, match="n_elements"):
            symbol_stream(sequence_set("H1"), 0, rng=rng)


class TestStream:
    def test_sequences_and_noise_alternate(self, rng):
        task = sequence_set("H1")
        stream = symbol_stream(task, 500, rng=rng, change_at=250)
        assert stream.symbols.size == 500
        start = 0
        for at, truth in zip(stream.scored, stream.truth, strict=True):
            end = at + 2
            if end >= 500:
                break
            sequence = tuple(int(s) for s in stream.symbols[start:end])
            assert sequence in (task.changed if start >= 250 else task.sequences)
            assert sequence[-1] == truth
            assert stream.symbols[end] >= 10
            start = end + 1

    def test_noise_replaces_one_element_inside(self, rng):
        task = sequence_set("H1")
        stream = symbol_stream(task, 2000, rng=rng, noise=(1000, 1500))
        noisy = np.flatnonzero(stream.symbols >= 10)
        ends = stream.scored + 2
        inside = np.setdiff1d(noisy, ends)
        assert inside.min() >= 1000
        assert inside.max() < 1510
        starts = np.concatenate([[0], ends[:-1] + 1])
        at = inside - starts[np.searchsorted(starts, inside, side="right") - 1]
        assert set(at.tolist()) == {1, 2, 3}

    def test_hits_and_moving_accuracy(self, rng):
        task = sequence_set("H1")
        stream = symbol_stream(task, 90, rng=rng)
        codes = np.arange(40).reshape(10, 4)
        right = np.zeros(91, np.int64)
        columns = []
        for r in range(90):
            k = np.flatnonzero(stream.scored == r)
            columns += [codes[stream.truth[k[0]]]] if k.size else [np.zeros(0, int)]
            right[r + 1] = right[r] + columns[-1].size
        none = np.zeros(0, np.int32)
        trace = MemoryTrace(none, np.concatenate(columns), right, none, none)
        hits = last_element_hits(stream, trace, codes, 64, 1, rng=rng)
        assert hits.all()
        assert moving_accuracy(np.array([1, 0, 1, 1], bool), 2).tolist() == [
            1,
            0.5,
            0.5,
            1,
        ]
