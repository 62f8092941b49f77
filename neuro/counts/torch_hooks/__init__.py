"""Count torch modules while they run: hooks that keep integers, never rasters.

Per weight layer one byte per input unit and sample collects how often the unit was
non-zero (emptied into an integer array before it overflows); multiplied once by the
layer's fan-out map it is the exact number of pairs. Memory does not grow with the
number of steps.

``modules``   what a torch module is to a counter
``watch``     what one layer has seen in the current batch
``reach``     which neurons an event reached (event-driven updates)
``booking``   from a finished batch to the ledger
``recorder``  the hooks and their life
"""

from neuro.counts.torch_hooks.recorder import Recorder as Recorder

__all__ = ["Recorder"]
