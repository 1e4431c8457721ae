"""Piecewise linear interpolation of scattered data, as `scipy.interpolate.LinearNDInterpolator` in two dimensions."""

from copy import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.arguments import (
    as_given,
    check_triangulation,
    coordinates_from,
    fill_value_from,
    points_and_queries,
    promoted,
    values_from,
)
from delaunax.interpolation.barycentric import barycentric_weights
from delaunax.interpolation.unit_box import UnitBox, unit_box_of
from delaunax.location import locate
from delaunax.platform.indexing import gather, rows_like
from delaunax.triangulation import Triangulation, triangulate


@jax.tree_util.register_pytree_node_class
class LinearInterpolator:
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

    points: Array
    values: Array
    fill_value: Array
    triangulation: Triangulation
    _box: UnitBox | None

    def __init__(
        self,
        points: Any,
        values: Any,
        fill_value: Any = np.nan,
        rescale: bool = False,
        *,
        triangulation: Triangulation | None = None,
    ):
        if rescale and triangulation is not None:
            raise ValueError("`rescale` changes the triangulation; give either `rescale=True` or `triangulation`.")
        points = coordinates_from("points", points)
        if triangulation is not None:
            check_triangulation(triangulation, points)
        self.values = values_from(values, points)
        self.fill_value = fill_value_from(fill_value, self.values)
        self._box = unit_box_of(points) if rescale else None
        self.points = points if self._box is None else self._box.scaled(points)
        self.triangulation = triangulate(self.points) if triangulation is None else triangulation

    def __call__(self, query_points: Any, y: Any = None) -> Array:
        """The interpolated values at query points.

        Parameters
        ----------
        query_points
            (..., 2) float, or a tuple (x, y) of arrays that broadcast to shape (...).
        y
            Alternatively, give x and y as two arguments.

        Returns
        -------
        (..., ...) float or complex
            The axes of the queries, then the axes of one value. It is `fill_value` outside the hull, NaN where a query is not
            finite, and NaN everywhere if a point is not finite. A NumPy array if `query_points` is one.

        Raises
        ------
        ValueError, TypeError
            If the queries do not have shape (..., 2), or have a dtype that cannot be used.
        """
        given = query_points if y is None else (query_points, y)
        points, queries, shape = points_and_queries(self.points, given)
        if self._box is not None:
            queries = self._box.scaled(queries)
        values = promoted(self.values, points.dtype)
        fill_value = self.fill_value.astype(values.dtype)
        found = _interpolated(points, values, fill_value, self.triangulation, queries)
        return as_given(given, found.reshape(shape + found.shape[1:]))

    def with_values(self, values: Any, fill_value: Any = None) -> "LinearInterpolator":
        """The interpolator of other (N, ...) values at the same points, without a new triangulation.

        `fill_value` stays the same by default; give another one if one value has another shape.
        """
        new = copy(self)
        new.values = values_from(values, self.points)
        new.fill_value = fill_value_from(self.fill_value if fill_value is None else fill_value, new.values)
        return new

    def __repr__(self) -> str:
        """Shapes and dtypes: values are too many to read, and traced ones have none."""
        points, values = (
            f"{each.dtype}{list(each.shape)}" if hasattr(each, "dtype") else repr(each)
            for each in (self.points, self.values)
        )
        box = "" if self._box is None else ", rescale=True"
        return f"LinearInterpolator(points={points}, values={values}, fill_value={self.fill_value}{box})"

    def tree_flatten(self):
        """The arrays, for JAX."""
        return (self.points, self.values, self.fill_value, self.triangulation, self._box), None

    @classmethod
    def tree_unflatten(cls, _, children):
        """An interpolator of the arrays, or of what JAX puts in their places."""
        new = object.__new__(cls)
        new.points, new.values, new.fill_value, new.triangulation, new._box = children
        return new


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
