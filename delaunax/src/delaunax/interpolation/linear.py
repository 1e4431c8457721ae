"""Piecewise linear interpolation of scattered data, as `scipy.interpolate.LinearNDInterpolator` in two dimensions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.interpolation.barycentric import barycentric_weights
from delaunax.interpolation.interpolator import Interpolator
from delaunax.location import locate
from delaunax.platform.indexing import gather, rows_like
from delaunax.triangulation import Triangulation


@jax.tree_util.register_pytree_node_class
class LinearInterpolator(Interpolator):
    """Interpolate values linearly on the Delaunay triangulation of their points.

    Use it to evaluate one set of points several times; `linear_interpolate` is the one-off. It is a pytree: it passes through
    `jit`, `vmap`, `scan` and `grad`, and carries its triangulation along. It can be pickled. To differentiate with respect to
    points or values, make it inside the function that is differentiated. Derivatives with respect to query points need nothing.

    Parameters
    ----------
    points
        (N, 2) float, the places of the values, or a tuple (x, y) of (N,) arrays.
    values
        (N, ...) float or complex; integers become floats.
    fill_value
        The value of a query outside the hull: a number, or an array of shape (...); NaN by default.
    rescale
        Triangulate after scaling the points to the unit square, if x and y have different units.
    triangulation
        The `Triangulation` of the same points, if you have it already.

    Attributes
    ----------
    points, values, fill_value, triangulation
        The arrays in use: `points` are scaled to the unit square if `rescale` is true.

    Raises
    ------
    ValueError
        If an argument has a wrong shape, is a masked array, or if both `rescale` and `triangulation` are given.
    TypeError
        If an argument has a dtype that cannot be used.
    """

    def __init__(
        self,
        points: Any,
        values: Any,
        fill_value: Any = np.nan,
        rescale: bool = False,
        *,
        triangulation: Triangulation | None = None,
    ):
        super().__init__(points, values, fill_value, rescale, triangulation)

    def _interpolated(self, points: Array, values: Array, fill_value: Array | np.ndarray, queries: Array) -> Array:
        return _interpolated(points, values, fill_value, self.triangulation, queries)


def linear_interpolate(
    points: Any, values: Any, query_points: Any, fill_value: Any = np.nan, rescale: bool = False
) -> Array:
    """The values of points, interpolated linearly at query points: `LinearInterpolator` for a single use.

    Parameters
    ----------
    points, values, fill_value, rescale
        As for `LinearInterpolator`.
    query_points
        (..., 2) float, or a tuple (x, y) of arrays that broadcast to shape (...).

    Returns
    -------
    (..., ...) float or complex
        As `LinearInterpolator` returns.

    Raises
    ------
    ValueError, TypeError
        As `LinearInterpolator`.
    """
    return LinearInterpolator(points, values, fill_value, rescale)(query_points)


@jax.jit
def _interpolated(points, values, fill_value, triangulation, queries):
    """The (Q, ...) values at (Q, 2) queries of the dtype of the points."""
    mappings = locate(triangulation, points, queries)
    inside, known = mappings[:, 1] >= 0, triangulation.certified & (mappings[:, 0] >= 0)

    weights = barycentric_weights(points, queries, mappings)
    interpolated = jnp.zeros((), values.dtype)
    for k in range(3):
        # A query without a triangle reads no value: its weights may be NaN, and so would be the gradient of a masked result.
        corner_values = jnp.where(rows_like(inside, values), gather(values, mappings[:, k]), np.zeros((), values.dtype))
        interpolated = interpolated + rows_like(weights[:, k], values).astype(values.dtype) * corner_values
    filled = jnp.where(rows_like(inside, values), interpolated, fill_value)
    return jnp.where(rows_like(known, values), filled, np.asarray(np.nan, values.dtype))
