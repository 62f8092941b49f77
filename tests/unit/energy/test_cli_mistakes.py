"""``neuro energy`` and its users' mistakes: one line each, and the exit code."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuro.counts import OpCounts, save_ledger
from tests.unit.energy.commands import NET, console, run


@pytest.mark.parametrize(
    ("code", "argv", "text"),
    [
        (0, ["selfcheck"], "0 mismatches"),
        (1, ["estimate", "net.toml", "--fail-above", "1e-12"], "above the limit"),
        (2, ["estimate", "net.toml", "--wbits", "0"], "integer >= 1"),
        (3, ["estimate", "none.toml"], "none.toml: no such file"),
        (4, ["estimate", "odd.toml"], "did you mean 'linear'"),
        (5, ["estimate", "bare.toml"], "no activity for the network's input"),
        (6, ["estimate", "net.toml", "--profile", "loihy"], "did you mean 'loihi'"),
    ],
)
def test_exit_codes_of_the_console_script(folder, code, argv, text) -> None:
    (folder / "odd.toml").write_text(NET.replace('"linear"', '"liner"'))
    done = console(*argv, cwd=folder)
    assert done.returncode == code, done.stderr
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if code > 1:
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("neuro energy: error: ")
        assert lines[0].count(": ") >= 3


def test_closed_pipe(folder) -> None:
    root = Path(__file__).resolve().parents[3]
    command = f"{sys.executable} -m neuro energy selfcheck | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["estimate", "net.toml", "--rate", "1.5"], 5, "must lie in [0, 1]"),
        (["estimate", "net.toml", "--rate", "nan"], 5, "must lie in [0, 1]"),
        (["estimate", "net.toml", "-T", "0"], 2, "integer >= 1"),
        (["estimate", "net.toml", "--activity", "none.npz"], 3, "cannot be read"),
        (["estimate", "net.toml", "--activity", "names.csv"], 5, "did you mean 'conv'"),
        (["estimate", "net.toml", "--activity", "bad.csv"], 5, "layer,rate"),
        (["estimate", "net.toml", "--activity", "nan.npz"], 5, "NaN"),
        (["estimate", "net.toml", "--activity", "t.npz", "-T", "4"], 5, "expected 4"),
        (["estimate", "net.toml", "--activity", "empty.npz"], 5, "no samples"),
        (["estimate", "net.toml", "--plot", "x.bmp"], 2, "must end in"),
        (["estimate", "net.toml", "--model", "op4"], 2, "invalid choice"),
        (["estimate"], 2, "either INPUT or --from"),
        (["estimate", "--from", "net.toml"], 3, "not valid JSON"),
        (["estimate", "net.toml", "-o", "no/such/x.json"], 3, "check the path"),
        (["estimate", "net.toml", "--spikes-per-layer", "1"], 5, "2 spiking layers"),
        (["estimate", "net.toml", "--spikes-per-layer", "9e9,1"], 5, "impossible"),
        (["estimate", "net.toml", "--model", "chip"], 6, "needs a profile"),
        (
            ["estimate", "net.toml", "--model", "cim", "--profile", "loihi"],
            6,
            "of kind",
        ),
        (["estimate", "net.toml", "--profile", "truenorth-average"], 6, "--latency"),
        (["estimate", "net.toml", "--profile", "mine.toml"], 6, "cannot be read"),
        (["estimate", "net.toml", "--profile", "negative.toml"], 6, ">= 0"),
        (["estimate", "broken.nir"], 3, "damaged"),
        (["estimate", "broken.toml"], 3, "not valid TOML"),
        (["estimate", "text.txt"], 3, "cannot tell"),
        (["estimate", "run"], 3, "metrics.json"),
        (["estimate", "no.such.module:net"], 3, "cannot be imported"),
        (["estimate", "ledger.npz", "--rate", "0.1"], 2, "already counted"),
        (["estimate", "net.toml", "--input-shape", "2,8"], 2, "only a module"),
        (["estimate", "net.toml", "--activity", "text.txt"], 5, "accepted: .npz"),
        (["estimate", "net.toml", "--activity", "cut.npz"], 5, "damaged"),
        (["estimate", "cut.npz"], 3, "not a readable npz"),
        (["estimate", "run"], 3, "holds no metrics.json"),
        (["estimate", "net.toml", "--seed", "x"], 2, "expected an integer"),
        (["estimate", "ledger.npz", "--mode", "event"], 2, "--mode with"),
        (["estimate", "ledger.npz", "-T", "3"], 2, "-T with ledger.npz"),
        (["estimate", "ledger.npz", "--no-fold-bn"], 2, "--no-fold-bn with"),
        (["estimate", "ledger.npz", "--count", "rate"], 2, "--count with"),
        (["estimate", "ledger.npz", "--zero-weights", "skip"], 2, "--zero-weights"),
        (["budget", "net.toml", "--sbits", "0"], 2, "integer >= 1"),
        (["budget", "json:loads"], 2, "no module"),
        (["profiles", "show"], 2, "needs a name"),
        (["profiles", "show", "akida"], 6, "vendor claims"),
        (["profiles", "new", "x.txt"], 2, ".toml"),
        (["nothing"], 2, "invalid choice"),
        ([], 2, "required"),
    ],
)
def test_messages(folder, capsys, argv, code, text) -> None:
    (folder / "names.csv").write_text("layer,rate\nconw,0.1\n")
    (folder / "bad.csv").write_text("conv;0.1\n")
    np.savez(folder / "nan.npz", conv=np.full((4, 2, 4, 8, 8), np.nan))
    np.savez(folder / "t.npz", conv=np.zeros((5, 2, 4, 8, 8)))
    np.savez(folder / "empty.npz", conv=np.zeros((4, 0, 4, 8, 8)))
    (folder / "broken.nir").write_text("not HDF5")
    (folder / "broken.toml").write_text("x = ")
    (folder / "text.txt").write_text("x")
    cut = (folder / "t.npz").read_bytes()
    (folder / "cut.npz").write_bytes(cut[: len(cut) // 2])
    (folder / "run").mkdir()
    (folder / "negative.toml").write_text(
        "name='n'\nkind='cim'\n[constants.g_cell]\nvalue=-1.0\nunit='uS'\n"
        "kind='assumed'\nsource='s'\n"
    )
    ledger = OpCounts()
    ledger.add("a", "ac", 1)
    save_ledger(folder / "ledger.npz", ledger)
    got, out, err = run(capsys, *argv)
    assert got == code, err
    assert text in err
    assert out == ""
    assert err.count("\n") == 1


def test_read_only_output(folder, capsys) -> None:
    target = folder / "locked"
    target.mkdir()
    target.chmod(0o500)
    if os.access(target, os.W_OK):
        pytest.skip("this user may write everywhere")
    code, _, err = run(capsys, "estimate", "net.toml", "-o", "locked/r.json")
    assert (code, "Permission denied" in err) == (3, True)


@pytest.mark.parametrize("option", ["-o", "--plot"])
def test_unwritable_output_is_named(folder, capsys, option) -> None:
    target = f"net.toml/{'r.json' if option == '-o' else 'r.png'}"
    code, _, err = run(capsys, "estimate", "net.toml", option, target, "-q")
    assert (code, f"error: {target}: " in err) == (3, True), err
    assert len(err.splitlines()) == 1


def test_saved_reports_are_not_priced_anew(folder, capsys) -> None:
    run(capsys, "estimate", "net.toml", "--json", "-o", "r.json")
    for option in (["--profile", "odin"], ["--rate", "0.1"], ["--mode", "event"]):
        code, _, err = run(capsys, "estimate", "--from", "r.json", *option)
        assert (code, f"{option[0]} with --from" in err) == (2, True), err
    from hw.energy._commands import _PRICING
    from hw.energy.cli import _parser

    defaults = vars(_parser().parse_args(["estimate", "net.toml"]))
    assert {k: defaults[k] for k in _PRICING} == _PRICING
    free = {"source", "report", "command", "format", "output", "plot", "fail_above"}
    free |= {"quiet", "verbose", "strict", "seed"}
    assert set(defaults) == set(_PRICING) | free


def test_a_file_is_named_once(folder, capsys) -> None:
    (folder / "bad.toml").write_text("x = [")
    code, _, err = run(capsys, "estimate", "bad.toml")
    assert code == 3
    assert err.count("bad.toml") == 1
    code, _, err = run(capsys, "estimate", "net.toml", "--rate", "1.5")
    assert code == 5
    assert "(net.toml)" in err


@pytest.mark.torch
def test_a_callable_that_fails_is_one_line(capsys) -> None:
    pytest.importorskip("torch")
    code, _, err = run(capsys, "estimate", "os.path:join", "--input-shape", "2")
    assert code == 3
    assert err.count("\n") == 1
    assert "os.path:join: the call failed (TypeError" in err
