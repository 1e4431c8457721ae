"""Natural neighbour weights in NumPy, on SciPy's triangulation."""

import numpy as np

from knn_barycentric.row_pieces import Tables

KINDS = ("sibson", "laplace")
"""The kinds of weights, those of `delaunax`; listed here too, because importing `delaunax` imports JAX."""


def weights_without_jax(points, data, split_points, kind):
    """The `Tables` of vertices, data points and split points; every point has one row, as wide as its neighbours need."""
    from scipy.spatial import Delaunay

    tri, split = Delaunay(points), (None, None, None)
    if split_points is not None:
        mappings, weights = natural_neighbor_weights(tri, split_points, kind)
        mappings, weights = np.pad(mappings, ((0, 0), (0, 1)), constant_values=-1), np.pad(weights, ((0, 0), (0, 1)))
        split = mappings, (mappings >= 0).sum(axis=1), weights
    return Tables(*natural_neighbor_weights(tri, data, kind), None, *split)


def natural_neighbor_weights(tri, queries, kind="sibson"):
    """Sibson's (1981) or Laplace's weights of (Q, 2) queries among the points of a `scipy.spatial.Delaunay`.

    The walk goes clockwise around a vertex v of the ring, through the triangles with the query inside their circumcircle. An
    edge from v to a that leaves them is on the ring; the walk goes on around a. The sides of the area that v loses lie on
    the bisectors of these edges. A side is half the sum of two cotangents times the edge, turned by a right angle.

    Returns
    -------
    mappings, weights
        (Q, K) int32 and float, K the largest number of neighbours; -1 and 0 in unused places. Outside the hull, the nearest
        vertex has weight one.
    """
    from scipy.spatial import cKDTree

    points, simplices, neighbors = tri.points, tri.simplices, tri.neighbors
    vertex, back = simplices.reshape(-1), neighbors[neighbors] == np.arange(len(simplices))[:, None, None]
    opposite = np.where(neighbors < 0, -1, 3 * neighbors + back.argmax(axis=2)).reshape(-1)
    triangle = tri.find_simplex(queries)
    rounding = 8.0 * np.finfo(float).eps * np.abs(points).max()
    is_at = (np.abs(points[simplices[triangle]] - queries[:, None]) <= rounding).all(axis=2) & (triangle >= 0)[:, None]
    walks = np.flatnonzero((triangle >= 0) & ~is_at.any(axis=1))
    row, query, corner, start = walks, queries[walks], 3 * triangle[walks], 3 * triangle[walks]
    first, before = np.full(len(row), -1), np.zeros(len(row))
    reach, area = np.zeros((len(row), 2)), np.zeros(len(row))
    found = [(np.empty(0, int), np.empty(0, int), np.empty(0))]
    while len(row):
        across, turn = opposite[corner], corner - corner % 3
        v, a = vertex[turn + (corner + 1) % 3], vertex[turn + (corner + 2) % 3]
        to_v, to_a, along = points[v] - query, points[a] - query, points[a] - points[v]
        to_tip = points[vertex[corner]] - query
        there = points[vertex[across]] - query
        # Rounding must not depend on the edge that leads here, or the walk could go around forever.
        is_inner = _in_circle(points[simplices[across // 3]] - query[:, None]) > 0.0
        is_inner = (across >= 0) & (is_inner | (across // 3 == start // 3))
        right = np.where(is_inner, _cotangent(to_a - there, to_v - there), -_cotangent(to_v, to_a))
        left = _cotangent(to_v - to_tip, to_a - to_tip)
        side = np.maximum(0.5 * (left + right), 0.0)[:, None] * along
        area = area + np.maximum(_cross(side, reach), 0.0)
        share = {"sibson": area, "laplace": np.maximum(before + _cotangent(to_a, along), 0.0)}[kind]
        ends = ~is_inner & (first >= 0)
        found.append((row[ends], v[ends], share[ends]))
        before = np.where(is_inner, before, _cotangent(along, -to_v))
        reach = np.where(is_inner[:, None], reach + side, -side)
        area = np.where(is_inner, area, 0.0)
        goes = is_inner | (first != corner)
        first = np.where(~is_inner & (first < 0), corner, first)
        corner = np.where(is_inner, across, corner)
        corner = corner - corner % 3 + (corner + 1) % 3
        goes &= (first >= 0) | (corner != start)  # Without a ring, the query is at a vertex.
        row, query, corner, start, first, before, reach, area = (
            each[goes] for each in (row, query, corner, start, first, before, reach, area)
        )
    owner, neighbor, share = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(owner, kind="stable")
    owner, neighbor, share = owner[order], neighbor[order], share[order]
    count = np.bincount(owner, minlength=len(queries))
    place = owner, np.arange(len(owner)) - (np.cumsum(count) - count)[owner]
    mappings = np.full((len(queries), count.max(initial=1)), -1, np.int32)
    weights = np.zeros(mappings.shape)
    mappings[place], weights[place] = neighbor, share
    is_alone = weights.sum(axis=1) == 0.0
    alone = np.where(is_at.any(axis=1), simplices[triangle, is_at.argmax(axis=1)], cKDTree(points).query(queries)[1])
    mappings[is_alone] = -1
    mappings[is_alone, 0], weights[is_alone, 0] = alone[is_alone], 1.0
    return mappings, weights / weights.sum(axis=1, keepdims=True)


def _cross(u, v):
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def _cotangent(u, v):
    """The cotangent of the angle from u to v: finite where rounding makes the angle straight or none."""
    product = (u * v).sum(axis=1)
    return product / np.maximum(_cross(u, v), np.finfo(float).eps * np.abs(product) + np.finfo(float).tiny)


def _in_circle(corners):
    """Positive if the origin is inside the circle through (Q, 3, 2) counter-clockwise corners."""
    return sum((corners[:, k] ** 2).sum(axis=1) * _cross(corners[:, k - 2], corners[:, k - 1]) for k in range(3))
