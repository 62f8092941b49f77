"""High-order sequences that change, and several possible endings."""
