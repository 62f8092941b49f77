"""Two processes may compile one function at the same moment; an edit is never missed."""

import os
import sys
import types

import numpy as np
import pytest

from neuro.compiled import _version, kernel

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled"
)


@kernel
def _twice(x):
    return x + x


@kernel
def _total(x):
    return _twice(x).sum()


def _stamps(dispatcher):
    dispatcher._cache._stamp()
    return dispatcher._cache._cache_file._source_stamp


def test_two_signatures_compiled_at_once_keep_their_own_code(tmp_path, monkeypatch):
    """Both saw an empty index: the loser's entry may be lost, never the wrong one."""
    files = [type(_twice._cache._cache_file)(str(tmp_path), "f", "stamp") for _ in "ab"]
    with monkeypatch.context() as patch:
        for f in files:
            patch.setattr(f, "_load_index", dict)
        files[0].save("int", b"code of int")
        files[1].save("float", b"code of float")
        files[0].save("int", b"code of int")
    for key in ("int", "float"):
        assert files[0].load(key) in (None, f"code of {key}".encode())
    files[1].save("float", b"code of float")
    assert [files[0].load(k) for k in ("int", "float")] == [
        b"code of int",
        b"code of float",
    ]


def test_stamp_covers_the_file_of_a_compiled_callee(tmp_path, monkeypatch):
    source = "from neuro.compiled import _version, kernel\n@kernel\ndef {}(x):\n    return {}\n"
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "callee_module.py").write_text(source.format("inner", "x + 1"))
    (tmp_path / "caller_module.py").write_text(
        "from callee_module import inner\n" + source.format("outer", "inner(x)")
    )
    import caller_module

    assert isinstance(caller_module, types.ModuleType)
    before = {name for name, *_ in _stamps(caller_module.outer)}
    assert {os.path.basename(f) for f in before} == {
        "callee_module.py",
        "caller_module.py",
    }
    for name in ("callee_module", "caller_module"):
        sys.modules.pop(name)


def test_compiles_and_is_found_again():
    x = np.arange(4.0)
    assert _total(x) == 12.0
    fresh = kernel(_total.py_func)
    assert fresh(x) == 12.0
    assert sum(fresh._cache_hits.values()) == 1


def test_functions_without_a_file_compile():
    """Typed at a prompt, or in a notebook cell whose file is no file."""
    names = {}
    exec(compile("def f(x):\n    return x + 1\n", "<cell>", "exec"), names)
    assert kernel(names["f"])(1) == 2
    version = _version(names["f"])
    exec(compile("def f(x):\n    return x + 2\n", "<cell>", "exec"), names)
    assert version[0] == "<cell>"
    assert _version(names["f"]) != version
