import numpy as np
import pytest

from hw.crossbar import Crossbar
from tests.naive import crossbar as naive
from tests.unit.hw.arrays import close, loguniform, uniform

# --- 11 and other topologies


def test_gated_equals_driven_with_all_rows_on(rng):
    g = uniform(rng, 15, 6)
    v = np.full(15, 0.2)
    gated = Crossbar(g, 0.0, 30.0, 0.0, 5.0, topology="gated")
    driven = Crossbar(g, 0.0, 30.0, 0.0, 5.0)
    close(gated.mvm(v), driven.mvm(v), 1e-12)
    v[::2] = 0.0
    a, b = gated.mvm(v), driven.mvm(v)
    assert (b < a).all()  # silent rows of the driven array sink current


@pytest.mark.parametrize("r_source", [0.0, 3.0])
@pytest.mark.parametrize("r", [1e-3, 5.0, 1e3])
def test_gated_ladder_against_dense(rng, r, r_source):
    from hw.crossbar._gated import GatedArray

    g = loguniform(rng, 12, 5)
    v = 0.3 * (rng.random((4, 12)) < 0.6)
    v[1] = 0.0
    xbar = Crossbar(g, r, 2 * r, r_source, 4.0, topology="gated")
    found = xbar.solve(v)
    array = GatedArray(g, xbar.lines, 1e-11)
    for k in range(4):
        s, w = np.empty((2, 12, 5))
        array._dense(g * (v[k] > 0)[:, None], v[k].max(), s, w)
        np.testing.assert_allclose(found.v_word[k], s, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.v_bit[k], w, rtol=1e-8, atol=1e-12)
        i = (g * (v[k] > 0)[:, None] * (s - w)).sum(0)
        np.testing.assert_allclose(found.I[k], i, rtol=1e-9, atol=1e-18)
    close(xbar.mvm(v), found.I, 1e-9)


def test_silent_rows_of_gated_arrays_are_segments_in_series(rng):
    """Currents of the active rows alone, against the ladders with every node."""
    g = loguniform(rng, 13, 4)
    source, bit = rng.uniform(1, 200, 13), rng.uniform(1, 200, 13)
    xbar = Crossbar(g, source, bit, 7.0, 11.0, topology="gated")
    v = 0.2 * (rng.random((30, 13)) < rng.random((30, 1)))
    v[0], v[1] = 0.0, 0.2
    v[2] = 0.2 * (np.arange(13) == 12)
    v[3] = 0.2 * (np.arange(13) == 0)
    full = xbar.solve(v).I
    np.testing.assert_allclose(xbar.mvm(v), full, rtol=1e-10, atol=1e-20)
    assert not xbar.mvm(v[0]).any()


@pytest.mark.parametrize(
    "lines", [(0.0, 2.0, 5.0, 0.0), (3.0, 0.0, 0.0, 4.0), (0.0, 0.0, 6.0, 7.0)]
)
def test_gated_limits(rng, lines):
    """Short-circuited segments are the limit of small ones."""
    g = uniform(rng, 6, 4)
    v = np.array([0.2, 0, 0.2, 0.2, 0, 0])
    exact = Crossbar(g, *lines, topology="gated").mvm(v)
    small = [max(r, 1e-6) for r in lines]
    close(Crossbar(g, *small, topology="gated").mvm(v), exact, 1e-7)


@pytest.mark.parametrize(
    "lines",
    [
        (0.0, 2.0, 0.0, 0.0),
        (2.0, 0.0, 0.0, 0.0),
        (0.0, 2.0, 5.0, 3.0),
        (2.0, 0.0, 5.0, 3.0),
        (0.0, 0.0, 5.0, 3.0),
        (0.0, 0.0, 5.0, 0.0),
    ],
)
def test_driven_limits(rng, lines):
    g, v = uniform(rng, 6, 9), rng.normal(size=(2, 6))
    xbar = Crossbar(g, *lines)
    small = [max(r, 1e-6) for r in lines]
    reference = Crossbar(g, *small).mvm(v, method="cg")
    close(xbar.mvm(v), reference, 1e-7)
    close(v @ xbar.effective_conductance(), xbar.mvm(v), 1e-10)


def test_interleaved_against_two_cell_planes(rng):
    """With wires, the pair shares its bit line; without coupling it is a difference."""
    gp, gm = uniform(rng, 2 * 8, 5).reshape(2, 8, 5)
    v = rng.random(8)
    xbar = Crossbar((gp, gm), 3.0, 0.0, topology="interleaved")
    a = Crossbar(gp, 3.0, 0.0).mvm(v) - Crossbar(gm, 3.0, 0.0).mvm(v)
    close(xbar.mvm(v), a, 1e-10)
    wired = Crossbar((gp, gm), 3.0, 3.0, topology="interleaved")
    g_eff = wired.effective_conductance()
    close(v @ g_eff, wired.mvm(v), 1e-10)
    # equal halves cancel exactly, whatever the wires
    null = Crossbar((gp, gp), 3.0, 3.0, topology="interleaved").mvm(v)
    assert np.abs(null).max() < 1e-12 * np.abs(wired.mvm(v)).max()


def test_both_ends_and_segment_arrays(rng):
    g, v = uniform(rng, 9, 11), rng.normal(size=(3, 9))
    rw, rb = rng.uniform(1, 20, 11), rng.uniform(1, 20, 9)
    xbar = Crossbar(g, rw, rb, 3.0, 2.0, r_source_far=4.0, r_sense_far=1.0)
    direct = np.array([xbar.solve(x, method="direct").I for x in v])
    close(xbar.mvm(v, method="cg"), direct, 1e-10)
    close(np.array([xbar.solve(x).I for x in v]), direct, 1e-10)
    close(
        xbar.effective_conductance("columns"), xbar.effective_conductance("rows"), 1e-9
    )


@pytest.mark.parametrize("kind", ["rows", "columns"])
def test_padding_rows_is_exact(rng, kind):
    """Sizes that are no multiple of eight."""
    for m in range(1, 18):
        g, v = uniform(rng, m, 3), rng.normal(size=m)
        close(
            Crossbar(g, 9.0, 8.0).mvm(v, method="cg"),
            naive.solve(g, v, 9.0, 8.0)[0],
            1e-10,
        )
