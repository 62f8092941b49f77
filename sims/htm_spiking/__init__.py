"""Sequences learnt by spiking neurons with dendritic plateaus."""
