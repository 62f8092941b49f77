"""Experiments, one folder each, run by name: ``neuro run NAME``."""
