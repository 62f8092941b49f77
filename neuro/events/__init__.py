"""Event arrays ``t, x, y, p``: checks, readers, writers, frames, event camera."""

from neuro.events.array import EVENT as EVENT
from neuro.events.array import make_events as make_events
from neuro.events.array import select as select
from neuro.events.array import time_slice as time_slice
from neuro.events.array import validate as validate
from neuro.events.camera import EventCamera as EventCamera
from neuro.events.camera import record as record
from neuro.events.camera import record_movie as record_movie
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
from neuro.events.paths import ImagePath as ImagePath
from neuro.events.paths import SaccadePath as SaccadePath
from neuro.events.paths import SampledPath as SampledPath
from neuro.events.summary import event_rate as event_rate
from neuro.events.summary import likeness as likeness
from neuro.events.summary import pixel_counts as pixel_counts
from neuro.events.summary import pixel_intervals as pixel_intervals
from neuro.events.summary import recording_statistics as recording_statistics

__all__ = [
    "EVENT",
    "EventCamera",
    "ImagePath",
    "SaccadePath",
    "SampledPath",
    "chunked_raster",
    "crop_bounds",
    "decode",
    "encode",
    "event_rate",
    "frame_batch",
    "frames",
    "likeness",
    "make_events",
    "pixel_counts",
    "pixel_intervals",
    "read_bsn",
    "read_events",
    "record",
    "record_movie",
    "recording_statistics",
    "select",
    "time_slice",
    "validate",
    "write_bsn",
    "write_events",
]
