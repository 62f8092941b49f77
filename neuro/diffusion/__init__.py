"""Spiking diffusion models: schedules, samplers, U-Net, metrics, the event-driven form.

Needs the extra ``grad`` (torch, snntorch).
"""

from neuro.diffusion.config import UNetConfig as UNetConfig
from neuro.diffusion.cost import layer_costs as layer_costs
from neuro.diffusion.cost import total_products as total_products
from neuro.diffusion.features import Features as Features
from neuro.diffusion.features import train_features as train_features
from neuro.diffusion.pretrained import pretrained as pretrained
from neuro.diffusion.pretrained import pretrained_features as pretrained_features
from neuro.diffusion.samplers import Samples as Samples
from neuro.diffusion.samplers import sample as sample
from neuro.diffusion.samplers import timesteps as timesteps
from neuro.diffusion.schedule import Schedule as Schedule
from neuro.diffusion.schedule import denoising_loss as denoising_loss
from neuro.diffusion.steps import add_temporal_scale as add_temporal_scale
from neuro.diffusion.steps import guided as guided
from neuro.diffusion.steps import temporal_scales as temporal_scales
from neuro.diffusion.unet import SpikingUNet as SpikingUNet

__all__ = [
    "Features",
    "Samples",
    "Schedule",
    "SpikingUNet",
    "UNetConfig",
    "add_temporal_scale",
    "denoising_loss",
    "guided",
    "layer_costs",
    "pretrained",
    "pretrained_features",
    "sample",
    "temporal_scales",
    "timesteps",
    "total_products",
    "train_features",
]
