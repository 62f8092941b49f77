"""Every source that the code names has an entry, and every entry is whole."""

import re
from pathlib import Path

import pytest

from neuro.cite import bibliography, cite
from neuro.errors import ParameterError

ROOT = Path(__file__).resolve().parents[2]


def _named():
    keys = set()
    for room in ("neuro", "hw"):
        for path in (ROOT / room).rglob("*.py"):
            for group in re.findall(
                r"__references__ = \(([^)]*)\)", path.read_text("utf-8")
            ):
                keys |= set(re.findall(r'"([^"]+)"', group))
    return keys


def test_every_named_source_is_in_the_bibliography():
    assert _named() <= set(bibliography())
    assert len(_named()) > 20


def test_every_entry_is_read():
    text = (ROOT / "neuro" / "references.bib").read_text("utf-8")
    assert len(bibliography()) == len(re.findall(r"^@", text, re.M))
    for entry in bibliography().values():
        assert entry.count("{") == entry.count("}")


def test_cite_takes_objects_and_keys_once():
    from neuro.lsm import Liquid

    assert cite(Liquid, "lin2025").count("@") == 1
    with pytest.raises(ParameterError, match="names no source"):
        cite(3)
