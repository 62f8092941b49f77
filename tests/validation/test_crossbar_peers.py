"""The same circuits in other simulators; run where they are installed.

Last run with badcrossbar 1.1.0 and CrossSim 3.2.0.
"""

import importlib
import warnings

import numpy as np
import pytest

from hw.crossbar import Crossbar, solve

pytestmark = pytest.mark.peer


def test_badcrossbar(rng):
    badcrossbar = pytest.importorskip("badcrossbar")
    r = 1 / rng.uniform(1e-6, 1e-4, (20, 13))
    v = rng.random((20, 4))
    theirs = badcrossbar.compute(v, r, r_i_word_line=2.0, r_i_bit_line=1.0)
    ours = solve(v, r, r_i_word_line=2.0, r_i_bit_line=1.0)
    out = np.asarray(theirs.currents.output)
    np.testing.assert_allclose(ours, out, atol=1e-9 * np.abs(out).max(), rtol=0)


R_WORD, R_BIT, G_MAX = 2.0, 1.0, 1e-4


def crosssim(module, name, rows):
    """An array of CrossSim; it stores conductances relative to the largest."""
    pytest.importorskip("simulator")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        simulator = importlib.import_module("simulator")
        importlib.import_module("simulator.backend").ComputeBackend(use_gpu=False)
        kind = importlib.import_module(f"simulator.circuits.array.{module}")
        params = simulator.CrossSimParameters()
    params.core.rows_max = params.core.cols_max = rows
    params.xbar.device.Rmin, params.xbar.device.Rmax = 1 / G_MAX, 1e6
    params.xbar.array.parasitics.enable = True
    params.xbar.array.parasitics.Rp_row = R_WORD
    params.xbar.array.parasitics.Rp_col = R_BIT
    params.simulation.Verr_th_mvm = 1e-13
    params.simulation.Niters_max_parasitics = 3000
    params.simulation.relaxation_gamma = 0.7
    return getattr(kind, name)(params)


def cells(rng):
    return rng.uniform(1e-6, G_MAX, (24, 10))


def test_crosssim_driven(rng):
    g, v = cells(rng), rng.random(24)
    array = crosssim("NonInterleaved_InputSource", "NoninterleavedInputSourceArray", 24)
    theirs = G_MAX * array.solve_mvm(v, np.ascontiguousarray(g.T / G_MAX))
    ours = Crossbar(g, R_WORD, R_BIT).mvm(v)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_crosssim_gated(rng):
    """Their supply line is named after the row's resistance, as our `r_word`."""
    g, v = cells(rng), 1.0 * (rng.random(24) < 0.5)
    array = crosssim(
        "NonInterleaved_SepSource", "NoninterleavedSeparateSourceArray", 24
    )
    theirs = G_MAX * array.solve_mvm(v, np.ascontiguousarray(g.T / G_MAX))
    ours = Crossbar(g, R_WORD, R_BIT, topology="gated").mvm(v)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_crosssim_interleaved(rng):
    plus, minus, v = cells(rng), cells(rng), rng.random(24)
    array = crosssim("Interleaved_InputSource", "InterleavedInputSourceArray", 24)
    planes = [np.ascontiguousarray(g.T / G_MAX) for g in (plus, minus)]
    theirs = G_MAX * array.solve_mvm(v, *planes)
    ours = Crossbar((plus, minus), R_WORD, R_BIT, topology="interleaved").mvm(v)
    atol = 1e-9 * np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, atol=atol, rtol=0)
