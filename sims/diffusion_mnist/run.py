"""MNIST from noise: the protocol of diffusion-digits on 28x28 images."""

from ..diffusion_digits.run import run

__all__ = ["run"]
