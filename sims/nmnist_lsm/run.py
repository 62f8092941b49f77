"""Recordings -> liquid on a noisy crossbar -> class -> joules, controls beside it.

Reproduces the set-up of Lin et al. 2025: 200 neurons, 50 frames of 6 ms, one polarity,
the central 16 x 16 pixels.
"""

from .. import _liquid_figures as figures
from .._config import Config
from .._liquids import load_frames
from .._runner import Context
from .._supervised import supervised

__all__ = ["run"]

PAPER_ON_ARRAY = 0.8966  # full set, best test epoch; 0.8911 in software


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = load_frames(cfg, ctx)
    figures.events(ctx, data.example_events, int(data.labels[0]))
    supervised(cfg, ctx, data, paper=None if data.synthetic else PAPER_ON_ARRAY)
