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
# # 3. The same liquid on a noisy, drifting crossbar
#
# You will learn how to
#
# * put a liquid's weights on a resistive array, with programming noise, read noise,
#   faulty cells, converters and conductance drift, each a named parameter,
# * put the same cells on tiles whose wires have resistance,
# * tell the two questions apart: *is the array still a good liquid* (read-out trained on
#   it) and *does yesterday's read-out still work* (trained on the ideal array),
# * see how far drift carries the array in a year.
#
# Without N-MNIST the notebook uses the stand-in, handwritten digits seen by the
# project's event camera.

# %%
import matplotlib.pyplot as plt
import numpy as np

from hw.crossbar import AnalogConfig, AnalogMatrix, RandomWeights, capacity_report
from hw.devices import Device
from neuro.datasets import load
from neuro.events import frames
from neuro.lsm import Liquid, cross_validate
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS

data = load("nmnist", limit=200)
x = np.stack(
    [
        frames(data[k], data.sensor_size, bin_us=6000, n_bins=50, crop=16, polarity=1)
        for k in range(len(data))
    ]
).reshape(len(data), 50, 256)
print(data)

# %% [markdown]
# ## A liquid on an array
#
# Each weight is a pair of cells: `w = const * (G+ - G-)`. `seed` draws the cells,
# `programming_seed` the imperfections of one programmed copy.


# %%
def on_array(copy=0, **effects):
    sources = [
        RandomWeights(
            (200, pre),
            const=0.07,
            mean=mean,
            sd=sd,
            seed=block,
            programming_seed=100 * (copy + 1) + block,
            seconds_per_step=6e-3,
            **effects,
        )
        for block, (pre, (mean, sd)) in enumerate(
            ((256, WEIGHT_STATISTICS), (200, RECURRENT_STATISTICS))
        )
    ]
    return Liquid(*sources, seed=copy), sources


ideal, sources = on_array()
for source in sources:
    print({k: f"{v:.3g}" for k, v in source.statistics().items()})

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8))
axes[0].hist(1e6 * sources[0].g_plus.ravel(), bins=60, color="#0072B2")
axes[0].set(xlabel="conductance of a cell (uS)", ylabel="cells")
axes[1].hist(sources[0].block(0.0).w.ravel(), bins=60, color="#E69F00")
axes[1].set(xlabel="weight", ylabel="pairs")
figure.tight_layout();

# %% [markdown]
# ## One effect at a time

# %%
def features(copy=0, **effects):
    return on_array(copy, **effects)[0].run(x).features


def accuracy(trained, tested=None):
    return cross_validate(
        trained,
        data.labels,
        data.groups,
        folds=5,
        kind="ridge",
        test_features=tested,
        rng=np.random.default_rng(0),
    ).mean()


clean = features()
effects = {
    "read noise 10 %": {"read_noise": 0.1},
    "programming noise 10 %": {"programming_noise": 0.1},
    "2 % cells stuck on": {"stuck_on": 0.02},
    "5 % cells stuck off": {"stuck_off": 0.05},
    "8-bit converter": {"adc_bits": 8},
}
print(f"{'':<26}{'this array':>12}{'old read-out':>14}")
print(f"{'ideal':<26}{100 * accuracy(clean):>11.1f}%")
for name, settings in effects.items():
    runs = [features(copy, **settings) for copy in range(3)]
    same = np.mean([accuracy(r) for r in runs])
    transfer = np.mean([accuracy(clean, r) for r in runs])
    print(f"{name:<26}{100 * same:>11.1f}%{100 * transfer:>13.1f}%")

# %% [markdown]
# A liquid is random anyway: an imperfect array is another liquid, about as good, as long
# as the read-out is trained on it. A read-out trained before is the harder case.
#
# ## Wires
#
# The same cells on tiles of 128 x 128, each wire segment with resistance. The circuit is
# solved exactly; silent rows are at 0 V, so it stays linear and one effective weight per
# pair says it all. Long wires take from every weight, most from the far corner.

# %%
clean_w = sources[0].block(0.0).w
print(f"{'':<14}{'mean weight left':>17}{'this array':>13}{'old read-out':>14}")
for ohm in (0.5, 2.0, 5.0):
    tiles = AnalogConfig(
        device=Device(name="formed cells", g_min=0.0, g_max=60e-6),
        r_word=ohm,
        r_bit=ohm,
        rows_max=128,
        cols_max=128,
    )
    wired = [
        AnalogMatrix.from_conductances(
            *source.conductances(), weight_per_siemens=0.07e6, config=tiles
        )
        for source in sources
    ]
    left = np.abs(wired[0].block(0.0).w).mean() / np.abs(clean_w).mean()
    answer = Liquid(*wired).run(x).features
    print(
        f"{ohm:>4} ohm/cell  {100 * left:>15.0f}% {100 * accuracy(answer):>11.1f}%"
        f"{100 * accuracy(clean, answer):>13.1f}%"
    )

# %% [markdown]
# ## A year of drift
#
# Conductances fall as `(1 + t/t0)^-nu` with a different exponent in every cell.

# %%
ages = {"1 s": 1.0, "1 hour": 3600.0, "1 day": 86400.0, "1 month": 2.6e6, "1 year": 3.2e7}
drift = {"drift_nu": 0.05, "drift_nu_sd": 0.02, "update_every": 1e9}
fresh = features(age=0.0, **drift)
same, transfer, rate = [], [], []
for age in ages.values():
    activity = on_array(age=age, **drift)[0].run(x)
    rate.append(activity.rate)
    same.append(accuracy(activity.features))
    transfer.append(accuracy(fresh, activity.features))

figure, axes = plt.subplots(1, 2, figsize=(9, 3))
axes[0].plot(list(ages), [100 * a for a in same], "-o", label="read-out trained now")
axes[0].plot(list(ages), [100 * a for a in transfer], "-s", label="trained when fresh")
axes[0].set(ylabel="accuracy (%)", ylim=(0, 100), xlabel="age of the array")
axes[0].legend(frameon=False)
axes[1].plot(list(ages), [100 * r for r in rate], "-o", color="#009E73")
axes[1].set(ylabel="neurons firing per step (%)", xlabel="age of the array", ylim=(0, None))
figure.tight_layout();

# %% [markdown]
# ## Does it fit?
#
# Two cells per weight on a macro of 256 Kb (262,144 cells):

# %%
print(capacity_report({"input": (200, 256), "recurrent": (200, 200)}))
