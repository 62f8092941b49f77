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
# # 1. Look at N-MNIST
#
# You will learn
#
# * what an event recording is, and how to load, check and bin one;
# * what N-MNIST looks like: three saccades, two polarities, a few thousand events;
# * how to compare recordings with published statistics of the set.
#
# With the real recordings at hand (`NEURO_DATA`, or `./data`) the notebook uses them.
# Without, it uses the stand-in: real handwritten digits of scikit-learn, seen by the
# project's event camera. The first lines of output say which it was.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np

from neuro.datasets import load
from neuro.events import (
    event_rate,
    frame_batch,
    frames,
    pixel_intervals,
    recording_statistics,
    time_slice,
)
from neuro.plot import plot_event_cloud, plot_event_frames, plot_event_rate

warnings.filterwarnings("ignore", message="IProgress")

data = load("nmnist")
if data.synthetic:
    data = data.subset(range(300)).preload()
print(data)
print("synthetic stand-in:", data.synthetic)

# %% [markdown]
# ## One recording
#
# A recording is a NumPy structured array: time in microseconds, column, row, polarity.

# %%
events, label = data[0], data.labels[0]
print("digit", label, "with", events.size, "events")
events[:5]

# %% [markdown]
# In space and time: the sensor looks at a still digit, which moves three times along the
# sides of a triangle. Only pixels whose brightness changes answer. Note the polarity: in
# this set `p = 0` means *brighter*.

# %%
ax = plot_event_cloud(events, data.sensor_size, brighter=0)
ax.set_title(f"a handwritten {label}");

# %% [markdown]
# ## Frames
#
# Bins of equal width from t = 0. The three saccades move edges in three directions, so
# they show different parts of the digit.

# %%
plot_event_frames(events, data.sensor_size, bin_us=35_000, n_bins=9);

# %% [markdown]
# `frames` gives the array `(bin, polarity, row, column)` that models take. Nothing is lost
# but what comes after the last bin:

# %%
counts = frames(events, data.sensor_size, bin_us=6000, n_bins=50, binary=False)
early = time_slice(events, 0, 300_000)
print(counts.shape, counts.sum(), "=", early.size)

# %% [markdown]
# Ten digits, all events of each summed:

# %%
figure, axes = plt.subplots(1, 10, figsize=(12, 1.6))
for digit, ax in enumerate(axes):
    i = int(np.flatnonzero(data.labels == digit)[0])
    whole = frames(
        data[i], data.sensor_size, bin_us=400_000, n_bins=1, binary=False
    )
    ax.imshow(whole.sum((0, 1)), cmap="magma")
    ax.set_title(str(digit), fontsize=9)
    ax.set_axis_off()

# %% [markdown]
# ## Statistics
#
# Beside those of 1100 real recordings (MNIST training images 0 to 999 and test images 0
# to 99). Orchard et al. (2015) describe three saccades of 100 ms each.

# %%
table = recording_statistics(data, data.sensor_size)
intervals = np.concatenate([pixel_intervals(data[i]) for i in range(len(data))])
rows = [
    ("events per recording", table.n_events.mean(), 4108),
    ("  standard deviation", table.n_events.std(), 1152),
    ("share of p = 1", table.on_share.mean(), 0.4997),
    ("active pixels of 1156", table.active_pixels.mean(), 444),
    ("last stamp (ms)", table.last_ms.mean(), 307.7),
    ("pixel interval, 1 % (ms)", np.quantile(intervals, 0.01) / 1e3, 1.71),
]
print(f"{'':<28}{'here':>10}{'1100 real':>12}")
for name, here, published in rows:
    print(f"{name:<28}{here:>10.4g}{published:>12.4g}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
plot_event_rate(data, ax=left)
left.set_title("mean and standard deviation over recordings")
by_class = [table.n_events[data.labels == k] for k in range(10)]
right.boxplot(by_class, tick_labels=range(10), showfliers=False)
right.set_xlabel("digit")
right.set_ylabel("events");

# %% [markdown]
# The number of events alone tells some digits apart: a 1 has half as many as a 0. Any
# classifier must therefore be compared with one that only counts events.
#
# The rate shows the saccades as bursts of about 70 ms with rests between:

# %%
rate = np.mean(
    [event_rate(data[i], bin_us=105_000, duration_us=315_000) for i in range(len(data))],
    axis=0,
)
print("events in the three 105 ms windows:", (rate * 0.105).round().astype(int))
print("1100 real recordings:               [1503 1360 1270]")

# %% [markdown]
# ## What a liquid gets
#
# One polarity, the central 16 x 16 pixels, 50 binary frames of 6 ms: 256 input lines.

# %%
lines = frame_batch(
    data, data.sensor_size, bin_us=6000, n_bins=50, crop=16, polarity=1
)
print(lines.shape, f"{lines.mean():.1%} of the entries are 1")
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.imshow(lines[0].reshape(50, -1).T, cmap="Greys", aspect="auto", extent=(0, 300, 256, 0))
ax.set_xlabel("time (ms)")
ax.set_ylabel("input line");

# %% [markdown]
# Next: a liquid on these lines, beside its controls.
