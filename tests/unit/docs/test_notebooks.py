"""Notebooks are paired with their py:percent source, small, and ran without an error."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


def test_there_are_notebooks():
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_pair(source):
    jupytext = pytest.importorskip("jupytext")
    notebook = source.with_suffix(".ipynb")
    assert notebook.stat().st_size < 1_000_000
    written, executed = jupytext.read(source), jupytext.read(notebook)
    assert [(c.cell_type, c.source) for c in written.cells] == [
        (c.cell_type, c.source) for c in executed.cells
    ]
    code = [c for c in executed.cells if c.cell_type == "code"]
    assert all(c.execution_count for c in code)
    assert not [o for c in code for o in c.outputs if o.output_type == "error"]
    text = notebook.read_text("utf-8")
    assert "/home/" not in text
    assert '"/tmp/' not in text
