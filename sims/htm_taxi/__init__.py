"""Taxi demand, plain and perturbed."""
