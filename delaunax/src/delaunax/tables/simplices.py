"""Tables derived from a table of triangles: neighbours, a triangle of each vertex, dual areas.

A table of triangles is (2N, 3) int32: the vertices of at most 2N triangles, with -1 in unused rows.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.triangle import cross
from delaunax.platform.dispatch import differentiable
from delaunax.platform.indexing import NONE, gather


@platform.fused
def vertex_simplex_from(simplices: Array, neighbors: Array) -> Array:
    """(N,) int32: the triangle of each vertex at which a counter-clockwise turn around it starts; -1 if it has none."""
    # At the hull, the triangle without a neighbour on its clockwise side; elsewhere, the last triangle in the table.
    number = np.int32(len(simplices))
    begins = (neighbors[:, (2, 0, 1)] < 0).astype(jnp.int32)
    order = np.arange(number, dtype=np.int32)[:, None] + number * begins
    last = platform.scatter("max", jnp.full(len(simplices) // 2, NONE), simplices, order)
    return lax.rem(last, jnp.full_like(last, number))


def vertex_after(
    simplices: Array, neighbors: Array, vertex_simplex: Array, vertex: Array
) -> tuple[Array, Array, Array]:
    """The vertex after this one along the boundary, whether there is one, and whether `vertex_simplex` contains this vertex.

    The boundary edge that leaves a vertex belongs to the triangle that `vertex_simplex` names.
    """
    row = gather(vertex_simplex, vertex)
    a, b, c = gather(simplices, row)
    column = jnp.where(a == vertex, np.int32(0), jnp.where(b == vertex, np.int32(1), np.int32(2)))
    following = gather(simplices, row, lax.rem(column + np.int32(1), np.int32(3)))
    on_boundary = (row >= 0) & (gather(neighbors, row, lax.rem(column + np.int32(2), np.int32(3))) < 0)
    return following, on_boundary, (row < 0) | (a == vertex) | (b == vertex) | (c == vertex)


def _dual_areas_from(primitives, points, simplices):
    a, b, c = (gather(points, simplices[:, k]) for k in range(3))
    doubled = jnp.abs(cross(b - a, c - a))
    # An offset or two products that overflow give NaN. The area is then out of range, too.
    doubled = jnp.where(jnp.isnan(doubled), np.asarray(np.inf, doubled.dtype), doubled)
    thirds = jnp.where(simplices[:, 0] >= 0, doubled / 6.0, 0.0)
    return primitives.scatter("add", jnp.zeros_like(points[:, 0]), simplices, thirds[:, None])


# For derivatives, JAX needs a function without loops: the one for GPUs.
dual_areas_from = differentiable(
    platform.fused(partial(_dual_areas_from, platform)), plain=partial(_dual_areas_from, platform.gpu)
)
"""(N,) float of (N, 2) points and (2N, 3) simplices: a third of the area of each vertex's triangles; differentiable."""


def neighbors_from(simplices: Array) -> Array:
    """(2N, 3) int32: column k holds the triangle on the other side of the edge opposite vertex k, or -1.

    Found by sorting the edges, so vertices may have any number of triangles. If three triangles share an edge, or two run
    along it in the same direction, they do not become mutual neighbours, and the certificate rejects the table.
    """
    edges = _edges_of(simplices)
    return _neighbors_across(lax.sort(edges, num_keys=min(2, len(edges))))


@platform.fused
def _edges_of(simplices):
    """The sort keys of the 6N edges of (2N, 3) triangles, in the order of their vertices."""
    rows = np.int32(simplices.shape[0])
    tail, head = simplices[:, (1, 2, 0)].reshape(-1), simplices[:, (2, 0, 1)].reshape(-1)
    low, high = jnp.where(tail < 0, rows, jnp.minimum(tail, head)), jnp.maximum(jnp.maximum(tail, head), 0)
    edge, bits = jnp.arange(low.shape[0], dtype=jnp.int32), low.shape[0].bit_length()
    if not jax.config.jax_enable_x64 or 3 * bits > 63:
        return [low, high, edge]
    # One integer per edge sorts several times faster than three.
    low, high, edge = (each.astype(jnp.int64) for each in (low, high, edge))
    return [(low << 2 * bits) | (high << bits) | edge]


def _unpacked(edges):
    """(E,) int32 each: the lower vertex of each edge, the higher vertex, and the place of the edge in the table."""
    if len(edges) == 1:
        wide, bits = edges[0], len(edges[0]).bit_length()
        edges = [wide >> 2 * bits, (wide >> bits) & (2**bits - 1), wide & (2**bits - 1)]
    return [each.astype(jnp.int32) for each in edges]


@platform.fused
def _neighbors_across(edges):
    """(2N, 3) int32: the neighbours, from the sorted keys."""
    low, high, edge = _unpacked(edges)
    rows = len(edge) // 3
    with_next = (low[:-1] < rows) & (low[1:] == low[:-1]) & (high[1:] == high[:-1])
    with_next, with_previous = jnp.pad(with_next, (0, 1)), jnp.pad(with_next, (1, 0))
    triangle = lax.div(edge, jnp.full_like(edge, 3))
    across = jnp.where(with_next, jnp.roll(triangle, -1), jnp.where(with_previous, jnp.roll(triangle, 1), NONE))

    return platform.scatter("set", jnp.zeros_like(edge), edge, across).reshape(rows, 3)
