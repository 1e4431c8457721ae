"""The walk of query points through the triangles, and what happens if a walk ends beside its query.

The visibility walk of Devillers, Pion & Teillaud (2002, Int. J. Found. Comput. Sci. 13, 181) crosses an edge as long as the
query certainly lies behind that edge. Such a walk cannot cycle on a Delaunay triangulation.
"""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.error_bounds import ORIENTATION, orientation, unit_of
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import map_where, skip_unless
from delaunax.triangulation import Triangulation

HULL_TOLERANCE_EPS = 100.0
"""A query just outside the hull is inside if its barycentric coordinates exceed minus so many epsilons, as in SciPy's
find_simplex."""

MISS_TOLERANCE_EPS = 4.0
"""How far a query may lie outside its triangle, in machine epsilons of the extent of the points along each axis."""


def start_simplices(triangulation: Triangulation, corners: Array) -> Array:
    """(2^L,) int32: a triangle near each leaf of the tree, in the middle of its vertices if that is inside the hull.

    -1 if there is no triangle, or the triangulation is not certified. `corners` as in `walk`.
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
    measured = triangulation, corners, per_side, tolerance

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
        return platform.map_rows(partial(_nearest_simplex, *measured), query_points)

    def replace_missed(simplex):
        missed = simplex == _MISSED
        return jnp.where(missed, map_where(missed, nearest_simplex, query_points), simplex)

    simplex = platform.map_rows(walk_and_check, (query_points, start))
    return skip_unless((simplex == _MISSED).any(), replace_missed, simplex)


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
        A triangle: the query certainly lies behind none of its edges. -1 if the query lies outside the hull. In a very thin
        triangle that does not prove that the query is inside.
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
        smallest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        to_a, to_b, to_c = platform.gather_row(triangulation.neighbors, simplex)
        across = jnp.where(of_a == smallest, to_a, jnp.where(of_b == smallest, to_b, to_c))
        # Only edges behind which the query certainly lies are crossed: such a walk cannot cycle.
        at_hull = (across < 0) & (smallest >= tolerance * ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)))
        stays = (smallest >= 0.0) | at_hull | (simplex < 0)
        return jnp.where(stays, simplex, across), simplex

    def unfinished(number, carry):
        # No walk on a Delaunay triangulation enters a triangle twice.
        simplex, before = carry
        return (simplex != before) & (simplex >= 0) & (number <= triangulation.simplices.shape[0])

    # The longest of all walks takes 8 to 13 steps in most batches.
    return platform.lockstep_while(unfinished, step, (simplex, NONE), unroll=5)[0]


def is_certainly_inside(triangle: Any, query_point: Array) -> Array:
    """() bool: whether a query is inside a triangle, given by its six coordinates, whatever rounding does."""
    x, y = query_point
    xs, ys = [each - x for each in triangle[0::2]], [each - y for each in triangle[1::2]]
    areas = [orientation((xs[k - 1], ys[k - 1]), (xs[k] - xs[k - 1], ys[k] - ys[k - 1])) for k in range(3)]
    return areas[0].positive & areas[1].positive & areas[2].positive


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


def _nearest_simplex(triangulation, corners, per_side, tolerance, query_point):
    """() int32: the triangle nearest to a (2,) query; ties go to the lowest row; -1 if all miss it by more than `tolerance`."""

    def distance_of(row):
        triangle = [gather(corners, row, np.int32(k)) for k in range(6)]
        distance = squared_distance(triangle, query_point, per_side)
        distance = jnp.where(is_certainly_inside(triangle, query_point), 0.0, distance)
        return jnp.where(gather(triangulation.simplices, row, 0) >= 0, distance, np.inf)

    distances = platform.map_rows(distance_of, np.arange(len(corners), dtype=np.int32))
    nearest = lax.argmin(distances, 0, np.int32)
    return jnp.where(gather(distances, nearest) <= tolerance, nearest, NONE)
