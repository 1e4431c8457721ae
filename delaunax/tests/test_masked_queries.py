"""Queries and values that the caller masks, such as NaN, spoil no gradient."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from delaunax import linear_interpolate

import point_sets

POINTS, QUERIES = point_sets.random(40), 1.2 * point_sets.random(30, seed=3) - 0.1
VALUES = np.sin(5.0 * POINTS[:, 0])


@jax.jit
@partial(jax.grad, argnums=(0, 1, 2))
def gradients(points, values, queries, counts):
    """Of the sum of the values at the queries that count."""
    return jnp.where(counts, linear_interpolate(points, values, queries, fill_value=0.0), 0.0).sum()


SPECIAL = np.array([[np.nan, 0.5], [1.0e150, 0.5], [-1.0e300, 1.0e308], [np.inf, 0.0], [-9.0, 9.0]])


def test_no_masked_query_spoils_a_gradient():
    """Queries that are not finite or far away, which the caller masks, have no influence."""
    counts = np.arange(35) < 30
    expected = gradients(POINTS, VALUES, np.concatenate([QUERIES, QUERIES[:5]]), counts)
    found = gradients(POINTS, VALUES, np.concatenate([QUERIES, SPECIAL]), counts)
    for ours, theirs in zip(found, expected):
        assert np.allclose(ours, theirs, rtol=0.0, atol=1.0e-12)


def test_a_nan_value_spoils_no_gradient_outside_its_triangles():
    values, outside = VALUES.copy(), 9.0 + np.concatenate([QUERIES, QUERIES[:5]])
    values[0] = np.nan
    for gradient in gradients(POINTS, values, outside, np.full(35, True)):
        assert (gradient == 0.0).all()
