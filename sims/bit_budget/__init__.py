"""Where bits are best spent: weights, spike levels or steps."""
