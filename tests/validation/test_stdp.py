"""STDP: pairs against the formula, trains against a plain loop and against NEST.

Weights are float64 with ``precision="double"``; as float32 each update rounds by 6e-8.
"""

import json
import os
import subprocess

import numpy as np
import pytest

from neuro.network import (
    IfDelta,
    Network,
    OneToOne,
    PairStdp,
    Population,
    PowerLawStdp,
    Projection,
    SpikeList,
)
from tests.validation.nest_peer import nest_python

DT = 1e-4
W0 = 0.5
RULES = {
    "additive": PairStdp(mu_plus=0.0, mu_minus=0.0, rate=0.01, alpha=1.1),
    "multiplicative": PairStdp(mu_plus=1.0, mu_minus=1.0, rate=0.01, alpha=1.1),
    "guetig": PairStdp(mu_plus=0.3, mu_minus=0.6, rate=0.01, alpha=1.1),
    "power law": PowerLawStdp(rate=0.01, alpha=0.3, w0=0.7),
}


def final_weights(rule, pre, post, delay, duration, precision="double"):
    """Weights of n independent synapses; pre, post: lists of spike steps per synapse.

    The post neuron fires where the second list says, whatever the plastic input.
    """
    n = len(pre)

    def stimulus(name, trains, shift):
        steps = np.concatenate([np.asarray(t, int) - shift for t in trains])
        channel = np.repeat(np.arange(n), [len(t) for t in trains])
        order = np.lexsort((channel, steps))
        return SpikeList(name, n, steps[order] * DT, channel[order])

    net = Network(
        stimulus("a", pre, 1),
        stimulus("b", post, 1),
        Population("pre", n, IfDelta(v_threshold=1e3)),
        Population("post", n, IfDelta(v_threshold=1e3)),
        Projection("a", "pre", OneToOne(), weight=1e4, delay=DT),
        Projection("b", "post", OneToOne(), weight=1e4, delay=DT),
        Projection(
            "pre", "post", OneToOne(), weight=W0, delay=delay * DT, plasticity=rule
        ),
        dt=DT,
    )
    simulation = net.build(engine="grid", precision=precision)
    result = simulation.run(duration)
    for name, trains in (("pre", pre), ("post", post)):
        assert result.spike_counts(name)[0].tolist() == [len(t) for t in trains]
    _, post_index, weight = simulation.weights("pre -> post")
    return weight[np.argsort(post_index)]


def plus(rule, w, k):
    if isinstance(rule, PowerLawStdp):
        return w + rule.rate * rule.w0 ** (1 - rule.mu) * w**rule.mu * k
    x = max(1 - w / rule.w_max, 0.0)
    return min(w + rule.rate * rule.w_max * x**rule.mu_plus * k, rule.w_max)


def minus(rule, w, k):
    if isinstance(rule, PowerLawStdp):
        return max(w - rule.rate * rule.alpha * w * k, 0.0)
    x = max(w / rule.w_max, 0.0)
    return max(w - rule.rate * rule.alpha * rule.w_max * x**rule.mu_minus * k, 0.0)


def one_synapse(rule, pre, post, delay):
    """Pair every spike with those of the other side, in order of time at the synapse."""
    events = sorted(
        [(t, 1, "pre") for t in pre] + [(t + delay, 0, "post") for t in post]
    )
    w, seen_pre, seen_post = W0, [], []
    used = {"pre": None, "post": None}  # spike of each side that was paired last
    for t, _, kind in events:
        if kind == "post":
            others = [s for s in seen_pre if s < t]
            if rule.pairing != "all":
                others = others[-1:]
            if rule.pairing == "restricted" and others and used["pre"] == others[-1]:
                others = []
            elif others:
                used["pre"] = others[-1]
            k = sum(np.exp(-(t - s) * DT / rule.tau_plus) for s in others)
            if others:
                w = plus(rule, w, k)
            seen_post.append(t)
        else:
            others = [s for s in seen_post if s < t]
            if rule.pairing != "all":
                others = others[-1:]
            if rule.pairing == "restricted" and others and used["post"] == others[-1]:
                others = []
            elif others:
                used["post"] = others[-1]
            k = sum(np.exp(-(t - s) * DT / rule.tau_minus) for s in others)
            if others:
                w = minus(rule, w, k)
            seen_pre.append(t)
    return w


@pytest.mark.parametrize(("precision", "near"), [("double", 1e-12), ("single", 1.2e-7)])
@pytest.mark.parametrize("name", RULES)
def test_pairs_follow_the_formula(name, precision, near):
    rule, delay = RULES[name], 15
    lags = np.concatenate([np.arange(-1000, 0, 10), np.arange(10, 1010, 10)])
    pre = [[2000, 30000] for _ in lags]  # the second pre spike settles the pair
    post = [[2000 - delay + int(lag)] for lag in lags]
    # far apart: tau is 15-30 ms, the settling spike comes 2.8 s later
    got = final_weights(rule, pre, post, delay, 3.1, precision)
    want = []
    for lag in lags:
        if lag > 0:
            w = plus(rule, W0, np.exp(-lag * DT / rule.tau_plus))
            w = minus(rule, w, np.exp(-(30000 - 2000 - lag) * DT / rule.tau_minus))
        else:
            w = minus(rule, W0, np.exp(lag * DT / rule.tau_minus))
            w = minus(rule, w, np.exp(-(30000 - 2000 - lag) * DT / rule.tau_minus))
        want.append(w)
    np.testing.assert_allclose(got, want, rtol=near)


@pytest.mark.parametrize("pairing", ["all", "nearest", "restricted"])
@pytest.mark.parametrize("name", ["guetig", "power law"])
def test_trains_against_a_plain_loop(name, pairing, rng):
    from dataclasses import replace

    rule, delay, n = replace(RULES[name], pairing=pairing), 12, 40
    last = 9990
    # every fifth synapse ends with a pre spike, which settles what came before
    pre = [
        np.unique(np.append(rng.integers(20, last, 30), last)).tolist()
        for _ in range(n)
    ]
    post = [np.unique(rng.integers(20, last - 20, 40)).tolist() for _ in range(n)]
    if pairing == "restricted":  # which neighbour a simultaneous pair has is ambiguous
        pre = [sorted({t // 2 * 2 for t in train}) for train in pre]
        post = [sorted({t // 2 * 2 + 1 for t in train}) for train in post]
    got = final_weights(rule, pre, post, delay, 1.0)
    want = [one_synapse(rule, a, b, delay) for a, b in zip(pre, post, strict=True)]
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert np.std(want) > 0.005


_SCRIPT = """
import json, sys
import numpy as np, nest
spec = json.load(open(sys.argv[1]))
nest.verbosity = nest.VerbosityLevel.ERROR
nest.ResetKernel()
nest.set(resolution=0.1)
n = len(spec["pre"])
drive = [nest.Create("spike_generator", n) for _ in range(2)]
pre = nest.Create("parrot_neuron", n)
post = nest.Create("parrot_neuron", n, params={"tau_minus": spec["tau_minus"]})
for g, trains in zip(drive, (spec["pre"], spec["post"])):
    for k, t in enumerate(trains):
        g[k].set(spike_times=[round(0.1 * (s - 1), 1) for s in t])
nest.Connect(drive[0], pre, "one_to_one", {"delay": 0.1})
nest.Connect(drive[1], post, "one_to_one", {"delay": 0.1})
if spec["model"] == "stdp_pl_synapse_hom":
    nest.SetDefaults("stdp_pl_synapse_hom", spec["params"])
    extra = {}
else:
    extra = spec["params"]
nest.Connect(pre, post, "one_to_one", {"synapse_model": spec["model"], "weight": spec["w"],
    "delay": 0.1 * spec["delay"], "receptor_type": 1, **extra})
nest.Simulate(1000.0)
c = nest.GetConnections(pre, post)
d = c.get(["target", "weight"])
order = np.argsort(d["target"])
print(json.dumps(np.asarray(d["weight"])[order].tolist()))
"""


@pytest.mark.peer
@pytest.mark.parametrize("name", ["additive", "multiplicative", "guetig", "power law"])
def test_weights_equal_nest(name, rng, tmp_path):
    """One second of Poisson trains at 30 Hz, dendritic delay 1.5 ms."""
    python = nest_python()
    if python is None:
        pytest.skip(
            "NEST is not installed: set NEURO_NEST_PYTHON to a Python that has it"
        )
    rule, delay, n, last = RULES[name], 15, 50, 9990
    if name == "power law":  # NEST fixes w0 to 1
        rule = PowerLawStdp(rate=0.01, alpha=0.3, w0=1.0)
    # a pre spike at the end settles both; a post spike beside it would not be seen
    pre = [
        np.unique(np.append(rng.integers(20, last, 30), last)).tolist()
        for _ in range(n)
    ]
    post = [np.unique(rng.integers(20, last - 20, 30)).tolist() for _ in range(n)]
    if isinstance(rule, PowerLawStdp):
        model = "stdp_pl_synapse_hom"
        params = {"lambda": rule.rate, "alpha": rule.alpha, "mu": rule.mu}
    else:
        model = "stdp_synapse"
        params = {
            "lambda": rule.rate, "alpha": rule.alpha, "mu_plus": rule.mu_plus,
            "mu_minus": rule.mu_minus, "Wmax": rule.w_max,
        }  # fmt: skip
    params["tau_plus"] = rule.tau_plus * 1e3
    spec = {
        "pre": pre, "post": post, "delay": delay, "w": W0, "model": model,
        "params": params, "tau_minus": rule.tau_minus * 1e3,
    }  # fmt: skip
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (tmp_path / "run.py").write_text(_SCRIPT)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, str(tmp_path / "run.py"), str(tmp_path / "spec.json")],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = np.array(json.loads(done.stdout.strip().splitlines()[-1]))
    ours = final_weights(rule, pre, post, delay, 1.0)
    assert np.std(theirs) > 0.005
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
