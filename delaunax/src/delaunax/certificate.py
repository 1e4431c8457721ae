"""The certificate of a triangulation: every property of it is certain, or was decided in exact arithmetic.

Positive triangles that are each other's neighbours across every edge but the boundary's, and a boundary that is one convex
polygon, make the triangles cover the convex hull exactly once; every edge locally Delaunay then makes the whole Delaunay
(Delaunay's lemma). With the tie rule of `exact`, by which of co-circular vertices one diagonal only is right, exactly one
triangulation passes.

A sign is certain where floating point is farther from zero than its error bound. Where it is not, the star of a vertex that was
sought exactly, among all vertices, has decided it: its triangles are positive, their circles are empty, and nothing lies to the
right of the first edge of a hull vertex, nor to the left of its last. What is neither certain nor decided so is not accepted.

As many edges of the boundary end in a vertex as leave it, because all others cancel in pairs. So it is one polygon, or
several, if no two of its edges leave the same vertex. If these turn to the left or go straight on everywhere, they are one that
is run through once exactly if one vertex only is a leftmost one (the lower of two with the same x): another is there for every
further time around.

The edges are those of every triangle: the edge `3 row + column` of a table runs counter-clockwise, opposite the vertex in that
place.
"""

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.arithmetic.error_bounds import determinants, orientation
from delaunax.arithmetic.triangle import cross, squared
from delaunax.platform import backend
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather
from delaunax.stars.star_splaying import Vertices


def certificate(
    vertices: Vertices, exact: Array, simplices: Array, neighbors: Array, vertex_simplex: Array
) -> tuple[Array, Array]:
    """Whether the tables are the Delaunay triangulation of the vertices.

    Parameters
    ----------
    vertices
        The `stars.Vertices`.
    exact
        (N,) bool, whose stars were sought exactly, or all of them where vertices were inserted. The star of its first vertex
        has written each row.
    simplices, neighbors, vertex_simplex
        As in `triangulation.Triangulation`.

    Returns
    -------
    certified
        () bool.
    wrong
        (N,) bool, the vertices of what is not right, or neither certain nor decided.
    """
    n, points = len(vertices.points), vertices.points
    edges, every = np.arange(6 * n, dtype=np.int32), np.arange(n, dtype=np.int32)
    tables = simplices, neighbors, vertex_simplex
    edge_holds = backend.map_rows(partial(_edge_holds, points, exact, *tables), edges)
    after, turns_right, lowest = backend.map_rows(partial(_boundary_at, points, exact, vertices.rank, *tables), every)

    has_triangle, rows = vertex_simplex >= 0, np.arange(2 * n, dtype=np.int32)
    fails, lost = ~edge_holds.reshape(-1, 3).all(axis=1), has_triangle != vertices.distinct
    failures, triangles, times_around = backend.sums(lost | turns_right | fails[:n] | fails[n:], has_triangle, lowest)
    # The vertices of both triangles at a corner, too: the wrong one may be where only its edge is on the boundary of a hole.
    at_corners = (jnp.where(turns_right, row, NONE) for row in (vertex_simplex, gather(vertex_simplex, after)))
    found_wrong = jnp.concatenate([jnp.where(fails, rows, NONE), *at_corners])
    corners = jnp.where(found_wrong[:, None] < 0, NONE, gather(simplices, found_wrong))
    wrong = backend.scatter("set", lost, corners, True)
    # The first vertex writes all triangles of its star: if that has none, exactly, all vertices are on one line.
    return jnp.where(triangles > 0, (failures == 0) & (times_around == 1), exact[0]), wrong


def certainly_off_a_line(points: Array) -> Array:
    """() bool: whether (N, 2) points, finite and of order one, are certainly not all on one line.

    That of the first and the one farthest from it.
    """
    offsets = points - points[0]
    turn = orientation(_vector(offsets[lax.argmax(squared(offsets), 0, np.int32)]), _vector(offsets))
    return (turn.positive | turn.negative).any()


def _vector(offsets):
    return offsets[..., 0], offsets[..., 1]


def _seen_from(points, vertex, others):
    """The offsets of () int32 vertices from another one, as vectors."""
    x, y = gather(points, vertex)
    return [(gather(points, other, 0) - x, gather(points, other, 1) - y) for other in others]


def _edge_at(edge, simplices):
    """The () int32 row and column of an edge, and its triangle's vertices from the one opposite on."""
    row, column = lax.div(edge, np.int32(3)), lax.rem(edge, np.int32(3))
    return row, column, *(gather(simplices, row, lax.rem(column + np.int32(k), np.int32(3))) for k in range(3))


def _edge_holds(points, exact, simplices, neighbors, vertex_simplex, edge):
    """() bool: whether an edge of the table has all properties; true in an unused row."""
    row, column, apex, tail, head = _edge_at(edge, simplices)
    across = gather(neighbors, row, column)
    boundary = across < 0
    fits = jnp.where(
        boundary,
        gather(vertex_simplex, tail) == row,
        neighbors_are_mutual(row, across, tail, head, simplices, neighbors),
    )
    tip = _tip_of(across, tail, head, simplices)
    found = determinants(*_seen_from(points, apex, (tail, head, tip)))
    turn, inside = found.turn, found.inside
    decided = gather(exact, gather(simplices, row, 0)) & ~turn.negative & (boundary | ~inside.positive)
    return (apex < 0) | (fits & (decided | (turn.positive & (boundary | inside.negative))))


def neighbors_are_mutual(
    row: Array, across: Array, tail: Array, head: Array, simplices: Array, neighbors: Array
) -> Array:
    """() bool: whether the neighbour across an edge shares it, in the opposite direction, and names the triangle there."""
    a, b, c = gather(simplices, across)
    of_a, of_b, of_c = gather(neighbors, across) == row
    return (of_a & (b == head) & (c == tail)) | (of_b & (c == head) & (a == tail)) | (of_c & (a == head) & (b == tail))


def _tip_of(across, tail, head, simplices):
    """The vertex of the triangle across an edge that is not on it; some vertex where there is no such triangle."""
    a, b, c = gather(simplices, across)
    return jnp.clip(a + b + c - tail - head, np.int32(0), np.int32(len(simplices) // 2 - 1))


def _boundary_at(points, exact, rank, simplices, neighbors, vertex_simplex, vertex):
    """What follows along the boundary, whether it may turn to the right there, and whether that is a leftmost vertex."""
    after = partial(_after, simplices, neighbors, vertex_simplex)
    following, on_boundary = after(vertex)
    third = after(following)[0]
    before, here, behind = (gather(rank, each) for each in (vertex, following, third))
    lowest = on_boundary & (here < before) & (here < behind)
    turn = orientation(*_seen_from(points, vertex, (following, third)))
    return following, on_boundary & (turn.negative | ~(turn.positive | gather(exact, vertex))), lowest


def _after(simplices, neighbors, vertex_simplex, vertex):
    """The vertex that follows along the boundary, and whether there is one: its `vertex_simplex` has the edge that leaves."""
    row = gather(vertex_simplex, vertex)
    a, b, _ = gather(simplices, row)
    column = jnp.where(a == vertex, np.int32(0), jnp.where(b == vertex, np.int32(1), np.int32(2)))
    following = gather(simplices, row, lax.rem(column + np.int32(1), np.int32(3)))
    return following, (row >= 0) & (gather(neighbors, row, lax.rem(column + np.int32(2), np.int32(3))) < 0)


TIE = 1.0e-9
"""Two triangles whose four vertices are on one circle to this relative accuracy are a tie."""


def ties_from(points: Array, simplices: Array, neighbors: Array) -> Array:
    """() int32: across how many edges the other diagonal would be as good, because four vertices are on one circle."""
    return _ties_from(*lax.stop_gradient((points, simplices, neighbors)))


@by_platform
@backend.fused
def _ties_from(points, simplices, neighbors):
    tied = backend.map_rows(partial(_tied, points, simplices, neighbors), np.arange(simplices.size, dtype=np.int32))
    return tied.sum(dtype=jnp.int32) // 2


def _tied(points, simplices, neighbors, edge):
    row, column, apex, tail, head = _edge_at(edge, simplices)
    across = gather(neighbors, row, column)
    inside, size = _in_circle(points, apex, tail, head, _tip_of(across, tail, head, simplices))
    return (across >= 0) & (jnp.abs(inside) <= TIE * size)


def _in_circle(points, a, b, c, tip):
    """() float, positive where the vertex across an edge lies in the circumcircle; and the size of its terms."""
    offsets = [gather(points, vertex) - gather(points, tip) for vertex in (a, b, c)]
    heights = [squared(offset) for offset in offsets]
    lengths = [jnp.sqrt(height) for height in heights]
    inside, size = 0.0, 0.0
    for k in range(3):
        inside += heights[k] * cross(offsets[k - 2], offsets[k - 1])
        size += heights[k] * lengths[k - 2] * lengths[k - 1]
    return inside, size
