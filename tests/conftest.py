"""Shared fixtures; the Numba cache has a folder of its own for each set of sources."""

import hashlib
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _source_hash() -> str:
    digest = hashlib.sha256()
    for package in ("neuro", "hw", "sims"):
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(
        Path(tempfile.gettempdir()) / f"spikejoule-numba-{_source_hash()}"
    )
# One thread of BLAS and OpenMP per worker: sums of trained networks depend on the number,
# and two workers with all cores each only wait for one another.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("ci")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator seeded by the test's own name."""
    digest = hashlib.sha256(request.node.nodeid.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real recordings; skips where there is none."""
    for root in (os.environ.get("NEURO_DATA"), ROOT / "data"):
        if root and (Path(root) / "nmnist_small").is_dir():
            return Path(root)
    pytest.skip("no real recordings: set NEURO_DATA")
