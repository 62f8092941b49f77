"""Networks that come with the package, trained by ``neuro run diffusion-digits``.

Stored in half precision (single where a variance is beyond its range), read in single:
the moving averages of a spiking and a non-spiking network of the configuration ``tiny``
for the 8x8 digits of scikit-learn, and the classifier that scores them.
"""

import json
from importlib import resources
from typing import Any

import numpy as np
import torch

from neuro.diffusion.config import UNetConfig
from neuro.diffusion.features import FeatureNet, Features
from neuro.diffusion.unet import SpikingUNet
from neuro.errors import ParameterError, did_you_mean

__all__ = ["PRETRAINED", "pretrained", "pretrained_features", "save_pretrained"]

_LARGEST = float(np.finfo(np.float16).max)
PRETRAINED = ("digits-spiking", "digits-dense")


def _path(name: str) -> Any:
    return resources.files("neuro.diffusion").joinpath(name.replace("-", "_") + ".npz")


def pretrained(name: str) -> SpikingUNet:
    """Return a trained U-Net in evaluation mode.

    Parameters
    ----------
    name : {"digits-spiking", "digits-dense"}
        Which one.
    """
    if name not in PRETRAINED:
        raise ParameterError(
            f"pretrained: {name!r}{did_you_mean(name, PRETRAINED)}; accepted: "
            f"{', '.join(PRETRAINED)}"
        )
    with np.load(str(_path(name)), allow_pickle=False) as stored:
        config = json.loads(str(stored["extra/config"]))
        state = {
            k: torch.from_numpy(
                stored[k].astype(np.float32)
                if stored[k].dtype == np.float16
                else np.array(stored[k])
            )
            for k in stored.files
            if not k.startswith("extra/")
        }
    model = SpikingUNet(UNetConfig(**config))
    model.load_state_dict(state)
    return model.eval()  # type: ignore[no-any-return]


def pretrained_features(name: str = "digits") -> Features:
    """Return the classifier that scores the digits.

    Parameters
    ----------
    name : {"digits"}
        Data the classifier was trained on.
    """
    if name != "digits":
        raise ParameterError(f"pretrained_features: 'digits', got {name!r}")
    return Features.load(str(_path("digits-features")), FeatureNet(8))


def _stored(value: Any) -> Any:
    """Half precision where it has the range, else as it is."""
    array = value.numpy()
    if not value.dtype.is_floating_point or np.abs(array).max() >= _LARGEST:
        return array
    return array.astype(np.float16)


def save_pretrained(path: Any, model: SpikingUNet) -> None:
    """Write a U-Net, in half precision where that has the range, and its sizes.

    Parameters
    ----------
    path : path
        Of the npz to write.
    model : SpikingUNet
        Trained.
    """
    from neuro.results import write_arrays

    state = {k: _stored(v) for k, v in model.state_dict().items()}
    write_arrays(path, {**state, "extra/config": json.dumps(model.config.to_dict())})
