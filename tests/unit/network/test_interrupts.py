"""Ctrl-C at the worst moment: the run can go on, and nothing is lost but its result."""

import signal
import threading

import numpy as np
import pytest

from neuro.core.exact import engine as exact_engine
from neuro.core.interrupts import uninterrupted
from neuro.network import (
    FixedIndegree,
    LifExp,
    Network,
    Normal,
    Poisson,
    Population,
    Projection,
)

DT = 1e-4


@pytest.fixture(autouse=True)
def handler():
    """Python's own handler, whatever the tests were started from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_waits_for_the_end_of_the_block():
    done = []

    def block():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    seen = []
    thread = threading.Thread(target=lambda: seen.append(_plain()))
    thread.start()
    thread.join()
    assert seen == [2]


def _plain():
    with uninterrupted():
        return 2


def _network():
    return Network(
        Population("a", 60, LifExp(t_ref=2e-3), init={"v": Normal(0.3, 0.1)}),
        Poisson("a", 2000.0, 0.2),
        Projection("a", "a", FixedIndegree(10), weight=Normal(0.0, 0.3), delay=1.5e-3),
        dt=DT,
    )


@pytest.mark.parametrize("engine", ["grid", "exact"])
def test_a_run_goes_on_after_an_interrupt(engine, monkeypatch):
    net = _network()
    whole = net.build(engine=engine, seed=1).run(0.4)
    monkeypatch.setattr(exact_engine, "_BUDGET", 4000)
    simulation = net.build(engine=engine, seed=1)
    part = simulation._grid() if engine == "grid" else simulation._core
    name = "_drive" if engine == "grid" else "_advance"
    real, calls = getattr(part, name), []

    def interrupted(*arguments):
        status = real(*arguments)
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)  # as if it came in compiled code
        return status

    setattr(part, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulation.run(0.4)
    at = simulation.time
    assert 0 < at < 0.4
    rest = simulation.run(0.4 - at)
    want, got = whole.spikes["a"], rest.spikes["a"]
    late = want.times > at + (DT / 2 if engine == "grid" else 1e-9)
    assert late.sum() > 50
    mine = got.times > at + 1e-9
    np.testing.assert_allclose(got.times[mine], want.times[late], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(got.indices[mine], want.indices[late])
    assert got.times.size - mine.sum() <= 1
