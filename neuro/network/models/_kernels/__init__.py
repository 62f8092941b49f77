"""Compiled steps of the built-in models, in the one signature of all models.

Every step has two loops, for shared and for per-neuron parameters; the body is one
small function that the compiler inlines. Bodies have no branches, only selects, so that
the loops vectorise. The refractory counter is a state row, in steps.
"""
