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
# # 5. Make your own recordings with the event camera
#
# You will learn
#
# * how to record still images, on N-MNIST's path or on your own, and movies;
# * what the sensor's parameters do: threshold, refractory time, mismatch, noise;
# * how far simulated recordings are from real ones, and how to check that yourself;
# * how to write recordings as files that load like N-MNIST.
#
# Nothing is downloaded. Where N-MNIST and MNIST are at hand (`NEURO_DATA`), the
# comparison with real recordings runs too.

# %%
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from neuro.datasets import load
from neuro.events import (
    EventCamera,
    SaccadePath,
    SampledPath,
    likeness,
    pixel_counts,
    read_events,
    record,
    record_movie,
    recording_statistics,
    write_events,
)
from neuro.plot import (
    plot_event_channels,
    plot_event_cloud,
    plot_event_frames,
    plot_event_rate,
)

stills = load("mnist", synthetic=True)  # scikit-learn's digits, 28 x 28
images = stills.images[:40]

# %% [markdown]
# ## Record stills
#
# The default camera and path are N-MNIST's.

# %%
record(images[:1])  # compiles
start = time.process_time()
recordings = record(images, seed=0, threads=1)
each = 1e3 * (time.process_time() - start) / len(images)
print(f"{len(recordings)} recordings, {each:.1f} ms each")
sensor = EventCamera().sensor_size
plot_event_frames(recordings[0], sensor, bin_us=35_000, n_bins=9);

# %% [markdown]
# Every recording has a random stream of its own, named by the seed and its number. It is
# the same alone, in a batch, and on any number of threads:

# %%
alone = record(images[7:8], seed=0, indices=[7], threads=1)[0]
print("same bytes:", alone.tobytes() == recordings[7].tobytes())

# %% [markdown]
# ## What the parameters do
#
# The threshold is the contrast (in ln intensity) that makes an event. Halving it doubles
# the events of strong edges and lets weak ones in, until the refractory time limits the
# pixel.

# %%
thresholds = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8])
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
for dead_us in (0, 1700, 5000):
    mean = [
        np.mean(
            [
                e.size
                for e in record(
                    images[:10], camera=EventCamera(theta=theta, t_ref_us=dead_us)
                )
            ]
        )
        for theta in thresholds
    ]
    ax.loglog(thresholds, mean, "o-", label=f"refractory {dead_us / 1e3:g} ms")
ax.minorticks_off()
ax.set_xticks([0.1, 0.2, 0.4, 0.8], labels=["0.1", "0.2", "0.4", "0.8"])
ax.set_xlabel("threshold (ln units)")
ax.set_ylabel("events per recording")
ax.legend();

# %% [markdown]
# Mismatch between pixels, background events, and a slow photoreceptor, on the same image:

# %%
variants = {
    "default": {},
    "no mismatch, no noise": {"theta_sd": 0.0, "noise_hz": 0.0},
    "mismatch 0.2": {"theta_sd": 0.2},
    "noise 20 Hz": {"noise_hz": 20.0},
    "low-pass 10 Hz": {"cutoff_hz": 10.0},
    "low contrast": {"background": 0.6},
}
figure, axes = plt.subplots(1, len(variants), figsize=(12, 2.3))
for ax, (name, change) in zip(axes, variants.items()):
    e = record(images[:1], camera=EventCamera(**change))[0]
    ax.imshow(pixel_counts(e, sensor), cmap="magma", vmin=0, vmax=25)
    ax.set_title(f"{name}\n{e.size} events", fontsize=8)
    ax.set_axis_off()

# %% [markdown]
# ## Another path
#
# Any path will do: here the digit runs once around a circle, on a larger sensor.

# %%
t_us = np.linspace(0, 400_000, 81)
angle = 2 * np.pi * t_us / t_us[-1]
circle = SampledPath(t_us, np.stack([18 + 8 * np.cos(angle), 18 + 8 * np.sin(angle)], 1))
large = EventCamera(width=64, height=64)
around = record(images[3:4], camera=large, path=circle)[0]
plot_event_cloud(around, large.sensor_size, brighter=0);

# %% [markdown]
# Saccades with jitter, so that no two recordings move alike:

# %%
jitter = SaccadePath(vertex_sd=0.3, time_sd_ms=3.0)
same_image = np.repeat(images[:1], 20, axis=0)
ax = plot_event_rate(record(same_image), label="no jitter")
plot_event_rate(record(same_image, path=jitter), ax=ax, label="jitter")
ax.legend();

# %% [markdown]
# ## A movie
#
# A camera that stands still and sees things move. The frame rate must be high enough
# that nothing jumps: here 1 ms per frame.

# %%
y, x = np.mgrid[:48, :48]
movie = np.stack(
    [
        ((x - 24 - 14 * np.cos(a)) ** 2 + (y - 24 - 14 * np.sin(a)) ** 2 < 30).astype(float)
        for a in np.linspace(0, 2 * np.pi, 200)
    ]
)
ball = record_movie(movie, frame_us=1000, camera=EventCamera(invert_polarity=False))
plot_event_cloud(ball, (48, 48, 2), brighter=1);

# %% [markdown]
# ## How real is it?
#
# Real recordings against the simulation of the very images they show. Published figures of
# this comparison, on recordings not used to choose the parameters: 4045 events real and
# 3884 simulated, correlation of pixel maps 0.903, space-time correlation 0.785.

# %%
real = load("nmnist", split="train").subset(range(100))
mnist = load("mnist", split="train")
if real.synthetic or mnist.synthetic:
    print("no real recordings here: nothing to compare")
else:
    simulated = record(mnist.images[real.source_index])
    print(likeness(real, simulated, sensor))
    for name, items in (("real", real), ("simulated", simulated)):
        table = recording_statistics(items, sensor)
        print(
            f"{name:<10} events {table.n_events.mean():.0f} +- {table.n_events.std():.0f}, "
            f"share of p = 1 {table.on_share.mean():.3f}, "
            f"active pixels {table.active_pixels.mean():.0f}"
        )
    ax = plot_event_rate(real, label="real")
    plot_event_rate(simulated, ax=ax, label="simulated")
    ax.legend()

# %% [markdown]
# ## Write files
#
# One file:

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "mine.bin"
    write_events(path, recordings[0])
    print(path.stat().st_size, "bytes,", (read_events(path) == recordings[0]).all())

# %% [markdown]
# A whole set in the layout of N-MNIST, with all parameters in `metadata.json`, from the
# command line:
#
#     neuro data synth --out data/my-digits --n 1797
#     neuro data synth --out data/my-mnist --n 10000 --from mnist --split train --skip 1000
#
# and back: `load("nmnist", path="data/my-digits")`. Such a set says `synthetic: true`, and
# results on it are never N-MNIST results.
#
# ## Sound
#
# The same idea for sound: a bank of 64 filters and leaky integrators. A rising tone:

# %%
from neuro.events.cochlea import hear

rate = 16_000
s = np.arange(rate) / rate
sweep = np.sin(2 * np.pi * 150 * (np.exp(3.5 * s) - 1) / 3.5)
plot_event_channels(hear(sweep, rate), 64);
