import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from neuro.cli.main import main

ROOT = Path(__file__).resolve().parents[3]


def _python(code, **env):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=120,
        check=False,
    )


def test_import_is_light():
    code = (
        "import sys, neuro; heavy = {'torch', 'matplotlib', 'tonic', 'nir', 'brian2', "
        "'sklearn', 'numba', 'hw', 'sims'} & set(sys.modules); print(sorted(heavy))"
    )
    assert _python(code).stdout.strip() == "[]"


def test_help_loads_no_room():
    code = (
        "import sys\nfrom neuro.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print({'numpy', 'numba', 'matplotlib'} & set(sys.modules))"
    )
    assert _python(code).stdout.strip().endswith("set()")


def test_list_names_every_experiment(capsys):
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["experiments"]
    folders = {p.parent.name for p in (ROOT / "sims").glob("*/config.toml")}
    assert {e["name"].replace("-", "_") for e in listed} == folders
    assert "nmnist-lsm" in {e["name"] for e in listed}


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["run", "nmnist-lms"], "did you mean 'nmnist-lsm'"),
        (["run", "_runner"], "unknown experiment"),
        (["run", "nmnist-lsm", "--preset", "huge"], "smoke, demo, paper"),
        (["run", "nmnist-lsm", "--set", "liquid.nn=3"], "did you mean 'liquid.n'"),
        (["run", "nmnist-lsm", "--set", "liquid.n=many"], "expects a whole number"),
        (["run", "nmnist-lsm", "--set", "liquid.n"], "KEY=VALUE"),
        (["run", "nmnist-lsm", "--set", "liquid=3"], "group of settings"),
        (["run", "nmnist-lsm", "--seed", "x"], "invalid int value"),
        (["run"], "name"),
        (["lst"], "did you mean 'list'"),
        (["list", "extra"], "unrecognized arguments"),
        (["data"], "ACTION"),
        (["bench", "limit", "--foo"], "unrecognized arguments"),
        (["run", "nmnist-lsm", "--seed", "-1"], "--seed"),
        (["run", "nmnist-lsm", "--out", "/proc/nowhere"], "cannot be written"),
        (["run", "nmnist-lsm", "--set", "data.path=/nowhere"], "nowhere"),
        (["bench", "speed"], "unknown benchmark"),
        (["cite", "nobody"], "unknown key"),
        (["--foo"], "unknown option '--foo' before a command"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    arguments, fragment, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert fragment in printed.err
    assert list(tmp_path.rglob("metrics.json")) == []


def test_help_of_an_experiment_shows_its_settings(capsys):
    assert main(["run", "nmnist-lsm", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "[defaults.liquid]" in shown
    assert "[preset.smoke]" in shown


def test_a_foreign_hw_is_named(tmp_path):
    (tmp_path / "hw.py").write_text("x = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "neuro", "list"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "hw.py" in done.stderr


def test_cite_prints_bibtex(capsys):
    assert main(["cite", "lin2025"]) == 0
    assert capsys.readouterr().out.startswith("@article{lin2025")
