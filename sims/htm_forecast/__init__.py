"""Forecast any CSV."""
