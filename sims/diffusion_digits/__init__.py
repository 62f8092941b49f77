"""Spiking diffusion of 8x8 digits."""
