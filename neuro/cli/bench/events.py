"""``neuro bench events``: decoding, frames, the event camera, a liquid on events."""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = (
    "Time of decoding all N-MNIST recordings that are there (else of as many synthetic "
    "ones), of their frames, of one simulated recording on one core, and of the "
    "200-neuron liquid over all of them; beside tonic's reader where it is installed. "
    "Best of --repeats after compilation."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--path", type=Path, help="root of the data sets")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--simulate", type=int, default=100, help="recordings to make")


def _best(repeats: int, work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Smallest wall and processor time of some repeats, and the last result."""
    wall, cpu, result = np.inf, np.inf, None
    for _ in range(max(1, repeats)):
        w, c = time.perf_counter(), time.process_time()
        result = work()
        wall = min(wall, time.perf_counter() - w)
        cpu = min(cpu, time.process_time() - c)
    return float(wall), float(cpu), result


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark."""
    from neuro.datasets import load
    from neuro.datasets.recordings import FileRecordings
    from neuro.events import decode, encode, frame_batch, record

    data = load("nmnist", path=args.path)
    real = isinstance(data, FileRecordings)
    if not real:
        data = data.subset(range(551)).preload()
    n = len(data)
    stored = [encode(data[i]) for i in range(n)]
    decode_wall, decode_cpu, recordings = _best(
        args.repeats,
        (lambda: [data[i] for i in range(n)])
        if real
        else (lambda: [decode(b) for b in stored]),
    )
    n_events = sum(e.size for e in recordings)
    options: dict[str, Any] = {"bin_us": 6000, "n_bins": 50, "crop": 16, "polarity": 1}
    frames_wall, _, frames = _best(
        args.repeats, lambda: frame_batch(recordings, data.sensor_size, **options)
    )
    images = load("mnist", synthetic=True).images[: args.simulate]
    record(images[:1], threads=1)
    camera_wall, camera_cpu, made = _best(
        args.repeats, lambda: record(images, threads=1)
    )
    parallel_wall, _, _ = _best(args.repeats, lambda: record(images))
    found = {
        "data": data.name,
        "recordings": n,
        "events": n_events,
        "decode_s": decode_wall,
        "decode_cpu_s": decode_cpu,
        "decode_from": "files" if real else "memory",
        "decode_events_per_s": n_events / decode_wall,
        "frames_s": frames_wall,
        "camera_ms_per_recording": 1e3 * camera_wall / len(images),
        "camera_cpu_ms_per_recording": 1e3 * camera_cpu / len(images),
        "camera_ms_per_recording_all_cores": 1e3 * parallel_wall / len(images),
        "camera_events_per_recording": sum(e.size for e in made) / len(images),
    }
    found |= _tonic(data, args.repeats) if real else {}
    found |= _liquid(frames, args.repeats)
    found["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _tonic(data: Any, repeats: int) -> dict[str, Any]:
    """Time tonic's reader on the same files."""
    try:
        import tonic
    except ImportError:
        return {"tonic": "not installed"}
    dtype = tonic.datasets.NMNIST.dtype
    read = tonic.io.read_mnist_file
    wall, _, _ = _best(
        repeats, lambda: [read(str(path), dtype=dtype) for path in data.paths]
    )
    return {"tonic": tonic.__version__, "tonic_decode_s": wall}


def _liquid(frames: Any, repeats: int) -> dict[str, Any]:
    """Time 50 steps of the published 200-neuron liquid on Gaussian weights."""
    from neuro.core import Rows
    from neuro.lsm import Liquid
    from neuro.lsm.presets import PRESETS, RECURRENT_STATISTICS, WEIGHT_STATISTICS
    from neuro.random import stream

    preset = PRESETS["nmnist"]
    rng = stream(0, "bench events", "liquid")
    spread = preset.const * WEIGHT_STATISTICS[1], preset.const * RECURRENT_STATISTICS[1]
    liquid = Liquid(
        Rows(spread[0] * rng.standard_normal((preset.n, preset.n_in))),
        Rows(spread[1] * rng.standard_normal((preset.n, preset.n))),
        decay=preset.decay,
        v_threshold=preset.v_threshold,
    )
    lines = frames.reshape(len(frames), frames.shape[1], -1)
    liquid.run(lines[:1])
    wall, cpu, activity = _best(repeats, lambda: liquid.run(lines))
    return {"liquid_s": wall, "liquid_cpu_s": cpu, "liquid_rate": activity.rate}
