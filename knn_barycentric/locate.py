"""Which triangle holds each query point, or which vertex is nearest to it outside the hull."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend
from knn_barycentric.spatial_sort import SpatialSort, leaf_of, spatial_sort
from knn_barycentric.stars import Triangulation, check_coordinates
from knn_barycentric.triangle import doubled_areas_from

AT_ONCE = 128
"""For how many queries the distances to all vertices are in memory at once."""

INSIDE = 100.0
"""A query whose barycentric weights are all above -`INSIDE` machine epsilons is inside, as in SciPy's find_simplex."""


def locate(triangulation: Triangulation, points: Array, query_points: Array, sort: SpatialSort | None = None) -> Array:
    """The vertices that interpolate every query point; works under `jit` and `vmap`, and on NumPy arrays.

    Every query starts at a triangle of the leaf of a spatial sort in which it lies, and walks across the edge behind
    which it lies until its triangle is found (the visibility walk of Devillers, Pion & Teillaud 2002, Int. J. Found. Comput.
    Sci. 13, 181, which cannot cycle on a Delaunay triangulation). A
    query outside the hull descends to its nearest vertex along the edges of the mesh. The result is integer and piecewise constant, so
    gradients stop here.

    Parameters
    ----------
    triangulation
        The mesh's triangulation, from `stars.triangulate`.
    points
        (N, 2) float, the mesh vertices (arcsec).
    query_points
        (Q, 2) float, the query points (arcsec).
    sort
        The mesh's `SpatialSort`, if it is at hand already.

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

    sort = spatial_sort(points) if sort is None else sort
    mappings = _locate(*lax.stop_gradient((triangulation, points, query_points, sort)))
    return np.asarray(mappings) if isinstance(query_points, np.ndarray) else mappings


@jax.jit
@backend.lane_by_lane
def _locate(triangulation, points, query_points, sort):
    finite = jnp.isfinite(query_points).all(axis=1)
    query_points = jnp.where(finite[:, None], query_points, 0.0)
    corners = _corners_of(triangulation, points)

    def walked(queries):
        start = start_simplices(triangulation, sort, queries)
        return start, *walk(triangulation, corners, queries, start)

    start, simplex, inside = _by_chunks(walked, query_points, backend.queries_at_once())
    # Not from where the walk left the hull, which may be far away.
    vertex = _in_line(partial(descend, triangulation, corners), query_points, start, (start >= 0) & ~inside)
    # Once or never; unlike a branch, a loop stays one under `vmap`.
    vertex, _ = lax.while_loop(
        lambda carry: carry[1],
        lambda carry: (nearest_vertex(points, query_points), jnp.zeros((), bool)),
        (vertex, ~_can_be_walked(triangulation)),
    )
    alone = jnp.stack([vertex, jnp.full_like(vertex, -1), jnp.full_like(vertex, -1)], axis=1)
    mappings = jnp.where(inside[:, None], triangulation.simplices[simplex], alone)
    return jnp.where(finite[:, None], mappings, -1)


def _by_chunks(function, query_points, at_once):
    """Apply a function of (C, 2) queries to all (Q, 2), so many at a time."""
    count = query_points.shape[0]
    chunk = min(count, at_once)
    padded = jnp.pad(query_points, ((0, -count % chunk), (0, 0)), mode="edge").reshape(-1, chunk, 2)
    return jax.tree.map(lambda each: each.reshape(-1, *each.shape[2:])[:count], lax.map(function, padded))


def _in_line(function, query_points, values, which):
    """Replace the (Q,) `values` of the queries of `which` by a function of queries and values, a chunk of the line at a time."""
    count = query_points.shape[0]
    chunk = min(count, backend.queries_at_once())
    place = jnp.cumsum(which, dtype=jnp.int32)
    line = jnp.full(count + -count % chunk, count, jnp.int32)
    line = line.at[jnp.where(which, place - 1, line.shape[0])].set(jnp.arange(count, dtype=jnp.int32), mode="drop")

    def next_chunk(carry):
        begin, values = carry
        these = lax.dynamic_slice_in_dim(line, begin, chunk)
        rows = jnp.minimum(these, count - 1)
        return begin + chunk, values.at[these].set(function(query_points[rows], values[rows]), mode="drop")

    begun = (jnp.zeros((), jnp.int32), values)
    return lax.while_loop(lambda carry: carry[0] < place[-1], next_chunk, begun)[1]


def nearest_vertex(points: Array, query_points: Array) -> Array:
    """(Q,) int32: the nearest vertex of every query point, the lowest index where several are equally near."""
    return nearest_vertices(points, query_points, 1)[:, 0]


@partial(jax.jit, static_argnames="number")
def nearest_vertices(points: Array, query_points: Array, number: int) -> Array:
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
    return _by_chunks(lambda queries: _nearest_of(points, queries, number), query_points, AT_ONCE)


def _nearest_of(points, queries, number):
    vertex = jnp.arange(points.shape[0], dtype=jnp.int32)
    squared = (queries[:, :1] - points[:, 0]) ** 2 + (queries[:, 1:] - points[:, 1]) ** 2
    found = []
    for _ in range(min(number, points.shape[0])):
        open_ = jnp.where(_none_of(vertex, found), squared, jnp.inf)
        # The compiler may evaluate the distance once per reduction and round the two differently.
        bound = open_.min(axis=1) * (1.0 + 4.0 * jnp.finfo(points.dtype).eps)
        found.append(jnp.where(open_ <= bound[:, None], vertex, points.shape[0] - 1).min(axis=1))
    return jnp.stack(found + found[-1:] * (number - len(found)), axis=1)


def _none_of(vertex, found):
    """(1 or Q, N) bool: whether a vertex is none of those found already."""
    none = jnp.ones((1, vertex.shape[0]), bool)
    for each in found:
        none = none & (vertex != each[:, None])
    return none


class Corners(NamedTuple):
    """The coordinates of the corners of every triangle of a table, (3, 2N) float each."""

    x: jax.Array
    y: jax.Array


def _corners_of(triangulation, points):
    return Corners(*(points[triangulation.simplices.T, k] for k in range(2)))


def start_simplices(triangulation: Triangulation, sort: SpatialSort, query_points: Array) -> Array:
    """(Q,) int32: a triangle near each query point; -1 where the mesh has none that can be trusted."""
    owner = jnp.concatenate([triangulation.vertex_simplex, jnp.full(1, -1, jnp.int32)])
    of_leaf = owner[sort.leaves].max(axis=1)
    # A leaf may hold duplicates only, which have no triangle.
    simplex = jnp.maximum(of_leaf[leaf_of(sort, query_points)], 0)
    return jnp.where(_can_be_walked(triangulation), simplex, -1)


def _can_be_walked(triangulation):
    return triangulation.certified & (triangulation.simplices[0, 0] >= 0)


def walk(triangulation: Triangulation, corners: Array, query_points: Array, simplex: Array) -> tuple[Array, Array]:
    """Walk every query from a start triangle to the one that holds it, or to the hull edge behind which it lies.

    Parameters
    ----------
    triangulation
        As in `locate`.
    corners
        Its `Corners`.
    query_points
        (Q, 2) float.
    simplex
        (Q,) int32, the triangle where each query starts; -1 where the mesh has none.

    Returns
    -------
    simplex
        (Q,) int32, the triangle where each walk ended.
    inside
        (Q,) bool, whether that triangle holds the query; false for a query outside the hull.
    """
    tolerance = -INSIDE * jnp.finfo(query_points.dtype).eps

    def step(carry):
        count, simplex, inside, walking = carry
        a, b, c = (jnp.stack([corners.x[k, simplex], corners.y[k, simplex]], axis=1) for k in range(3))
        area, _, _ = doubled_areas_from(a, a, b, c)
        weights = [doubled / area for doubled in doubled_areas_from(query_points, a, b, c)]
        lowest = jnp.minimum(jnp.minimum(*weights[:2]), weights[2])
        column = jnp.where(weights[0] == lowest, 0, jnp.where(weights[1] == lowest, 1, 2))
        inside = inside | (walking & (lowest >= tolerance))
        across = triangulation.neighbors[simplex, column]
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


def descend(triangulation: Triangulation, corners: Array, query_points: Array, simplex: Array) -> Array:
    """The nearest vertex of every query, by steps to ever nearer vertices.

    A vertex of a Delaunay triangulation that is nearer to a point than all its neighbours is nearer than all vertices
    (Bose & Morin 2004, SIAM J. Comput. 33, 937). The neighbours of a vertex are looked at triangle by triangle, around
    it anticlockwise and, if the hull interrupts that, from the first triangle clockwise.

    Parameters
    ----------
    triangulation, corners, query_points
        As in `walk`.
    simplex
        (Q,) int32, the triangle where each query starts.

    Returns
    -------
    (Q,) int32
    """

    def distance(column, simplex):
        x, y = corners.x[column, simplex], corners.y[column, simplex]
        return (query_points[:, 0] - x) ** 2 + (query_points[:, 1] - y) ** 2

    def step(carry):
        count, vertex, nearest, simplex, first, clockwise, seeking = carry
        own = jnp.where(
            triangulation.simplices[simplex, 0] == vertex,
            0,
            jnp.where(triangulation.simplices[simplex, 1] == vertex, 1, 2),
        )
        after, before = jnp.where(own == 2, 0, own + 1), jnp.where(own == 0, 2, own - 1)
        to_after, to_before = distance(after, simplex), distance(before, simplex)
        nearer = jnp.where(to_after < to_before, after, before)
        moves = seeking & (jnp.minimum(to_after, to_before) < nearest)

        around = triangulation.neighbors[simplex, jnp.where(clockwise, before, after)]
        turns_back = ~moves & ~clockwise & (around < 0)
        seeking = moves | (seeking & jnp.where(clockwise, around >= 0, around != first))
        following = jnp.where(turns_back, first, around)
        return (
            count + 1,
            jnp.where(moves, triangulation.simplices[simplex, nearer], vertex),
            jnp.where(moves, jnp.minimum(to_after, to_before), nearest),
            jnp.where(moves | ~seeking, simplex, following),
            jnp.where(moves, simplex, first),
            ~moves & (clockwise | turns_back),
            seeking,
        )

    def unfinished(carry):
        # Every vertex is looked at once at most, and every triangle around it twice.
        return carry[-1].any() & (carry[0] <= 8 * triangulation.simplices.shape[0])

    everyone = jnp.ones(simplex.shape, bool)
    start = (triangulation.simplices[simplex, 0], distance(0, simplex), simplex, simplex, ~everyone, everyone)
    return lax.while_loop(unfinished, step, (jnp.zeros((), jnp.int32), *start))[1]
