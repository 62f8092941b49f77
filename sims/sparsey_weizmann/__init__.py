"""Experiment of Sparsey; see README.md."""
