import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from hw.energy import estimate
from hw.energy.plot import (
    figure,
    plot_breakdown,
    plot_budget,
    plot_comparison,
    plot_rate,
)
from neuro.errors import ParameterError


@pytest.fixture(autouse=True)
def _close():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_bars_add_up_and_whiskers_hold_the_range(run_ledger) -> None:
    report = estimate(run_ledger, model="lemaire22")
    ax = plot_breakdown(report)
    unit = {"µJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12}[ax.get_ylabel().split("(")[1][:-1]]
    heights = sum(bar.get_height() for bar in ax.patches)
    assert heights * unit == pytest.approx(report.total, rel=1e-9)
    assert report.plot().get_title() == "lemaire22, horowitz45-fp32"


def test_comparison_and_figure(run_ledger) -> None:
    reports = estimate(run_ledger)
    ax = plot_comparison(reports)
    assert len(ax.patches) == 6
    assert len(figure(reports).axes) == 3
    with pytest.raises(ParameterError, match="no report"):
        figure([])


def test_rate_marks_the_break_even() -> None:
    ax = plot_rate([0.0, 0.5, 1.0], [0.0, 1.0, 2.0], 1.0, 0.5)
    assert any("0.5" in t.get_text() for t in ax.texts)
    assert not plot_rate([0.0, 1.0], [2.0, 3.0], 1.0, -1.0).texts


def test_budget_colours_by_the_largest_share() -> None:
    ax = plot_budget(["1/1/4", "1/4/1", "4/1/1", "2/2/1"], np.ones((4, 3)))
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == [
        "most bits in steps",
        "most bits in spike levels",
        "most bits in weights",
        "no single largest share",
    ]
