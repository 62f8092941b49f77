"""How far a liquid gets: sizes, windows, resolution, against event counts."""
