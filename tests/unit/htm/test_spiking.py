import math

import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.htm._kernels import spiking as kernels
from neuro.htm.spiking import DendriticLif, StructuralStdp, psc_amplitude
from neuro.htm.spiking_memory import SpikingMemory, spiking_task
from neuro.network import Network, Pairs, Population, Projection, SpikeList
from tests.naive.spiking import NaiveNeuron, naive_permanence

DT = 1e-4


class Driver:
    """One neuron, stepped as the engine does it."""

    def __init__(self, model, n=1):
        rows = model.prepare(DT, "nest")
        self.params = np.array([[rows[k]] for k in model.params])
        self.state = np.zeros((len(model.state), n))
        self.inputs, self.spiked = np.zeros((3, n)), np.zeros(n, np.uint8)

    def step(self, *arrivals):
        self.inputs[:, 0] = arrivals
        kernels.dendritic_lif_step(
            self.params, self.state, self.inputs, self.spiked, DT
        )
        return bool(self.spiked[0])


def test_published_amplitudes():
    for psp, tau_mem, tau_syn, published in (
        (22e-3, 10e-3, 2e-3, 4112.20e-12),
        (-40e-3, 10e-3, 1e-3, -12915.49e-12),
        (0.9e-3, 5e-3, 0.5e-3, 581.19e-12),
    ):
        found = psc_amplitude(psp, tau_mem=tau_mem, tau_syn=tau_syn, c=250e-12)
        assert found == pytest.approx(published, rel=1e-5)


def test_one_external_input_peaks_at_22_mv():
    model = DendriticLif(v_threshold=1.0)
    driver = Driver(model)
    driver.step(psc_amplitude(22e-3, tau_mem=10e-3, tau_syn=2e-3, c=250e-12), 0, 0)
    trace = []
    for _ in range(300):
        driver.step(0, 0, 0)
        trace.append(driver.state[0, 0])
    assert max(trace) == pytest.approx(22e-3, rel=1e-4)


def test_step_follows_the_equations(rng):
    model = DendriticLif()
    driver, naive = Driver(model), NaiveNeuron(model, DT)
    spikes = plateaus = 0
    for k in range(2500):
        external = 4.1e-9 if k in (900, 1700, 2100) else 0.0
        inhibition = -2e-9 if rng.random() < 0.002 else 0.0
        dendrite = 13e-12 * rng.integers(0, 3) * (rng.random() < 0.05)
        fired = driver.step(external, inhibition, dendrite)
        assert fired == naive.step(external, inhibition, dendrite)
        spikes += fired
        plateaus += driver.state[5, 0] == round(model.t_dap / DT)
        assert driver.state[0, 0] == pytest.approx(naive.v, abs=2e-5)
        assert driver.state[5, 0] == naive.dap
        assert driver.state[7, 0] == pytest.approx(naive.z, rel=1e-9)
    assert spikes >= 2
    assert plateaus >= 2


def test_five_coincident_mature_inputs_start_a_plateau():
    for n, starts in ((4, False), (5, True)):
        driver = Driver(DendriticLif())
        driver.step(0, 0, n * 12.98e-12)
        for _ in range(100):
            driver.step(0, 0, 0)
        assert (driver.state[5, 0] > 0) == starts


def test_a_plateau_alone_does_not_fire_and_a_spike_ends_it():
    driver = Driver(DendriticLif())
    driver.step(0, 0, 70e-12)
    assert not any(driver.step(0, 0, 0) for _ in range(900))
    assert driver.state[5, 0] == 0  # over after 60 ms
    driver.step(0, 0, 70e-12)
    for _ in range(200):
        driver.step(0, 0, 0)
    assert driver.state[5, 0] > 0
    driver.step(4.2e-9, 0, 0)
    fired = [driver.step(0, 0, 70e-12) for _ in range(60)]
    assert sum(fired) == 1
    assert driver.state[5, 0] == 0
    assert driver.state[4, 0] == 0  # dendritic input is dropped while refractory


def row(rule, initial, pre, post, delay, z_at):
    """Feed one synapse to the rule as the driver does: at pre spikes."""
    params = np.array(rule.prepare(DT))
    synapse = np.zeros((3, 1), np.float32)
    synapse[:2] = initial
    targets = np.zeros(1, np.uint16)
    times = np.zeros((1, 16), np.int64)
    times[0, : len(post)] = post
    state = np.zeros((17, 1))
    for i, z in enumerate(z_at):
        state[kernels.Z_ROW + i % kernels.Z_HISTORY, 0] = z
    decay = np.exp(-np.arange(4000) * DT / rule.tau_plus)[None]
    trace, last = np.zeros(1), -1
    for now in pre:
        count = np.array([sum(t <= now for t in post)])
        kernels.structural_on_pre(
            params, synapse, targets, trace, np.zeros((0, 1, 16)), times, count, state,
            last, now, delay, decay, 1,
        )  # fmt: skip
        trace[0] = 1.0 + (trace[0] * decay[0, now - last] if last >= 0 else 0.0)
        last = now
    return synapse


def test_plasticity_follows_the_equation(rng):
    rule = StructuralStdp(rate_plus=0.1, rate_minus=0.01, rate_homeostasis=0.05)
    moved = 0
    for _ in range(60):
        pre = np.sort(rng.permutation(3000)[:12]).tolist()
        post = np.sort(rng.permutation(2900)[:7]).tolist()
        z_at = rng.random(7) * 2
        initial = float(np.float32(rng.random() * 8))
        synapse = row(rule, initial, pre, post, 20, z_at)
        seen = [(t, z) for t, z in zip(post, z_at, strict=True) if t + 20 <= pre[-1]]
        expected = naive_permanence(
            rule, initial, pre, [t for t, _ in seen], 20, [z for _, z in seen], DT
        )
        assert synapse[1, 0] == pytest.approx(expected, rel=1e-5)
        assert synapse[2, 0] == np.float32(initial)
        mature = expected > rule.p_threshold
        assert synapse[0, 0] == np.float32(rule.weight if mature else 0.0)
        moved += expected > initial
    assert moved > 10


def test_bad_parameters():
    with pytest.raises(ParameterError, match="tau_mem"):
        DendriticLif(tau_mem=0.0)
    with pytest.raises(ParameterError, match="must differ"):
        DendriticLif(tau_inhibition=10e-3)
    with pytest.raises(ParameterError, match="p_threshold"):
        StructuralStdp(p_threshold=30.0)
    with pytest.raises(ParameterError, match="lag_min"):
        StructuralStdp(lag_min=0.1)
    with pytest.raises(ParameterError, match="unknown set"):
        spiking_task("IV")


def test_tasks():
    assert spiking_task("I").episode == pytest.approx(0.44)
    assert spiking_task("II").episode == pytest.approx(1.56)
    assert len(spiking_task("II").symbols) == 14
    assert math.isclose(spiking_task("I").onset(1, 2), 0.03 + 0.22 + 0.08)


def test_a_small_network_learns_and_is_reproducible():
    task = spiking_task("I")
    found = []
    for _ in range(2):
        memory = SpikingMemory(task, episodes=8, seed=1)
        episodes = [memory.run_episode() for _ in range(8)]
        found.append(np.array([e.spikes for e in episodes]))
    np.testing.assert_array_equal(*found)
    assert (found[0][0] == 150).all()  # nothing is predicted at first
    assert found[0][-1].min() < 100  # some groups are, soon
    with pytest.raises(ParameterError, match="episodes"):
        memory.run_episode()


def test_permanence_starts_at_the_weight_of_the_projection():
    """A synapse that is mature from the start delivers at the first pre spike."""
    dt = 1e-4
    for initial, delivered in ((15.0, 12.98e-12), (5.0, 0.0)):
        net = Network(
            SpikeList("pre", 1, np.array([1e-3]), np.zeros(1, int)),
            Population("post", 1, DendriticLif()),
            Projection(
                "pre", "post", Pairs([0], [0]), weight=initial, delay=1e-3,
                port="dendrite", plasticity=StructuralStdp(),
            ),
            dt=dt,
        )  # fmt: skip
        simulation = net.build(engine="grid")
        simulation.run(5e-3)
        assert simulation.weights("pre -> post")[2][0] == pytest.approx(delivered)


def test_least_permanence_is_the_first_one_not_one_after_silence():
    rule = StructuralStdp()
    synapse = np.array([[0.0], [3.0], [0.0]], np.float32)
    call = [
        np.array(rule.prepare(1e-4)), synapse, np.zeros(1, np.uint16), np.zeros(1),
        np.zeros((0, 1, 8)), np.zeros((1, 8), np.int64), np.zeros(1, np.int64),
        np.zeros((20, 1)), -1, 10, 1, np.ones((1, 5)), 1,
    ]  # fmt: skip
    kernels.structural_on_pre(*call)
    synapse[1] = 12.0  # learnt since
    kernels.structural_on_pre(*call)  # a source settled after silence has last < 0
    assert synapse[2, 0] == 3.0
