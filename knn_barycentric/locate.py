"""Which triangle holds each query point, or which vertex is nearest to it outside the hull."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend
from knn_barycentric.spatial_sort import SpatialSort, leaf_of, spatial_sort
from knn_barycentric.stars import Triangulation, check_coordinates
from knn_barycentric.table import NONE
from knn_barycentric.triangle import squared

AT_ONCE = 128
"""For how many queries the distances to all vertices are in memory at once."""

A, B, C = np.int32(0), np.int32(1), np.int32(2)
"""The columns of a triangle's vertices."""

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
    corners = points[triangulation.simplices].reshape(-1, 6).T

    def walked(queries):
        start = start_simplices(triangulation, sort, queries)
        simplex = walk(triangulation, corners, queries, start)
        # Not where the walk left the hull, which may be far away.
        return jnp.where(simplex < 0, ~jnp.maximum(start, 0), simplex)

    simplex = _by_chunks(walked, query_points, backend.queries_at_once())
    inside = simplex >= 0
    vertex = _in_line(partial(descend, triangulation, points), query_points, ~simplex, ~inside)
    vertex = _nearest_unless(_can_be_walked(triangulation), points, query_points, vertex)
    alone = jnp.stack([vertex, jnp.full_like(vertex, NONE), jnp.full_like(vertex, NONE)], axis=1)
    mappings = jnp.where(inside[:, None], triangulation.simplices[simplex], alone)
    return jnp.where(finite[:, None], mappings, NONE)


def _by_chunks(function, query_points, at_once):
    """Apply a function of (C, 2) queries to all (Q, 2), so many at a time."""
    count = query_points.shape[0]
    chunk = min(count, at_once)
    padded = jnp.pad(query_points, ((0, -count % chunk), (0, 0)), mode="edge").reshape(-1, chunk, 2)
    found = lax.map(function, padded)
    return found.reshape(-1, *found.shape[2:])[:count]


def _in_line(function, query_points, values, which):
    """Replace the (Q,) `values` of the queries of `which` by a function of queries and values, a chunk of the line at a time."""
    count = query_points.shape[0]
    chunk = min(count, backend.queries_at_once())
    line, number = backend.line_of(which)
    line = jnp.pad(line, (0, -count % chunk), constant_values=count)

    def next_chunk(carry):
        begin, values = carry
        these = lax.dynamic_slice_in_dim(line, begin, chunk)
        rows = jnp.minimum(these, count - 1)
        return begin + chunk, values.at[these].set(function(query_points[rows], values[rows]), mode="drop")

    return lax.while_loop(lambda carry: carry[0] < number, next_chunk, (np.int32(0), values))[1]


def _nearest_unless(found, points, query_points, vertex):
    """The (Q,) `vertex` if () bool `found`, else the nearest vertex of every query."""

    def nearer(k, best):
        vertex, nearest = best
        distance = squared(query_points - points[k])
        return jnp.where(distance < nearest, k, vertex), jnp.minimum(distance, nearest)

    # Unlike a branch, a loop stays one under `vmap`.
    end = jnp.where(found, np.int32(0), np.int32(len(points)))
    farthest = jnp.full(vertex.shape, np.inf, jnp.result_type(points, query_points))
    return lax.fori_loop(np.int32(0), end, nearer, (vertex, farthest))[0]


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
    distance = (queries[:, :1] - points[:, 0]) ** 2 + (queries[:, 1:] - points[:, 1]) ** 2
    found = []
    for _ in range(min(number, points.shape[0])):
        open_ = jnp.where(_none_of(vertex, found), distance, jnp.inf)
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


def start_simplices(triangulation: Triangulation, sort: SpatialSort, query_points: Array) -> Array:
    """(Q,) int32: a triangle near each query point; -1 where the mesh has none that can be trusted."""
    owner = jnp.concatenate([triangulation.vertex_simplex, jnp.full(1, -1, jnp.int32)])
    of_leaf = owner[sort.leaves].max(axis=1)
    # A leaf may hold duplicates only, which have no triangle.
    simplex = jnp.maximum(of_leaf[leaf_of(sort, query_points)], 0)
    return jnp.where(_can_be_walked(triangulation), simplex, NONE)


def _can_be_walked(triangulation):
    return triangulation.certified & (triangulation.simplices[0, 0] >= 0)


def walk(triangulation: Triangulation, corners: Array, query_points: Array, simplex: Array) -> Array:
    """Walk every query from a start triangle to the one that holds it.

    Parameters
    ----------
    triangulation
        As in `locate`.
    corners
        (6, 2N) float, the coordinates of the corners of its triangles, x and y in turn.
    query_points
        (Q, 2) float.
    simplex
        (Q,) int32, the triangle where each query starts; -1 where the mesh has none.

    Returns
    -------
    (Q,) int32
        The triangle that holds each query; -1 for one outside the hull.
    """
    tolerance = -INSIDE * jnp.finfo(query_points.dtype).eps
    x, y = query_points.T

    def doubled(ax, ay, bx, by):
        """`triangle.doubled_areas_from`, of one edge, in separate coordinates: one compiled loop does the whole step."""
        return (ax - x) * (by - ay) - (ay - y) * (bx - ax)

    def step(carry):
        count, simplex, _ = carry
        ax, ay, bx, by, cx, cy = corners[:, simplex]
        of_a, of_b, of_c = doubled(bx, by, cx, cy), doubled(cx, cy, ax, ay), doubled(ax, ay, bx, by)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        lowest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        column = jnp.where(of_a == lowest, A, jnp.where(of_b == lowest, B, C))
        across = jnp.where(lowest >= tolerance * area, simplex, triangulation.neighbors[simplex, column])
        across = jnp.where(simplex < 0, NONE, across)
        return count + 1, across, ((across != simplex) & (across >= 0)).any()

    def unfinished(carry):
        # No walk on a Delaunay triangulation enters a triangle twice.
        count, _, walking = carry
        return walking & (count <= triangulation.simplices.shape[0])

    return lax.while_loop(unfinished, step, (np.int32(0), simplex, np.True_))[1]


def descend(triangulation: Triangulation, points: Array, query_points: Array, simplex: Array) -> Array:
    """The nearest vertex of every query, by steps to ever nearer vertices.

    A vertex of a Delaunay triangulation that is nearer to a point than all its neighbours is nearer than all vertices
    (Bose & Morin 2004, SIAM J. Comput. 33, 937). The neighbours of a vertex are looked at triangle by triangle, counter-clockwise.

    Parameters
    ----------
    triangulation, query_points
        As in `walk`.
    points
        (N, 2) float, the vertices.
    simplex
        (Q,) int32, the triangle where each query starts.

    Returns
    -------
    (Q,) int32
    """
    first = triangulation.vertex_simplex

    def distance(vertex):
        return squared(query_points - points[vertex])

    def step(carry):
        count, vertex, nearest, simplex = carry
        corners = triangulation.simplices[simplex]
        a, b, c = corners.T
        after = jnp.where(a == vertex, B, jnp.where(b == vertex, C, A))
        to_after = jnp.where(a == vertex, b, jnp.where(b == vertex, c, a))
        to_before = jnp.where(a == vertex, c, jnp.where(b == vertex, a, b))
        nearer = jnp.where(distance(to_after) < distance(to_before), to_after, to_before)
        moves = (simplex >= 0) & (distance(nearer) < nearest)

        around = triangulation.neighbors[simplex, after]
        around = jnp.where((simplex < 0) | (around == first[vertex]), NONE, around)
        vertex = jnp.where(moves, nearer, vertex)
        nearest = jnp.where(moves, distance(nearer), nearest)
        return count + 1, vertex, nearest, jnp.where(moves, first[vertex], around)

    def unfinished(carry):
        # Every vertex is looked at once at most, and so is every triangle around it.
        count, _, _, simplex = carry
        return (simplex >= 0).any() & (count <= 4 * triangulation.simplices.shape[0])

    vertex = triangulation.simplices[simplex, 0]
    return lax.while_loop(unfinished, step, (np.int32(0), vertex, distance(vertex), first[vertex]))[1]
