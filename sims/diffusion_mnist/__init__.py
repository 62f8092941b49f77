"""Spiking diffusion of MNIST digits."""
