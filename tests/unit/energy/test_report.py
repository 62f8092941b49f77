import csv
import io
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import hw.energy.constants
import neuro
from hw.energy import (
    Constant,
    EnergyModel,
    Profile,
    ProfileError,
    Report,
    estimate,
    make_model,
    profile_names,
)
from neuro.counts import OpCounts
from neuro.errors import DatasetError, ParameterError

MODELS = ["op45", "lemaire22", "cim"]


@pytest.mark.parametrize("model", MODELS)
def test_written_forms_survive_json(run_ledger: OpCounts, model: str) -> None:
    report = estimate(run_ledger, model=model, mc=50)
    again = Report.from_dict(json.loads(report.to_json()))
    assert again.to_table() == report.to_table()
    assert again.to_markdown() == report.to_markdown()
    assert again.to_dict() == report.to_dict()
    rows = list(csv.reader(io.StringIO(report.to_csv())))
    assert rows[0][0] == "model"
    assert len(rows) == 1 + len(report.layers)
    assert {len(r) for r in rows} == {len(rows[0])}


@pytest.mark.parametrize("model", MODELS)
def test_sums_and_range(run_ledger: OpCounts, model: str) -> None:
    report = estimate(run_ledger, model=model, mc=200)
    assert report.low <= report.total <= report.high
    assert sum(r.total for r in report.layers) == pytest.approx(report.total, rel=1e-12)
    assert sum(v for v, _, _ in report.components.values()) == pytest.approx(
        report.total, rel=1e-12
    )
    for row in report.layers:
        assert sum(row.columns.values()) == pytest.approx(row.total, rel=1e-12)
    if report.low < report.high:
        q = report.quantiles
        assert report.low <= q["q05"] <= q["q50"] <= q["q95"] <= report.high
    low, high = report.activity["ci95"]
    assert low < report.total < high


@pytest.mark.parametrize("model", MODELS)
def test_independent_of_batch_and_order(run_ledger: OpCounts, model: str) -> None:
    whole = estimate(run_ledger, model=model).total
    doubled = OpCounts.concatenate([run_ledger, run_ledger])
    assert estimate(doubled, model=model).total == pytest.approx(whole, rel=1e-12)
    assert estimate(run_ledger, model=model).total == whole
    backwards = OpCounts(10)
    for name, info in run_ledger.layers.items():
        backwards.layer(name, info)
    for layer, op, a, w, n in run_ledger.entries():
        backwards.add(layer, op, n[::-1].copy(), a_bits=a, w_bits=w)
    assert estimate(backwards, model=model).total == pytest.approx(whole, rel=1e-12)


def test_op45_prices_what_was_booked(run_ledger: OpCounts) -> None:
    report = estimate(run_ledger, model="op45")
    assert report.total == pytest.approx(5500 * 0.9e-12)
    assert any("memory traffic" in t for t in report.not_included)
    bare = OpCounts()
    bare.add("x", "synop", 5)
    assert any(
        "ac: not counted" in t for t in estimate(bare, model="op45").not_included
    )


def test_solved_array_energy_replaces_the_estimate(run_ledger: OpCounts) -> None:
    run_ledger.measure("input -> liquid", "array_j", 5e-9)
    report = estimate(run_ledger, model="cim")
    assert report.components["array (solved)"][0] == pytest.approx(5e-10)
    assert "array" not in report.components


def test_run_folder(run_ledger: OpCounts, tmp_path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"counts": run_ledger.to_dict()}))
    assert (
        estimate(tmp_path, model="op45").total
        == estimate(run_ledger, model="op45").total
    )
    (tmp_path / "metrics.json").write_text(json.dumps({"counts": OpCounts().to_dict()}))
    with pytest.raises(DatasetError, match="keeps no ledger"):
        estimate(tmp_path, model="op45")


def test_two_models_by_default(run_ledger: OpCounts) -> None:
    assert [r.model for r in estimate(run_ledger)] == ["lemaire22", "op45"]


@pytest.mark.parametrize("name", profile_names())
def test_every_constant_says_all_about_itself(name: str) -> None:
    profile = Profile.load(name)
    assert profile.name == name
    path = Path(hw.energy.constants.__file__).parent / "profiles" / f"{name}.toml"
    stated = tomllib.loads(path.read_text("utf-8"))["constants"]
    for key, constant in profile.constants.items():
        assert set(stated[key]) == set(Constant._fields), key
        assert 0 <= constant.low <= constant.value <= constant.high
        assert constant.source
        assert constant.node
    bibliography = (Path(neuro.__file__).parent / "references.bib").read_text("utf-8")
    keys = set(re.findall(r"^@\w+\{([^,]+),", bibliography, re.MULTILINE))
    assert set(profile.cite) <= keys


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("kind = 'digital'\n[constants]\n", "'name' is missing"),
        ("name='a'\nkind='x'\n[constants]\n", "unknown kind 'x'"),
        (
            "name='a'\nkind='chip'\nconstant=1\n[constants]\n",
            "did you mean 'constants'",
        ),
        (
            "name='a'\nkind='chip'\n[constants.b]\nvalue=-1\nunit='pJ'\nkind='vendor'\n"
            "source='s'\n",
            ">= 0",
        ),
        ("name='a'\nkind='chip'\n[constants.b]\nvalue=1\n", "'unit' is missing"),
        (
            "name='a'\nkind='chip'\n[constants.b]\nvalue=1\nunit='pJ'\nkind='vendor'\n"
            "source='s'\nvoltage=-0.9\n",
            "voltage must be > 0 V or 'not stated'",
        ),
        ("name=", "not valid TOML"),
    ],
)
def test_bad_profiles(tmp_path, text: str, match: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(ProfileError, match=match):
        Profile.load(path)


def test_unknown_names() -> None:
    with pytest.raises(ProfileError, match="did you mean"):
        Profile.load("horowitz45-fp3")
    with pytest.raises(ProfileError, match="no per-event energy of Loihi 2"):
        Profile.load("loihi2")
    with pytest.raises(ParameterError, match="unknown energy model"):
        make_model("lemaire")
    with pytest.raises(ProfileError, match="needs a profile of kind"):
        estimate(_one(), model="op45", profile="loihi")


def _one() -> OpCounts:
    counts = OpCounts()
    counts.add("x", "ac", np.int64(1))
    return counts


def test_protocol() -> None:
    for name in MODELS:
        assert isinstance(make_model(name), EnergyModel)


def test_empty_ledger_is_an_error() -> None:
    with pytest.raises(ParameterError, match="no samples"):
        estimate(OpCounts(), model="op45")
    with pytest.raises(ParameterError, match="nothing was counted"):
        estimate(OpCounts(1), model="op45")
