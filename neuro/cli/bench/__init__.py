"""Benchmarks, one module each; see ``neuro.cli.benchmarks`` for the contract."""
