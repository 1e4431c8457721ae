"""The certificate of a triangulation, by levels: each says of which triangles, or of which vertices, one property holds."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from knn_barycentric import backend
from knn_barycentric.table import vertex_simplex_from
from knn_barycentric.triangle import cross, dot, flat, squared


def certificate(points: Array, distinct: Array, lift: Array, simplices: Array, neighbors: Array) -> Array:
    """() bool: whether the tables are the regular triangulation of the lifted vertices, by levels.

    Positive triangles that are each other's neighbours across every edge but the boundary's, and a boundary that is one convex
    polygon, make the triangles cover the convex hull exactly once; every edge locally Delaunay then makes the whole Delaunay
    (Delaunay's lemma). Without any triangle, all vertices have to lie on one line.
    """
    after, before = _boundary_from(simplices, neighbors)
    of_triangles = (
        positively_oriented(points, simplices)
        & neighbors_are_mutual(simplices, neighbors)
        & boundary_is_simple(simplices, neighbors, after, before)
        & locally_delaunay(points, lift, simplices, neighbors)
    )
    has_triangle = vertex_simplex_from(simplices, neighbors) >= 0
    convex, turn = boundary_is_convex(points, after, before)
    covered = convex & (has_triangle == distinct) & of_triangles.reshape(2, -1).all(axis=0)
    on_line = ~has_triangle & on_one_line(points)
    uncovered, off_line, turns = backend.sums(~covered, ~on_line, turn)
    once_around = (turns > 2.0 * np.pi - 1.0) & (turns < 2.0 * np.pi + 1.0)
    return ((uncovered == 0) & once_around) | (off_line == 0)


def positively_oriented(points: Array, simplices: Array) -> Array:
    """(2N,) bool: whether a triangle of the table is counter-clockwise and not flat."""
    a, b, c = jnp.moveaxis(points[simplices], 1, 0)
    squared_edges = squared(a - b) + squared(b - c) + squared(c - a)
    # Rounding may differ from the star's by a few epsilons at the threshold itself; half of it is still far off zero.
    return ~flat(cross(b - a, c - a), 0.5 * squared_edges) | (simplices[:, 0] < 0)


def on_one_line(points: Array) -> Array:
    """(N,) bool: whether a vertex is on the line through the first vertex and the one farthest from it."""
    offsets = points - points[0]
    along = offsets[jnp.argmax(squared(offsets))]
    squared_edges = squared(along) + squared(offsets) + squared(offsets - along)
    return flat(jnp.abs(cross(along, offsets)), squared_edges)


def _boundary_from(simplices, neighbors):
    """(2, N) int32: the vertex that follows each along the boundary, counter-clockwise, and the one before it; -1 inside."""
    rows = np.int32(simplices.shape[0])
    tail, head = jnp.moveaxis(_edges_of(simplices), -1, 0)
    at = jnp.where((neighbors < 0) & (simplices >= 0), jnp.stack([tail, rows // 2 + head]), rows)
    return jnp.full(rows, -1, jnp.int32).at[at].set(jnp.stack([head, tail]), mode="drop").reshape(2, -1)


def boundary_is_simple(simplices: Array, neighbors: Array, after: Array, before: Array) -> Array:
    """(2N,) bool: whether each edge of a triangle on the boundary is the only one there that leaves its tail or meets its head."""
    tail, head = jnp.moveaxis(_edges_of(simplices), -1, 0)
    return ((neighbors >= 0) | (simplices < 0) | ((after[tail] == head) & (before[head] == tail))).all(axis=1)


def boundary_is_convex(points: Array, after: Array, before: Array) -> tuple[Array, Array]:
    """Whether the boundary only turns left, and by how much.

    Returns
    -------
    convex
        (N,) bool, true of vertices inside too.
    turn
        (N,) float, the turn at each vertex in radians, zero inside; 2 pi in all if the boundary is one polygon, once around.
    """
    p, q, r = points[before], points, points[after]
    area = cross(q - p, r - q)
    squared_edges = squared(p - q) + squared(q - r) + squared(r - p)
    turns_right = (after >= 0) & (area < 0.0) & ~flat(-area, squared_edges)
    return ~turns_right, jnp.where(after >= 0, jnp.arctan2(area, dot(q - p, r - q)), 0.0)


def _edges_of(simplices):
    """(2N, 3, 2) int32: tail and head of the edge opposite each vertex, counter-clockwise."""
    return jnp.stack([jnp.roll(simplices, -1, axis=1), jnp.roll(simplices, -2, axis=1)], axis=-1)


def neighbors_are_mutual(simplices: Array, neighbors: Array) -> Array:
    """(2N,) bool: whether each neighbour of a triangle shares the edge, in the opposite direction, and names it across."""
    rows = jnp.arange(simplices.shape[0], dtype=neighbors.dtype)[:, None, None]
    back = neighbors[neighbors] == rows
    shares = (_edges_of(simplices)[neighbors] == _edges_of(simplices)[:, :, None, ::-1]).all(axis=-1)
    return ((neighbors < 0) | (back & shares).any(axis=-1)).all(axis=1)


def locally_delaunay(points: Array, lift: Array, simplices: Array, neighbors: Array) -> Array:
    """(2N,) bool: whether no vertex across a triangle's edges lies inside its (lifted) circumcircle, beyond rounding."""
    inside, size = _in_circle(points, lift, simplices, neighbors)
    return ((neighbors < 0) | (inside <= 16.0 * jnp.finfo(points.dtype).eps * size)).all(axis=1)


TIE = 1.0e-9
"""Two triangles whose four vertices are on one circle to this relative accuracy are a tie."""


def ties_from(points: Array, simplices: Array, neighbors: Array) -> Array:
    """() int32: across how many edges the other diagonal would be as good, because four vertices are on one circle."""
    inside, size = _in_circle(points, jnp.zeros_like(points[:, 0]), simplices, neighbors)
    return ((neighbors >= 0) & (jnp.abs(inside) <= TIE * size)).sum(dtype=jnp.int32) // 2


def _in_circle(points, lift, simplices, neighbors):
    """(2N, 3) float, positive where the vertex across an edge lies in the circumcircle; and the size of its terms."""
    # Of the triangle across an edge, the vertex that is not on it.
    edge_sum = simplices.sum(axis=1, keepdims=True) - simplices
    opposite = jnp.clip(simplices.sum(axis=1)[neighbors] - edge_sum, 0, points.shape[0] - 1)
    corners, tip = points[simplices], points[opposite]
    offsets = [[corners[:, corner, None, k] - tip[..., k] for k in range(2)] for corner in range(3)]
    lifts = lift[simplices]
    heights = [x**2 + y**2 + lift[opposite] - lifts[:, corner, None] for corner, (x, y) in enumerate(offsets)]
    lengths = [jnp.sqrt(x**2 + y**2) for x, y in offsets]
    inside, size = 0.0, 0.0
    for corner in range(3):
        (bx, by), (cx, cy) = offsets[corner - 2], offsets[corner - 1]
        inside += heights[corner] * (bx * cy - by * cx)
        size += jnp.abs(heights[corner]) * lengths[corner - 2] * lengths[corner - 1]
    return inside, size
