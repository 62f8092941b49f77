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
# # 7. Digits from noise, and one denoiser call on the event core
#
# You will learn how to
#
# * sample digits with a spiking diffusion model and with its non-spiking twin,
# * read a distance together with its floor and its ceilings,
# * run one call of the denoiser event by event, spike for spike equal to torch,
# * count that call by kind of input and price it in both conventions.
#
# The networks are small (162,029 parameters, 8x8 digits of scikit-learn), were trained
# by `neuro run diffusion-digits --preset paper`, and come with the package.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from hw.energy import estimate
from neuro.diffusion import Schedule, pretrained, pretrained_features, sample
from neuro.diffusion import timesteps
from neuro.diffusion.events import EventDenoiser, compare
from neuro.diffusion.folded import fold_unet
from neuro.diffusion.ledger import paper_counts
from neuro.diffusion.metrics import frechet_distance, independent_pixels, manifold
from neuro.plot.images import plot_image_grid, plot_rates, plot_reverse_strip

torch.set_num_threads(1)
spiking, dense = pretrained("digits-spiking"), pretrained("digits-dense")
noise = torch.randn(300, 1, 8, 8, generator=torch.Generator().manual_seed(0))

# %% [markdown]
# ## Two networks, the same noise
#
# A denoiser call runs the spiking network for four steps from zero potentials. Fifty
# solver steps are fifty calls.

# %%
made = {
    name: sample(model, noise, method="ddim", steps=50, keep=10)
    for name, model in (("spiking", spiking), ("non-spiking", dense))
}
digits = load_digits()
real = (digits.images / 8 - 1).astype(np.float32)[:, None]
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.4), layout="constrained")
for ax, (name, out) in zip(axes, made.items()):
    plot_image_grid(out.images[:64].numpy(), ax=ax, columns=8, title=name)
_ = plot_image_grid(real[:64], ax=axes[2], columns=8, title="real")

# %%
times = timesteps(Schedule(), 50)
at = np.linspace(0, 49, 10).round().astype(int)
_ = plot_reverse_strip(
    made["spiking"].path[:, :6].numpy(),
    labels=[str(times[k]) for k in at],
    title="image predicted along the way, spiking",
)

# %% [markdown]
# ## A distance means nothing alone
#
# Below it stands between the distance of real images to other real images (floor) and
# that of independent pixels and of noise (ceilings), all with 300 images. It is taken
# in the features of a classifier trained on real digits, and it is not an "FID".

# %%
features = pretrained_features()
rng = np.random.default_rng(0)
order = rng.permutation(len(real))
reference, other = real[order[:300]], real[order[300:600]]
sets = {
    "real against real": other,
    "spiking": made["spiking"].images.numpy(),
    "non-spiking": made["non-spiking"].images.numpy(),
    "independent pixels": independent_pixels(real, 300, rng=rng),
    "noise": np.clip(noise.numpy(), -1, 1),
}
print(f"{'':<20}{'distance':>9}{'precision':>10}{'recall':>8}")
for name, images in sets.items():
    f, r = features(images), features(reference)
    shape = manifold(f, r)
    print(
        f"{name:<20}{frechet_distance(f, r):>9.2f}"
        f"{shape.precision:>10.2f}{shape.recall:>8.2f}"
    )

# %% [markdown]
# ## One call, event by event
#
# The batch norms are folded into the weights, everything that is summed before a neuron
# is rounded to multiples of 1/1024, and the same call runs twice: as dense convolutions
# in torch and by kernel scatter of single spikes. On the grid not one spike differs.
# Off the grid, in single precision, rounding could decide some.

# %%
x = np.random.default_rng(1).normal(size=(4, 1, 8, 8))
t = np.array([50, 300, 600, 950])
run = EventDenoiser(spiking, 8, grid_bits=10)
exact, call = compare(run, fold_unet(spiking, grid_bits=10), x, t)
loose, _ = compare(EventDenoiser(spiking, 8), spiking, x, t)
print(f"on the grid:  {exact.total} of {exact.n} spikes differ")
print(f"off the grid: {loose.total} of {loose.n} (single precision in torch)")
_ = plot_rates({k: float(v.mean()) for k, v in call.spikes.items()})

# %% [markdown]
# ## What the call costs
#
# The paper counts accumulations as mean rate times dense products and nothing else but
# the first convolution as multiply-accumulates. Counted by kind of input, the 1x1
# shortcuts on the real residual stream, the head and the time embedding are
# multiply-accumulates too.

# %%
ledgers = {"by kind of input": call.counts, "the paper's way": paper_counts(call.counts)}
for name, counts in ledgers.items():
    report = estimate(counts, model="op45", profile="horowitz45-fp32")
    mac = int(counts.per_sample("mac").mean())
    ac = int(counts.per_sample("ac").mean())
    print(f"{name:<18} {mac:>9} MAC {ac:>9} AC   {report.total * 1e6:.2f} uJ a call")

# %% [markdown]
# Price a call with other models (`neuro energy --help`), train your own network with
# `neuro run diffusion-digits --preset paper`, or read
# [the page of this system](../systems/spiking-diffusion.md).
