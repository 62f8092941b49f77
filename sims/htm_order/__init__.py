"""How many presentations sequences of a given length need."""
