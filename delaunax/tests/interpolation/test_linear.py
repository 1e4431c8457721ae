"""Linear interpolation gives the values of SciPy, and works under the transformations of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator

from delaunax import LinearInterpolator, linear_interpolate

import point_sets

POINTS = point_sets.random(200)
QUERIES = 1.2 * point_sets.random(1000, seed=3) - 0.1


def values_of(shape, seed=4):
    return np.random.default_rng(seed).standard_normal((200, *shape))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3)])
@pytest.mark.parametrize("fill_value", [np.nan, -7.0])
def test_values_are_those_of_scipy(shape, fill_value):
    values = values_of(shape)
    ours = LinearInterpolator(POINTS, values, fill_value)(QUERIES)
    theirs = LinearNDInterpolator(POINTS, values, fill_value)(QUERIES)
    assert ours.shape == theirs.shape
    assert np.allclose(ours, theirs, rtol=0.0, atol=1.0e-10, equal_nan=True)
    assert np.array_equal(ours, linear_interpolate(POINTS, values, QUERIES, fill_value), equal_nan=True)


def test_complex_values_are_interpolated():
    values = values_of(()) + 1j * values_of((), 5)
    theirs = LinearNDInterpolator(POINTS, values)(QUERIES)
    assert np.allclose(linear_interpolate(POINTS, values, QUERIES), theirs, atol=1.0e-10, equal_nan=True)


def test_jit_vmap_scan_and_grad_take_an_interpolator():
    values, queries = values_of(()), QUERIES[:50]
    interpolator = LinearInterpolator(POINTS, values, 0.0)
    expected = interpolator(queries)
    assert np.allclose(jax.jit(lambda each, at: each(at))(interpolator, queries), expected)

    made = jax.jit(lambda values: LinearInterpolator(POINTS, values, 0.0))(values)
    assert isinstance(made, LinearInterpolator) and np.allclose(made(queries), expected)

    several = jax.vmap(lambda values: LinearInterpolator(POINTS, values, 0.0))(jnp.stack([values, 2.0 * values]))
    lanes = jax.vmap(lambda each: each(queries))(several)
    assert np.allclose(lanes, jnp.stack([expected, 2.0 * expected]))

    _, scanned = jax.lax.scan(lambda carry, at: (carry, carry(at[None])[0]), interpolator, queries)
    assert np.allclose(scanned, expected)

    slope = jax.grad(lambda each: each(queries).sum(), allow_int=True)(interpolator)
    assert slope.values.sum() == pytest.approx(float((expected != 0.0).sum()))


def test_gradients_match_central_differences():
    values, queries = values_of(()), 0.2 + 0.6 * point_sets.random(60, seed=9)

    def total(points, values, queries):
        return (linear_interpolate(points, values, queries) * jnp.arange(60.0)).sum()

    arguments = (POINTS, values, queries)
    gradients = jax.grad(total, argnums=(0, 1, 2))(*map(jnp.asarray, arguments))
    for k, gradient in enumerate(gradients):
        direction = np.random.default_rng(k).standard_normal(arguments[k].shape)
        step = 1.0e-7

        def moved(sign, k=k, direction=direction):
            return [each + sign * step * direction if place == k else each for place, each in enumerate(arguments)]

        numeric = (total(*moved(1.0)) - total(*moved(-1.0))) / (2.0 * step)
        assert float((gradient * direction).sum()) == pytest.approx(float(numeric), rel=1.0e-5)


def test_only_infinite_input_gives_nan():
    queries = np.array([[0.5, 0.5], [np.nan, 0.5], [0.5, np.inf]])
    found = linear_interpolate(POINTS, values_of(()), queries, fill_value=3.0)
    assert np.isfinite(found[0]) and np.isnan(found[1:]).all()
    spoilt = POINTS.copy()
    spoilt[3, 0] = np.inf
    assert np.isnan(linear_interpolate(spoilt, values_of(()), QUERIES, fill_value=3.0)).all()


def test_integer_values_become_floats():
    assert linear_interpolate([[0, 0], [2, 0], [0, 2]], [0, 1, 2], [[1, 0], [0.5, 0.5]]).tolist() == [0.5, 0.75]


def test_no_queries_give_no_values():
    assert linear_interpolate(POINTS, values_of((2,)), np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((3, 200)), 1.0])
def test_values_of_another_length_are_rejected(values):
    with pytest.raises(ValueError, match="`values` has shape .*, but there are 200 points; give one value per point"):
        LinearInterpolator(POINTS, values)
