"""Variants of the spiking U-Net on 8x8 digits, and the way from an artificial one."""
