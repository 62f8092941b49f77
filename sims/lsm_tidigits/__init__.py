"""Spoken digits through the resistive-memory liquid."""
