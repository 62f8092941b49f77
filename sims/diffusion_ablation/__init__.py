"""What each part of spiking diffusion contributes."""
