"""Interpolation of scattered data by the name of a method, as `scipy.interpolate.griddata` in two dimensions."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax.arguments import as_given, points_and_queries, queries_from, values_from
from delaunax.interpolation.linear import linear_interpolate
from delaunax.interpolation.natural_neighbors import NaturalNeighborInterpolator
from delaunax.interpolation.unit_box import unit_box_of
from delaunax.location.queries import located_by, nearest_vertices
from delaunax.platform.indexing import gather, rows_like
from delaunax.triangulation import triangulate


def griddata(
    points: Any, values: Any, xi: Any, method: str = "linear", fill_value: Any = np.nan, rescale: bool = False
) -> Array:
    """Interpolate the values of scattered points at query points.

    Parameters
    ----------
    points
        (N, 2) float, the places of the values, or a tuple (x, y) of (N,) arrays.
    values
        (N, ...) float or complex; integers become floats.
    xi
        (..., 2) float, the query points, or a tuple (x, y) of arrays that broadcast to shape (...).
    method
        "linear", on the Delaunay triangulation; "natural", by natural neighbours (Sibson); "nearest", the value of the
        nearest point.
    fill_value
        The value of a query outside the hull, NaN by default. The method "nearest" does not use it.
    rescale
        Scale the points to the unit square first, if x and y have different units.

    Returns
    -------
    (..., ...) float or complex
        The axes of the queries, then the axes of one value. NaN where a query is not finite, and NaN everywhere if a point is
        not finite. A NumPy array if `xi` is one.

    Raises
    ------
    ValueError
        If the method is unknown, or an argument has a wrong shape.
    TypeError
        If an argument has a dtype that cannot be used.
    """
    queries = queries_from("xi", xi)
    if method == "linear":
        return as_given(xi, linear_interpolate(points, values, queries, fill_value, rescale))
    if method == "nearest":
        return as_given(xi, _nearest_values(points, values, queries, rescale))
    if method == "natural":
        interpolator = NaturalNeighborInterpolator(points, values, fill_value=fill_value, rescale=rescale)
        return as_given(xi, interpolator(queries))
    raise ValueError(f'`method` is {method!r}; give "linear", "natural" or "nearest".')


def _nearest_values(points, values, queries, rescale):
    """The (..., ...) values of the points that are nearest to (..., 2) queries."""
    points, queries, shape = points_and_queries(points, queries)
    values = values_from(values, points)
    if rescale:
        box = unit_box_of(points)
        points, queries = box.scaled(points), box.scaled(queries)
    vertices = located_by(nearest_vertices, triangulate(points), points, queries)
    known = rows_like(vertices >= 0, values)
    found = jnp.where(known, gather(values, vertices), np.asarray(np.nan, values.dtype))
    return found.reshape(shape + found.shape[1:])
