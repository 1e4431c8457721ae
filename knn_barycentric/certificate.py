"""The certificate of a triangulation, by levels: each a function of the tables that says whether one property holds."""

import jax.numpy as jnp
from jax import Array

from knn_barycentric.table import degree_from
from knn_barycentric.triangle import cross, flat


def certificate(points: Array, distinct: Array, lift: Array, simplices: Array, neighbors: Array) -> Array:
    """() bool: whether the tables are the regular triangulation of the lifted vertices, by levels.

    Paired edges (`table.neighbors_from`), positive triangles and a boundary that is one convex polygon make the triangles
    cover the convex hull exactly once; every edge locally Delaunay then makes the whole Delaunay (Delaunay's lemma).
    """
    return (
        positively_oriented(points, simplices)
        & every_vertex_used(points, distinct, simplices)
        & neighbors_are_mutual(simplices, neighbors)
        & boundary_is_convex(points, simplices, neighbors)
        & locally_delaunay(points, lift, simplices, neighbors)
    )


def positively_oriented(points: Array, simplices: Array) -> Array:
    """() bool: whether every triangle of the table is counter-clockwise and not flat."""
    a, b, c = (points[simplices[:, k]] for k in range(3))
    squared_edges = ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2).sum(axis=1)
    # Rounding may differ from the star's by a few epsilons at the threshold itself; half of it is still far off zero.
    return ~(flat(cross(b - a, c - a), 0.5 * squared_edges) & (simplices[:, 0] >= 0)).any()


def every_vertex_used(points: Array, distinct: Array, simplices: Array) -> Array:
    """() bool: whether each distinct vertex, and no duplicate, has a triangle; or all vertices lie on one line."""
    degree = degree_from(simplices)
    return ((degree > 0) == distinct).all() | (~(degree > 0).any() & _on_one_line(points))


def _on_one_line(points):
    """() bool: whether no vertex leaves the line through the first vertex and the one farthest from it."""
    offsets = points - points[0]
    along = offsets[jnp.argmax((offsets**2).sum(axis=1))]
    squared_edges = (along**2 + offsets**2 + (offsets - along) ** 2).sum(axis=1)
    return flat(jnp.abs(cross(along, offsets)), squared_edges).all()


def boundary_is_convex(points: Array, simplices: Array, neighbors: Array) -> Array:
    """() bool: whether the hull edges form one closed polygon that only turns left, once around."""
    n = points.shape[0]
    on_hull = ((neighbors < 0) & (simplices >= 0)).reshape(-1)
    tail, head = simplices[:, (1, 2, 0)].reshape(-1), simplices[:, (2, 0, 1)].reshape(-1)
    here = jnp.where(on_hull, tail, n)
    after = jnp.full(n, -1, jnp.int32).at[here].set(head, mode="drop")
    leaving = jnp.zeros(n, jnp.int32).at[here].add(1, mode="drop")
    arriving = jnp.zeros(n, jnp.int32).at[jnp.where(on_hull, head, n)].add(1, mode="drop")

    hull_vertex = after >= 0
    corner = after[jnp.where(hull_vertex, after, 0)]
    p, q, r = points, points[after], points[corner]
    area, dot = cross(q - p, r - q), ((q - p) * (r - q)).sum(axis=1)
    squared_edges = ((p - q) ** 2 + (q - r) ** 2 + (r - p) ** 2).sum(axis=1)
    turn = jnp.where(hull_vertex, jnp.arctan2(area, dot), 0.0)
    turns_right = hull_vertex & (area < 0.0) & ~flat(-area, squared_edges)
    once_around = jnp.abs(turn.sum() - 2.0 * jnp.pi) < 1.0
    simple = ((leaving == arriving) & (leaving <= 1)).all()
    return (simple & ~turns_right.any() & once_around) | ~hull_vertex.any()


def neighbors_are_mutual(simplices: Array, neighbors: Array) -> Array:
    """() bool: whether triangles that are neighbours share the edge, and each names the other across it."""
    across = simplices[neighbors]
    tail, head = simplices[:, (1, 2, 0), None], simplices[:, (2, 0, 1), None]
    on_edge = (across == tail).any(axis=-1) & (across == head).any(axis=-1)
    rows = jnp.arange(simplices.shape[0], dtype=neighbors.dtype)[:, None, None]
    back = ((neighbors[neighbors] == rows) & (across != tail) & (across != head)).any(axis=-1)
    return ((neighbors < 0) | (on_edge & back)).all()


def locally_delaunay(points: Array, lift: Array, simplices: Array, neighbors: Array) -> Array:
    """() bool: whether no vertex across an edge lies inside the (lifted) circumcircle, beyond rounding."""
    inside, size = _in_circle(points, lift, simplices, neighbors)
    return ~((neighbors >= 0) & (inside > 16.0 * jnp.finfo(points.dtype).eps * size)).any()


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
    offsets, heights = [], []
    for corner in range(3):
        own = simplices[:, corner, None]
        offset = [points[own, k] - points[opposite, k] for k in range(2)]
        offsets.append(offset)
        heights.append(offset[0] ** 2 + offset[1] ** 2 + lift[opposite] - lift[own])
    lengths = [jnp.sqrt(x**2 + y**2) for x, y in offsets]
    inside, size = 0.0, 0.0
    for corner in range(3):
        (bx, by), (cx, cy) = offsets[corner - 2], offsets[corner - 1]
        inside += heights[corner] * (bx * cy - by * cx)
        size += jnp.abs(heights[corner]) * lengths[corner - 2] * lengths[corner - 1]
    return inside, size
