"""A spatial sort of the mesh: which vertices are near which, and near which vertex a query point lies.

A k-d tree (Bentley 1975, Commun. ACM 18, 509) in arrays of fixed shape: every level halves all its nodes at once, by
one sort along their longer sides. Nearness found here is a proposal, never an answer: the stars are certified, and
the walk through the triangles is exact from wherever it starts.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

LEAF = 4
"""Vertices in a leaf, at most."""

NEAR = 48
"""Vertices that are proposed to each vertex, itself included."""


class SpatialSort(NamedTuple):
    """N vertices sorted into 2^L leaves of S vertices; the depth L is static.

    Attributes
    ----------
    leaves
        (2^L, S) int32, the vertices of each leaf; N where a leaf is not full.
    along_x
        L arrays of (2^level,) bool: whether the nodes of a level are split along the first coordinate.
    split
        L arrays of (2^level,) float: the coordinate from which on a point belongs to the second half.
    """

    leaves: jax.Array
    along_x: tuple
    split: tuple


@jax.jit
def spatial_sort(points: Array) -> SpatialSort:
    """Sort (N, 2) vertices into leaves; works under `jit` and `vmap`. Those that are not finite count as the origin."""
    n = points.shape[0]
    points = lax.stop_gradient(points)
    points = jnp.where(jnp.isfinite(points), points, 0.0)
    depth = max(0, (-(-n // LEAF) - 1).bit_length())
    slots = -(-n // 2**depth) * 2**depth
    slot = jnp.arange(slots, dtype=jnp.int32)
    # Empty slots lie at infinity: they end up in leaves of their own.
    x, y = (jnp.pad(points[:, k], (0, slots - n), constant_values=jnp.inf) for k in range(2))
    # A sort of one array of integers is several times faster than one that carries others along: sort the ranks.
    by_x, by_y = (lax.sort((values, slot), num_keys=1)[1] for values in (x, y))
    rank_x, rank_y = (jnp.zeros_like(slot).at[by].set(slot, unique_indices=True) for by in (by_x, by_y))

    along_x, split, vertices = [], [], slot
    for level in range(depth):
        vertices = vertices.reshape(2**level, -1)
        along_x.append(jnp.ptp(x[vertices], axis=1) >= jnp.ptp(y[vertices], axis=1))
        by_column = along_x[-1][:, None]
        ranks = lax.sort(jnp.where(by_column, rank_x[vertices], rank_y[vertices]), dimension=1)
        vertices = jnp.where(by_column, by_x[ranks], by_y[ranks])
        middle = vertices[:, vertices.shape[1] // 2]
        split.append(jnp.where(along_x[-1], x[middle], y[middle]))
    leaves = jnp.minimum(vertices.reshape(2**depth, -1), n)
    return SpatialSort(leaves, tuple(along_x), tuple(split))


def leaf_of(sort: SpatialSort, query_points: Array) -> Array:
    """(Q,) int32: the leaf in whose cell each query point lies."""
    x, y = query_points[:, 0], query_points[:, 1]
    node = jnp.zeros(query_points.shape[0], jnp.int32)
    for along_x, split in zip(sort.along_x, sort.split):
        node = 2 * node + (jnp.where(along_x[node], x, y) >= split[node])
    return node


def vertices_near_leaves(points: Array, sort: SpatialSort) -> Array:
    """(2^L, K) int32: for every leaf the vertices of the leaves nearest to it; N in empty places.

    Found from the root downwards: the nearest nodes of a node are sought among the children of those nearest to its
    parent, so that the work is proportional to the number of leaves.
    """
    count, size = sort.leaves.shape
    keep = -(-NEAR // size)
    depth = len(sort.split)
    level = min(depth, 5)
    # Nodes are columns: XLA's CPU backend is fast at minima over rows.
    near = jnp.broadcast_to(jnp.arange(2**level, dtype=jnp.int32)[:, None], (2**level, 2**level))
    while True:
        if near.shape[0] > keep:
            near = _nearest_of(near, _boxes(points, sort, level), keep)
        if level == depth:
            return sort.leaves[near.T].reshape(count, -1)
        deeper = min(2, depth - level)
        level += deeper
        children = near[:, None, :] * 2**deeper + jnp.arange(2**deeper, dtype=jnp.int32)[:, None]
        near = jnp.repeat(children.reshape(-1, near.shape[1]), 2**deeper, axis=1)


def _boxes(points, sort, level):
    """For either coordinate the bounds (2^level,) of the vertices of each node, in fp32 units of the mesh's extent."""
    vertices = sort.leaves.reshape(2**level, -1)
    inside = vertices < points.shape[0]
    extent = jnp.ptp(points, axis=0).max()
    for k in range(2):
        unit = ((points[:, k] - points[0, k]) / jnp.where(extent > 0.0, extent, 1.0)).astype(jnp.float32)[vertices]
        yield jnp.where(inside, unit, 9.0).min(axis=1), jnp.where(inside, unit, -9.0).max(axis=1)


def _nearest_of(near, boxes, keep):
    """Of the (C, M) nodes proposed to each of M nodes, the (keep, M) whose boxes lie nearest to its own."""
    distance = jnp.zeros(near.shape, jnp.float32)
    for lower, upper in boxes:
        centre = 0.5 * (lower + upper)
        gap = jnp.maximum(jnp.maximum(lower[near] - upper, lower - upper[near]), 0.0)
        # Boxes that touch are ordered by their centres.
        distance += gap**2 + 1.0e-3 * (centre[near] - centre) ** 2
    # The order of positive floats is that of their bits, the last of which can hold the row: one minimum gives both.
    rows = 2 ** (near.shape[0] - 1).bit_length()
    keys = lax.bitcast_convert_type(distance, jnp.int32) & -rows | jnp.arange(near.shape[0], dtype=jnp.int32)[:, None]

    def take(keys, _):
        smallest = keys.min(axis=0)
        return jnp.where(keys == smallest, jnp.iinfo(jnp.int32).max, keys), smallest & (rows - 1)

    _, row = lax.scan(take, keys, None, length=keep)
    return jnp.take_along_axis(near, row, axis=0)
