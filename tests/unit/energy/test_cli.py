"""``neuro energy`` as users run it: inputs, options and written forms."""

import csv
import io
import json

import numpy as np

from hw.energy import estimate
from neuro.counts import save_ledger
from tests.unit.energy.commands import NET, console, run


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


def test_assumptions_are_said_until_an_option_states_them(folder, capsys) -> None:
    text = NET.replace("timesteps = 4\n", "").replace("weight_bits = 8\n", "")
    (folder / "open.toml").write_text(text)
    for command in ("estimate", "budget"):
        _, out, _ = run(capsys, command, "open.toml", "--json")
        notes = json.loads(out)["warnings"]
        assert sum("T = 1 assumed" in n for n in notes) == 1
        assert sum("32 assumed" in n for n in notes) == 1
        argv = (command, "open.toml", "-T", "4", "--wbits", "8", "--json")
        assert "assumed" not in run(capsys, *argv)[1]


def test_command_line_and_interface_agree(folder, capsys) -> None:
    for model in ("lemaire22", "cim"):
        _, text, _ = run(capsys, "estimate", "net.toml", "--model", model, "--json")
        report = json.loads(text)["reports"][0]
        assert report["total"] == estimate("net.toml", model=model).total
    argv = ("estimate", "net.toml", "--model", "cim", "--json", "--mode")
    totals = [
        json.loads(run(capsys, *argv, m)[1])["reports"][0]["total"]
        for m in ("event", "clocked")
    ]
    assert totals[0] < totals[1]


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
