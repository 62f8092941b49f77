"""The benchmark runs and compares equal networks."""

import argparse

import pytest

pytestmark = pytest.mark.torch
pytest.importorskip("torch")
pytest.importorskip("snntorch")

from neuro.cli.bench import grad


def test_record_is_flat_and_the_networks_are_equal():
    import torch

    threads = torch.get_num_threads()
    parser = argparse.ArgumentParser()
    grad.add_arguments(parser)
    args = parser.parse_args(["--batch", "2", "--steps", "3", "--rounds", "1"])
    record = grad.run(args)
    torch.set_num_threads(threads)
    assert record["same_spikes"]
    assert record["same_logits"]
    for label in ("neuron", "inference", "training_step"):
        assert record[f"{label}_ratio"] > 0
    assert all(isinstance(v, (int, float, str)) for v in record.values())
