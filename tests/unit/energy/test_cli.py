"""``neuro energy`` as users run it: forms, messages, exit codes."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hw.energy.cli import main
from neuro.counts import OpCounts, save_ledger

NET = """
name = "small"
timesteps = 4
weight_bits = 8
[input]
shape = [2, 8, 8]
rate = 0.1
[[layer]]
type = "conv2d"
name = "conv"
out = 4
kernel = 3
padding = 1
neuron = "lif"
rate = 0.2
[[layer]]
type = "linear"
name = "fc"
out = 5
neuron = "lif"
rate = 0.1
"""
BARE = NET.replace("rate = 0.1\n", "").replace("rate = 0.2\n", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NET)
    (tmp_path / "bare.toml").write_text(BARE)
    return tmp_path


def console(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "neuro", "energy", *argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )


def run(capsys, *argv: str) -> tuple[int, str, str]:
    code = main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


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


def test_narrow_screens_get_two_blocks(folder, capsys, monkeypatch) -> None:
    from hw.energy import _output

    _, whole, _ = run(capsys, "estimate", "net.toml")
    monkeypatch.setattr(_output.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "110")
    _, narrow, _ = run(capsys, "estimate", "net.toml")
    heads = [t for t in narrow.splitlines() if t.startswith("layer")]
    assert len(heads) == 4
    assert "SynOps" in heads[0]
    assert "E total" in heads[1]
    assert max(map(len, heads)) <= 110 < len(whole.splitlines()[3])
    monkeypatch.setenv("COLUMNS", "400")
    assert run(capsys, "estimate", "net.toml")[1] == whole


def test_unpriced_columns_are_not_zero(folder, capsys) -> None:
    _, text, _ = run(capsys, "estimate", "net.toml", "--model", "op45")
    head, _, row = text.splitlines()[3:6]
    at = head.index("E memory")
    assert row[at : at + 8].strip() == "-"


def test_report_reprints_and_runs_are_identical(folder, capsys) -> None:
    _, table, _ = run(capsys, "estimate", "net.toml", "--mc", "50")
    _, first, _ = run(capsys, "estimate", "net.toml", "--mc", "50", "--json")
    _, second, _ = run(capsys, "estimate", "net.toml", "--mc", "50", "--json")
    assert first == second
    (folder / "r.json").write_text(first)
    _, again, _ = run(capsys, "estimate", "--from", "r.json")
    assert again == table
    data = json.loads(first)
    assert data["schema"] == "neuro.energy/1"
    assert len(data["input"]["sha256"]) == 64
    assert {r["model"] for r in data["reports"]} == {"lemaire22", "op45"}
    assert [a["name"] for a in data["reports"][0]["ann"]] == ["int8", "levels"]
    constants = data["reports"][0]["constants"]
    assert all(c["source"] for c in constants.values())
    assert data["neurobench"]["SynapticOperations"]["Effective_ACs"] > 0
    assert data["command"][:3] == ["neuro", "energy", "estimate"]


def test_other_forms(folder, capsys) -> None:
    _, text, _ = run(capsys, "estimate", "net.toml", "--format", "csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert [r[0] for r in rows].count("model") == 1
    assert len(rows) == 5
    _, text, _ = run(capsys, "estimate", "net.toml", "--format", "md")
    assert "| layer | type |" in text
    run(capsys, "estimate", "net.toml", "-o", "out.txt", "--plot", "out.svg", "-q")
    assert "lemaire22" in (folder / "out.txt").read_text()
    assert (folder / "out.svg").read_text().startswith("<?xml")


def test_never_op45_alone(folder, capsys) -> None:
    for model in ("op45", "lemaire22", "yan24", "cim"):
        _, text, _ = run(capsys, "estimate", "net.toml", "--model", model, "--json")
        models = {r["model"] for r in json.loads(text)["reports"]}
        assert model in models
        assert len(models) == 2


def test_exact_counts_and_rates(folder, capsys, rng) -> None:
    rasters = {
        "input": rng.random((4, 9, 2, 8, 8)) < 0.2,
        "conv": rng.random((4, 9, 4, 8, 8)) < 0.2,
        "fc": rng.random((4, 9, 5)) < 0.2,
    }
    np.savez(folder / "a.npz", **rasters)
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in rasters.items():
            file[name] = values
    code, text, err = run(
        capsys, "estimate", "net.toml", "--activity", "a.npz", "--json"
    )
    data = json.loads(text)
    assert (code, err) == (0, "")
    assert data["reports"][0]["n_samples"] == 9
    assert data["reports"][0]["activity"]["ci95"] is not None
    _, other, _ = run(capsys, "estimate", "net.toml", "--activity", "a.h5", "--json")
    assert json.loads(other)["reports"] == data["reports"]
    _, rate, err = run(
        capsys,
        "estimate",
        "net.toml",
        "--activity",
        "a.npz",
        "--count",
        "rate",
        "--json",
    )
    assert "approximate" in err
    layers = [r["layers"] for r in (data["reports"][0], json.loads(rate)["reports"][0])]
    assert layers[0][1]["synops"] == layers[1][1]["synops"]
    assert layers[0][0]["synops"] < layers[1][0]["synops"]
    np.savez(
        folder / "swapped.npz", **{k: np.swapaxes(v, 0, 1) for k, v in rasters.items()}
    )
    _, swapped, _ = run(
        capsys,
        "estimate",
        "net.toml",
        "--activity",
        "swapped.npz",
        "--time-axis",
        "1",
        "--json",
    )
    assert json.loads(swapped)["reports"] == data["reports"]
    code, _, err = run(
        capsys, "estimate", "net.toml", "--activity", "swapped.npz", "-T", "4"
    )
    assert (code, "--time-axis 1" in err) == (5, True)


def test_silent_run_warns_and_still_prints(folder, capsys) -> None:
    code, text, err = run(capsys, "estimate", "net.toml", "--rate", "0")
    assert code == 0
    assert "no spikes recorded" in err
    assert "energy per inference" in text


def test_no_strict_is_a_lower_bound(folder, capsys) -> None:
    text = NET + '[[layer]]\ntype = "mystery"\nname = "strange"\n'
    (folder / "odd.toml").write_text(text)
    assert run(capsys, "estimate", "odd.toml")[0] == 4
    code, text, _ = run(capsys, "estimate", "odd.toml", "--no-strict")
    assert code == 0
    assert "lower bound" in text
    assert "strange" in text


def test_run_folders_and_ledgers(folder, capsys, run_ledger) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "metrics.json").write_text(
        json.dumps({"counts": run_ledger.to_dict()})
    )
    save_ledger(folder / "ledger.npz", run_ledger)
    _, a, _ = run(capsys, "estimate", "run", "--json")
    _, b, _ = run(capsys, "estimate", "ledger.npz", "--json")
    assert json.loads(a)["reports"] == json.loads(b)["reports"]
    _, c, _ = run(capsys, "estimate", "run", "--wbits", "8", "--json")
    assert json.loads(c)["reports"][0]["profile"] == "horowitz45-int8"
    code, text, _ = run(capsys, "budget", "run", "--json")
    assert code == 0
    assert json.loads(text)["budget"]["s_ace"] == 20_000 * 50 * 32


def test_budget_forms(folder, capsys) -> None:
    argv = ["budget", "net.toml", "--wbits", "1", "--sbits", "4", "-T", "2"]
    _, text, _ = run(capsys, *argv, "--json")
    data = json.loads(text)
    n = 8 * 8 * 4 * 2 * 9 + 256 * 5
    assert data["budget"]["configuration"] == "1/4/2"
    assert data["budget"]["s_ace"] == 8 * n
    assert data["budget"]["ns_ace"] < data["budget"]["s_ace"]
    assert data["budget"]["ann_bits"] == {"ops": 8, "levels": 5}
    for form in ("table", "md", "csv"):
        code, text, _ = run(capsys, *argv, "--format", form)
        assert code == 0
        assert "conv" in text


def test_first_layer_bits(folder, capsys) -> None:
    (folder / "analog.toml").write_text(
        NET.replace("rate = 0.1\n[[", 'coding = "bits8"\n[[')
    )
    _, text, _ = run(capsys, "budget", "analog.toml", "--json")
    b = json.loads(text)["budget"]
    assert b["s_ace_declared"] > b["s_ace"]
    argv = ("estimate", "analog.toml", "--rate", "0.1", "--json")
    _, text, _ = run(capsys, *argv)
    values = json.loads(text)["reports"][0]["inference"]
    assert (values["s_ace"], values["s_ace_declared"]) == (
        b["s_ace"],
        b["s_ace_declared"],
    )
    _, text, _ = run(capsys, *argv, "--first-layer", "declared")
    values = json.loads(text)["reports"][0]["inference"]
    assert values["s_ace"] == b["s_ace_declared"]
    _, text, _ = run(
        capsys, "budget", "analog.toml", "--first-layer", "declared", "--json"
    )
    assert json.loads(text)["budget"]["s_ace"] == b["s_ace_declared"]


def test_profiles(folder, capsys) -> None:
    _, text, _ = run(capsys, "profiles")
    assert "loihi-regressed" in text
    _, text, _ = run(capsys, "profiles", "show", "odin", "--json")
    assert json.loads(text)["constants"]["synop"]["value"] == 8.43
    _, text, _ = run(capsys, "profiles", "show", "odin")
    assert "8.43" in text
    assert run(capsys, "profiles", "new", "mine.toml")[0] == 0
    assert run(capsys, "profiles", "new", "mine.toml")[0] == 2
    _, text, _ = run(capsys, "estimate", "net.toml", "--profile", "mine.toml", "--json")
    report = json.loads(text)["reports"][0]
    assert (report["model"], report["profile"]) == ("chip", "mine")
    for form in ("json", "csv"):
        assert "keras-cpu" in run(capsys, "profiles", "list", "--format", form)[1]


def test_selfcheck_forms(folder, capsys) -> None:
    _, text, _ = run(capsys, "selfcheck", "--json")
    data = json.loads(text)
    assert data["mismatches"] == 0
    assert data["n"] > 100
    for form in ("csv", "md"):
        assert run(capsys, "selfcheck", "--format", form)[0] == 0


def test_selfcheck_fails_on_a_wrong_constant(folder, capsys, monkeypatch) -> None:
    import hw.energy.adc

    monkeypatch.setattr(hw.energy.adc, "isaac", lambda: 1.0e-12)
    code, text, _ = run(capsys, "selfcheck")
    assert code == 1
    assert "WRONG" in text


def test_time_of_a_large_description(folder) -> None:
    layers = "".join(
        "[[layer]]\ntype='conv2d'\nout=256\nkernel=3\npadding=1\nneuron='lif'\nrate=0.1\n"
        for _ in range(4)
    )
    (folder / "large.toml").write_text(
        "timesteps=4\nweight_bits=8\n[input]\nshape=[64,32,32]\nrate=0.1\n" + layers
    )
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = console("estimate", "large.toml", "--json", cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    rows = json.loads(done.stdout)["reports"][0]["layers"]
    assert sum(r["synapses"] for r in rows) > 1e9
    # processor seconds, import of the interpreter and NumPy included
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 1.5
