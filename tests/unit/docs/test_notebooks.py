"""Notebooks are paired: the .ipynb holds exactly the cells of its source, run."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_pair_agrees_and_was_run(source):
    jupytext = pytest.importorskip("jupytext")
    written = jupytext.read(source)
    stored = jupytext.read(source.with_suffix(".ipynb"))
    assert [c.source for c in stored.cells] == [c.source for c in written.cells]
    code = [c for c in stored.cells if c.cell_type == "code"]
    assert all(c.execution_count for c in code)
    assert any(c.outputs for c in code)
    assert source.with_suffix(".ipynb").stat().st_size < 1_000_000


def test_no_machine_paths():
    for path in FOLDER.glob("*.ipynb"):
        text = path.read_text("utf-8")
        assert str(Path.home()) not in text
        assert str(FOLDER.parents[2]) not in text
