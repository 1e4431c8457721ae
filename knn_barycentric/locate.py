"""Which triangle holds each query point, or which vertex is nearest to it outside the hull."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from knn_barycentric.stars import Triangulation, check_coordinates
from knn_barycentric.triangle import doubled_areas_from

INSIDE = 100.0
"""A query whose barycentric weights are all above -`INSIDE` machine epsilons is inside, as in SciPy's find_simplex."""

CHUNK = 1024
"""Queries per (CHUNK, N) block of the nearest-vertex search, which bounds memory under vmap."""


def locate(triangulation: Triangulation, points, query_points):
    """The vertices that interpolate every query point; works under `jit` and `vmap`, and on NumPy arrays.

    Every query starts at its nearest vertex and walks, in lockstep with all others, across the edge behind which it
    lies until its triangle is found (the visibility walk of Devillers, Pion & Teillaud 2002, Int. J. Found. Comput.
    Sci. 13, 181, which cannot cycle on a Delaunay triangulation). The result is integer and piecewise constant, so
    gradients stop here.

    Parameters
    ----------
    triangulation
        The mesh's triangulation, from `stars.triangulate`.
    points
        (N, 2) float, the mesh vertices (arcsec).
    query_points
        (Q, 2) float, the query points (arcsec).

    Returns
    -------
    (Q, 3) int32
        The three vertices of the triangle that holds the query; [nearest vertex, -1, -1] outside the hull;
        [-1, -1, -1] for a query that is not finite.

    Raises
    ------
    ValueError, TypeError
        If the coordinates are not (M, 2) floating point arrays.
    """
    check_coordinates("points", points)
    check_coordinates("query_points", query_points)

    mappings = _locate(triangulation, points, query_points)
    return np.asarray(mappings) if isinstance(query_points, np.ndarray) else mappings


@jax.jit
def _locate(triangulation, points, query_points):
    points, query_points = lax.stop_gradient(points), lax.stop_gradient(query_points)
    finite = jnp.isfinite(query_points).all(axis=1)
    query_points = jnp.where(finite[:, None], query_points, 0.0)

    nearest = nearest_vertex(points, query_points)
    simplex, inside = walk(triangulation, points, query_points, triangulation.vertex_simplex[nearest])
    outside = jnp.stack([nearest, jnp.full_like(nearest, -1), jnp.full_like(nearest, -1)], axis=1)
    mappings = jnp.where(inside[:, None], triangulation.simplices[simplex], outside)
    return jnp.where(finite[:, None], mappings, -1)


def nearest_vertex(points, query_points):
    """(Q,) int32: the nearest vertex of every query point, the lowest index where several are equally near."""
    return nearest_vertices(points, query_points, 1)[:, 0]


@partial(jax.jit, static_argnames="number")
def nearest_vertices(points, query_points, number):
    """The nearest vertices of every query point, nearest first; works under `jit` and `vmap`.

    Each takes two minima, of the distance and then of the index among the nearest, where one argmin or `top_k` would
    be several times slower: XLA's CPU backend vectorises a plain reduction only.

    Parameters
    ----------
    points
        (N, 2) float, the mesh vertices (arcsec).
    query_points
        (Q, 2) float, the query points (arcsec).
    number
        How many vertices to find; columns past the Nth repeat the last vertex found.

    Returns
    -------
    (Q, number) int32
    """
    points, query_points = lax.stop_gradient(points), lax.stop_gradient(query_points)
    x, y = points[:, 0], points[:, 1]
    vertex = jnp.arange(points.shape[0], dtype=jnp.int32)

    def nearest_of(queries):
        squared = (queries[:, :1] - x) ** 2 + (queries[:, 1:] - y) ** 2
        found = []
        for _ in range(min(number, points.shape[0])):
            open_ = jnp.where(_none_of(vertex, found), squared, jnp.inf)
            # The compiler may evaluate the distance once per reduction and round the two differently.
            bound = open_.min(axis=1) * (1.0 + 4.0 * jnp.finfo(points.dtype).eps)
            found.append(jnp.where(open_ <= bound[:, None], vertex, points.shape[0] - 1).min(axis=1))
        return jnp.stack(found + found[-1:] * (number - len(found)), axis=1)

    count = query_points.shape[0]
    padded = jnp.pad(query_points, ((0, -count % CHUNK), (0, 0)))
    return lax.map(nearest_of, padded.reshape(-1, CHUNK, 2)).reshape(-1, number)[:count]


def _none_of(vertex, found):
    """(1 or Q, N) bool: whether a vertex is none of those found already."""
    none = jnp.ones((1, vertex.shape[0]), bool)
    for each in found:
        none = none & (vertex != each[:, None])
    return none


def walk(triangulation, points, query_points, simplex):
    """Walk every query from a start triangle to the one that holds it.

    Parameters
    ----------
    triangulation, points, query_points
        As in `locate`.
    simplex
        (Q,) int32, the triangle where each query starts; -1 where the mesh has none.

    Returns
    -------
    simplex
        (Q,) int32, the triangle where each walk ended.
    inside
        (Q,) bool, whether that triangle holds the query; false for a query outside the hull.
    """
    tolerance = -INSIDE * jnp.finfo(points.dtype).eps

    def step(carry):
        count, simplex, inside, walking = carry
        a, b, c = (points[triangulation.simplices[simplex, k]] for k in range(3))
        area, _, _ = doubled_areas_from(a, a, b, c)
        weight = jnp.stack(doubled_areas_from(query_points, a, b, c), axis=1) / area[:, None]
        inside = inside | (walking & (weight.min(axis=1) >= tolerance))
        across = triangulation.neighbors[simplex, weight.argmin(axis=1)]
        walking = walking & ~inside & (across >= 0)
        return count + 1, jnp.where(walking, across, simplex), inside, walking

    def unfinished(carry):
        # No walk on a Delaunay triangulation enters a triangle twice.
        count, _, _, walking = carry
        return walking.any() & (count <= triangulation.simplices.shape[0])

    _, simplex, inside, _ = lax.while_loop(
        unfinished, step, (jnp.zeros((), jnp.int32), simplex, jnp.zeros(simplex.shape, bool), simplex >= 0)
    )
    return simplex, inside
