"""Barycentric weights of query points on the vertices that `locate` chose for them."""

import numpy as np


def barycentric_weights_from(query_points, mesh_points, mappings, xp=np):
    """The barycentric weights of every query point, differentiable with respect to queries and vertices.

    Equal to autoarray's `pixel_weights_delaunay_from`, but free of its absolute area threshold, so that a mesh may
    have any scale.

    Parameters
    ----------
    query_points
        (Q, 2) float, the query points (arcsec).
    mesh_points
        (N, 2) float, the mesh vertices (arcsec).
    mappings
        (Q, 3) int, the vertices from `locate.locate`: a triangle, or [vertex, -1, -1], or [-1, -1, -1].
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    (Q, 3) float
        Weights in [0, 1] with rows that sum to 1; [1, 0, 0] for a query outside the hull; NaN for a query without
        any vertex (one that is not finite).
    """
    a, b, c = (mesh_points[xp.where(mappings[:, k] < 0, 0, mappings[:, k])] for k in range(3))
    doubled = xp.stack(doubled_areas_from(query_points, a, b, c), axis=1)
    # Not `abs`: its derivative is zero at a query on an edge, where the weight still grows to one side.
    doubled = xp.where(doubled < 0.0, -doubled, doubled)
    total = doubled.sum(axis=1, keepdims=True)
    has_triangle = mappings[:, 1:2] >= 0
    inside = doubled / xp.where(has_triangle & (total > 0.0), total, 1.0)
    nearest = xp.asarray([1.0, 0.0, 0.0], dtype=inside.dtype)
    weights = xp.where(has_triangle, inside, nearest)
    return xp.where(mappings[:, :1] < 0, xp.nan, weights)


def doubled_areas_from(query_points, a, b, c):
    """The doubled signed areas of (query, b, c), (query, c, a) and (query, a, b), all of shape (Q, 2) -> three (Q,).

    Each is taken along an edge of the triangle, which keeps its accuracy in needles of any thinness.
    """
    return tuple(_cross(p - query_points, q - p) for p, q in ((b, c), (c, a), (a, b)))


def _cross(u, v):
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
