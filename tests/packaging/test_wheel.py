"""The wheel, installed into an empty environment, works from a foreign folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.packaging, pytest.mark.timeout(1200)]


def _run(*command, **options):
    done = subprocess.run(
        [str(c) for c in command],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {n.split("/")[0] for n in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"neuro", "hw", "sims"}
    assert "sims/nmnist_lsm/config.toml" in names
    assert "neuro/references.bib" in names
    assert any(n.startswith("hw/energy/profiles/") for n in names)


def test_runs_beside_an_unrelated_hw_and_data(wheel, tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("NEURO_DATA", "PYTHONPATH")}
    _run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel)
    work = tmp_path / "work"
    (work / "data").mkdir(parents=True)
    (work / "hw.py").write_text("raise RuntimeError('the wrong hw')\n")
    (work / "data" / "notes.txt").write_text("mine\n")
    neuro = tmp_path / "venv" / "bin" / "neuro"
    assert "nmnist-lsm" in _run(neuro, "list", cwd=work, env=env)
    out = _run(
        neuro, "run", "nmnist-lsm", "--preset", "smoke", "--json", cwd=work, env=env
    )
    assert '"synthetic": true' in out
