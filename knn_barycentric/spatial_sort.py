"""A spatial sort of the mesh: which vertices are near which, which coincide, and near which vertex a query point lies.

A k-d tree (Bentley 1975, Commun. ACM 18, 509) in arrays of fixed shape: every level halves all its nodes at once, by
one sort along their longer sides. All levels are steps of one loop, which is compiled once. Nearness found here is a
proposal, never an answer: the stars are certified, and the walk through the triangles is exact from wherever it starts.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from knn_barycentric import backend

LEAF = 4
"""Vertices in a leaf, at most."""

NEAR = 64
"""Vertices that are proposed to each vertex, itself included, or a few more."""


class SpatialSort(NamedTuple):
    """N vertices sorted into 2^L leaves of S vertices, by L levels of nodes above them; L is static.

    Attributes
    ----------
    leaves
        (2^L, S) int32, the vertices of each leaf; N where a leaf is not full.
    along_x
        (L + 1, 2^L) bool, whether the nodes of a level are split along the first coordinate. A level has 2^level nodes, the
        other columns are unused; so is the last row, as leaves are not split.
    split
        (L + 1, 2^L) float, the coordinate from which on a point belongs to the second half.
    boxes
        (L + 1, 2^L, 4) float, the largest x, y, -x and -y in each node; -inf where it is empty.
    first
        (N,) bool, true for the first vertex of every set of coincident ones, false for its duplicates.
    """

    leaves: jax.Array
    along_x: jax.Array
    split: jax.Array
    boxes: jax.Array
    first: jax.Array

    @property
    def extent(self) -> Array:
        """() float: the longer side of the box around all vertices; not finite where a vertex is not."""
        return _sides(self.boxes[0, 0]).max()


def _sides(boxes):
    """(..., 2) float: the sides of (..., 4) boxes along x and y."""
    return boxes[..., :2] + boxes[..., 2:]


def spatial_sort(points: Array) -> SpatialSort:
    """Sort (N, 2) vertices into leaves; works under `jit` and `vmap`. It means nothing where a vertex is not finite."""
    return _spatial_sort(lax.stop_gradient(points))


@jax.jit
@backend.lane_by_lane
def _spatial_sort(points):
    n = points.shape[0]
    depth = max(0, (-(-n // LEAF) - 1).bit_length())
    size = -(-n // 2**depth)
    slots = size * 2**depth
    slot, node = jnp.arange(slots, dtype=jnp.int32), jnp.arange(2**depth, dtype=jnp.int32)
    reach = jnp.pad(jnp.concatenate([points, -points], axis=1), ((0, slots - n), (0, 0)), constant_values=-np.inf)
    # Empty slots lie at infinity: they end up in leaves of their own.
    coordinates = jnp.pad(points.T, ((0, 0), (0, slots - n)), constant_values=np.inf)
    x, y = backend.in_order(coordinates)
    # Coincident vertices have the same hash: in its order they are next to each other, the earlier first.
    keys = jnp.stack([x, y, x * HASH[0].astype(x.dtype) + y * HASH[1].astype(x.dtype)])
    # A sort of one array of integers is several times faster than one that carries others along: below, sort the ranks.
    by = lax.sort((keys, jnp.broadcast_to(slot, keys.shape)), num_keys=1)[1]
    rank = jnp.zeros_like(by).at[jnp.arange(3)[:, None], by].set(slot, unique_indices=True)
    again = (coordinates[:, by[2]] == coordinates[:, jnp.roll(by[2], 1)]).all(axis=0) & (slot > 0)
    first = ~again[rank[2, :n]]

    def halve(vertices, size):
        home = lax.div(slot, jnp.full_like(slot, size))
        box = jnp.full((2**depth, 4), -np.inf, points.dtype).at[home].max(reach[vertices])
        sides = _sides(box)
        axis = (sides[:, 0] < sides[:, 1]).astype(jnp.int32)
        ranks = _sorted_within(home, rank[axis[home], vertices])
        vertices = by[axis[home], ranks]
        middle = vertices[jnp.minimum(node * size + (size >> 1), slots - 1)]
        return vertices, (axis == 0, coordinates[axis, middle], box)

    sizes = jnp.asarray(slots // 2 ** np.arange(depth + 1), jnp.int32)
    vertices, (along_x, split, boxes) = lax.scan(halve, slot, sizes)
    return SpatialSort(jnp.minimum(vertices.reshape(-1, size), n), along_x, split, boxes, first)


HASH = np.asarray([-7046029254386353131, -4417276706812531889])
"""Odd numbers without a pattern in their bits, by which coordinates are mixed."""


def _sorted_within(home, ranks):
    """The (M,) int32 `ranks` in order within each home, where homes are numbered in the order of their places."""
    bits = (ranks.shape[0] - 1).bit_length()
    if 2 * bits > 31:
        return lax.sort((home, ranks), num_keys=2)[1]
    return lax.sort(home << bits | ranks) & (2**bits - 1)


def leaf_of(sort: SpatialSort, query_points: Array) -> Array:
    """(Q,) int32: the leaf in whose cell each query point lies."""
    x, y = query_points[:, 0], query_points[:, 1]
    node = jnp.zeros(query_points.shape[0], jnp.int32)
    for along_x, split in zip(sort.along_x[:-1], sort.split[:-1]):
        node = 2 * node + (jnp.where(along_x[node], x, y) >= split[node])
    return node


class Near(NamedTuple):
    """Which vertices of a mesh of N are near which.

    Attributes
    ----------
    leaf
        (N,) int32, the leaf that holds each vertex.
    of_leaf
        (2^L, K) int32, the vertices that are near those of each leaf; N in empty places.
    """

    leaf: jax.Array
    of_leaf: jax.Array

    def to(self, vertices: Array) -> Array:
        """(K, V) int32: those that are near to each of (V,) vertices; N in empty places."""
        return self.of_leaf[self.leaf[vertices]].T


def near_vertices(sort: SpatialSort) -> Near:
    """The vertices near each vertex: those of the leaves nearest to its own.

    Found from the root downwards: the nodes nearest to a leaf's ancestor are sought among the grandchildren of those nearest
    to the ancestor two levels above, so that the work is proportional to the number of leaves times the depth.
    """
    count, size = sort.leaves.shape
    depth, keep = count.bit_length() - 1, -(-NEAR // size)
    # Leaves are columns: XLA's CPU backend is fast at minima over rows.
    leaf = jnp.arange(count, dtype=jnp.int32)
    home = jnp.zeros_like(sort.first, jnp.int32).at[sort.leaves].set(leaf[:, None], mode="drop")
    unit = jnp.where(sort.extent > 0.0, sort.extent, 1.0)

    def deeper(near, level):
        children = (4 * near[:, None, :] + jnp.arange(4, dtype=jnp.int32)[:, None]).reshape(-1, count)
        box = sort.boxes[level] / unit
        own, theirs = box[leaf >> (depth - level)], box[children]
        gap = jnp.maximum(-jnp.minimum(own[:, :2] + theirs[..., 2:], own[:, 2:] + theirs[..., :2]), 0.0)
        between = 0.5 * ((own[:, :2] - own[:, 2:]) - (theirs[..., :2] - theirs[..., 2:]))
        # Boxes that touch are ordered by their centres.
        squared = gap**2 + 1.0e-3 * between**2
        empty = (children >> level > 0) | (theirs[..., 0] == -np.inf)
        rows = _smallest(jnp.where(empty, np.inf, squared[..., 0] + squared[..., 1]), keep)
        return jnp.take_along_axis(children, rows, axis=0), None

    # At the first of these levels the children of so many nodes are all there are.
    first = depth if depth < 5 else 6 - depth % 2
    near = jnp.broadcast_to(jnp.arange(keep, dtype=jnp.int32)[:, None], (keep, count))
    near, _ = lax.scan(deeper, near, jnp.arange(first, depth + 1, 2, dtype=jnp.int32))
    # Where there are too few leaves the last is named again.
    return Near(home, sort.leaves[jnp.minimum(near.T, count - 1)].reshape(count, -1))


def _smallest(distance, number):
    """(number, M) int32: the rows of the smallest of (C, M) positive distances in each column, nearest first."""
    # The order of positive floats is that of their bits, the last of which can hold the row: one minimum gives both.
    rows = 2 ** (distance.shape[0] - 1).bit_length()
    keys = lax.bitcast_convert_type(distance.astype(jnp.float32), jnp.int32) & -rows
    keys = keys | jnp.arange(distance.shape[0], dtype=jnp.int32)[:, None]

    def take(keys, _):
        smallest = keys.min(axis=0)
        return jnp.where(keys == smallest, jnp.iinfo(jnp.int32).max, keys), smallest & (rows - 1)

    return lax.scan(take, keys, None, length=number)[1]
