"""The certificate of a triangulation, by levels: each says whether one property holds of one edge or one vertex.

The edges are those of every triangle: the edge `3 row + column` of a table runs counter-clockwise, opposite the vertex in that
place.
"""

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend
from knn_barycentric.places import at
from knn_barycentric.triangle import cross, dot, flat, squared


@backend.one_kernel
def certificate(
    points: Array, distinct: Array, lift: Array, simplices: Array, neighbors: Array, vertex_simplex: Array
) -> Array:
    """() bool: whether the tables are the regular triangulation of the lifted vertices, by levels.

    Positive triangles that are each other's neighbours across every edge but the boundary's, and a boundary that is one convex
    polygon, make the triangles cover the convex hull exactly once; every edge locally Delaunay then makes the whole Delaunay
    (Delaunay's lemma). Without any triangle, all vertices have to lie on one line.

    As many edges of the boundary end in a vertex as leave it, because all others cancel in pairs. So it is one polygon, or
    several, if no two of its edges leave the same vertex; and one, run through once, if it turns by 2 pi in all.
    """
    n = len(points)
    of_edges = backend.each(
        partial(edge_holds, points, lift, simplices, neighbors, vertex_simplex), _edges_of(simplices)
    )
    every_vertex = np.arange(n, dtype=np.int32)
    turns_left, turn = backend.each(partial(turn_at, points, simplices, neighbors, vertex_simplex), every_vertex)
    has_triangle = vertex_simplex >= 0
    covered = turns_left & (has_triangle == distinct) & of_edges.reshape(-1, n).all(axis=0)
    on_line = ~has_triangle & on_one_line(points)
    uncovered, off_line, turns = backend.sums(~covered, ~on_line, turn)
    once_around = (turns > 2.0 * np.pi - 1.0) & (turns < 2.0 * np.pi + 1.0)
    return ((uncovered == 0) & once_around) | (off_line == 0)


def on_one_line(points: Array) -> Array:
    """(N,) bool: whether a vertex is on the line through the first vertex and the one farthest from it."""
    offsets = points - points[0]
    along = offsets[lax.argmax(squared(offsets), 0, np.int32)]
    squared_edges = squared(along) + squared(offsets) + squared(offsets - along)
    return flat(jnp.abs(cross(along, offsets)), squared_edges)


def _edges_of(simplices):
    return np.arange(simplices.size, dtype=np.int32)


def _edge_at(edge, simplices):
    """The () int32 row and column of an edge, and its triangle's vertices from the one opposite on."""
    row, column = lax.div(edge, np.int32(3)), lax.rem(edge, np.int32(3))
    return row, column, *(at(simplices, row, lax.rem(column + np.int32(k), np.int32(3))) for k in range(3))


def edge_holds(
    points: Array, lift: Array, simplices: Array, neighbors: Array, vertex_simplex: Array, edge: Array
) -> Array:
    """() bool: whether an edge of the table has all properties; true in an unused row."""
    row, column, apex, tail, head = _edge_at(edge, simplices)
    across = at(neighbors, row, column)
    inside = neighbors_are_mutual(row, across, tail, head, simplices, neighbors)
    inside &= locally_delaunay(points, lift, apex, tail, head, _tip_of(across, tail, head, simplices))
    on_boundary = at(vertex_simplex, tail) == row
    return (apex < 0) | (positively_oriented(points, apex, tail, head) & jnp.where(across < 0, on_boundary, inside))


def positively_oriented(points: Array, a: Array, b: Array, c: Array) -> Array:
    """() bool: whether a triangle is counter-clockwise and not flat."""
    a, b, c = (at(points, vertex) for vertex in (a, b, c))
    squared_edges = squared(a - b) + squared(b - c) + squared(c - a)
    # Rounding may differ from the star's by a few epsilons at the threshold itself; half of it is still far off zero.
    return ~flat(cross(b - a, c - a), 0.5 * squared_edges)


def neighbors_are_mutual(
    row: Array, across: Array, tail: Array, head: Array, simplices: Array, neighbors: Array
) -> Array:
    """() bool: whether the neighbour across an edge shares it, in the opposite direction, and names the triangle there."""
    a, b, c = at(simplices, across)
    of_a, of_b, of_c = at(neighbors, across) == row
    return (of_a & (b == head) & (c == tail)) | (of_b & (c == head) & (a == tail)) | (of_c & (a == head) & (b == tail))


def _tip_of(across, tail, head, simplices):
    """The vertex of the triangle across an edge that is not on it; any vertex if it does not share the edge."""
    a, b, c = at(simplices, across)
    return jnp.clip(a + b + c - tail - head, np.int32(0), np.int32(len(simplices) // 2 - 1))


def locally_delaunay(points: Array, lift: Array, a: Array, b: Array, c: Array, tip: Array) -> Array:
    """() bool: whether the vertex across an edge does not lie inside the (lifted) circumcircle, beyond rounding."""
    inside, size = _in_circle(points, lift, a, b, c, tip)
    return inside <= 16.0 * jnp.finfo(points.dtype).eps * size


def turn_at(
    points: Array, simplices: Array, neighbors: Array, vertex_simplex: Array, vertex: Array
) -> tuple[Array, Array]:
    """How the boundary turns at the end of the edge that leaves a vertex.

    Returns
    -------
    turns_left
        () bool, whether it does, or goes straight on; true of vertices inside.
    turn
        () float, the turn in radians, zero inside.
    """
    after = partial(_after, simplices, neighbors, vertex_simplex)
    following, on_boundary = after(vertex)
    p, q, r = (at(points, each) for each in (vertex, following, after(following)[0]))
    area = cross(q - p, r - q)
    squared_edges = squared(p - q) + squared(q - r) + squared(r - p)
    turns_right = on_boundary & (area < 0.0) & ~flat(-area, squared_edges)
    return ~turns_right, jnp.where(on_boundary, jnp.arctan2(area, dot(q - p, r - q)), 0.0)


def _after(simplices, neighbors, vertex_simplex, vertex):
    """The vertex that follows along the boundary, and whether there is one: its `vertex_simplex` has the edge that leaves."""
    row = at(vertex_simplex, vertex)
    a, b, _ = at(simplices, row)
    column = jnp.where(a == vertex, np.int32(0), jnp.where(b == vertex, np.int32(1), np.int32(2)))
    following = at(simplices, row, lax.rem(column + np.int32(1), np.int32(3)))
    return following, (row >= 0) & (at(neighbors, row, lax.rem(column + np.int32(2), np.int32(3))) < 0)


TIE = 1.0e-9
"""Two triangles whose four vertices are on one circle to this relative accuracy are a tie."""


def ties_from(points: Array, simplices: Array, neighbors: Array) -> Array:
    """() int32: across how many edges the other diagonal would be as good, because four vertices are on one circle."""
    return _ties_from(*lax.stop_gradient((points, simplices, neighbors)))


@backend.lane_by_lane
@backend.one_kernel
def _ties_from(points, simplices, neighbors):
    tied = backend.each(partial(_tied, points, simplices, neighbors), _edges_of(simplices))
    return tied.sum(dtype=jnp.int32) // 2


def _tied(points, simplices, neighbors, edge):
    row, column, apex, tail, head = _edge_at(edge, simplices)
    across = at(neighbors, row, column)
    tip = _tip_of(across, tail, head, simplices)
    inside, size = _in_circle(points, jnp.zeros_like(points[:, 0]), apex, tail, head, tip)
    return (across >= 0) & (jnp.abs(inside) <= TIE * size)


def _in_circle(points, lift, a, b, c, tip):
    """() float, positive where the vertex across an edge lies in the circumcircle; and the size of its terms."""
    offsets = [at(points, vertex) - at(points, tip) for vertex in (a, b, c)]
    heights = [squared(offset) + at(lift, tip) - at(lift, vertex) for offset, vertex in zip(offsets, (a, b, c))]
    lengths = [jnp.sqrt(squared(offset)) for offset in offsets]
    inside, size = 0.0, 0.0
    for k in range(3):
        inside += heights[k] * cross(offsets[k - 2], offsets[k - 1])
        size += jnp.abs(heights[k]) * lengths[k - 2] * lengths[k - 1]
    return inside, size
