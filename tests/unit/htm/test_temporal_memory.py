import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.htm import TemporalMemory, TemporalMemoryParams
from neuro.htm._kernels import activation, learning, prediction, state
from neuro.htm.records import as_stream
from tests.naive.temporal_memory import NaiveTemporalMemory

SMALL = {
    "columns": 48,
    "cells_per_column": 4,
    "activation_threshold": 3,
    "matching_threshold": 2,
    "new_synapses": 5,
    "max_synapses": 7,
    "max_segments": 3,
}


def make(**changes):
    params = TemporalMemoryParams(**(SMALL | changes))
    return TemporalMemory(params, seed=3), NaiveTemporalMemory(params, seed=3)


def content(memory):
    """The naive twin's form of all segments."""
    link = memory.synapses.store.segment_link
    out = []
    for cell in range(memory.params.n_cells):
        for segment in memory.synapses.segments_of(cell):
            pre, units = memory.synapses.synapses_of(segment)
            pairs = tuple(zip(pre.tolist(), units.tolist(), strict=True))
            out.append((cell, int(link[segment, 0]), pairs))
    return out


def same(memory, naive):
    assert memory.active_cells.tolist() == naive.active
    assert memory.winner_cells.tolist() == naive.winners
    owners = memory.synapses.owners()
    for ids, twins in (
        (memory.active_segments, naive.active_segments),
        (memory.matching_segments, naive.matching_segments),
    ):
        assert owners[ids].tolist() == [s.cell for s in twins]
    assert int(memory._memory.rng[0]) == naive.draw.state


def stream(rng, n, *, columns=48, size=5, alphabet=6, empty=0.03):
    """Repeating sequences with noise, so that every branch is taken."""
    codes = [rng.permutation(columns)[:size] for _ in range(alphabet)]
    words = [rng.integers(alphabet, size=4) for _ in range(3)]
    out = []
    while len(out) < n:
        out += [codes[symbol] for symbol in words[rng.integers(3)]]
        out.append(rng.permutation(columns)[: rng.integers(1, size + 1)])
        if rng.random() < empty:
            out.append(np.zeros(0, int))
    return out[:n]


class TestAgainstTheNaiveTwin:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"matching_threshold": 3, "predicted_decrement": 0.0},
            {"cells_per_column": 1, "max_segments": 2},
            {"permanence_increment": 0.07, "permanence_decrement": 0.13},
            {"levels": 200, "predicted_decrement": 0.015, "initial_permanence": 0.205},
            {"initial_permanence": 0.6, "new_synapses": 9, "max_synapses": 4},
            {"max_synapses": 64, "new_synapses": 40, "columns": 90},
        ],
    )
    def test_same_cells_synapses_and_draws(self, rng, changes):
        memory, naive = make(**changes)
        columns = changes.get("columns", 48)
        records = stream(rng, 260, columns=columns, size=columns // 9)
        for k, record in enumerate(records):
            learn = k % 17 != 16
            if k == 150:
                memory.reset()
                naive.reset()
            if k == 200:
                dead = rng.permutation(memory.params.n_cells)[:40].tolist()
                memory.kill_cells(dead)
                naive.kill(dead)
                same(memory, naive)
            score = memory.compute(record, learn=learn)
            assert score == naive.compute(record.tolist(), learn)
            same(memory, naive)
            if k % 20 == 0:
                assert content(memory) == naive.content()
        assert content(memory) == naive.content()
        memory.synapses.check()
        counts = memory.counts
        assert counts.total("synop") == naive.synop
        assert counts.total("synop_zero") == naive.visits - naive.synop
        assert counts.total("plastic") == naive.plastic
        assert counts.total("grow") == naive.grown

    def test_same_at_full_size(self, rng):
        params = TemporalMemoryParams()
        memory = TemporalMemory(params, seed=5)
        naive = NaiveTemporalMemory(params, seed=5)
        codes = [rng.permutation(2048)[:41] for _ in range(6)]
        for k in range(45):
            record = codes[k % 5] if k % 6 else rng.permutation(2048)[:41]
            assert memory.compute(record) == naive.compute(record.tolist())
            same(memory, naive)
        assert content(memory) == naive.content()

    def test_interpreted_kernels_agree(self, rng, monkeypatch):
        memory, naive = make()
        records = stream(rng, 40)
        columns, ends = as_stream(records, 48)
        memory.synapses.ensure(segments=2000, synapse_words=9**5, list_words=9**5)
        memory._grow_scratch()
        for name in ("candidates_for", "grow"):
            monkeypatch.setattr(learning, name, getattr(learning, name).py_func)
        for name in ("learn_on", "punish", "least_used", "new_segment"):
            monkeypatch.setattr(activation, name, getattr(learning, name).py_func)
        info = memory._memory.info
        for r in range(40):
            info[state.STEP] += 1
            record = columns[ends[r] : ends[r + 1]]
            args = (memory.synapses.store, memory._memory, memory._rules)
            activation.activate.py_func(*args, record, True)
            prediction.predict.py_func(*args, True)
            naive.compute(record.tolist())
            same(memory, naive)
        assert content(memory) == naive.content()


class TestBranches:
    """One rule each, on hand-made segments: columns of 4 cells, thresholds 3 and 2."""

    def prepared(self, **changes):
        """Cells 0, 4, 8, 12 are the previous winners; all of columns 0-3 active."""
        memory, _ = make(**changes)
        memory.compute([0, 1, 2, 3])
        assert memory.winner_cells.size == 4
        return memory, memory.winner_cells.tolist()

    def add(self, memory, cell, pre, units):
        segment = memory.synapses.add_segment(cell, pre, units, step=memory.steps)
        memory._grow_scratch()
        prediction.predict.py_func(
            memory.synapses.store, memory._memory, memory._rules, False
        )
        return segment

    def test_first_record_bursts_and_creates_nothing(self):
        memory, _ = make()
        assert memory.compute([5, 7]) == 1.0
        assert memory.active_cells.tolist() == [*range(20, 24), *range(28, 32)]
        assert memory.winner_cells.size == 2
        assert memory.synapses.n_segments == 0

    def test_burst_without_match_creates_a_segment_on_a_least_used_cell(self):
        memory, before = self.prepared()
        self.add(memory, 40, [190], 20)
        memory.compute([10])
        winner = int(memory.winner_cells[0])
        assert winner in (41, 42, 43)  # cell 40 has a segment already
        (segment,) = memory.synapses.segments_of(winner)
        pre, units = memory.synapses.synapses_of(segment)
        assert sorted(pre.tolist()) == before
        assert units.tolist() == [21] * 4

    def test_predicted_column_activates_its_predictive_cell_only(self):
        memory, before = self.prepared()
        segment = self.add(memory, 41, [*before[:3], 190], [50, 60, 95, 20])
        assert memory.predictive_cells.tolist() == [41]
        assert memory.predicted_columns.tolist() == [10]
        assert memory.compute([10]) == 0.0
        assert memory.active_cells.tolist() == memory.winner_cells.tolist() == [41]
        pre, units = memory.synapses.synapses_of(segment)
        # active +10 clipped at 100, inactive -10; grown to 5 active: one candidate left
        assert dict(zip(pre.tolist(), units.tolist(), strict=True)) == {
            before[0]: 60,
            before[1]: 70,
            before[2]: 100,
            190: 10,
            before[3]: 21,
        }

    def test_matching_segment_in_a_predicted_column_stays_unchanged(self):
        memory, before = self.prepared()
        self.add(memory, 41, before[:3], 60)
        other = self.add(memory, 42, [*before[:2], 190], 20)
        memory.compute([10])
        assert memory.synapses.synapses_of(other)[1].tolist() == [20, 20, 20]

    def test_burst_with_match_reinforces_the_best_segment(self):
        memory, before = self.prepared()
        worse = self.add(memory, 40, [*before[:2], 190], 20)
        best = self.add(memory, 42, [*before[:3], 190], 20)
        same_as_best = self.add(memory, 43, [*before[:3], 190], 20)
        assert memory.compute([10]) == 1.0
        assert memory.active_cells.tolist() == [40, 41, 42, 43]
        assert memory.winner_cells.tolist() == [42]
        assert memory.synapses.synapses_of(best)[1].tolist() == [30, 30, 30, 10, 21]
        for untouched in (worse, same_as_best):
            assert set(memory.synapses.synapses_of(untouched)[1].tolist()) == {20}

    def test_matching_segments_of_other_columns_are_punished(self):
        memory, before = self.prepared()
        segment = self.add(memory, 41, [*before[:2], 190], [60, 2, 20])
        memory.compute([20])
        pre, units = memory.synapses.synapses_of(segment)
        assert pre.tolist() == [before[0], 190]  # the one at 0.02 is destroyed
        assert units.tolist() == [58, 20]

    def test_punished_to_death(self):
        memory, before = self.prepared()
        self.add(memory, 41, before[:2], 2)
        memory.compute([20], learn=True)
        assert memory.synapses.segments_of(41) == []

    def test_no_punishment_without_learning_or_with_decrement_0(self):
        for changes, learn in (({}, False), ({"predicted_decrement": 0.0}, True)):
            memory, before = self.prepared(**changes)
            segment = self.add(memory, 41, before[:2], 20)
            memory.compute([20], learn=learn)
            assert memory.synapses.synapses_of(segment)[1].tolist() == [20, 20]

    def test_growth_at_the_limit_drops_the_weakest_oldest_first(self):
        memory, before = self.prepared(max_synapses=5)
        far = [100, 104, 108]
        segment = self.add(memory, 41, [*far, *before[:2]], [40, 25, 25, 60, 60])
        memory.compute([10])  # -10 for the far ones; wants 3 more, 2 candidates
        pre, units = memory.synapses.synapses_of(segment)
        assert pre.tolist()[:3] == [100, *before[:2]]  # 104 and 108 (0.15) made room
        assert sorted(pre.tolist()[3:]) == before[2:]
        assert units.tolist() == [30, 70, 70, 21, 21]

    def test_limit_of_segments_drops_the_least_recently_active(self):
        memory, _ = self.prepared(cells_per_column=1, max_segments=2)
        old = self.add(memory, 10, [40, 41], 20)
        used = self.add(memory, 10, [42, 43], 20)
        memory.synapses.store.segment_link[old, 0] = 0
        memory.compute([10])
        held = memory.synapses.segments_of(10)
        assert len(held) == 2
        assert held[0] == used
        assert sorted(memory.synapses.synapses_of(held[1])[0].tolist()) == [0, 1, 2, 3]

    def test_last_active_follows_activity_with_learning_only(self):
        memory, before = self.prepared()
        segment = memory.synapses.add_segment(41, before[:3], 60)
        memory._grow_scratch()
        link = memory.synapses.store.segment_link
        for learn, expected in ((False, 0), (True, 3)):
            memory.compute([0, 1, 2, 3], learn=learn)
            if expected:
                assert link[segment, 0] == (
                    expected if memory.predictive_cells.size else 0
                )
            else:
                assert link[segment, 0] == 0

    def test_empty_record_empties_activity_and_punishes(self):
        memory, before = self.prepared()
        segment = self.add(memory, 41, before[:2], 20)
        assert memory.compute([]) == 0.0
        assert memory.active_cells.size == memory.winner_cells.size == 0
        assert memory.matching_segments.size == 0
        assert memory.synapses.synapses_of(segment)[1].tolist() == [18, 18]

    def test_reset_keeps_synapses(self):
        memory, before = self.prepared()
        self.add(memory, 41, before[:3], 60)
        memory.reset()
        assert memory.active_cells.size == memory.predictive_cells.size == 0
        assert memory.synapses.n_segments == 1
        memory.compute([20])
        assert memory.synapses.n_segments == 1  # no previous winners: none created

    def test_without_learning_nothing_changes(self, rng):
        memory, _ = make()
        memory.run(stream(rng, 100))
        before = memory.synapses.to_arrays()
        memory.run(stream(rng, 50), learn=False)
        after = memory.synapses.to_arrays()
        for name, array in before.items():
            np.testing.assert_array_equal(array, after[name])

    def test_dead_column_stays_silent(self):
        memory, _ = make()
        memory.kill_cells([20, 21, 22, 23, 24])
        memory.compute([5, 6])
        assert memory.active_cells.tolist() == [25, 26, 27]
        assert memory.winner_cells.size == 1


class TestStream:
    def test_run_equals_compute(self, rng):
        records = stream(rng, 200)
        one, _ = make()
        trace = one.run(records, keep_predicted=True, keep_cells=True)
        other, _ = make()
        for r, record in enumerate(records):
            assert other.compute(record) == trace.anomaly_scores[r]
            for held, ends, now in (
                (trace.predicted, trace.predicted_ends, other.predicted_columns),
                (trace.cells, trace.cell_ends, other.active_cells),
            ):
                np.testing.assert_array_equal(held[ends[r] : ends[r + 1]], now)

    def test_saved_in_mid_stream_goes_on_identically(self, rng, tmp_path):
        records = stream(rng, 300)
        memory, _ = make()
        memory.run(records[:150])
        memory.kill_cells([3, 4])
        memory.save(tmp_path / "memory.npz")
        again = TemporalMemory.load(tmp_path / "memory.npz")
        assert again.counts == memory.counts
        for m in (memory, again):
            m.run(records[150:])
        for name, array in memory.synapses.to_arrays().items():
            np.testing.assert_array_equal(array, again.synapses.to_arrays()[name])
        np.testing.assert_array_equal(memory.active_cells, again.active_cells)

    def test_same_seed_same_memory_other_seed_another(self, rng):
        records = stream(rng, 120)
        found = []
        for seed in (1, 1, 2):
            memory = TemporalMemory(TemporalMemoryParams(**SMALL), seed=seed)
            memory.run(records)
            found.append(content(memory))
        assert found[0] == found[1] != found[2]

    def test_an_empty_stream_is_no_error(self):
        memory, _ = make()
        assert memory.run([]).anomaly_scores.size == 0


class TestBadInput:
    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ([48], "column 48 of record 0 is outside 0..47"),
            ([-1], "outside"),
            ([3, 3], "column 3 is given twice in record 0"),
            ([1.5], "integers"),
        ],
    )
    def test_refuses_bad_columns_and_changes_nothing(self, columns, message):
        memory, _ = make()
        memory.compute([1, 2])
        with pytest.raises(ParameterError, match=message):
            memory.compute(columns)
        assert memory.steps == 1

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"matching_threshold": 9}, "matching_threshold"),
            ({"columns": 0}, "columns"),
            ({"max_synapses": 129}, "max_synapses"),
            ({"permanence_increment": 0.055}, "levels=200 fits"),
            ({"initial_permanence": 0.0}, "initial_permanence"),
            ({"permanence_decrement": -0.1}, r"0\.\.1"),
            ({"columns": 60_000, "cells_per_column": 500}, "cells"),
        ],
    )
    def test_refuses_bad_parameters(self, changes, message):
        with pytest.raises(ParameterError, match=message):
            TemporalMemoryParams(**(SMALL | changes))

    def test_refuses_other_files(self, tmp_path):
        np.savez(tmp_path / "other.npz", a=1)
        with pytest.raises(ParameterError, match="not a saved temporal memory"):
            TemporalMemory.load(tmp_path / "other.npz")

    def test_refuses_bad_cells(self):
        memory, _ = make()
        with pytest.raises(ParameterError, match="kill_cells"):
            memory.kill_cells([192])
        with pytest.raises(ParameterError, match="kill_fraction"):
            memory.kill_fraction(1.2, rng=np.random.default_rng(0))

    def test_parameters_round_trip(self):
        params = TemporalMemoryParams(**SMALL)
        assert TemporalMemoryParams.from_dict(params.to_dict()) == params
        with pytest.raises(ParameterError, match="max_segments"):
            TemporalMemoryParams.from_dict({"max_segment": 3})


def random_stream_holds(n, seed):
    rng = np.random.default_rng(seed)
    params = TemporalMemoryParams(
        columns=256,
        cells_per_column=8,
        activation_threshold=5,
        matching_threshold=4,
        new_synapses=12,
        max_synapses=20,
        max_segments=4,
    )
    memory = TemporalMemory(params, seed=seed)
    codes = np.array([rng.permutation(256)[:10] for _ in range(30)])
    sizes = []
    for part in range(10):
        records = codes[rng.integers(30, size=n // 10)]
        noisy = rng.random(n // 10) < 0.5
        for r in np.flatnonzero(noisy):
            records[r] = rng.permutation(256)[:10]
        memory.run(records)
        memory.synapses.check()
        sizes.append(memory.nbytes)
        held = memory.synapses.store.cell_segments
        assert held.max() <= params.max_segments
        largest = (
            memory.synapses.store.segment_head[: memory.synapses.n_post, 1] & 255
        ).max()
        assert largest <= params.max_synapses
        assert part < 9 or memory.synapses.n_segments <= params.n_cells * 4
    return memory, sizes


def test_invariants_hold_on_random_records():
    memory, _ = random_stream_holds(3000, 1)
    assert memory.synapses.n_segments > 100


@pytest.mark.slow
def test_invariants_hold_on_200000_random_records():
    memory, sizes = random_stream_holds(200_000, 2)
    # limits reached: memory stays what the limits allow, it does not creep
    assert sizes[-1] < 1.2 * sizes[3]
    synapses = memory.synapses.n_synapses
    assert memory.synapses.nbytes < 40 * synapses + 60 * memory.params.n_cells
