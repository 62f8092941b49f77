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
# # 2. A liquid on N-MNIST, with its controls
#
# You will learn how to
#
# * turn recordings into the binary frames that a liquid reads,
# * build a fixed random spiking reservoir (a *liquid state machine*) and look at it,
# * train a linear read-out with a proper validation split,
# * judge the result: a liquid has to beat a linear read-out on the *event counts* of the
#   same recordings. With the published 200 neurons and a few hundred recordings it does
#   not.
#
# The set-up is the one of Lin et al. (Nature Computational Science, 2025). Without
# N-MNIST on this machine the notebook uses a stand-in: handwritten digits seen by the
# project's event camera. Its accuracies are not N-MNIST accuracies.

# %%
import matplotlib.pyplot as plt
import numpy as np

import neuro
from neuro.core import Rows
from neuro.datasets import load
from neuro.events import frames
from neuro.lsm import PRESETS, Liquid, cross_validate, input_counts
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS
from neuro.statistics import paired_difference, summary

data = load("nmnist", limit=300)
print(data)

# %% [markdown]
# ## Frames
#
# 50 bins of 6 ms, one polarity, the central 16 x 16 pixels: 256 input lines.

# %%
x = np.stack(
    [
        frames(data[k], data.sensor_size, bin_us=6000, n_bins=50, crop=16, polarity=1)
        for k in range(len(data))
    ]
).reshape(len(data), 50, 256)
print(f"{x.sum() / x[:, :, 0].size:.1f} of 256 lines are active in a step")

# %%
figure, ax = plt.subplots(figsize=(7, 2.6))
ax.imshow(x[0].T, aspect="auto", cmap="Greys", interpolation="none")
ax.set(xlabel="frame (6 ms)", ylabel="input line", title=f"digit {data.labels[0]}");

# %% [markdown]
# ## The liquid
#
# Weights are `const * N(mean, sd)`, the statistics of a resistive array; nothing is
# trained. A larger liquid gets smaller recurrent weights, so that it fires alike.


# %%
def liquid(n, *, recurrent=True, seed=0):
    p = PRESETS["nmnist"]
    rng = np.random.default_rng(seed)
    w_in = p.const * rng.normal(*WEIGHT_STATISTICS, (n, 256))
    w_rec = p.const * (200 / n) ** 0.5 * rng.normal(*RECURRENT_STATISTICS, (n, n))
    return Liquid(
        Rows(w_in),
        Rows(w_rec) if recurrent else None,
        decay=p.decay,
        v_threshold=p.v_threshold,
    )


spikes = liquid(200).raster(x[0])
figure, ax = plt.subplots(figsize=(7, 2.6))
ax.plot(6 * spikes.times, spikes.indices, ".", ms=2)
ax.set(xlabel="time (ms)", ylabel="neuron", title="the liquid's answer")
activity = liquid(200).run(x)
print(f"{100 * activity.rate:.1f} % of the neurons fire in a step")

# %% [markdown]
# ## Accuracy, and what it must be compared with
#
# The same folds, the same read-out, the same strengths for every row. The standard
# error matters: with a few hundred recordings it is 2 points.

# %%
variants = {
    "event counts": input_counts(x),
    "liquid, 200": activity.features,
    "liquid, 200, no recurrence": liquid(200, recurrent=False).run(x).features,
    "event counts, 3 windows": input_counts(x, 3),
    "liquid, 200, 3 windows": liquid(200).run(x, windows=3).features,
    "liquid, 1000, 3 windows": liquid(1000).run(x, windows=3).features,
}
scores = {
    name: cross_validate(
        features,
        data.labels,
        data.groups,
        folds=10,
        kind="ridge",
        rng=np.random.default_rng(0),
    )
    for name, features in variants.items()
}
for name, s in scores.items():
    mean, sd, n = summary(s)
    print(f"{name:<28}{100 * mean:5.1f} +- {100 * sd / n**0.5:.1f} %")

# %%
figure, ax = plt.subplots(figsize=(7, 3))
means = [100 * s.mean() for s in scores.values()]
errors = [100 * s.std(ddof=1) / len(s) ** 0.5 for s in scores.values()]
colours = ["#777777" if "counts" in name else "#0072B2" for name in scores]
ax.barh(list(scores), means, xerr=errors, color=colours, capsize=3)
ax.invert_yaxis()
ax.set(xlabel="accuracy (%)", xlim=(0, 100));

# %% [markdown]
# Compare fold by fold, which is sharper than comparing two error bars:

# %%
for name, control in (
    ("liquid, 200", "event counts"),
    ("liquid, 200, 3 windows", "event counts, 3 windows"),
    ("liquid, 1000, 3 windows", "event counts, 3 windows"),
):
    d = paired_difference(scores[name], scores[control])
    print(f"{name:<26} minus {control:<26}{100 * d.mean:+5.1f} +- {100 * d.sd / d.n**0.5:.1f}")

# %% [markdown]
# A few hundred recordings resolve differences of four points at best. Trained on 10 000
# simulated recordings (`neuro run nmnist-lsm-transfer --preset paper`), 1000 neurons in
# three windows are five points above event counts in three windows, 200 neurons are not.
#
# ## What it did
#
# Every operation was counted while it ran: per layer and per recording, as integers.

# %%
ops = activity.operations
for layer in ("events -> liquid", "liquid -> liquid"):
    n = ops.per_sample("synop", layer)
    print(f"{layer:<18}{n.mean():12,.0f} synaptic operations per recording")
print("dense:", f"{50 * (256 * 200 + 200 * 200):,} multiply-accumulates per recording")
print("spikejoule", neuro.__version__)
