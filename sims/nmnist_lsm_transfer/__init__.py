"""Trained on simulated recordings of MNIST, tested on the real N-MNIST recordings."""
