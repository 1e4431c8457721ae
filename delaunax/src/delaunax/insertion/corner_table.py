"""Triangles that can be split and flipped, including those beyond the hull: the table that `incremental` writes to.

Beyond every hull edge there is a triangle with a vertex at infinity; its index is the number of vertices. In a compiled
loop, nothing is copied as long as all reads come before all writes. Writes that must not happen go to two triangles at the
end of the table, which are never read.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.triangle import A, B, C
from delaunax.platform.indexing import NONE, gather, write
from delaunax.tables.corners import next_corner, previous_corner, triangle_of

SPARE_CORNERS = 6
"""How many corners at the end of the table are never read."""


class CornerTable(NamedTuple):
    """Triangles by their corners: corner `3 t + k` is the corner of triangle t at its k-th vertex, counter-clockwise.

    After Rossignac 2001 (3D compression made simple: Edgebreaker with Zip&Wrap on a corner-table, Shape Modeling Int., 278).

    Attributes
    ----------
    vertex
        (C,) int32, the vertex of each corner; the number of vertices stands for the vertex at infinity.
    opposite
        (C,) int32, the corner on the other side of the edge opposite each corner. `opposite[opposite[c]] == c`.
    """

    vertex: jax.Array
    opposite: jax.Array


class EdgeCorners(NamedTuple):
    """An edge from b to c, its triangle (a, b, c), and the triangle beyond it (d, c, b). All fields are () int32.

    Attributes
    ----------
    at_a, at_b, at_c
        The corners of the triangle.
    at_d, beyond_c, beyond_b
        The corners of the triangle beyond.
    b, c, d
        The vertices.
    opposite_b, opposite_c
        The corners opposite `at_b` and `beyond_c`.
    """

    at_a: jax.Array
    at_b: jax.Array
    at_c: jax.Array
    at_d: jax.Array
    beyond_c: jax.Array
    beyond_b: jax.Array
    b: jax.Array
    c: jax.Array
    d: jax.Array
    opposite_b: jax.Array
    opposite_c: jax.Array


def table_of_edge(n: np.int32, ends: Array) -> CornerTable:
    """The two triangles beyond the one edge between (2,) int32 ends, with room for the triangles of n vertices."""
    corners = 3 * (2 * n + 2)
    one, other = ends
    rows = jnp.stack([one, other, n, other, one, n])
    opposite = np.array([4, 3, 5, 1, 0, 2], np.int32)
    return CornerTable(
        jnp.full(corners + SPARE_CORNERS, n).at[:6].set(rows),
        jnp.zeros(corners + SPARE_CORNERS, jnp.int32).at[:6].set(opposite),
    )


def vertices_of(table: CornerTable, triangle: Array) -> list[Array]:
    """Three () int32: the vertices of a triangle."""
    return [gather(table.vertex, 3 * triangle + column) for column in (A, B, C)]


def edge_corners_of(table: CornerTable, corner: Array) -> EdgeCorners:
    """The `EdgeCorners` of the edge opposite a corner."""
    beyond = gather(table.opposite, corner)
    corners = (
        corner,
        next_corner(corner),
        previous_corner(corner),
        beyond,
        next_corner(beyond),
        previous_corner(beyond),
    )
    b, c, d = (gather(table.vertex, place) for place in (corners[1], corners[2], beyond))
    opposite_b, opposite_c = (gather(table.opposite, place) for place in (corners[1], corners[4]))
    return EdgeCorners(*corners, b, c, d, opposite_b, opposite_c)


def split(table: CornerTable, vertex: Array, triangle: Array, number: Array, which: Array) -> CornerTable:
    """Replace a triangle (a, b, c) by (vertex, b, c), and write (vertex, c, a), (vertex, a, b) to rows `number`, `number +
    1`.

    Nothing happens where the () bool `which` is false.
    """
    here, first = 3 * triangle, 3 * number
    second = first + 3
    a, b, c = vertices_of(table, triangle)
    opposite_b, opposite_c = (gather(table.opposite, here + np.int32(k)) for k in (1, 2))
    table, a, b, c, opposite_b, opposite_c = lax.optimization_barrier((table, a, b, c, opposite_b, opposite_c))
    to = partial(_place_where, which, table=table)
    corners = write(write(table.vertex, to(first), vertex, c, a, vertex, a, b), to(here), vertex)
    opposite = write(table.opposite, to(first), opposite_b, second + 2, here + 1, opposite_c, here + 2, first + 1)
    opposite = write(write(opposite, to(opposite_b), first), to(opposite_c), second)
    return CornerTable(corners, write(opposite, to(here + 1), first + 2, second + 1))


def flip(table: CornerTable, a: Array, edge: EdgeCorners, which: Array) -> CornerTable:
    """Replace (a, b, c) and (d, c, b) by (a, b, d) and (d, c, a), where the () bool `which` is true."""
    to, (corners, opposite) = partial(_place_where, which, table=table), table
    for place, value in ((edge.at_c, edge.d), (edge.beyond_b, a)):
        corners = write(corners, to(place), value)
    for one, other in ((edge.at_a, edge.opposite_c), (edge.at_b, edge.beyond_c), (edge.at_d, edge.opposite_b)):
        opposite = write(write(opposite, to(one), other), to(other), one)
    return CornerTable(corners, opposite)


def _place_where(condition, place, table):
    """The place if the condition is true, else a place in the table that is never read."""
    return jnp.where(condition, place, np.int32(len(table.vertex) - SPARE_CORNERS))


def rows_of(n: np.int32, table: CornerTable) -> tuple[Array, Array]:
    """The triangles inside the hull, each starting at its lowest vertex, and their neighbours.

    Both (2N, 3) int32, as in `triangulation.Triangulation`: column k has the neighbour opposite vertex k.
    """
    used = table.vertex[:-SPARE_CORNERS].reshape(-1, 3).max(axis=1) < n
    row = jnp.where(used, platform.running_sums(used), NONE)

    def add(rows, triangle):
        a, b, c = vertices_of(table, triangle)
        lowest = jnp.minimum(jnp.minimum(a, b), c)
        corner = 3 * triangle + jnp.where(b == lowest, B, jnp.where(c == lowest, C, A))
        corners = corner, next_corner(corner), previous_corner(corner)
        place = jnp.where(gather(used, triangle), 3 * gather(row, triangle), 6 * n)
        simplices, neighbors = rows
        across = [gather(row, triangle_of(gather(table.opposite, each))) for each in corners]
        simplices = write(simplices, place, *(gather(table.vertex, each) for each in corners))
        return (simplices, write(neighbors, place, *across)), None

    unused = jnp.full(6 * n + 3, NONE)
    (simplices, neighbors), _ = lax.scan(add, (unused, unused), np.arange(2 * n + 2, dtype=np.int32))
    return simplices[: 6 * n].reshape(-1, 3), neighbors[: 6 * n].reshape(-1, 3)
