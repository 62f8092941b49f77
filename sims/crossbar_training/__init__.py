"""Training that knows of wires and device noise, against training that does not."""
