"""Temporal noise inside the sequences."""
