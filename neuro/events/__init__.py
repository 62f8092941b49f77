"""Event arrays ``t, x, y, p``: checks, readers, writers, frames, event camera."""

from neuro.events.array import EVENT as EVENT
from neuro.events.array import make_events as make_events
from neuro.events.array import select as select
from neuro.events.array import time_slice as time_slice
from neuro.events.array import validate as validate
from neuro.events.formats import decode as decode
from neuro.events.formats import encode as encode
from neuro.events.formats import read_bsn as read_bsn
from neuro.events.formats import read_events as read_events
from neuro.events.formats import write_bsn as write_bsn
from neuro.events.formats import write_events as write_events
from neuro.events.frames import chunked_raster as chunked_raster
from neuro.events.frames import crop_bounds as crop_bounds
from neuro.events.frames import frame_batch as frame_batch
from neuro.events.frames import frames as frames

__all__ = [
    "EVENT",
    "chunked_raster",
    "crop_bounds",
    "decode",
    "encode",
    "frame_batch",
    "frames",
    "make_events",
    "read_bsn",
    "read_events",
    "select",
    "time_slice",
    "validate",
    "write_bsn",
    "write_events",
]
