"""The vertex nearest to a query point outside the hull: by descent on a CPU, by a comparison of all vertices on a GPU."""

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.triangle import A, B, C, dot
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import map_where
from delaunax.triangulation import Triangulation


def nearest_of(triangulation: Triangulation, query_points: Array, start: Array, which: Array) -> Array:
    """(Q,) int32: the nearest vertices of (Q, 2) scaled queries for which the (Q,) bool `which` is true.

    `start` are (Q,) int32 triangles near the queries; -1 if there is none.
    """
    return platform.choose(_nearest_by_descent, _nearest_by_comparison)(triangulation, query_points, start, which)


def _nearest_by_descent(triangulation, query_points, start, which):
    """(Q,) int32: the nearest vertices of the queries of the (Q,) bool `which`, each by `descend`."""
    points = triangulation.tree.points
    # Without certified triangles there are vertices only.
    number = jnp.where(which & (start < 0), np.int32(len(points)), np.int32(0))

    def nearest_from(row):
        query_point, start, number = row
        # Not from where the walk left the hull, which may be far away.
        return nearest_without_triangles(number, points, query_point, descend(triangulation, query_point, start))

    return platform.map_rows(nearest_from, (query_points, jnp.where(which, start, NONE), number))


def _nearest_by_comparison(triangulation, query_points, start, which):
    """(Q,) int32: the nearest vertices of the queries of the (Q,) bool `which`, each by a comparison of all."""
    return map_where(which, partial(nearest_of_all, triangulation.tree.points), query_points)


def descend(triangulation: Triangulation, query_point: Array, simplex: Array) -> Array:
    """The nearest vertex of a query, by steps to ever nearer vertices.

    A vertex of a Delaunay triangulation that is nearer to a point than all its neighbours is nearer than all vertices (Bose &
    Morin 2004, SIAM J. Comput. 33, 937). Ties go to the lowest index: tied vertices lie on one empty circle around the query,
    so triangles join the one with the lowest index to each of them. The neighbours of a vertex are compared triangle by
    triangle, counter-clockwise.

    Parameters
    ----------
    triangulation
        As in `locate`.
    query_point
        (2,) float, scaled.
    simplex
        () int32, the triangle where the query starts; -1 if there is none, and then the result is meaningless.

    Returns
    -------
    () int32
    """
    points, first = triangulation.tree.points, triangulation.vertex_simplex

    def is_nearer(one, other):
        by = _nearer_by(query_point, gather(points, one), gather(points, other))
        return (by > 0.0) | ((by == 0.0) & (one < other))

    def step(_, carry):
        vertex, simplex = carry
        a, b, c = gather(triangulation.simplices, simplex)
        after = jnp.where(a == vertex, B, jnp.where(b == vertex, C, A))
        to_after = jnp.where(a == vertex, b, jnp.where(b == vertex, c, a))
        to_before = jnp.where(a == vertex, c, jnp.where(b == vertex, a, b))
        nearer = jnp.where(is_nearer(to_after, to_before), to_after, to_before)
        moves = (simplex >= 0) & is_nearer(nearer, vertex)

        around = gather(triangulation.neighbors, simplex, after)
        around = jnp.where((simplex < 0) | (around == gather(first, vertex)), NONE, around)
        vertex = jnp.where(moves, nearer, vertex)
        return vertex, jnp.where(moves, gather(first, vertex), around)

    def unfinished(number, carry):
        # Every vertex is visited at most once, and every triangle around it at most once, too.
        return (carry[1] >= 0) & (number <= 4 * triangulation.simplices.shape[0])

    vertex = gather(triangulation.simplices, simplex, 0)
    start = jnp.where(simplex < 0, NONE, gather(first, vertex))
    return platform.lockstep_while(unfinished, step, (vertex, start))[0]


def _nearer_by(query_point, one, other):
    """The difference of the squared distances of (..., 2) points from a query: positive where `one` is nearer.

    Two distances would be equal within rounding if the points are near each other and the query is far away.
    """
    return dot(one - other, (query_point - one) + (query_point - other))


def nearest_of_all(points: Array, query_points: Array) -> Array:
    """(Q,) int32: the nearest of (N, 2) vertices for (Q, 2) queries; ties go to the lowest index."""
    best = jnp.zeros(len(query_points), jnp.int32)
    # The first comparison is with vertex 0, the second with a vertex that is nearly the nearest. It resolves what the first
    # cannot.
    for _ in range(2):
        farther_by = _nearer_by(query_points[:, None], gather(points, best)[:, None], points)
        best = lax.argmin(farther_by, 1, np.int32)
    return best


def nearest_without_triangles(number: Array, points: Array, query_point: Array, vertex: Array) -> Array:
    """() int32: of the first () `number` vertices, the nearest to a (2,) query; `vertex` if the number is zero."""

    def nearer(k, best):
        return jnp.where(_nearer_by(query_point, gather(points, k), gather(points, best)) > 0.0, k, best)

    return lax.fori_loop(np.int32(0), number, nearer, jnp.where(number > 0, 0, vertex))
