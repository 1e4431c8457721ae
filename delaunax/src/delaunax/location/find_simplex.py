"""Which row of the triangulation holds each query point, as `scipy.spatial.Delaunay.find_simplex`."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.scaling import scaled
from delaunax.arithmetic.triangle import doubled_areas_from
from delaunax.location.queries import located_by, rows_at
from delaunax.platform.dispatch import varying_as
from delaunax.platform.indexing import NONE, gather
from delaunax.triangulation import Triangulation


def find_simplex(triangulation: Triangulation, points: Any, query_points: Any, tol: Any = None) -> Array:
    """The row of `triangulation.simplices` that holds each query point.

    Parameters
    ----------
    triangulation
        The triangulation of the points, from `triangulate`.
    points
        (N, 2) float, the vertices.
    query_points
        (..., 2) float, or a tuple (x, y) of arrays that broadcast to shape (...).
    tol
        () float, a tolerance for queries outside the hull. Such a query belongs to the triangle in which its smallest
        barycentric coordinate is largest, if that coordinate is at least -`tol`. By default a query may miss its triangle by 4
        machine epsilons of the extent. A tolerance compares every query with all triangles.

    Returns
    -------
    (...) int32
        Row numbers; -1 outside the hull, where a query is not finite, and everywhere if a point is not finite.

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong shape or dtype, or `tol` is negative or not a number.
    """
    if tol is None:
        return located_by(rows_at, triangulation, points, query_points)
    return located_by(partial(_rows_within, _tolerance_from(tol)), triangulation, points, query_points)


def _tolerance_from(tol):
    if np.shape(tol) != () or not (isinstance(tol, jax.core.Tracer) or _is_at_least_zero(tol)):
        raise ValueError(f"`tol` is {tol!r}; give one number, zero or positive.")
    return lax.stop_gradient(jnp.asarray(tol, float))


def _is_at_least_zero(tol):
    # NumPy compares it also inside `jit`.
    number = np.asarray(tol)
    is_real = np.issubdtype(number.dtype, np.number) and not np.iscomplexobj(number)
    return is_real and bool(number >= 0.0)


def _rows_within(tol, triangulation, queries):
    found, finite = rows_at(triangulation, queries), jnp.isfinite(queries).all(axis=1)
    return jnp.where((found < 0) & finite, _rows_nearest(tol, triangulation, queries), found)


@jax.jit
def _rows_nearest(tol, triangulation, queries):
    """(Q,) int32: the row in which the smallest barycentric coordinate of each query is largest, if it is at least -tol."""
    tree = triangulation.tree
    points, queries = tree.points, scaled(queries, tree.exponent)

    def look(best, row):
        largest, found = best
        vertices = gather(triangulation.simplices, row)
        doubled = doubled_areas_from(queries, *(gather(points, vertex) for vertex in vertices))
        total = doubled[0] + doubled[1] + doubled[2]
        smallest = jnp.minimum(jnp.minimum(doubled[0], doubled[1]), doubled[2]) / jnp.where(total > 0.0, total, 1.0)
        is_better = (vertices[0] >= 0) & (total > 0.0) & (smallest > largest)
        return (jnp.where(is_better, smallest, largest), jnp.where(is_better, row, found)), None

    number = len(queries)
    nothing = [jnp.full(number, -np.inf, points.dtype), jnp.full(number, NONE)]
    nothing = varying_as(jax.tree.leaves((triangulation, queries)), nothing)
    (largest, found), _ = lax.scan(look, tuple(nothing), np.arange(len(triangulation.simplices), dtype=np.int32))
    return jnp.where(triangulation.certified & (largest >= -tol.astype(largest.dtype)), found, NONE)
