"""A sweep is drawn as it is tabulated."""

import pytest

from neuro.plot import plot_sweep


def _record(*values):
    return {
        "seeds": [0, 1],
        "metrics": ["a"],
        "points": [
            {
                "parameters": {"n": x},
                "metrics": {"a": {"value": y, "sd": sd, "n": n, "unit": "Hz"}},
            }
            for x, y, sd, n in values
        ],
    }


@pytest.mark.parametrize(("largest", "scale"), [(4, "linear"), (100, "log")])
def test_points_stand_in_order_without_those_that_failed(largest, scale):
    import matplotlib.pyplot as plt

    ax = plot_sweep(
        _record((largest, 3.0, 0.5, 2), (1, 2.0, None, 1), (2, None, None, 0))
    )
    line = ax.lines[0]
    assert line.get_xdata().tolist() == [1, largest]
    assert line.get_ydata().tolist() == [2.0, 3.0]
    assert ax.get_xscale() == scale
    assert ax.get_xlabel() == "n"
    assert ax.get_legend().get_texts()[0].get_text() == "a [Hz]"
    plt.close(ax.figure)
