"""Two processes may compile one function at the same moment; an edit is never missed."""

import os
import sys
import types

import numpy as np
import pytest

from neuro.compiled import _say_once, _version, kernel

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
    source = "from neuro.compiled import _say_once, _version, kernel\n@kernel\ndef {}(x):\n    return {}\n"
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


def _cache_in(folder, monkeypatch):
    """Numba reads the variable anew at a compilation where any of its own changed."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder / "cache"))


def _imported(folder, text):
    """Import a module anew, as another process would."""
    (folder / "edited_module.py").write_text(text)
    names = {"__name__": "edited_module", "__file__": str(folder / "edited_module.py")}
    exec(compile(text, str(folder / "edited_module.py"), "exec"), names)
    return names["f"]


def test_a_touched_source_stays_compiled_and_an_edited_one_does_not(
    tmp_path, monkeypatch
):
    _cache_in(tmp_path, monkeypatch)
    text = "from neuro.compiled import kernel\n@kernel\ndef f(x):\n    return x + {}\n"
    assert _imported(tmp_path, text.format(1))(1) == 2
    os.utime(tmp_path / "edited_module.py", (1, 1))
    again = _imported(tmp_path, text.format(1))  # written anew: another time
    os.utime(tmp_path / "edited_module.py", (2, 2))
    assert again(1) == 2
    assert sum(again._cache_hits.values()) == 1
    edited = _imported(tmp_path, text.format(2))  # of the same size
    os.utime(tmp_path / "edited_module.py", (3, 3))
    assert edited(1) == 3


def test_compiling_is_said_once_and_only_where_it_happens(
    tmp_path, caplog, monkeypatch
):
    _cache_in(tmp_path, monkeypatch)
    text = "from neuro.compiled import kernel\n@kernel\ndef f(x):\n    return x + 1\n"

    def said(function, *values):
        caplog.clear()
        _say_once.cache_clear()
        with caplog.at_level("INFO", "neuro.compiled"):
            for x in values:
                function(x)
        return caplog.text.count("compiling kernels")

    assert said(_imported(tmp_path, text), 1, 1.0) == 1
    assert said(_imported(tmp_path, text), 1, 1.0) == 0


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
