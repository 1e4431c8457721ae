"""Where the ring of every query begins: a corner of its cavity, or the ends of the edge that it is on."""

from functools import partial, reduce
from itertools import chain
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.error_bounds import orientation
from delaunax.arithmetic.scaling import factor_to_order_one
from delaunax.arithmetic.triangle import A, B, C
from delaunax.interpolation.natural_neighbors.circles import (
    IN_CIRCLE_BIT,
    NO_EDGE,
    ON_HULL,
    Circles,
    circles_from,
    decide,
    in_circle,
)
from delaunax.interpolation.natural_neighbors.ring import Queries
from delaunax.location.nearest import nearest_of
from delaunax.location.queries import starts_of
from delaunax.location.walk import simplices_at
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.platform.rows import map_where
from delaunax.tables.corners import next_corner, previous_corner, triangle_of
from delaunax.triangulation import Triangulation


class Cavities(NamedTuple):
    """Where the rings of Q queries are.

    Attributes
    ----------
    circles
        The triangulation.
    queries
        The queries, each with a corner of its cavity.
    ends
        (Q, 2) int32, the neighbours of a query without a ring (`begin`).
    outside
        (Q,) bool, whether the query is outside the hull.
    """

    circles: Circles
    queries: Queries
    ends: jax.Array
    outside: jax.Array


def cavities_of(triangulation: Triangulation, query_points: Array) -> Cavities:
    """The `Cavities` of (Q, 2) queries; gradients stop here."""
    return _cavities(*lax.stop_gradient((triangulation, query_points)))


@by_platform
@platform.fused
def _cavities(triangulation, query_points):
    tree = triangulation.tree
    circles = circles_from(tree.points, tree.unscaled, triangulation.simplices, triangulation.neighbors)
    with jax.named_scope("locate"):
        scaled_points, finite, corners, start = starts_of(triangulation, query_points)
        known = finite & triangulation.certified
        simplex = jnp.where(known, simplices_at(triangulation, corners, scaled_points, start), NONE)
        outside = known & (simplex < 0)
        nearest = jnp.where(outside, nearest_of(triangulation, scaled_points, start, outside), NONE)
    (x, y), row = scaled_points.T, lax.iota(np.int32, len(query_points))
    queries = Queries(x, y, query_points, jnp.ones_like(x), jnp.full_like(row, NONE), row)
    corner, ends = begin(circles, simplex, nearest, queries)
    queries = queries._replace(corner=corner, scale=_scales(circles, corner))
    return Cavities(circles, queries, ends, outside)


def _scales(circles, corner):
    """(Q,) float: powers of two that bring the triangle of a corner to order one."""
    ends = [
        gather(circles.points, gather(circles.vertex, 3 * triangle_of(jnp.maximum(corner, 0)) + k)) for k in range(3)
    ]
    edges = [(ends[k][:, 0] - ends[k - 1][:, 0], ends[k][:, 1] - ends[k - 1][:, 1]) for k in range(3)]
    factor = factor_to_order_one(*chain(*edges))
    # Areas of cells that are far larger than this triangle have to be in range, too.
    return jnp.minimum(factor, 2.0 ** (int(jnp.finfo(factor.dtype).maxexp) // 2 - 7))


def begin(circles: Circles, simplex: Array, nearest: Array, queries: Queries) -> tuple[Array, Array]:
    """Where the walks of queries begin.

    Parameters
    ----------
    circles, queries
        As in `walk_around`; the corners of the queries are not read.
    simplex, nearest
        (Q,) int32, the triangle that contains each query to rounding, or -1; then the vertex nearest to it, or -1.

    Returns
    -------
    corner
        (Q,) int32, a corner of a triangle of the cavity; -1 for a query without a ring.
    ends
        (Q, 2) int32, the neighbours of a query without a ring. Two vertices are the ends of the hull edge with the query on
        it, or behind it by less than rounding. One vertex, and -1, is the vertex at the query, or the nearest vertex outside
        the hull. -1, -1 is for other queries.
    """
    vertex, in_doubt = platform.map_rows(partial(_seen_from, circles), (queries, simplex))

    def search(_, carry):
        simplex, in_doubt, alone, on_hull = carry
        first = 3 * simplex
        for column in (A, B, C):
            vertex = gather(circles.vertex, first + column)
            alone = jnp.where(in_doubt & _is_at(circles, queries, vertex), vertex, alone)
        in_doubt = in_doubt & (alone < 0)
        found = map_where(in_doubt, lambda rows: decide(circles, *rows), (queries.unscaled, simplex))
        place = found & (IN_CIRCLE_BIT - 1)
        moves = in_doubt & (place < NO_EDGE)
        across = triangle_of(gather(circles.opposite, first + jnp.minimum(place, C)))
        on_hull = jnp.where(in_doubt & (place >= ON_HULL), first + place - ON_HULL, on_hull)
        return jnp.where(moves, across, simplex), moves, alone, on_hull

    begun = simplex, in_doubt, jnp.where(vertex >= 0, vertex, nearest), jnp.full_like(simplex, NONE)
    # Each step enters a triangle on the way to the query, and exact walks on a Delaunay triangulation cannot cycle.
    simplex, _, alone, on_hull = platform.lockstep_while(lambda _, carry: carry[1].any(), search, begun)
    is_on_hull = (alone < 0) & (on_hull >= 0)
    tail, head = (
        platform.gather_lanes(circles.vertex, corner_at(on_hull)) for corner_at in (next_corner, previous_corner)
    )
    ends = jnp.stack([jnp.where(is_on_hull, tail, alone), jnp.where(is_on_hull, head, NONE)], axis=1)
    return jnp.where((ends[:, 0] < 0) & (simplex >= 0), 3 * simplex, NONE), ends


def _is_at(circles, query, vertex):
    """Whether a query is at a vertex, by scaled coordinates: XLA reads subnormal numbers as zero."""
    at = gather(circles.points, vertex, A), gather(circles.points, vertex, B)
    return (vertex >= 0) & (at[0] == query.x) & (at[1] == query.y)


def _seen_from(circles, row):
    """() int32, the vertex of its triangle that a query is at, or -1; () bool, whether integers have to find its triangle."""
    query, simplex = row
    vertices = [platform.gather_lanes(circles.vertex, 3 * simplex + column) for column in (A, B, C)]
    places = [platform.gather_row(circles.points, vertex) for vertex in vertices]
    at = NONE
    for vertex, (x, y) in zip(vertices, places, strict=True):
        at = jnp.where((simplex >= 0) & (x == query.x) & (y == query.y), vertex, at)
    a, b, c = ((x - query.x, y - query.y) for x, y in places)
    is_inside = orientation(a, b).positive & orientation(b, c).positive & orientation(c, a).positive
    may_be_outside = (simplex >= 0) & (at < 0) & ~is_inside
    return at, platform.select_lazily(may_be_outside, partial(_needs_search, circles, query, simplex), np.False_)


def _needs_search(circles, query, simplex):
    """() bool: whether a query on an edge of a triangle, or next to it, may be outside the triangle's circle or the hull.

    Inside both, the triangle is in the cavity, whichever triangle the query is in.
    """
    opposite = partial(platform.gather_lanes, circles.opposite)
    across = [opposite(3 * simplex + column) for column in (A, B, C)]
    behind = [opposite(turn(each)) for each in across for turn in (next_corner, previous_corner)]
    at_hull = reduce(jnp.minimum, [*across, *behind]) < 0
    return at_hull | ~in_circle(circles, simplex, (query.x, query.y)).positive
