"""Coordinates are read by their bits and scaled by a power of two, subnormal ones too."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from delaunax.scaling import integers_from, largest_exponent, scaled, scaled_together


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_integers_are_the_values(dtype):
    info = np.finfo(dtype)
    tiny = info.smallest_subnormal
    values = np.array([0.0, -0.0, 1.0, -1.5, 0.1, info.max, -info.tiny, tiny, 3 * tiny], dtype)
    mantissa, exponent = (np.asarray(each).tolist() for each in integers_from(jnp.asarray(values)))
    found = [Fraction(m) * Fraction(2) ** e for m, e in zip(mantissa, exponent, strict=True)]
    assert found == [Fraction(float(value)) for value in values]


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 300, 1000])
def test_scaled_is_of_order_one_and_exact(exponent):
    values = np.random.default_rng(0).random(100) + 0.5
    integers = integers_from(jnp.asarray(values * 2.0**exponent))
    found = np.asarray(scaled(integers, largest_exponent(integers), np.float64))
    assert 1.0 <= found.max() < 2.0
    assert len(set((found / values).tolist())) == 1


def test_subnormal_values_are_scaled_too():
    values = np.array([5.0e-324, 1.0e-323, 0.0])
    integers = integers_from(jnp.asarray(values))
    found = np.asarray(scaled(integers, largest_exponent(integers), np.float64))
    assert found[1] == 2.0 * found[0] > 0.0 and found[2] == 0.0


def test_a_far_query_stays_where_its_square_is_finite():
    _, queries = scaled_together(jnp.asarray([[1.0e-300, 0.0]]), jnp.asarray([[1.0e300, 0.0], [np.nan, np.inf]]))
    assert np.isfinite(np.square(queries[0])).all() and queries[0, 0] > 1.0e100
    assert np.isnan(queries[1, 0]) and np.isinf(queries[1, 1])
