"""The cavity of a query: the triangles with the query strictly inside their circumcircles, and the ring of vertices around it.

If the query were inserted, it would be joined with the ring. The cavity is star-shaped as seen from the query, and every
vertex of its triangles is on the ring. So a ring of K vertices surrounds K - 2 triangles, and no stack is needed to visit them:
turn clockwise around a ring vertex, from triangle to triangle, as long as the next triangle is in the cavity; the edge that
stops the turn leads to the next ring vertex, counter-clockwise.

    A corner c stands for the edge opposite it, from the ring vertex at `next_corner(c)` to the vertex at `previous_corner(c)`.
    If the triangle across the edge is in the cavity, the walk enters it: the corner becomes `next_corner(opposite[c])`.
    If not, the edge is on the ring, and the walk turns around its end next: the corner becomes `next_corner(c)`.

Floating point decides membership where its error bound allows it, integers decide the rest. A query exactly on a circle is not
inside it.
"""

from itertools import chain
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax import platform
from delaunax.arithmetic import double_double
from delaunax.arithmetic.error_bounds import IN_CIRCLE, Determinant, Vector, underflow_of, unit_of
from delaunax.arithmetic.exact_signs import signs_at
from delaunax.arithmetic.scaling import factor_to_order_one
from delaunax.arithmetic.triangle import A, B, C
from delaunax.platform.indexing import NONE, gather


class Circles(NamedTuple):
    """The triangles of N vertices by their corners, as a `Triangulation` has them: corner `3 t + k` is column k of row t.

    Attributes
    ----------
    vertex
        (6N,) int32, the vertex of each corner.
    opposite
        (6N,) int32, the corner across the edge opposite each corner; -1 at the hull.
    cotangent
        (6N,) float, the cotangent of the angle at each corner.
    circle
        (2N, 7) float, by which `in_circle` decides: a vertex as origin, the in-circle determinant of an offset r from it as
        `g . r - area |r|^2`, and the sizes of the terms of g and of the area.
    points
        (N, 2) float, the vertices, of order one.
    unscaled
        (N, 2) float, the stored coordinates, for exact signs.
    """

    vertex: jax.Array
    opposite: jax.Array
    cotangent: jax.Array
    circle: jax.Array
    points: jax.Array
    unscaled: jax.Array


@platform.fused
def circles_from(points: Array, unscaled: Array, simplices: Array, neighbors: Array) -> Circles:
    """The `Circles` of the tables of a triangulation."""
    xs, ys = ([gather(points, simplices[:, k], np.int32(axis)) for k in range(3)] for axis in range(2))
    # Edge k is opposite corner k, counter-clockwise.
    edges = [(xs[k - 1] - xs[k - 2], ys[k - 1] - ys[k - 2]) for k in range(3)]
    cotangents = _cotangents(xs, ys, edges)
    return Circles(
        vertex=simplices.reshape(-1),
        opposite=_opposite_corners(neighbors).reshape(-1),
        cotangent=jnp.stack(cotangents, axis=1).reshape(-1),
        circle=_circles(xs, ys, edges),
        points=points,
        unscaled=unscaled,
    )


def _opposite_corners(neighbors):
    """(2N, 3) int32: the corners across each edge; -1 at the hull."""
    row = np.arange(len(neighbors), dtype=np.int32)[:, None]
    back = gather(neighbors, neighbors)
    column = jnp.where(back[..., 0] == row, A, jnp.where(back[..., 1] == row, B, C))
    return jnp.where(neighbors < 0, NONE, 3 * neighbors + column)


def cross(u: Vector, v: Vector) -> Array:
    """The cross product of two vectors."""
    return u[0] * v[1] - u[1] * v[0]


def dot(u: Vector, v: Vector) -> Array:
    """The scalar product of two vectors."""
    return u[0] * v[0] + u[1] * v[1]


def _cotangents(xs, ys, edges):
    """Three (2N,) float, of the angles at three corners; finite whatever rounding does.

    Of a needle or a flat triangle they are large, so the area has to be right to rounding: it is computed as a pair of floats.
    """
    # The factor of a triangle without extent is infinite.
    factor = factor_to_order_one(*chain(*edges))
    factor = jnp.minimum(factor, 2.0 ** (int(jnp.finfo(factor.dtype).maxexp) - 8))
    xs, ys, *edges = ([each * factor for each in part] for part in (xs, ys, *edges))
    sides = [[double_double.difference_of(axis[k], axis[0]) for axis in (xs, ys)] for k in (1, 2)]
    area = jnp.maximum(double_double.cross_of(*sides), least_area(factor.dtype))
    return [-dot(edges[k - 2], edges[k - 1]) / area for k in range(3)]


def least_area(dtype: Any) -> float:
    """A lower bound on the area of a triangle of order one. It keeps cotangents and their squares finite."""
    return 2.0 ** (12 - int(jnp.finfo(dtype).maxexp) // 2)


def _circles(xs, ys, edges):
    """(2N, 7) float, as in `Circles`. The origin is at the shortest edge, where the terms are smallest."""
    lengths = [dot(edge, edge) for edge in edges]
    shortest = jnp.minimum(jnp.minimum(*lengths[:2]), lengths[2])

    def pick(each):
        return jnp.where(lengths[0] == shortest, each[0], jnp.where(lengths[1] == shortest, each[1], each[2]))

    origin = pick(xs[1:] + xs[:1]), pick(ys[1:] + ys[:1])
    bx, by = (pick([edge[axis] for edge in edges]) for axis in range(2))
    cx, cy = (pick([-edges[k - 1][axis] for k in range(3)]) for axis in range(2))
    b_squared, c_squared = bx * bx + by * by, cx * cx + cy * cy
    size_x = b_squared * jnp.abs(cy) + c_squared * jnp.abs(by)
    size_y = b_squared * jnp.abs(cx) + c_squared * jnp.abs(bx)
    columns = (
        *origin,
        b_squared * cy - c_squared * by,
        c_squared * bx - b_squared * cx,
        bx * cy - by * cx,
        jnp.maximum(size_x, size_y),
        jnp.abs(bx * cy) + jnp.abs(by * cx),
    )
    return jnp.stack(columns, axis=1)


def in_circle(circles: Circles, triangle: Array, query: Vector) -> Determinant:
    """Positive where (...,) queries are inside the circumcircles of (...,) int32 triangles.

    Twelve roundings at most reach a term: less than `IN_CIRCLE`.
    """
    x0, y0, gx, gy, area, size_of_g, size_of_area = platform.gather_row(circles.circle, triangle)
    x, y = query[0] - x0, query[1] - y0
    squared = x * x + y * y
    size = size_of_g * (jnp.abs(x) + jnp.abs(y)) + size_of_area * squared
    error = IN_CIRCLE * unit_of(x.dtype) * size + underflow_of(x.dtype)
    return Determinant(gx * x + gy * y - area * squared, error)


NO_EDGE, ON_HULL, IN_CIRCLE_BIT = np.int32(3), np.int32(4), np.int32(8)
"""What `decide` finds, besides the column of an edge to cross."""


def decide(circles: Circles, query: Array, triangle: Array) -> Array:
    """(V,) int32: where (V, 2) unscaled queries are, seen from (V,) int32 triangles; exact.

    The column of an inner edge that has the query behind it. If there is none, `ON_HULL` plus the column of a hull edge that
    has the query behind it or on it, or `NO_EDGE`. Plus `IN_CIRCLE_BIT` if the query is inside the circumcircle.
    """
    corners = [gather(circles.unscaled, gather(circles.vertex, 3 * triangle + column)) for column in (A, B, C)]
    found = signs_at(jnp.stack([query, *corners]))
    place = jnp.full_like(triangle, NO_EDGE)
    sides = list(zip((A, B, C), (found.orient_cd, -found.orient_bd, found.orient_bc), strict=True))
    for column, side in sides:
        is_hull = gather(circles.opposite, 3 * triangle + column) < 0
        place = jnp.where(is_hull & (side <= 0), ON_HULL + column, place)
    for column, side in sides:
        is_hull = gather(circles.opposite, 3 * triangle + column) < 0
        place = jnp.where(~is_hull & (side < 0), column, place)
    return jnp.where(found.in_circle < 0, place + IN_CIRCLE_BIT, place)
