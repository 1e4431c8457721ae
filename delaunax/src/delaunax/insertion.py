"""A triangulation by inserting one vertex after the other: what one core does fastest.

A vertex walks from where the last one was inserted to the triangle that holds it (Green & Sibson 1978, Comput. J. 21, 168) and
splits it into three. Every edge opposite the vertex is flipped as long as the circle of its triangle holds the vertex beyond
(Lawson 1977, Mathematical Software III, 161). Beyond the hull are triangles with a vertex at infinity, so that the hull grows
as any other triangle does. Vertices are inserted from coarse to fine, which keeps walks short whatever the mesh (after Amenta,
Choi & Rote 2003, Proc. 19th Symp. Comp. Geom., 211), and in the order of the leaves of a k-d tree, in which neighbours follow
each other.

Decisions are in floating point where the error bound allows it, else in integers, as ties are (`exact`): every vertex finds
the Delaunay triangulation of those before it, and leaves one.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import backend
from delaunax.certificate import certain_triangle
from delaunax.exact import orientation, signs, turns_to
from delaunax.indexing import NONE, gather, put
from delaunax.kd_tree import KDTree
from delaunax.rounding import IN_CIRCLE, ORIENTATION, underflow_of, unit_of
from delaunax.triangle import A, B, C


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


class Mesh(NamedTuple):
    """The coordinates of N vertices and of one at infinity, whose own are not read.

    Attributes
    ----------
    x, y
        (N + 1,) float, finite and of order one.
    unscaled
        (N, 2) float, the same as they are stored, by which they are decided exactly.
    """

    x: jax.Array
    y: jax.Array
    unscaled: jax.Array

    @property
    def infinity(self):
        """The number of the vertex at infinity."""
        return np.int32(len(self.unscaled))

    def seen_from(self, at: tuple[Array, Array], vertex: Array) -> tuple[Array, Array]:
        """The () offsets along x and y of a () int32 vertex from a point."""
        return gather(self.x, vertex) - at[0], gather(self.y, vertex) - at[1]


def insert(points: Array, unscaled: Array, order: Array, number: Array, first: Array) -> tuple[Array, Array, Array]:
    """The Delaunay triangulation of vertices that are inserted one by one; on a CPU in `fused`.

    Parameters
    ----------
    points
        (N, 2) float, finite and of order one.
    unscaled
        (N, 2) float, the same as they are stored.
    order
        (M,) int32, the vertices in the order in which they are inserted; no two coincide.
    number
        () int32, how many of these there are; those behind are not.
    first
        (3,) int32, three other vertices, counter-clockwise, which are there from the beginning.

    Returns
    -------
    simplices, neighbors
        (2N, 3) int32, as in `triangulation.Triangulation`.
    exact
        () int32, how many decisions were made in integers.
    """
    mesh = Mesh(jnp.append(points[:, 0], 0.0), jnp.append(points[:, 1], 0.0), unscaled)

    def insert_next(carry):
        k, table, triangle, exact = carry
        vertex = gather(order, k)
        triangle, exact = _walk(mesh, table, vertex, triangle, exact)
        table = _split(table, vertex, triangle, 4 + 2 * k)
        table, corner, exact = _flip_all(mesh, table, vertex, 3 * triangle, exact)
        return k + 1, table, lax.div(corner, np.int32(3)), exact

    begun = np.int32(0), _table_of(mesh.infinity, first), np.int32(0), np.int32(0)
    _, table, _, exact = lax.while_loop(lambda carry: carry[0] < number, insert_next, begun)
    return *_rows_of(mesh.infinity, table), exact


def first_triangle(points: Array, tree: KDTree) -> tuple[Array, Array]:
    """Three vertices that are not on one line, (3,) int32, counter-clockwise; and () bool, whether there are any."""

    def seek(_):
        one, other = lax.argmin(tree.rank, 0, np.int32), lax.argmax(jnp.where(tree.first, tree.rank, NONE), 0, np.int32)

        def look(carry):
            third = carry[0] + 1
            return third, orientation(points, one[None], other[None], third[None])[0]

        begun = NONE, np.int32(0)
        third, side = lax.while_loop(lambda carry: (carry[1] == 0) & (carry[0] < len(points) - 1), look, begun)
        return jnp.where(side < 0, jnp.stack([other, one, third]), jnp.stack([one, other, third])), side != 0

    triangle, found = certain_triangle(tree.points)
    return backend.only_if(~found, seek, (triangle, found))


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


def _vertices_of(table, triangle):
    return [gather(table.vertex, 3 * triangle + column) for column in (A, B, C)]


def _after(corner):
    """The next corner of a triangle, counter-clockwise."""
    return jnp.where(lax.rem(corner, np.int32(3)) == 2, corner - 2, corner + 1)


def _before(corner):
    return jnp.where(lax.rem(corner, np.int32(3)) == 0, corner + 2, corner - 1)


def _cross(one, other):
    """The cross product of two vectors, and a bound of its rounding error."""
    first, second = one[0] * other[1], one[1] * other[0]
    unit, underflow = unit_of(first.dtype), underflow_of(first.dtype)
    return first - second, ORIENTATION * unit * (jnp.abs(first) + jnp.abs(second)) + underflow


def _walk(mesh, table, vertex, triangle, exact):
    """The triangle that holds a vertex, from another one on: it has a corner at infinity if the vertex is outside the hull."""
    n, at = mesh.infinity, (gather(mesh.x, vertex), gather(mesh.y, vertex))

    def across(triangle, column):
        return lax.div(gather(table.opposite, 3 * triangle + column), np.int32(3))

    def step(carry):
        count, triangle, _, exact = carry
        corners = _vertices_of(table, triangle)
        a, b, c = (mesh.seen_from(at, corner) for corner in corners)
        (of_a, error_a), (of_b, error_b), (of_c, error_c) = _cross(b, c), _cross(c, a), _cross(a, b)
        inside = (of_a > error_a) & (of_b > error_b) & (of_c > error_c)
        of_a, of_b, of_c = of_a + error_a, of_b + error_b, of_c + error_c
        lowest = jnp.minimum(jnp.minimum(of_a, of_b), of_c)
        column = jnp.where(of_a == lowest, A, jnp.where(of_b == lowest, B, C))
        # Beyond the hull it ends.
        real = (corners[0] < n) & (corners[1] < n) & (corners[2] < n)

        def decide(_):
            tails, heads = jnp.stack([*corners[1:], corners[0]]), jnp.stack([corners[2], *corners[:2]])
            sides = orientation(mesh.unscaled, jnp.full_like(tails, vertex), tails, heads)
            return jnp.where(sides[0] < 0, A, jnp.where(sides[1] < 0, B, jnp.where(sides[2] < 0, C, NONE)))

        in_doubt = real & ~inside & (lowest >= 0.0)
        column = backend.only_if(in_doubt, decide, jnp.where(real & (lowest < 0.0), column, NONE))
        following = jnp.where(column < 0, triangle, across(triangle, jnp.maximum(column, 0)))
        return count + 1, following, triangle, exact + in_doubt

    # From beyond the hull it begins inside.
    a, b, c = (vertex == n for vertex in _vertices_of(table, triangle))
    begin = jnp.where(a | b | c, across(triangle, jnp.where(a, A, jnp.where(b, B, C))), triangle)
    # No such walk through Delaunay triangles goes around in circles (Devillers, Pion & Teillaud 2002).
    begun = np.int32(0), begin, NONE, exact
    _, triangle, _, exact = lax.while_loop(lambda carry: (carry[1] != carry[2]) & (carry[0] < 2 * n), step, begun)
    return triangle, exact


def _split(table, vertex, triangle, number):
    """Put (vertex, b, c) in the place of a triangle (a, b, c), and (vertex, c, a), (vertex, a, b) in rows `number` and next."""
    here, first = 3 * triangle, 3 * number
    second = first + 3
    a, b, c = _vertices_of(table, triangle)
    of_b, of_c = (gather(table.opposite, here + np.int32(k)) for k in (1, 2))
    # What is read is read before anything is written, or the compiler copies the table.
    table, a, b, c, of_b, of_c = lax.optimization_barrier((table, a, b, c, of_b, of_c))
    corners = put(put(table.vertex, first, vertex, c, a, vertex, a, b), here, vertex)
    opposite = put(table.opposite, first, of_b, second + 2, here + 1, of_c, here + 2, first + 1)
    opposite = put(put(opposite, of_b, first), of_c, second)
    return CornerTable(corners, put(opposite, here + 1, first + 2, second + 1))


def _flip_all(mesh, table, vertex, corner, exact):
    """Flip the edges opposite a vertex that are not Delaunay's, once around it from a corner of its on; and its last corner."""
    n, nowhere = mesh.infinity, np.int32(len(table.vertex) - 1)
    at = gather(mesh.x, vertex), gather(mesh.y, vertex)

    def look(carry):
        count, left, corner, table, exact = carry
        after, before = _after(corner), _before(corner)
        beyond = gather(table.opposite, corner)
        after_beyond, before_beyond = _after(beyond), _before(beyond)
        a, b, d = (gather(table.vertex, each) for each in (after, before, beyond))
        of_a, of_b = gather(table.opposite, after), gather(table.opposite, after_beyond)
        flips, in_doubt = _flips(mesh, at, vertex, a, b, d)
        # What is read is read before anything is written, or the compiler copies the table.
        table, a, b, d, of_a, of_b, flips = lax.optimization_barrier((table, a, b, d, of_a, of_b, flips))

        # (vertex, a, b) and (d, b, a) become (vertex, a, d) and (d, b, vertex).
        def where_flipped(place):
            return jnp.where(flips, place, nowhere)

        corners, opposite = table
        for place, value in ((before, d), (before_beyond, vertex)):
            corners = put(corners, where_flipped(place), value)
        for one, other in ((corner, of_b), (after, after_beyond), (beyond, of_a)):
            opposite = put(put(opposite, where_flipped(one), other), where_flipped(other), one)
        left, corner = jnp.where(flips, left + 1, left - 1), jnp.where(flips, corner, _after(of_a))
        return count + 1, left, corner, CornerTable(corners, opposite), exact + in_doubt

    # Every flip gives the vertex one more neighbour.
    begun = np.int32(0), np.int32(3), corner, table, exact
    _, _, corner, table, exact = lax.while_loop(lambda carry: (carry[1] > 0) & (carry[0] < 6 * n), look, begun)
    return table, corner, exact


def _flips(mesh, at, vertex, a, b, d):
    """Whether the edge from a to b of a triangle (vertex, a, b) is flipped, d being beyond; and whether that was in doubt."""
    to_a, to_b, to_d = (mesh.seen_from(at, each) for each in (a, b, d))
    (left, of_left), (after, of_after), (turn, of_turn) = _cross(to_a, to_d), _cross(to_b, to_d), _cross(to_a, to_b)
    squared_a, squared_b, squared_d = (each[0] ** 2 + each[1] ** 2 for each in (to_a, to_b, to_d))
    inside = squared_b * left - squared_a * after - squared_d * turn
    of_inside = IN_CIRCLE / ORIENTATION * (squared_b * of_left + squared_a * of_after + squared_d * of_turn)
    of_inside = of_inside + underflow_of(inside.dtype)
    # The circle of an edge of the hull and the vertex at infinity is all that lies beyond, and the edge itself.
    beyond = [each == mesh.infinity for each in (a, b, d)]

    def at_hull(by_a, by_b, by_d, elsewhere):
        return jnp.where(beyond[0], by_a, jnp.where(beyond[1], by_b, jnp.where(beyond[2], by_d, elsewhere)))

    value, error = at_hull(-after, left, -turn, inside), at_hull(of_after, of_left, of_turn, of_inside)

    def decide(_):
        four = [jnp.where(each == mesh.infinity, vertex, each)[None] for each in (vertex, a, b, d)]
        found = signs(mesh.unscaled, *four)
        return at_hull(found.after < 0, found.left > 0, found.turn <= 0, turns_to(found, np.int32(1), *four))[0]

    in_doubt = jnp.abs(value) <= error
    return backend.only_if(in_doubt, decide, value > 0.0), in_doubt


def _rows_of(n, table):
    """The triangles of a table without those beyond the hull, each from its smallest vertex on, and their neighbours."""
    used = table.vertex[:-1].reshape(-1, 3).max(axis=1) < n
    row = jnp.where(used, backend.running_sums(used), NONE)

    def add(rows, triangle):
        a, b, c = _vertices_of(table, triangle)
        smallest = jnp.minimum(jnp.minimum(a, b), c)
        corner = 3 * triangle + jnp.where(b == smallest, B, jnp.where(c == smallest, C, A))
        corners = corner, _after(corner), _before(corner)
        place = jnp.where(gather(used, triangle), 3 * gather(row, triangle), 6 * n)
        simplices, neighbors = rows
        across = [gather(row, lax.div(gather(table.opposite, each), np.int32(3))) for each in corners]
        simplices = put(simplices, place, *(gather(table.vertex, each) for each in corners))
        return (simplices, put(neighbors, place, *across)), None

    unused = jnp.full(6 * n + 3, NONE)
    rows, _ = lax.scan(add, (unused, unused), np.arange(2 * n + 2, dtype=np.int32))
    return tuple(each[: 6 * n].reshape(-1, 3) for each in rows)
