"""Piecewise linear interpolation of scattered data, as `scipy.interpolate.LinearNDInterpolator` in two dimensions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.arguments import coordinates_from
from delaunax.interpolation.barycentric import barycentric_weights
from delaunax.location import locate
from delaunax.platform.indexing import gather
from delaunax.triangulation import Triangulation, triangulate


@jax.tree_util.register_pytree_node_class
class LinearInterpolator:
    """Interpolate values linearly on the Delaunay triangulation of their points.

    Use it where one set of points is evaluated several times; `linear_interpolate` is the one-off. It is a pytree: it passes
    through `jit`, `vmap`, `scan` and `grad`, and carries its triangulation along. Differentiable with respect to points and
    values, by making it inside the function that is differentiated, and with respect to query points.

    Parameters
    ----------
    points
        (N, 2) float, where the values are.
    values
        (N, ...) float or complex.
    fill_value
        What a query outside the hull gets; NaN by default.

    Raises
    ------
    ValueError
        If `points` is not of shape (N, 2), or `values` has another length.
    TypeError
        If `points` has a dtype that `triangulate` does not take.
    """

    points: Array
    values: Array
    fill_value: Any
    triangulation: Triangulation

    def __init__(self, points: Any, values: Any, fill_value: Any = np.nan):
        self.points = coordinates_from("points", points)
        values = jnp.asarray(values)
        if values.ndim == 0 or len(values) != len(self.points):
            raise ValueError(
                f"`values` has shape {values.shape}, but there are {len(self.points)} points; give one value per point."
            )
        with jax.numpy_dtype_promotion("standard"):  # Integers as floats like the points, complex values as they are.
            self.values = values.astype(jnp.result_type(values, self.points))
        self.fill_value = fill_value
        self.triangulation = triangulate(self.points)

    def __call__(self, query_points: Any) -> Array:
        """(Q, ...) the values at (Q, 2) query points; `fill_value` outside the hull, NaN where a query is not finite.

        All are NaN if a point is not finite.
        """
        query_points = coordinates_from("query_points", query_points, least=0)
        mappings = locate(self.triangulation, self.points, query_points)
        weights = barycentric_weights(self.points, query_points, mappings)

        def along(rows):
            """A (Q,) array that is broadcast against (Q, ...) values."""
            return rows.reshape(rows.shape + (1,) * (self.values.ndim - 1))

        inside = mappings[:, 1] >= 0
        with jax.numpy_dtype_promotion("standard"):
            terms = [along(weights[:, k]) * gather(self.values, mappings[:, k]) for k in range(3)]
        interpolated = terms[0] + terms[1] + terms[2]
        filled = jnp.where(along(inside), interpolated, self.fill_value)
        known = self.triangulation.certified & (mappings[:, 0] >= 0)
        return jnp.where(along(known), filled, jnp.nan)

    def tree_flatten(self):
        return (self.points, self.values, self.fill_value, self.triangulation), None

    @classmethod
    def tree_unflatten(cls, _, children):
        new = object.__new__(cls)
        new.points, new.values, new.fill_value, new.triangulation = children
        return new


def linear_interpolate(points: Any, values: Any, query_points: Any, fill_value: Any = np.nan) -> Array:
    """(Q, ...): values at points, interpolated linearly at query points; `LinearInterpolator` for a single use.

    Parameters
    ----------
    points, query_points
        (N, 2) and (Q, 2) float.
    values
        (N, ...) float or complex.
    fill_value
        What a query outside the hull gets; NaN by default.

    Raises
    ------
    ValueError, TypeError
        As `LinearInterpolator`.
    """
    return LinearInterpolator(points, values, fill_value)(query_points)
