"""A triangulation by inserting one vertex after the other: what one core does fastest.

A vertex walks from where the last one was inserted to the triangle that holds it (Green & Sibson 1978, Comput. J. 21, 168) and
splits it into three. Every edge opposite the vertex is flipped as long as the circle of its triangle holds the vertex beyond
(Lawson 1977, Mathematical Software III, 161). Beyond the hull are triangles with a vertex at infinity, so that the hull grows
as any other triangle does. Vertices are inserted from coarse to fine, which keeps walks short whatever the mesh (after Amenta,
Choi & Rote 2003, Proc. 19th Symp. Comp. Geom., 211), and in the order of the leaves of a k-d tree, in which neighbours follow
each other.

All decisions are in floating point. Whatever they are, the result is a table of triangles that are neighbours of each other;
the certificate says which of them are right.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import backend
from delaunax.indexing import NONE, gather, put


class CornerTable(NamedTuple):
    """Triangles by their corners: corner `3 t + k` is that of triangle t at its k-th vertex, counter-clockwise.

    After Rossignac 2001 (3D compression made simple: Edgebreaker with Zip&Wrap on a corner-table, Shape Modeling Int., 278).

    Attributes
    ----------
    vertex
        (C,) int32, the vertex of each corner, or the number of vertices for the one at infinity.
    opposite
        (C,) int32, the corner on the other side of the edge opposite each corner.
    """

    vertex: jax.Array
    opposite: jax.Array


def insert(points: Array, order: Array, number: Array, first: Array) -> tuple[Array, Array, Array]:
    """The triangles of vertices inserted one by one; on a CPU in `fused`.

    Parameters
    ----------
    points
        (N, 2) float, finite and of order one.
    order
        (M,) int32, the vertices in the order in which they are inserted.
    number
        () int32, how many of these there are; those behind are not.
    first
        (3,) int32, three other vertices, counter-clockwise, which are there from the beginning.

    Returns
    -------
    simplices, neighbors
        (2N, 3) int32, as in `triangulation.Triangulation`; each triangle begins with its smallest vertex.
    number
        () int32, how many rows are in use.
    """
    n = np.int32(len(points))
    # The vertex at infinity has coordinates that are not read.
    x, y = (jnp.append(points[:, k], 0.0) for k in range(2))

    def insert_next(carry):
        k, table, triangle = carry
        vertex = gather(order, k)
        at = gather(x, vertex), gather(y, vertex)
        triangle = _walk(n, x, y, table, at, triangle)
        table = _split(table, vertex, triangle, 4 + 2 * k)
        table, corner = _flip_all(n, x, y, table, vertex, at, 3 * triangle)
        return k + 1, table, lax.div(corner, np.int32(3))

    begun = np.int32(0), _table_of(n, first), np.int32(0)
    _, table, _ = lax.while_loop(lambda carry: carry[0] < number, insert_next, begun)
    return _rows_of(n, table)


def coarse_to_fine(number: int) -> np.ndarray:
    """(number,) int32: the first so many integers, first those that are multiples of a power of two, then of half of it."""
    rounds, step = [np.zeros(1, np.int32)], 2 ** max(0, (number - 1).bit_length())
    while step > 1:
        rounds.append(np.arange(step // 2, number, step, dtype=np.int32))
        step //= 2
    return np.concatenate(rounds)


def _table_of(n, first):
    """One triangle and the three beyond its edges, with room for all others and for a corner that is never read."""
    corners = 3 * (2 * n + 2) + 1
    a, b, c = first
    rows = jnp.stack([a, b, c, c, b, n, a, c, n, b, a, n])
    opposite = np.array([5, 8, 11, 10, 6, 0, 4, 9, 1, 7, 3, 2], np.int32)
    return CornerTable(jnp.full(corners, n).at[:12].set(rows), jnp.zeros(corners, jnp.int32).at[:12].set(opposite))


def _after(corner):
    """The next corner of a triangle, counter-clockwise."""
    return jnp.where(lax.rem(corner, np.int32(3)) == 2, corner - 2, corner + 1)


def _before(corner):
    return jnp.where(lax.rem(corner, np.int32(3)) == 0, corner + 2, corner - 1)


def _offset(x, y, vertex, at):
    return gather(x, vertex) - at[0], gather(y, vertex) - at[1]


def _cross(one, other):
    return one[0] * other[1] - one[1] * other[0]


def _walk(n, x, y, table, at, triangle):
    """The triangle that holds a point, from another one on: it has a vertex at infinity if the point is outside the hull."""

    def vertices_of(triangle):
        return [gather(table.vertex, 3 * triangle + np.int32(k)) for k in range(3)]

    def across(triangle, column):
        return lax.div(gather(table.opposite, 3 * triangle + column), np.int32(3))

    def step(carry):
        count, triangle, _ = carry
        corners = vertices_of(triangle)
        a, b, c = (_offset(x, y, corner, at) for corner in corners)
        of_a, of_b, of_c = _cross(b, c), _cross(c, a), _cross(a, b)
        lowest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        column = jnp.where(of_a == lowest, np.int32(0), jnp.where(of_b == lowest, np.int32(1), np.int32(2)))
        leaves = (lowest < 0.0) & (corners[0] < n) & (corners[1] < n) & (corners[2] < n)
        return count + 1, jnp.where(leaves, across(triangle, column), triangle), triangle

    # From beyond the hull it begins inside.
    a, b, c = vertices_of(triangle)
    column = jnp.where(a == n, np.int32(0), jnp.where(b == n, np.int32(1), np.int32(2)))
    begin = jnp.where((a == n) | (b == n) | (c == n), across(triangle, column), triangle)
    # Rounding might make it go around in circles.
    begun = np.int32(0), begin, NONE
    return lax.while_loop(lambda carry: (carry[1] != carry[2]) & (carry[0] < 2 * n), step, begun)[1]


def _split(table, vertex, triangle, number):
    """Split a triangle (a, b, c) into (vertex, b, c) in its place and, from row `number` on, (vertex, c, a) and (vertex, a, b)."""
    here, first = 3 * triangle, 3 * number
    second = first + 3
    a, b, c = (gather(table.vertex, here + np.int32(k)) for k in range(3))
    of_b, of_c = (gather(table.opposite, here + np.int32(k)) for k in (1, 2))
    # What is read is read before anything is written, or the compiler copies the table.
    table, a, b, c, of_b, of_c = lax.optimization_barrier((table, a, b, c, of_b, of_c))
    corners = put(put(table.vertex, first, vertex, c, a, vertex, a, b), here, vertex)
    opposite = put(table.opposite, first, of_b, second + 2, here + 1, of_c, here + 2, first + 1)
    opposite = put(put(opposite, of_b, first), of_c, second)
    return CornerTable(corners, put(opposite, here + 1, first + 2, second + 1))


def _flip_all(n, x, y, table, vertex, at, corner):
    """Flip the edges opposite a vertex that are not Delaunay's, once around it from a corner of its on; and its last corner."""
    nowhere = np.int32(len(table.vertex) - 1)

    def look(carry):
        count, left, corner, table = carry
        after, before = _after(corner), _before(corner)
        beyond = gather(table.opposite, corner)
        after_beyond, before_beyond = _after(beyond), _before(beyond)
        a, b, d = (gather(table.vertex, each) for each in (after, before, beyond))
        of_a, of_b = gather(table.opposite, after), gather(table.opposite, after_beyond)
        flips = _flips(n, (a, b, d), [_offset(x, y, each, at) for each in (a, b, d)])
        table, a, b, d, of_a, of_b, flips = lax.optimization_barrier((table, a, b, d, of_a, of_b, flips))

        # (vertex, a, b) and (d, b, a) become (vertex, a, d) and (d, b, vertex).
        def where_flipped(place):
            return jnp.where(flips, place, nowhere)

        corners, opposite = table
        for place, value in ((before, d), (before_beyond, vertex)):
            corners = put(corners, where_flipped(place), value)
        for one, other in ((corner, of_b), (after, after_beyond), (beyond, of_a)):
            opposite = put(put(opposite, where_flipped(one), other), where_flipped(other), one)
        return (
            count + 1,
            jnp.where(flips, left + 1, left - 1),
            jnp.where(flips, corner, _after(of_a)),
            CornerTable(corners, opposite),
        )

    # Every flip gives the vertex one more neighbour.
    begun = np.int32(0), np.int32(3), corner, table
    _, _, corner, table = lax.while_loop(lambda carry: (carry[1] > 0) & (carry[0] < 6 * n), look, begun)
    return table, corner


def _flips(n, vertices, offsets):
    """Whether the edge from a to b of a triangle (vertex, a, b) is flipped, by a, b and the d beyond, seen from the vertex."""
    a, b, d = offsets
    left, after, turn = _cross(a, d), _cross(b, d), _cross(a, b)
    squared_a, squared_b, squared_d = (each[0] ** 2 + each[1] ** 2 for each in offsets)
    inside = squared_b * left - squared_a * after - squared_d * turn
    # The circle of an edge of the hull and the vertex at infinity is all that lies beyond, and the edge.
    a_is_beyond, b_is_beyond, d_is_beyond = (each == n for each in vertices)
    by_hull = jnp.where(a_is_beyond, after < 0.0, jnp.where(b_is_beyond, left > 0.0, inside > 0.0))
    return jnp.where(d_is_beyond, turn <= 0.0, by_hull)


def _rows_of(n, table):
    """The triangles of a table without those beyond the hull, their neighbours, and how many they are."""
    triangle = np.arange(2 * n + 2, dtype=np.int32)
    used = table.vertex[:-1].reshape(-1, 3).max(axis=1) < n
    row = jnp.where(used, backend.running_sums(used), NONE)

    def add(rows, triangles):
        corner = 3 * triangles[0]
        a, b, c = (gather(table.vertex, corner + np.int32(k)) for k in range(3))
        smallest = jnp.minimum(jnp.minimum(a, b), c)
        corner = corner + jnp.where(b == smallest, np.int32(1), jnp.where(c == smallest, np.int32(2), np.int32(0)))
        corners = corner, _after(corner), _before(corner)
        place = jnp.where(gather(used, triangles[0]), 3 * gather(row, triangles[0]), 6 * n)
        simplices, neighbors = rows
        across = [gather(row, lax.div(gather(table.opposite, each), np.int32(3))) for each in corners]
        return put(simplices, place, *(gather(table.vertex, each) for each in corners)), put(neighbors, place, *across)

    unused = jnp.full(6 * n + 3, NONE)
    rows = backend.scan_rows(add, (unused, unused), triangle)
    return *(each[: 6 * n].reshape(-1, 3) for each in rows), used.sum(dtype=jnp.int32)
