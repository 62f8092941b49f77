"""Whatever fits a format comes back as it was; what a file holds is written back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuro.events import decode, encode, frames, make_events, validate

LIMITS = {
    ".bin": (0x7FFFFF, 255, 239, 1),
    ".bs2": (0x7FFFFF, 255, 255, 1),
    ".bs1": (0x7FFFFF, 0x7FFF, 0, 1),
    ".bs3": (0xFFFFFF, 0xFFF, 0xFFF, 127),
}


@pytest.mark.parametrize("kind", LIMITS)
@given(data=st.data())
def test_round_trip(kind, data):
    t, x, y, p = LIMITS[kind]
    event = st.tuples(
        st.integers(0, t), st.integers(0, x), st.integers(0, y), st.integers(0, p)
    )
    rows = sorted(data.draw(st.lists(event, max_size=50)))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    events = make_events(*(np.array(c, np.int64) for c in columns))
    assert decode(encode(events, kind), kind).tolist() == events.tolist()


@given(st.binary(max_size=300).map(lambda b: b[: len(b) // 5 * 5]))
def test_any_bytes_decode_and_are_written_back(data):
    events = decode(data, ".bs2")
    assert events.size == len(data) // 5
    order = np.argsort(events["t"], kind="stable")
    rows = np.frombuffer(data, np.uint8).reshape(-1, 5)[order]
    assert encode(events[order], ".bs2") == rows.tobytes()


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=60),
    st.integers(1, 900),
    st.integers(1, 12),
)
def test_frames_conserve_early_events(stamps, bin_us, n_bins):
    events = validate(make_events(sorted(stamps), 1, 2), (3, 4, 2))
    got = frames(events, (3, 4, 2), bin_us=bin_us, n_bins=n_bins, binary=False)
    assert got.sum() == sum(t < n_bins * bin_us for t in stamps)
