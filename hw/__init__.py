"""What running it on a device costs: crossbar arrays, bit budgets, energy."""
