# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. What it costs: operations, bits, joules
#
# You will learn how to
#
# * get the exact operation counts of a run and keep them apart from prices,
# * price the same counts under several energy models and read their ranges,
# * see what each model leaves out, and why two models that disagree are better than one,
# * count bits, and find the quantised artificial network with as many bit operations.
#
# Nothing here is a measurement of silicon. It is arithmetic on exact counts and
# published constants, and the report says which.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from hw.bitbudget import budget, layers_of
from hw.crossbar import RandomWeights
from hw.energy import Profile, estimate
from neuro.datasets import load
from neuro.events import frames
from neuro.lsm import Liquid
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS

data = load("nmnist", limit=100)
x = np.stack(
    [
        frames(data[k], data.sensor_size, bin_us=6000, n_bins=50, crop=16, polarity=1)
        for k in range(len(data))
    ]
).reshape(len(data), 50, 256)
liquid = Liquid(
    RandomWeights((200, 256), const=0.07, mean=WEIGHT_STATISTICS[0], sd=WEIGHT_STATISTICS[1]),
    RandomWeights(
        (200, 200), const=0.07, mean=RECURRENT_STATISTICS[0], sd=RECURRENT_STATISTICS[1], seed=1
    ),
)
counts = liquid.run(x).operations
print(counts)

# %% [markdown]
# ## The ledger

# %%
for layer, op, a_bits, w_bits, n in counts.entries():
    print(f"{layer:<18}{op:<16}{a_bits:>3} x {w_bits:<3} bit {n.mean():>12,.0f} per recording")

# %% [markdown]
# ## Bits
#
# A synapse that handles `b_s`-bit spikes with `b_w`-bit weights for `T` steps handles
# `T b_w b_s` bits. Summed over all products this is S-ACE; weighted with the activity,
# NS-ACE. A quantised artificial network of the same shape that runs once would handle as
# many bit operations with activations of `T b_s` bits.

# %%
layers = layers_of(counts)
for w_bits in (32, 8, 4):
    b = budget([replace(layer, w_bits=w_bits) for layer in layers])
    print(
        f"{b.configuration:<8} S-ACE {b.s_ace / 1e6:7.1f} M, NS-ACE {b.ns_ace / 1e6:6.2f} M "
        f"({b.s_ace / b.ns_ace:.1f} times fewer), weights {b.storage_bits / 8e3:.0f} kB, "
        f"artificial network of {b.ann_bits['ops']}-bit activations"
    )

# %% [markdown]
# ## Prices
#
# `op45` is the field's convention (4.6 pJ per multiply-accumulate, 0.9 pJ per addition,
# 45 nm, 32-bit floats) and counts arithmetic alone. `lemaire22` adds memory and
# addressing. `cim` reads an analogue array through converters.

# %%
reports = {
    "op45": estimate(counts, model="op45", profile="horowitz45-fp32"),
    "lemaire22": estimate(counts, model="lemaire22"),
    "cim": estimate(counts, model="cim"),
}
for name, r in reports.items():
    print(f"{name:<10}{1e9 * r.total:10.1f} nJ  [{1e9 * r.low:.1f}, {1e9 * r.high:.1f}]")

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
for ax, (name, r) in zip(axes, reports.items()):
    r.plot(ax)
    ax.set_title(name)
figure.tight_layout();

# %% [markdown]
# The models differ by more than any of their ranges: they price different things. What
# each leaves out is part of the report:

# %%
for name, r in reports.items():
    print(name)
    for line in r.not_included:
        print("   not included:", line)

# %% [markdown]
# ## Profiles
#
# Every constant has a value, a range, a node, a kind of evidence and a source.

# %%
for model, profile in (
    ("op45", "horowitz45-fp32"),
    ("op45", "horowitz45-int8"),
    ("yan24", "yan24-22nm"),
    ("chip", "loihi"),
    ("chip", "odin"),
    ("chip", "truenorth"),
    ("cim", "rram-32nm"),
    ("cim", "isaac-32nm"),
):
    r = estimate(counts, model=model, profile=profile)
    print(
        f"{model:<6}{profile:<18}{1e9 * r.total:8.0f} nJ  "
        f"[{1e9 * r.low:.0f}, {1e9 * r.high:.0f}]"
    )

# %% [markdown]
# Three orders of magnitude, from the same counts: a chip's figure holds what its makers
# measured, arithmetic alone holds nothing else. `profile_names()` lists them all, and
# your own profile is a TOML file.

# %%
for key, c in list(Profile.load("horowitz45-fp32").constants.items())[:6]:
    print(f"{key:<18}{c.value:>8g} [{c.low:g}, {c.high:g}] {c.unit:<4} {c.node}: {c.source}")

# %% [markdown]
# ## Energy follows activity
#
# Half of the events dropped: what is left of the price under each model?

# %%
rng = np.random.default_rng(0)
half = liquid.run(x * (rng.random(x.shape) < 0.5).astype(np.uint8)).operations
for name, r in reports.items():
    profile = "horowitz45-fp32" if name == "op45" else None
    share = estimate(half, model=name, profile=profile).total / r.total
    print(f"{name:<10}{100 * share:5.1f} % of the energy with half of the events")
