"""The cortical microcircuit of Potjans & Diesmann (2014)."""
