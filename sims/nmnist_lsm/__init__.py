"""Event recordings through a resistive-memory liquid: accuracy, controls, joules."""
