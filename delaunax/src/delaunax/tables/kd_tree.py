"""A k-d tree of the vertices: which vertices are near each other, which coincide, and which are near a query point.

The tree (Bentley 1975, Commun. ACM 18, 509) is stored in arrays of fixed shape. Every level halves all its nodes at once: it
takes their vertices from one order along x and one order along y. All levels are steps of one loop, compiled once.

The tree only proposes: stars are certified, and a walk through the triangles is right from wherever it starts.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.arithmetic.scaling import in_dtype, largest_exponent, scaled
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather

LEAF_SIZE = 5
"""The largest number of vertices in a leaf."""

NEIGHBOUR_CANDIDATES = 100
"""Roughly how many vertices `near_vertices` gives for each leaf, its own included.

With so many, nearly all stars inside the hull are right at once, and few are recomputed (`stars`).
"""


class KDTree(NamedTuple):
    """N vertices sorted into 2^L leaves of S vertices, with L levels of nodes above them; L is static.

    The tree also holds the coordinates with which everything computes: scaled by the power of two that brings the largest to
    order one (`scaling`).

    Attributes
    ----------
    points
        (N, 2) float, the vertices, finite and of order one.
    unscaled
        (N, 2) float, the vertices as given, from which exact signs are computed.
    exponent
        () int32, with which `scaling.scaled` scales the vertices.
    leaves
        (2^L, S) int32, the vertices of each leaf; N or more where a leaf is not full.
    nodes
        (L + 1, 2^L, 5) float: the largest x, y, -x and -y in each node, and the coordinate along its longer side at which its
        second half begins. A level has 2^level nodes, its other columns are unused. An empty node has the lowest float
        four times, and an empty second half begins at the largest float; infinities would be found by `jax.debug_infs`.
    distinct
        (N,) bool, true for the vertex with the lowest index of every set of coincident ones, false for its duplicates.
    rank
        (N,) int32, the place of each vertex in the order of x and then y.
    """

    points: jax.Array
    unscaled: jax.Array
    exponent: jax.Array
    leaves: jax.Array
    nodes: jax.Array
    distinct: jax.Array
    rank: jax.Array

    @property
    def boxes(self) -> Array:
        """(L + 1, 2^L, 4) float, the largest x, y, -x and -y in each node."""
        return self.nodes[..., :4]

    @property
    def sides(self) -> Array:
        """(2,) float: the sides of the bounding box of the vertices."""
        return _sides(self.boxes[0, 0])

    @property
    def extent(self) -> Array:
        """() float: the longer side of the bounding box of the vertices."""
        return self.sides.max()

    @property
    def ends(self) -> Array:
        """(2,) int32: the first and the last vertex in the order of x and then y; no duplicates."""
        last = lax.argmax(jnp.where(self.distinct, self.rank, NONE), 0, np.int32)
        return jnp.stack([lax.argmin(self.rank, 0, np.int32), last])


def _sides(nodes):
    """(..., 2) float: the sides of (..., 4 or 5) nodes along x and y."""
    return nodes[..., :2] + nodes[..., 2:4]


def _axis_of(nodes):
    """(...,) int32: along which axis nodes are split."""
    sides = _sides(nodes)
    return (sides[..., 0] < sides[..., 1]).astype(jnp.int32)


def build_kd_tree(points: Array) -> KDTree:
    """Sort (N, 2) vertices into leaves; works under `jit` and `vmap`. The tree is meaningless if a vertex is not finite."""
    return _kd_tree(lax.stop_gradient(points))


def widened(tree: KDTree, dtype: Any) -> KDTree:
    """The tree of the same vertices in a float dtype that is wider than its own, or in its own."""
    if tree.points.dtype == dtype:
        return tree
    # Scaled again: where the narrow dtype underflows, the wide one does not.
    unscaled = in_dtype(jnp.asarray(tree.unscaled), dtype)
    exponent = largest_exponent(unscaled)
    # Of subnormal numbers, the exponent depends on the dtype.
    points, nodes = (
        scaled(unscaled, exponent),
        jnp.ldexp(jnp.asarray(tree.nodes).astype(dtype), tree.exponent - exponent),
    )
    return tree._replace(points=points, unscaled=unscaled, exponent=exponent, nodes=nodes)


@by_platform
def _kd_tree(points):
    n = points.shape[0]
    depth = max(0, (-(-n // LEAF_SIZE) - 1).bit_length())
    size = -(-n // 2**depth)
    slots = size * 2**depth
    finite, exponent, coordinates, keys = platform.fused(partial(_padded, slots))(points)
    by_x, by_y = platform.orders_of(keys)
    vertices, *rest = platform.fused(partial(_halved, n, depth))(coordinates, keys, by_x, by_y)
    return KDTree(finite, points, exponent, vertices.reshape(-1, size), *rest)


def _padded(slots, points):
    """The arrays that are sorted: (N, 2) vertices padded to M slots, the empty slots at infinity.

    Returns
    -------
    finite, exponent
        `KDTree.points` and `KDTree.exponent`.
    coordinates
        (M, 2) float, x and y.
    keys
        (2, M) int, the same in the order of floats.
    """
    exponent = largest_exponent(points)
    finite = scaled(points, exponent)
    empty = ((0, slots - len(points)), (0, 0))
    coordinates = jnp.pad(finite, empty, constant_values=np.inf)
    # Integers in the order of floats sort faster than floats, and distinguish subnormals. Both zeros become one integer.
    bits = lax.bitcast_convert_type(jnp.pad(points, empty, constant_values=np.inf).T, f"int{8 * points.dtype.itemsize}")
    bits = jnp.where(bits == np.iinfo(bits.dtype).min, 0, bits)
    return finite, exponent, coordinates, jnp.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def _halved(n, depth, coordinates, keys, by_x, by_y):
    """`KDTree.leaves`, `nodes`, `distinct` and `rank`, in this order."""
    slots, columns, largest = len(coordinates), 2**depth, jnp.finfo(coordinates.dtype).max
    slot, node = np.arange(slots, dtype=np.int32), np.arange(columns, dtype=np.int32)

    def halve(carry, level):
        orders, _ = carry
        width = np.int32(slots) >> level
        half, home = width >> 1, lax.div(slot, jnp.full_like(slot, width))
        # Every node of a level has the same number of slots along x and along y. Empty slots come last.
        first, last = node * width, jnp.minimum((node + 1) * width, np.int32(n)) - 1
        ends = [gather(coordinates[:, k], gather(orders[k], end)) for end in (last, first) for k in range(2)]
        box = jnp.stack([ends[0], ends[1], -ends[2], -ends[3]], axis=1)
        box = jnp.where((first <= last)[:, None], box, -largest)
        axis = _axis_of(box)
        # Every node is halved along its longer side.
        line = jnp.where(gather(axis, home) == 0, orders[0], orders[1])
        split = jnp.minimum(gather(coordinates, gather(line, first + half), axis), largest)

        second = platform.scatter("set", jnp.zeros(slots, bool), line, slot - home * width >= half)
        halves = gather(second, orders)
        # How many slots of the second half of its own node come before each slot. Earlier nodes have half of theirs there.
        before = platform.running_sums(halves) - home * half
        to = jnp.where(halves, home * width + half + before, slot - before)

        # Both orders in one array, one behind the other.
        places = (to + np.asarray([[0], [slots]], np.int32)).reshape(-1)
        orders = platform.scatter("set", jnp.zeros_like(places), places, orders.reshape(-1)).reshape(2, -1)
        return (orders, line), jnp.concatenate([box, split[:, None]], axis=1)

    levels, initial = np.arange(depth + 1, dtype=np.int32), (jnp.stack([by_x, by_y]), jnp.asarray(slot))
    (_, vertices), nodes = lax.scan(halve, initial, levels, unroll=platform.TREE_UNROLL)

    rank = platform.scatter("set", jnp.zeros(n, jnp.int32), by_x, slot)
    before = gather(by_x, rank - 1)
    again = (keys[0, :n] == gather(keys, 0, before)) & (keys[1, :n] == gather(keys, 1, before))
    return vertices, nodes, ~again | (rank == 0), rank


@platform.fused
def leaf_of(tree: KDTree, query_points: Array) -> Array:
    """(Q,) int32: the leaf of the cell that contains each of the (Q, 2) query points (scaled)."""
    x, y = query_points[:, 0], query_points[:, 1]

    def descend(node, level):
        along_y, split = level
        second = jnp.where(platform.gather_lanes(along_y, node) > 0, y, x) >= platform.gather_lanes(split, node)
        return 2 * node + second.astype(jnp.int32), None

    levels = _axis_of(tree.nodes[:-1]), tree.nodes[:-1, :, 4]
    return lax.scan(descend, jnp.zeros(len(query_points), jnp.int32), levels, unroll=platform.DESCENT_UNROLL)[0]


@platform.fused
def near_vertices(tree: KDTree) -> Array:
    """(2^L, K) int32: the vertices of the leaves nearest to each leaf; N in empty places.

    Found from the root downwards. The nodes nearest to a node are chosen among the halves of the nodes nearest to its parent,
    so the work is proportional to the number of leaves.
    """
    (count, size), n = tree.leaves.shape, np.int32(len(tree.distinct))
    boxes = tree.boxes / jnp.where(tree.extent > 0.0, tree.extent, 1.0)
    number, depth = -(-NEIGHBOUR_CANDIDATES // size), count.bit_length() - 1
    # As long as there are few nodes, all are near each other.
    begins = min(number.bit_length() - 1, depth)
    near = jnp.broadcast_to(np.arange(2**begins, dtype=np.int32), (2**begins, 2**begins))
    for level in range(begins + 1, depth + 1):
        near = _nearest_nodes(boxes[level, : 2**level], near, number)
    of_leaf = gather(tree.leaves, near)
    return jnp.where(near[..., None] < 0, n, of_leaf).reshape(count, -1)


def _nearest_nodes(boxes, near, number):
    """(2M, K) int32: the `number` nodes of a level that are nearest to each of its nodes; -1 is no node.

    `boxes` are the (2M, 4) boxes of the level; `near` are the (M, K) int32 nodes nearest to each node of the level above.
    """
    halves = (2 * near[:, :, None] + np.arange(2, dtype=np.int32)).reshape(len(near), -1)
    halves = jnp.repeat(jnp.where(halves < 0, NONE, halves), 2, axis=0)
    own, theirs = boxes[:, None], platform.gather_lanes(boxes, halves)
    gap = jnp.maximum(-jnp.minimum(own[..., :2] + theirs[..., 2:], own[..., 2:] + theirs[..., :2]), 0.0)
    between = 0.5 * ((own[..., :2] - own[..., 2:]) - (theirs[..., :2] - theirs[..., 2:]))
    # Boxes that touch are ordered by their centres.
    squared = gap**2 + 1.0e-3 * between**2
    empty = (halves < 0) | (theirs[..., 0] + theirs[..., 2] < 0.0)
    rows, found = _nearest_rows(jnp.where(empty, np.inf, squared[..., 0] + squared[..., 1]), number)
    return jnp.where(found, jnp.take_along_axis(halves, rows, axis=1), NONE)


def _nearest_rows(distance, number):
    """(V, K) int32: the places of the `number` smallest of (V, C) distances, nearest first; and which are finite."""
    # Positive floats sort as their bits do, and the last bits can hold the place: one sort gives both.
    places = 2 ** (distance.shape[1] - 1).bit_length()
    keys = lax.bitcast_convert_type(distance.astype(jnp.float32), jnp.int32) & -places
    keys = lax.sort(keys | np.arange(distance.shape[1], dtype=np.int32))[:, :number]
    return keys & (places - 1), keys < INFINITY_BITS


INFINITY_BITS = int(np.float32(np.inf).view(np.int32))
"""The bits of infinity."""
