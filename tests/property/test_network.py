"""What must not matter: numbering, splitting, weights of zero."""

import numpy as np
import pytest

from neuro.network import (
    LifDelta,
    LifExp,
    Network,
    Pairs,
    Population,
    Projection,
    SpikeList,
)

ENGINES = ["grid", "exact"]
DT = 1e-4
N = 40


def _parts(rng, model=None):
    """Arrays of a random network; weights are multiples of 1/64, so sums are exact."""
    m = 240
    steps = np.sort(rng.integers(1, 2000, 500))
    return {
        "times": steps * DT,
        "channels": rng.integers(0, 10, 500),
        "pre": rng.integers(0, N, m),
        "post": rng.integers(0, N, m),
        "weight": rng.integers(-24, 28, m) / 64,
        "delay": rng.integers(1, 15, m) * DT,
        "in_pre": rng.integers(0, 10, 120),
        "in_post": rng.integers(0, N, 120),
        "in_weight": rng.integers(20, 50, 120) / 64,
        "v": rng.integers(0, 60, N) / 64,
        "model": model or LifDelta(tau_mem=20e-3, t_ref=2e-3, i_e=0.5),
    }


def _run(p, engine, *, extra=(), split=None, dt=DT):
    keep = np.ones(p["pre"].size, bool) if split is None else split
    projections = [
        Projection("x", "x", Pairs(p["pre"][at], p["post"][at]),
                   weight=p["weight"][at], delay=p["delay"][at])
        for at in ([keep] if split is None else [keep, ~keep])
    ]  # fmt: skip
    net = Network(
        SpikeList("in", 10, p["times"], p["channels"]),
        Population("x", N, p["model"], init={"v": p["v"]}),
        Projection("in", "x", Pairs(p["in_pre"], p["in_post"]),
                   weight=p["in_weight"], delay=DT),
        *projections,
        *extra,
        dt=dt,
    )  # fmt: skip
    result = net.build(engine=engine, precision="double").run(0.3)
    return result.spikes["x"], result


@pytest.mark.parametrize("engine", ENGINES)
def test_permuted_neurons_permute_their_spikes(engine, rng):
    p = _parts(rng)
    order = rng.permutation(N)  # new number of each neuron
    q = {
        **p,
        "pre": order[p["pre"]],
        "post": order[p["post"]],
        "in_post": order[p["in_post"]],
    }
    q["v"] = np.empty(N)
    q["v"][order] = p["v"]
    a, _ = _run(p, engine)
    b, _ = _run(q, engine)
    assert a.times.size > 100
    for k in range(N):
        np.testing.assert_array_equal(
            a.times[a.indices == k], b.times[b.indices == order[k]]
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_zero_weight_is_no_synapse(engine, rng):
    p = _parts(rng)
    a, ra = _run(p, engine)
    nothing = Projection(
        "x",
        "x",
        Pairs(rng.integers(0, N, 80), rng.integers(0, N, 80)),
        weight=0.0,
        delay=3 * DT,
    )
    b, rb = _run(p, engine, extra=[nothing])
    assert a.times.tobytes() == b.times.tobytes()
    assert a.indices.tobytes() == b.indices.tobytes()
    assert rb.counts.total("synop_zero") > 0
    assert rb.counts.total("synop") == ra.counts.total("synop")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dyadic", [True, False])
def test_a_projection_may_be_split(engine, dyadic, rng):
    p = _parts(rng, LifExp(tau_mem=20e-3, t_ref=2e-3, i_e=0.9))
    if not dyadic:
        p["weight"] = p["weight"] * np.pi / 3
    a, ra = _run(p, engine)
    b, rb = _run(p, engine, split=rng.random(p["pre"].size) < 0.5)
    assert a.times.size > 100
    np.testing.assert_array_equal(a.indices, b.indices)
    np.testing.assert_allclose(a.times, b.times, rtol=0, atol=1e-12)
    assert ra.counts.total("synop") == rb.counts.total("synop")


@pytest.mark.parametrize("engine", ENGINES)
def test_recording_does_not_act(engine, rng):
    from neuro.network import Record

    p = _parts(rng)
    a, _ = _run(p, engine)
    b, _ = _run(p, engine, extra=[Record("x", ("v",), indices=[1, 4], interval=7 * DT)])
    assert a.times.tobytes() == b.times.tobytes()


def test_engines_agree_as_the_step_shrinks(rng):
    """The grid finds a crossing at most one step late; without recurrence, so no chaos."""
    p = _parts(rng, LifExp(tau_mem=20e-3, t_ref=2e-3, i_e=0.9))
    for k in ("pre", "post", "weight", "delay"):
        p[k] = p[k][:0]
    exact, _ = _run(p, "exact")
    worst = []
    for dt in (DT, DT / 8):
        grid, _ = _run(p, "grid", dt=dt)
        late = [
            grid.times[grid.indices == k][0] - exact.times[exact.indices == k][0]
            for k in np.unique(exact.indices)
        ]
        assert min(late) > -1e-9
        assert max(late) <= dt + 1e-9
        assert abs(grid.times.size - exact.times.size) <= 0.01 * exact.times.size
        worst.append(max(late))
    assert worst[1] < worst[0] / 4
