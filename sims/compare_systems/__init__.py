"""Every system on the same recordings: one table of accuracy, bits and joules."""
