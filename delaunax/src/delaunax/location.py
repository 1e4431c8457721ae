"""Which triangle contains each query point, or which vertex is nearest to it outside the hull."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arguments import as_given, points_and_queries
from delaunax.arithmetic.error_bounds import ORIENTATION, unit_of
from delaunax.arithmetic.scaling import scaled
from delaunax.arithmetic.triangle import A, B, C, dot, squared
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import map_where
from delaunax.stars.star_step import argmin_of
from delaunax.tables.kd_tree import leaf_of, widened
from delaunax.triangulation import Triangulation

HULL_TOLERANCE_EPS = 100.0
"""A query just outside the hull is inside if its barycentric coordinates exceed minus so many epsilons, as in
find_simplex."""

MISS_TOLERANCE_EPS = 4.0
"""How far a query may lie outside its triangle, in machine epsilons of the extent of the points along each axis."""


def locate(triangulation: Triangulation, points: Any, query_points: Any) -> Array:
    """The vertices that interpolate every query point; works under `jit` and `vmap`, and on NumPy arrays.

    Every query starts at a triangle near its leaf of the k-d tree, and crosses an edge as long as it certainly lies behind
    that edge (the visibility walk of Devillers, Pion & Teillaud 2002, Int. J. Found. Comput. Sci. 13, 181, which cannot cycle
    on a Delaunay triangulation). If the query then misses its triangle by more than rounding, the nearest of all triangles
    takes its place. Outside the hull, a CPU descends to the nearest vertex along the edges, and a GPU compares all vertices.
    The result is integer and piecewise constant, so gradients stop here.

    Parameters
    ----------
    triangulation
        The triangulation of the points, from `triangulate`.
    points
        (N, 2) float, the vertices.
    query_points
        (..., 2) float, the query points, or a tuple (x, y) of arrays that broadcast to shape (...).

    Returns
    -------
    (..., 3) int32
        The vertices of the triangle that contains the query, or misses it by at most 4 machine epsilons of the extent.
        Outside the hull [nearest vertex, -1, -1]; ties go to the lowest index. [-1, -1, -1] for a query that is not finite.

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong shape, or a dtype that `triangulate` does not take, or if `triangulation` has another number
        of vertices than there are points.
    """
    return located_by(_locate, triangulation, points, query_points, (3,))


def located_by(method: Any, triangulation: Triangulation, points: Any, query_points: Any, tail: tuple = ()) -> Array:
    """(..., *tail) int32: what a method finds from a triangulation and its (Q, 2) queries, for queries of shape (..., 2)."""
    points, queries, shape = points_and_queries(points, query_points, triangulation)
    if len(queries) == 0:
        return as_given(query_points, jnp.zeros(shape + tail, jnp.int32))
    triangulation = triangulation._replace(tree=widened(triangulation.tree, points.dtype))
    return as_given(query_points, method(*lax.stop_gradient((triangulation, queries))).reshape(shape + tail))


@by_platform
@platform.fused
def _locate(triangulation, query_points):
    query_points, finite, corners, start = _starts(triangulation, query_points)
    simplex = simplices_at(triangulation, corners, query_points, start)
    outside = simplex < 0
    vertex = _nearest(triangulation, query_points, start, outside & finite)
    alone = jnp.pad(vertex[:, None], ((0, 0), (0, 2)), constant_values=NONE)
    found = jnp.where(outside[:, None], alone, gather(triangulation.simplices, simplex))
    return jnp.where(finite[:, None], found, NONE)


@by_platform
@platform.fused
def rows_at(triangulation: Triangulation, query_points: Array) -> Array:
    """(Q,) int32: the rows of the triangles that contain (Q, 2) queries; -1 outside the hull, or if a query is not finite."""
    query_points, finite, corners, start = _starts(triangulation, query_points)
    return jnp.where(finite, simplices_at(triangulation, corners, query_points, start), NONE)


@by_platform
@platform.fused
def nearest_vertices(triangulation: Triangulation, query_points: Array) -> Array:
    """(Q,) int32: the nearest vertices of (Q, 2) queries, ties going to the lowest index; -1 if a coordinate is not finite."""
    query_points, finite, _, start = _starts(triangulation, query_points)
    return jnp.where(finite & triangulation.certified, _nearest(triangulation, query_points, start, finite), NONE)


def _starts(triangulation, query_points):
    """Scaled queries, which of them are finite, the corners for `walk`, and the triangles where the queries start."""
    tree = triangulation.tree
    query_points = jnp.where(jnp.isfinite(query_points), scaled(query_points, tree.exponent), query_points)
    corners = gather(tree.points, triangulation.simplices).reshape(-1, 6)
    start = gather(start_simplices(triangulation, corners), leaf_of(tree, query_points))
    finite = jnp.isfinite(query_points).all(axis=1)
    return jnp.where(finite[:, None], query_points, 0.0), finite, corners, start


def _nearest(*arrays):
    return platform.choose(_nearest_by_descent, _nearest_by_comparison)(*arrays)


def start_simplices(triangulation: Triangulation, corners: Array) -> Array:
    """(2^L,) int32: a triangle near each leaf of the tree, in the middle of its vertices if that is inside the hull.

    -1 if there is no triangle, or the triangulation is not certified. `corners` are those of `walk`.
    """
    tree = triangulation.tree
    box = tree.boxes[-1]
    own = gather(jnp.append(triangulation.vertex_simplex, NONE), tree.leaves).max(axis=1)
    middle = 0.5 * (box[:, :2] - box[:, 2:])
    found = platform.map_rows(lambda leaf: walk(triangulation, corners, *leaf), (middle, own))
    # A leaf may contain duplicates only, which have no triangle.
    simplices = jnp.maximum(jnp.where(found < 0, own, found), np.int32(0))
    return jnp.where(triangulation.certified & (triangulation.simplices[0, 0] >= 0), simplices, NONE)


def simplices_at(triangulation: Triangulation, corners: Array, query_points: Array, start: Array) -> Array:
    """(Q,) int32: the triangles of (Q, 2) scaled queries that start in (Q,) int32 triangles; -1 outside the hull."""
    sides = triangulation.tree.sides
    per_side = 1.0 / jnp.where(sides > 0.0, sides, 1.0)
    tolerance = (MISS_TOLERANCE_EPS * jnp.finfo(sides.dtype).eps) ** 2

    def walk_and_check(row):
        query_point, start = row
        simplex = walk(triangulation, corners, query_point, start)
        triangle = platform.gather_row(corners, simplex)
        # Almost no query needs the distance.
        in_doubt = (simplex >= 0) & ~is_certainly_inside(triangle, query_point)
        measure = partial(squared_distance, triangle, query_point, per_side)
        distance = platform.select_lazily(in_doubt, measure, jnp.zeros((), sides.dtype))
        return jnp.where(distance > tolerance, _MISSED, simplex)

    def nearest_simplex(query_points):
        return platform.map_rows(lambda query: _nearest_simplex(triangulation, corners, query, per_side), query_points)

    simplex = platform.map_rows(walk_and_check, (query_points, start))
    missed = simplex == _MISSED
    found = map_where(missed, nearest_simplex, query_points)
    return jnp.where(missed, found, simplex)


_MISSED = np.int32(-2)
"""A walk that ended in a triangle which misses the query."""


def walk(triangulation: Triangulation, corners: Array, query_point: Array, simplex: Array) -> Array:
    """Walk a query from a start triangle to the triangle that contains it.

    Parameters
    ----------
    triangulation
        As in `locate`.
    corners
        (2N, 6) float, the scaled coordinates of the vertices of its triangles, x and y in turn.
    query_point
        (2,) float, scaled.
    simplex
        () int32, the triangle where the query starts; -1 if there is none.

    Returns
    -------
    () int32
        A triangle behind none of whose edges the query certainly lies; -1 if it lies outside the hull. In a very thin
        triangle that is no proof that the query is inside.
    """
    tolerance, bound = -HULL_TOLERANCE_EPS * jnp.finfo(query_point.dtype).eps, ORIENTATION * unit_of(query_point.dtype)
    x, y = query_point

    def highest_area(ax, ay, bx, by):
        """Twice the area of the query and an edge, plus its error bound. XLA makes loops of arrays of two, so in scalars."""
        first, second = (ax - x) * (by - ay), (ay - y) * (bx - ax)
        return first - second + bound * (jnp.abs(first) + jnp.abs(second))

    def step(_, carry):
        simplex, _ = carry
        ax, ay, bx, by, cx, cy = platform.gather_row(corners, simplex)
        of_a, of_b, of_c = highest_area(bx, by, cx, cy), highest_area(cx, cy, ax, ay), highest_area(ax, ay, bx, by)
        lowest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        to_a, to_b, to_c = platform.gather_row(triangulation.neighbors, simplex)
        across = jnp.where(of_a == lowest, to_a, jnp.where(of_b == lowest, to_b, to_c))
        # Only edges behind which the query certainly lies are crossed: such a walk cannot cycle.
        at_hull = (across < 0) & (lowest >= tolerance * ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)))
        stays = (lowest >= 0.0) | at_hull | (simplex < 0)
        return jnp.where(stays, simplex, across), simplex

    def unfinished(number, carry):
        # No walk on a Delaunay triangulation enters a triangle twice.
        simplex, before = carry
        return (simplex != before) & (simplex >= 0) & (number <= triangulation.simplices.shape[0])

    return platform.lockstep_while(unfinished, step, (simplex, NONE), unroll=4)[0]


def is_certainly_inside(triangle: Any, query_point: Array) -> Array:
    """() bool: whether a query is inside a triangle, given by its six coordinates, whatever rounding does."""
    x, y = query_point
    xs, ys = [each - x for each in triangle[0::2]], [each - y for each in triangle[1::2]]
    bound = ORIENTATION * unit_of(query_point.dtype)
    inside: Any = np.True_
    for k in range(3):
        first, second = xs[k - 1] * (ys[k] - ys[k - 1]), ys[k - 1] * (xs[k] - xs[k - 1])
        inside = inside & (first - second > bound * (jnp.abs(first) + jnp.abs(second)))
    return inside


def squared_distance(triangle: Any, query_point: Array, per_side: Array) -> Array:
    """() float: the squared distance of a query from the edges of a triangle, given by its six coordinates.

    Along each axis, the unit is the side of the points' bounding box, and `per_side` is one over it. So stretched points are
    treated as any others.
    """
    (x, y), (scale_x, scale_y) = query_point, per_side
    xs, ys = [(each - x) * scale_x for each in triangle[0::2]], [(each - y) * scale_y for each in triangle[1::2]]
    nearest = jnp.full((), np.inf, query_point.dtype)
    for k in range(3):
        ax, ay, dx, dy = xs[k - 1], ys[k - 1], xs[k] - xs[k - 1], ys[k] - ys[k - 1]
        length = dx * dx + dy * dy
        along = jnp.clip(-(ax * dx + ay * dy) / jnp.where(length > 0.0, length, 1.0), 0.0, 1.0)
        away_x, away_y = ax + along * dx, ay + along * dy
        nearest = jnp.minimum(nearest, away_x * away_x + away_y * away_y)
    return nearest


def _nearest_simplex(triangulation, corners, query_point, per_side):
    """() int32: the triangle nearest to a (2,) query, ties going to the lowest row; -1 if all miss it."""

    def distance_of(row):
        triangle = [gather(corners, row, np.int32(k)) for k in range(6)]
        distance = squared_distance(triangle, query_point, per_side)
        distance = jnp.where(is_certainly_inside(triangle, query_point), 0.0, distance)
        return jnp.where(gather(triangulation.simplices, row, 0) >= 0, distance, np.inf)

    rows = np.arange(len(corners), dtype=np.int32)
    distances = platform.map_rows(distance_of, rows)
    nearest = argmin_of(rows, True, distances)
    tolerance = (MISS_TOLERANCE_EPS * jnp.finfo(distances.dtype).eps) ** 2
    return jnp.where(gather(distances, nearest) <= tolerance, nearest, NONE)


def _nearest_by_descent(triangulation, query_points, start, which):
    """(Q,) int32: the nearest vertices of the queries of the (Q,) bool `which`, each by `descend`."""
    points = triangulation.tree.points
    # Without certified triangles there are vertices only.
    number = jnp.where(which & (start < 0), np.int32(len(points)), np.int32(0))

    def nearest_from(row):
        query_point, start, number = row
        # Not from where the walk left the hull, which may be far away.
        return nearest_of_first(number, points, query_point, descend(triangulation, query_point, start))

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
        # Every vertex is visited once at most, and so is every triangle around it.
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
    every, best = jnp.arange(len(points), dtype=jnp.int32), jnp.zeros(len(query_points), jnp.int32)
    # The first comparison is with vertex 0, the second with a vertex that is nearly the nearest. It resolves what the first
    # cannot.
    for _ in range(2):
        farther_by = _nearer_by(query_points[:, None], gather(points, best)[:, None], points)
        best = argmin_of(every, True, farther_by)
    return best


def nearest_of_first(number: Array, points: Array, query_point: Array, vertex: Array) -> Array:
    """() int32: of the first () `number` vertices, the nearest to a (2,) query; `vertex` if the number is zero."""

    def nearer(k, best):
        vertex, nearest = best
        distance = squared(query_point - gather(points, k))
        return jnp.where(distance < nearest, k, vertex), jnp.minimum(distance, nearest)

    farthest = jnp.full((), np.inf, jnp.result_type(points, query_point))
    return lax.fori_loop(np.int32(0), number, nearer, (vertex, farthest))[0]
