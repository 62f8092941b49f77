"""Balanced networks: CUBA, COBA and Brunel's model A."""
