"""Gradient-trained classifiers of event recordings."""
