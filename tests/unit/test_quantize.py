import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuro.errors import ParameterError
from neuro.quantize import (
    bit_planes,
    from_bit_planes,
    multibit_gradient,
    multibit_level,
    multibit_step,
    quantize_weights,
    weight_gradient,
)

matrix = arrays(
    np.float64,
    (3, 5),
    elements=st.floats(-10, 10, allow_subnormal=False).filter(
        lambda v: v == 0 or abs(v) > 1e-6
    ),
)
bits = st.integers(1, 8)


@given(matrix, bits)
def test_idempotent(w, b) -> None:
    q = quantize_weights(w, b).values
    np.testing.assert_allclose(quantize_weights(q, b).values, q, rtol=1e-12, atol=1e-15)


@given(matrix, bits)
def test_number_of_levels(w, b) -> None:
    q = quantize_weights(w, b)
    assert len(np.unique(q.levels)) <= (2 if b == 1 else 2**b - 1)
    if b > 1:
        assert np.abs(q.levels).max() <= 2 ** (b - 1) - 1


@given(matrix, bits, st.sampled_from([0.25, 2.0, 1024.0]))
def test_scale_equivariant(w, b, c) -> None:
    np.testing.assert_array_equal(
        quantize_weights(c * w, b).values, c * quantize_weights(w, b).values
    )


@given(
    st.integers(1, 8).flatmap(
        lambda b: st.tuples(
            st.just(b),
            arrays(np.int64, 12, elements=st.integers(0, 2**b - 1)),
            arrays(np.int64, 12, elements=st.integers(-1000, 1000)),
        )
    )
)
def test_bit_plane_identity(case) -> None:
    b, a, w = case
    planes = bit_planes(a, b)
    assert (from_bit_planes(planes) == a).all()
    assert sum((1 << t) * int(w @ planes[t].astype(np.int64)) for t in range(b)) == int(
        w @ a
    )


def test_one_bit_floor_is_an_ordinary_neuron(rng) -> None:
    v = u = np.zeros(50)
    for _ in range(40):
        i = rng.uniform(0, 0.9, 50)
        k, v = multibit_step(v, i, beta=0.9, bits=1, rounding="floor")
        u = 0.9 * u + i
        s = u >= 1.0
        u = u - s
        assert (k == s).all()
        assert (v == u).all()


def test_sign_of_zero_and_zero_channel() -> None:
    q = quantize_weights([[0.0, -2.0], [0.0, 0.0]], 1)
    assert q.values.tolist() == [[1.0, -1.0], [0.0, 0.0]]
    assert quantize_weights(np.zeros((2, 2)), 4).values.tolist() == [[0.0] * 2] * 2


def test_given_step_clips_and_masks() -> None:
    q = quantize_weights([[0.3, -9.0]], 3, step=[[0.5]])
    assert q.levels.tolist() == [[1, -3]]
    assert weight_gradient([[0.3, -9.0]], 3, step=[[0.5]]).tolist() == [[1.0, 0.0]]
    assert weight_gradient([[0.3, -9.0]], 1).tolist() == [[1.0, 1.0]]


def test_levels_and_gradient() -> None:
    assert multibit_level([-1, 0.4, 0.6, 2.2, 9], bits=2).tolist() == [0, 0, 1, 2, 3]
    assert multibit_gradient([-0.6, -0.4, 3.4, 3.6], bits=2).tolist() == [0, 1, 1, 0]
    k, v = multibit_step([0.0], [2.2], beta=0.5, bits=2, reset="zero")
    assert (k.tolist(), v.tolist()) == ([2], [0.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: quantize_weights([1.0], 0),
        lambda: quantize_weights([np.nan], 2),
        lambda: quantize_weights([1.0], 2, step=0.0),
        lambda: multibit_level([1.0], v_threshold=0.0),
        lambda: multibit_level([1.0], rounding="up"),
        lambda: multibit_step([0.0], [0.0], beta=2.0),
        lambda: multibit_step([0.0], [0.0], beta=1.0, reset="none"),
        lambda: bit_planes([4], 2),
        lambda: bit_planes([0.5], 2),
    ],
)
def test_bad_values(call) -> None:
    with pytest.raises(ParameterError):
        call()
