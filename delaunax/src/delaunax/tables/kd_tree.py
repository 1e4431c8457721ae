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

from delaunax.arithmetic.scaling import largest_exponent, scaled
from delaunax.platform import backend
from delaunax.platform.dispatch import by_platform
from delaunax.platform.indexing import NONE, gather

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


@by_platform
def _kd_tree(points):
    n = points.shape[0]
    depth = max(0, (-(-n // LEAF) - 1).bit_length())
    size = -(-n // 2**depth)
    slots = size * 2**depth
    finite, exponent, coordinates, keys = backend.fused(partial(_padded, slots))(points)
    by_x, by_y = _orders(keys)
    vertices, *rest = backend.fused(partial(_halved, n, depth))(coordinates, keys, by_x, by_y)
    return KDTree(finite, exponent, vertices.reshape(-1, size), *rest)


def _orders(keys):
    """The places of (2, M) keys in the order of x and then y, and in that of y; of equal ones the first comes first."""
    slots = np.arange(keys.shape[1], dtype=np.int32)
    if backend.one_by_one():
        # By y, and then, in a stable sort, by x: a CPU sorts by one key several times faster than by two.
        _, by_y = lax.sort((keys[1], slots), num_keys=1)
        _, by_x = lax.sort((gather(keys[0], by_y), by_y), num_keys=1)
        return by_x, by_y
    # Both in one launch, which is compiled once.
    return lax.sort((keys, keys[::-1], np.stack([slots, slots])), num_keys=2)[2]


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

        second = backend.scatter("set", jnp.zeros(slots, bool), line, slot - home * width >= half)
        halves = gather(second, orders)
        # How many of its own node's second half come before each; all nodes before it have half of their vertices there.
        before = backend.running_sums(halves) - home * half
        to = jnp.where(halves, home * width + half + before, slot - before)

        # Both orders in one line, the second behind the first.
        places = (to + np.asarray([[0], [slots]], np.int32)).reshape(-1)
        orders = backend.scatter("set", jnp.zeros_like(places), places, orders.reshape(-1)).reshape(2, -1)
        return (orders, line), jnp.concatenate([box, split[:, None]], axis=1)

    levels, begun = np.arange(depth + 1, dtype=np.int32), (jnp.stack([by_x, by_y]), jnp.asarray(slot))
    # What a GPU's loop carries is copied at every turn of it.
    (_, vertices), nodes = lax.scan(halve, begun, levels, unroll=1 if backend.one_by_one() else 3)

    rank = backend.scatter("set", jnp.zeros(n, jnp.int32), by_x, slot)
    before = gather(by_x, rank - 1)
    again = (keys[0, :n] == gather(keys, 0, before)) & (keys[1, :n] == gather(keys, 1, before))
    return vertices, nodes, ~again | (rank == 0), rank


@backend.fused
def leaf_of(tree: KDTree, query_points: Array) -> Array:
    """(Q,) int32: the leaf in whose cell each query point lies."""
    x, y = query_points[:, 0], query_points[:, 1]

    def descend(node, level):
        along_y, split = level
        second = jnp.where(backend.pick(along_y, node) > 0, y, x) >= backend.pick(split, node)
        return 2 * node + second.astype(jnp.int32), None

    # As a loop on a CPU: written out, one level after the other makes XLA simplify the whole program once more.
    levels = _axis_of(tree.nodes[:-1]), tree.nodes[:-1, :, 4]
    return lax.scan(descend, jnp.zeros(len(query_points), jnp.int32), levels, unroll=not backend.one_by_one())[0]


@backend.fused
def near_vertices(tree: KDTree) -> Array:
    """(2^L, K) int32: the vertices that are near those of each leaf, which are those of the nearest leaves; N in empty places.

    Found from the root downwards: the nodes nearest to a node are sought among the halves of those nearest to its parent, so
    that the work is proportional to the number of leaves.
    """
    (count, size), n = tree.leaves.shape, np.int32(len(tree.first))
    boxes = tree.boxes / jnp.where(tree.extent > 0.0, tree.extent, 1.0)
    number, depth = -(-NEAR // size), count.bit_length() - 1
    # All are near each other as long as they are few.
    begins = min(number.bit_length() - 1, depth)
    near = jnp.broadcast_to(np.arange(2**begins, dtype=np.int32), (2**begins, 2**begins))
    for level in range(begins + 1, depth + 1):
        near = _nearest_nodes(boxes[level, : 2**level], near, number)
    of_leaf = gather(tree.leaves, near)
    return jnp.where(near[..., None] < 0, n, of_leaf).reshape(count, -1)


def _nearest_nodes(boxes, near, number):
    """(2M, K) int32: which `number` nodes of a level are nearest to each, from those of the level above; -1 is no node.

    Of the (2M, 4) boxes of the level, and the (M, K) int32 nodes that are nearest to each node above.
    """
    halves = (2 * near[:, :, None] + np.arange(2, dtype=np.int32)).reshape(len(near), -1)
    halves = jnp.repeat(jnp.where(halves < 0, NONE, halves), 2, axis=0)
    own, theirs = boxes[:, None], backend.pick(boxes, halves)
    gap = jnp.maximum(-jnp.minimum(own[..., :2] + theirs[..., 2:], own[..., 2:] + theirs[..., :2]), 0.0)
    between = 0.5 * ((own[..., :2] - own[..., 2:]) - (theirs[..., :2] - theirs[..., 2:]))
    # Boxes that touch are ordered by their centres.
    squared = gap**2 + 1.0e-3 * between**2
    empty = (halves < 0) | (theirs[..., 0] == -np.inf)
    rows, found = _nearest_rows(jnp.where(empty, np.inf, squared[..., 0] + squared[..., 1]), number)
    return jnp.where(found, jnp.take_along_axis(halves, rows, axis=1), NONE)


def _nearest_rows(distance, number):
    """(V, K) int32: the places of up to `number` smallest of (V, C) distances, nearest first; and which are finite."""
    # The order of positive floats is that of their bits, the last of which can hold the place: one minimum gives both.
    places = 2 ** (distance.shape[1] - 1).bit_length()
    keys = lax.bitcast_convert_type(distance.astype(jnp.float32), jnp.int32) & -places
    keys = lax.sort(keys | np.arange(distance.shape[1], dtype=np.int32))[:, :number]
    return keys & (places - 1), keys < INFINITE


INFINITE = int(np.float32(np.inf).view(np.int32))
"""The bits of infinity."""
