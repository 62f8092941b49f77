import numpy as np
import pytest

from neuro.core import Growable
from neuro.core.growable import _kernels as kernels
from neuro.errors import MemoryLimitError, ParameterError


class NaiveGrowable:
    """Segments as dicts; what lists and headers say is computed by walking."""

    def __init__(self):
        self.segments = {}

    def deliver(self, active, out, threshold):
        visits = 0
        for cell in active:
            for segment, synapses in self.segments.items():
                if cell in synapses:
                    visits += 1
                    out[segment] += synapses[cell] >= threshold
        return visits


def random_operations(rng, n, n_pre=30, match=1):
    fast = Growable(n_pre, levels=100, threshold=50, match=match)
    naive = NaiveGrowable()
    masks = np.zeros(4, np.uint32)
    for _ in range(n):
        kind = rng.integers(4)
        if kind < 2 or not naive.segments:
            size = int(rng.integers(1, n_pre))
            pre = rng.permutation(n_pre)[:size]
            units = rng.integers(1, 101, size)
            segment = fast.add_segment(int(rng.integers(n_pre)), pre, units)
            assert segment not in naive.segments
            naive.segments[segment] = dict(
                zip(pre.tolist(), units.tolist(), strict=True)
            )
        elif kind == 2:
            segment = int(rng.choice(list(naive.segments)))
            fast.remove_segment(segment)
            del naive.segments[segment]
        else:
            segment = int(rng.choice(list(naive.segments)))
            on = rng.random(n_pre) < 0.5
            bits = np.packbits(on, bitorder="little")
            bits = np.pad(bits, (0, -bits.size % 4)).view(np.uint32)
            hits = kernels.hits_of(fast.store, segment, bits, 50, masks)
            held = naive.segments[segment]
            assert hits & 255 == sum(on[c] for c in held)
            assert hits >> 8 == sum(on[c] and v >= 50 for c, v in held.items())
            lives = kernels.adapt(fast.store, segment, masks, 30, 40, 50, 100)
            changed = {
                c: min(max(v + (30 if on[c] else -40), 0), 100) for c, v in held.items()
            }
            kept = {c: v for c, v in changed.items() if v > 0}
            assert lives == bool(kept)
            if kept:
                naive.segments[segment] = kept
            else:
                assert not lives
                del naive.segments[segment]
    return fast, naive


def test_random_operations_match_the_naive_twin(rng):
    fast, naive = random_operations(rng, 400)
    fast.check()
    assert fast.n_segments == len(naive.segments)
    for segment, synapses in naive.segments.items():
        pre, units = fast.synapses_of(segment)
        assert list(synapses.items()) == list(
            zip(pre.tolist(), units.tolist(), strict=True)
        )
    active = rng.integers(30, size=12).astype(np.int32)
    out, expected = np.zeros((2, fast.n_post), np.int64)
    assert fast.deliver(active, out) == naive.deliver(active, expected, 50)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("match", [1, 3, 6, 9, 20])
def test_every_segment_of_interest_is_found(rng, match):
    fast, naive = random_operations(rng, 300, match=match)
    fast.check()
    trigger = np.uint8(min(kernels.TRIGGER, match))
    for _ in range(20):
        active = rng.permutation(30)[: rng.integers(1, 30)].astype(np.int32)
        potential = np.zeros(fast.n_post, np.int64)
        visits = naive.deliver(active, potential, 0)
        entries, total, _ = kernels.visits_of(fast.store.pre_head, active)
        assert total == visits
        assert entries == visits if match <= kernels.TRIGGER else entries < visits
        found = np.zeros(fast.n_post, np.uint32)
        n = kernels.count_many(fast.store, active, trigger, found)
        kernels.clear_counts(fast.store, active, entries)
        assert set(np.flatnonzero(potential >= match)) <= set(found[:n].tolist())


def test_both_counting_kernels_agree_with_the_reference(rng):
    fast, naive = random_operations(rng, 300)
    active = rng.permutation(30)[:9].astype(np.int32)
    connected = np.zeros(fast.n_post, np.int64)
    visits = fast.deliver(active, connected)
    potential = np.zeros(fast.n_post, np.int64)
    naive.deliver(active, potential, 0)
    seen = kernels.visits_of(fast.store.pre_head, active)
    assert seen == (visits, visits, connected.sum())
    found = []
    for count in (kernels.count_few, kernels.count_many):
        for kernel in (count, count.py_func):
            matching = np.zeros(fast.n_post, np.uint32)
            n = kernel(fast.store, active, np.uint8(3), matching)
            held = fast.store.counts[: fast.n_post].astype(np.int64)
            np.testing.assert_array_equal(held, potential)
            found.append(sorted(matching[:n].tolist()))
            for visits_said in (visits, 0):
                kernels.clear_counts(fast.store, active, visits_said)
                assert not fast.store.counts[: fast.n_post].any()
    assert found == [np.flatnonzero(potential >= 3).tolist()] * 4


def test_weakest_goes_first_and_the_oldest_among_equals():
    g = Growable(10)
    segment = g.add_segment(0, [1, 2, 3, 4, 5], [9, 7, 7, 8, 3])
    mark = np.zeros(10, np.uint16)
    mark[5] = 1
    kernels.drop_weakest(g.store, segment, 2, mark, 50)
    assert g.synapses_of(segment)[0].tolist() == [1, 4, 5]
    kernels.drop_weakest(g.store, segment, 9, mark, 50)
    assert g.synapses_of(segment)[0].tolist() == [5]
    g.check()


def test_blocks_are_used_again(rng):
    g = Growable(200)
    for _ in range(3):
        made = [
            g.add_segment(k % 200, rng.permutation(200)[: 20 + k % 100], 30)
            for k in range(200)
        ]
        peak = g.nbytes
        for segment in made:
            g.remove_segment(segment)
        g.check()
        assert g.n_segments == g.n_synapses == 0
    assert g.nbytes <= peak


def test_round_trip_and_damage(rng):
    fast, _ = random_operations(rng, 200)
    arrays = fast.to_arrays()
    again = Growable.from_arrays(arrays, levels=100, threshold=50)
    again.check()
    assert again.n_synapses == fast.n_synapses
    damaged = dict(arrays, positions=arrays["positions"] ^ 1)
    with pytest.raises(ParameterError, match="Growable"):
        Growable.from_arrays(damaged, levels=100, threshold=50)
    del arrays["lists"]
    with pytest.raises(ParameterError, match="'lists' is missing"):
        Growable.from_arrays(arrays, levels=100, threshold=50)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: g.add_segment(9, [1], [5]), "units"),
        (lambda g: g.add_segment(0, [9], [5]), "units"),
        (lambda g: g.add_segment(0, [1, 1], [5, 5]), "distinct"),
        (lambda g: g.add_segment(0, [1], [0]), "permanences"),
        (lambda g: g.remove_segment(0), "no segment 0"),
        (lambda g: g.synapses_of(-1), "no segment -1"),
        (lambda g: Growable(0), "n_pre"),
        (lambda g: Growable(2**24), "n_pre"),
        (lambda g: Growable(2, levels=256), "levels"),
        (lambda g: Growable(2, match=0), "match"),
        (lambda g: Growable(2, match=2).deliver([0], np.zeros(1)), "match > 1"),
    ],
)
def test_refuses_bad_input(call, message):
    with pytest.raises(ParameterError, match=message):
        call(Growable(8))


def test_says_when_the_ids_are_exhausted():
    with pytest.raises(MemoryLimitError, match="limit"):
        Growable(8).ensure(segments=2**24, synapse_words=0, list_words=0)


def test_words_beyond_the_size_of_a_loaded_segment_are_harmless(rng):
    fast, _ = random_operations(rng, 200)
    arrays = fast.to_arrays()
    heads = arrays["segment_head"]
    (live,) = np.nonzero(heads[:, 2] != kernels.NONE)
    offset, size = int(heads[live[0], 0]), int(heads[live[0], 1]) & 255
    arrays["synapses"][offset + size] = 0xFFFFFF00  # no such unit
    again = Growable.from_arrays(arrays, levels=100, threshold=50)
    assert again.store.synapses[offset + size] == 0
