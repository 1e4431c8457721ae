"""Triangles that can be split and flipped, with those beyond the hull: what `insertion` writes to.

Beyond every edge of the hull is a triangle with a vertex at infinity, whose number is that of the vertices. In a compiled loop
nothing is copied as long as everything is read before anything is written; what is not to be written goes to two triangles
that are never read.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.triangle import A, B, C
from delaunax.platform import backend
from delaunax.platform.indexing import NONE, gather, put

SPARE = 6
"""How many corners at the end are never read."""


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


class Edge(NamedTuple):
    """An edge from a to b opposite a corner, with d beyond: all of it () int32.

    Attributes
    ----------
    corner, after, before
        The corners of its triangle: the one opposite, that at a and that at b.
    beyond, after_beyond, before_beyond
        Those of the triangle beyond: at d, at b and at a.
    a, b, d
        The vertices.
    of_a, of_b
        The corners opposite `after` and `after_beyond`.
    """

    corner: jax.Array
    after: jax.Array
    before: jax.Array
    beyond: jax.Array
    after_beyond: jax.Array
    before_beyond: jax.Array
    a: jax.Array
    b: jax.Array
    d: jax.Array
    of_a: jax.Array
    of_b: jax.Array


def table_of_edge(n: np.int32, ends: Array) -> CornerTable:
    """The two triangles beyond the one edge between (2,) int32 ends, with room for those of n vertices."""
    corners = 3 * (2 * n + 2)
    one, other = ends
    rows = jnp.stack([one, other, n, other, one, n])
    opposite = np.array([4, 3, 5, 1, 0, 2], np.int32)
    return CornerTable(
        jnp.full(corners + SPARE, n).at[:6].set(rows), jnp.zeros(corners + SPARE, jnp.int32).at[:6].set(opposite)
    )


def vertices_of(table: CornerTable, triangle: Array) -> list[Array]:
    """Three () int32: the vertices of a triangle."""
    return [gather(table.vertex, 3 * triangle + column) for column in (A, B, C)]


def after(corner: Array) -> Array:
    """The next corner of a triangle, counter-clockwise."""
    return jnp.where(lax.rem(corner, np.int32(3)) == 2, corner - 2, corner + 1)


def before(corner: Array) -> Array:
    """The next corner of a triangle, clockwise."""
    return jnp.where(lax.rem(corner, np.int32(3)) == 0, corner + 2, corner - 1)


def edge_of(table: CornerTable, corner: Array) -> Edge:
    """The `Edge` opposite a corner."""
    beyond = gather(table.opposite, corner)
    places = corner, after(corner), before(corner), beyond, after(beyond), before(beyond)
    a, b, d = (gather(table.vertex, place) for place in (places[1], places[2], beyond))
    of_a, of_b = (gather(table.opposite, place) for place in (places[1], places[4]))
    return Edge(*places, a, b, d, of_a, of_b)


def split(table: CornerTable, vertex: Array, triangle: Array, number: Array, which: Array) -> CornerTable:
    """Put (vertex, b, c) in the place of a triangle (a, b, c), and (vertex, c, a), (vertex, a, b) in rows `number` and next.

    Where the () bool `which` is true.
    """
    here, first = 3 * triangle, 3 * number
    second = first + 3
    a, b, c = vertices_of(table, triangle)
    of_b, of_c = (gather(table.opposite, here + np.int32(k)) for k in (1, 2))
    table, a, b, c, of_b, of_c = lax.optimization_barrier((table, a, b, c, of_b, of_c))
    to = partial(_where, which, table=table)
    corners = put(put(table.vertex, to(first), vertex, c, a, vertex, a, b), to(here), vertex)
    opposite = put(table.opposite, to(first), of_b, second + 2, here + 1, of_c, here + 2, first + 1)
    opposite = put(put(opposite, to(of_b), first), to(of_c), second)
    return CornerTable(corners, put(opposite, to(here + 1), first + 2, second + 1))


def flip(table: CornerTable, vertex: Array, edge: Edge, which: Array) -> CornerTable:
    """Make (vertex, a, d) and (d, b, vertex) of (vertex, a, b) and (d, b, a), where the () bool `which` is true."""
    to, (corners, opposite) = partial(_where, which, table=table), table
    for place, value in ((edge.before, edge.d), (edge.before_beyond, vertex)):
        corners = put(corners, to(place), value)
    for one, other in ((edge.corner, edge.of_b), (edge.after, edge.after_beyond), (edge.beyond, edge.of_a)):
        opposite = put(put(opposite, to(one), other), to(other), one)
    return CornerTable(corners, opposite)


def _where(condition, place, table):
    """The place if the condition is true, else one in the table that is never read."""
    return jnp.where(condition, place, np.int32(len(table.vertex) - SPARE))


def rows_of(n: np.int32, table: CornerTable) -> tuple[Array, Array]:
    """The triangles of a table without those beyond the hull, each from its smallest vertex on, and their neighbours.

    Both (2N, 3) int32, as in `triangulation.Triangulation`.
    """
    used = table.vertex[:-SPARE].reshape(-1, 3).max(axis=1) < n
    row = jnp.where(used, backend.running_sums(used), NONE)

    def add(rows, triangle):
        a, b, c = vertices_of(table, triangle)
        smallest = jnp.minimum(jnp.minimum(a, b), c)
        corner = 3 * triangle + jnp.where(b == smallest, B, jnp.where(c == smallest, C, A))
        corners = corner, after(corner), before(corner)
        place = jnp.where(gather(used, triangle), 3 * gather(row, triangle), 6 * n)
        simplices, neighbors = rows
        across = [gather(row, lax.div(gather(table.opposite, each), np.int32(3))) for each in corners]
        simplices = put(simplices, place, *(gather(table.vertex, each) for each in corners))
        return (simplices, put(neighbors, place, *across)), None

    unused = jnp.full(6 * n + 3, NONE)
    (simplices, neighbors), _ = lax.scan(add, (unused, unused), np.arange(2 * n + 2, dtype=np.int32))
    return simplices[: 6 * n].reshape(-1, 3), neighbors[: 6 * n].reshape(-1, 3)
