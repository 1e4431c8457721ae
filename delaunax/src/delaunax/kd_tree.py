"""A k-d tree of the vertices: which are near which, which coincide, and near which vertex a query point lies.

The tree (Bentley 1975, Commun. ACM 18, 509) in arrays of fixed shape: every level halves all its nodes at once, by
taking their vertices from one order along x and one along y. All levels are steps of one loop, compiled once. Nearness found
here is a proposal, never an answer: the stars are certified, and the walk through the triangles is right from wherever it
starts.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import backend
from delaunax.indexing import DROP, gather
from delaunax.platforms import by_platform
from delaunax.scaling import largest_exponent, scaled

LEAF = 5
"""Vertices in a leaf, at most."""

NEAR = 100
"""How many vertices are near each vertex, itself included, or a few more: so many that hardly a star is sought again (`stars`)
but at the hull."""


class KDTree(NamedTuple):
    """N vertices sorted into 2^L leaves of S vertices, by L levels of nodes above them; L is static.

    Its coordinates are scaled by the power of two that brings the largest to order one (`scaling`).

    Attributes
    ----------
    points
        (N, 2) float, the vertices.
    exponent
        () int32, by whose `scaling.scaled` they are scaled.
    leaves
        (2^L, S) int32, the vertices of each leaf; N or more where a leaf is not full.
    nodes
        (L + 1, 2^L, 5) float, of each node the largest x, y, -x and -y in it, -inf where it is empty; and the coordinate
        along its longer side from which on a point belongs to its second half. A level has 2^level nodes, the other columns
        are unused; leaves are not split.
    first
        (N,) bool, true for the first vertex of every set of coincident ones, false for its duplicates.
    rank
        (N,) int32, the place of each vertex in the order of x and then y.
    """

    points: jax.Array
    exponent: jax.Array
    leaves: jax.Array
    nodes: jax.Array
    first: jax.Array
    rank: jax.Array

    @property
    def boxes(self) -> Array:
        """(L + 1, 2^L, 4) float, the largest x, y, -x and -y in each node."""
        return self.nodes[..., :4]

    @property
    def extent(self) -> Array:
        """() float: the longer side of the box around all vertices."""
        return _sides(self.boxes[0, 0]).max()


def _sides(nodes):
    """(..., 2) float: the sides of (..., 4 or 5) nodes along x and y."""
    return nodes[..., :2] + nodes[..., 2:4]


def _axis_of(nodes):
    """(...,) int32: along which axis nodes are split."""
    sides = _sides(nodes)
    return (sides[..., 0] < sides[..., 1]).astype(jnp.int32)


def build_kd_tree(points: Array) -> KDTree:
    """Sort (N, 2) vertices into leaves; works under `jit` and `vmap`. It means nothing where a vertex is not finite."""
    return _kd_tree(lax.stop_gradient(points))


@jax.jit
@by_platform
def _kd_tree(points):
    n = points.shape[0]
    depth = max(0, (-(-n // LEAF) - 1).bit_length())
    size = -(-n // 2**depth)
    slots = size * 2**depth
    finite, exponent, coordinates, keys = backend.fused(partial(_padded, slots))(points)
    # In the order of y, and then, in a stable sort, of x: one key sorts several times faster than two.
    _, by_y = lax.sort((keys[1], np.arange(slots, dtype=np.int32)), num_keys=1)
    _, by_x = lax.sort((gather(keys[0], by_y), by_y), num_keys=1)
    vertices, *rest = backend.fused(partial(_halved, n, depth))(coordinates, keys, by_x, by_y)
    return KDTree(finite, exponent, vertices.reshape(-1, size), *rest)


def _padded(slots, points):
    """What is sorted of (N, 2) vertices, padded to so many slots, the empty ones at infinity.

    Returns
    -------
    finite, exponent
        The `points` and `exponent` of the tree.
    coordinates
        (M, 2) float, x and y.
    keys
        (2, M) int, the same in the order of floats.
    """
    exponent = largest_exponent(points)
    finite = scaled(points, exponent)
    empty = ((0, slots - len(points)), (0, 0))
    coordinates = jnp.pad(finite, empty, constant_values=np.inf)
    # Integers in the order of floats sort faster, and tell subnormals apart; both zeros are one.
    bits = lax.bitcast_convert_type(jnp.pad(points, empty, constant_values=np.inf).T, f"int{8 * points.dtype.itemsize}")
    bits = jnp.where(bits == np.iinfo(bits.dtype).min, 0, bits)
    return finite, exponent, coordinates, jnp.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def _halved(n, depth, coordinates, keys, by_x, by_y):
    """The vertices leaf by leaf, the nodes above them, which vertices are the first of their place, and their ranks."""
    slots, columns = len(coordinates), 2**depth
    slot, node = np.arange(slots, dtype=np.int32), np.arange(columns, dtype=np.int32)

    def halve(carry, level):
        orders, _ = carry
        width = np.int32(slots) >> level
        half, home = width >> 1, lax.div(slot, jnp.full_like(slot, width))
        # The vertices of a node, along x and along y, take as many slots as in all others. The empty ones come last.
        first, last = node * width, jnp.minimum((node + 1) * width, np.int32(n)) - 1
        ends = [gather(coordinates[:, k], gather(orders[k], end)) for end in (last, first) for k in range(2)]
        box = jnp.stack([ends[0], ends[1], -ends[2], -ends[3]], axis=1)
        box = jnp.where((first <= last)[:, None], box, -np.inf)
        axis = _axis_of(box)
        # Every node is halved along its longer side.
        line = jnp.where(gather(axis, home) == 0, orders[0], orders[1])
        split = gather(coordinates, gather(line, first + half), axis)

        def assign(second, places):
            return second.at[gather(line, places)].set(gather(slot - home * width >= half, places), **DROP)

        second = backend.scan_rows(assign, jnp.zeros(slots, bool), slots)
        halves = gather(second, orders)
        # How many of its own node's second half come before each; all nodes before it have half of their vertices there.
        before = backend.running_sums(halves) - home * half
        to = jnp.where(halves, home * width + half + before, slot - before)

        def put(halved, places):
            for k in range(2):
                halved = halved.at[k, gather(to[k], places)].set(gather(orders[k], places), **DROP)
            return halved

        return (backend.scan_rows(put, orders, slots), line), jnp.concatenate([box, split[:, None]], axis=1)

    (_, vertices), nodes = lax.scan(
        halve, (jnp.stack([by_x, by_y]), jnp.asarray(slot)), np.arange(depth + 1, dtype=np.int32)
    )

    def mark(carry, places):
        first, rank = carry
        vertex, before = gather(by_x, places), gather(by_x, places - 1)
        again = (gather(keys, 0, vertex) == gather(keys, 0, before)) & (
            gather(keys, 1, vertex) == gather(keys, 1, before)
        )
        return first.at[vertex].set(~again | (places == 0), **DROP), rank.at[vertex].set(places, **DROP)

    return vertices, nodes, *backend.scan_rows(mark, (jnp.zeros(n, bool), jnp.zeros(n, jnp.int32)), slots)


@backend.fused
def leaf_of(tree: KDTree, query_points: Array) -> Array:
    """(Q,) int32: the leaf in whose cell each query point lies."""
    x, y = query_points[:, 0], query_points[:, 1]
    node = jnp.zeros(query_points.shape[0], jnp.int32)
    for along_y, split in zip(_axis_of(tree.nodes[:-1]), tree.nodes[:-1, :, 4]):
        node = 2 * node + (jnp.where(gather(along_y, node) > 0, y, x) >= gather(split, node))
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
        return gather(self.of_leaf, gather(self.leaf, vertices)).T


@backend.fused
def near_vertices(tree: KDTree) -> Near:
    """The vertices near each vertex: those of the leaves nearest to its own.

    Found from the root downwards: the nodes nearest to a node are sought among the halves of those nearest to its parent, so
    that the work is proportional to the number of leaves.
    """
    (count, size), n = tree.leaves.shape, np.int32(tree.first.shape[0])
    # Nodes are numbered from the root, 1, on, so that the halves of a node are 2 and 2 + 1 times its number; leaves come last.
    levels = [np.arange(2**level, 2 ** (level + 1), dtype=np.int32) for level in range(count.bit_length())]
    row = np.concatenate([[0], *(level * count + np.arange(2**level) for level in range(len(levels)))]).astype(np.int32)
    boxes = tree.boxes.reshape(-1, 4)[row] / jnp.where(tree.extent > 0.0, tree.extent, 1.0)
    near = jnp.zeros((2 * count, -(-NEAR // size)), jnp.int32).at[1, 0].set(1)
    for nodes in levels[1:]:
        near = _nearest_nodes(boxes, near, nodes)
    home = jnp.zeros(n, jnp.int32).at[tree.leaves].set(np.arange(count, dtype=np.int32)[:, None], **DROP)
    leaf = near[count:, :, None] - np.int32(count)
    of_leaf = jnp.where(leaf < 0, n, gather(tree.leaves, leaf[..., 0])).reshape(count, -1)
    return Near(home, of_leaf)


def _nearest_nodes(boxes, near, nodes):
    """Fill in the rows of (V,) `nodes` in (M, K) `near`, where those of their parents are known; 0 is no node."""
    # Nodes are columns, as vertices are in `turning.View`.
    halves = (2 * near[nodes >> 1].T[:, None, :] + jnp.arange(2, dtype=jnp.int32)[:, None]).reshape(-1, len(nodes))
    own, theirs = gather(boxes, nodes), gather(boxes, halves)
    gap = jnp.maximum(-jnp.minimum(own[:, :2] + theirs[..., 2:], own[:, 2:] + theirs[..., :2]), 0.0)
    between = 0.5 * ((own[:, :2] - own[:, 2:]) - (theirs[..., :2] - theirs[..., 2:]))
    # Boxes that touch are ordered by their centres.
    squared = gap**2 + 1.0e-3 * between**2
    empty = (halves < 2) | (theirs[..., 0] == -np.inf)
    rows, found = _nearest_rows(jnp.where(empty, np.inf, squared[..., 0] + squared[..., 1]), near.shape[1])
    return near.at[nodes].set(jnp.where(found, jnp.take_along_axis(halves, rows, axis=0), np.int32(0)).T, **DROP)


def _nearest_rows(distance, number):
    """(number, V) int32: the rows of the smallest of (C, V) distances in each column, nearest first; which are finite."""
    # The order of positive floats is that of their bits, the last of which can hold the row: one minimum gives both.
    rows = 2 ** (distance.shape[0] - 1).bit_length()
    keys = lax.bitcast_convert_type(distance.astype(jnp.float32), jnp.int32) & -rows
    keys = lax.sort(keys | jnp.arange(distance.shape[0], dtype=jnp.int32)[:, None], dimension=0)[:number]
    return keys & (rows - 1), keys < INFINITE


INFINITE = int(np.float32(np.inf).view(np.int32))
"""The bits of infinity."""
