"""Coordinates are read by their bits and scaled by a power of two, subnormal ones too."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import locate, triangulate
from delaunax.arithmetic.scaling import in_dtype, integers_from, largest_exponent, scaled, times_power_of_two


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_integers_are_the_values(dtype):
    info = np.finfo(dtype)
    tiny = info.smallest_subnormal
    values = np.array([0.0, -0.0, 1.0, -1.5, 0.1, info.max, -info.tiny, tiny, 3 * tiny], dtype)
    mantissa, exponent = (np.asarray(each).tolist() for each in integers_from(jnp.asarray(values)))
    found = [Fraction(m) * Fraction(2) ** e for m, e in zip(mantissa, exponent, strict=True)]
    assert found == [Fraction(float(value)) for value in values]


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 300, 1000])
def test_scaled_values_are_exact_and_of_order_one(exponent):
    values = np.random.default_rng(0).random(100) + 0.5
    given = jnp.asarray(values * 2.0**exponent)
    found = np.asarray(scaled(given, largest_exponent(given)))
    assert 1.0 <= found.max() < 2.0
    assert len(set((found / values).tolist())) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scaling_keeps_all_bits_of_normal_results(dtype):
    smallest = np.finfo(dtype).minexp
    values = np.asarray([1.0, 1.1 * 2.0**smallest, 1.7 * 2.0 ** (smallest + 1)], dtype)
    np.testing.assert_array_equal(scaled(jnp.asarray(values), largest_exponent(jnp.asarray(values))), values)


def test_subnormal_values_are_scaled_too():
    values = jnp.asarray([5.0e-324, 1.0e-323, 0.0])
    found = np.asarray(scaled(values, largest_exponent(values)))
    assert found[1] == 2.0 * found[0] > 0.0 and found[2] == 0.0


def test_squares_of_far_values_stay_finite():
    far = np.asarray(scaled(jnp.asarray([1.0e300, 0.0]), largest_exponent(jnp.asarray([1.0e-300]))))
    assert np.isfinite(np.square(far)).all() and far[0] > 1.0e100


def test_infinite_values_count_as_zero():
    values = jnp.asarray([np.nan, np.inf, 3.0])
    assert largest_exponent(values) == largest_exponent(jnp.asarray([3.0]))
    assert np.asarray(scaled(values, largest_exponent(values))).tolist() == [0.0, 0.0, 1.5]


def test_wider_floats_have_the_same_values():
    """XLA reads subnormal float32 numbers as zero."""
    values = np.array([1.0e-41, -3.0e-45, 0.0, 1.5, np.float32(3.4e38), np.inf], np.float32)
    assert in_dtype(jnp.asarray(values), np.float64).tolist() == values.astype(np.float64).tolist()
    assert np.isnan(in_dtype(jnp.asarray([np.nan], np.float32), np.float64)).all()
    slope = jax.grad(lambda value: in_dtype(value, np.float64))(jnp.float32(1.5))
    assert slope.dtype == np.float32 and slope == 1.0


def test_subnormal_float32_points_take_float64_queries():
    points = (np.random.default_rng(1).integers(0, 1000, size=(30, 2)) * 1.0e-44).astype(np.float32)
    triangulation = triangulate(points)
    queries = points[np.asarray(triangulation.simplices[:5])].astype(float).mean(axis=1)
    wide = points.astype(float)
    assert (locate(triangulation, points, queries) == locate(triangulate(wide), wide, queries)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_of_two_beyond_the_range_have_products_in_range(dtype):
    info = np.finfo(dtype)
    powers = jnp.asarray([-info.maxexp, info.maxexp, 1], np.int32)
    found = times_power_of_two(jnp.asarray([info.max, info.tiny, 3.0], dtype), powers)
    assert found.tolist() == [1.0 - float(info.epsneg), 4.0, 6.0]
